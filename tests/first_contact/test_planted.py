"""Each difference between an account and what we think of it is refuted by exactly its check.

Asking everything takes seconds, so differences are planted several at a time: what they refute together is what each is
to refute, and nothing else.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from first_contact.verdicts import Verdict
from local.cloud import EmbeddedCloud
from tests.first_contact.conftest import Pass
from tests.first_contact.planted import PLANTED, Site

PASSES = 4
DIFFERENCES = list(PLANTED)
Changed = dict[str, Verdict]
Group = tuple[str, ...]
GROUPS: list[Group] = [tuple(DIFFERENCES[start::PASSES]) for start in range(PASSES)]


@pytest.fixture(scope="module")
def changed_by(
    cloud: EmbeddedCloud, outputs: dict[str, str], untouched: dict[str, Verdict], one_pass: Pass
) -> Callable[[Group], Changed]:
    """What is answered otherwise while these are planted."""

    @functools.cache
    def changed(group: Group) -> Changed:
        with planted(Site(cloud, outputs, pytest.MonkeyPatch(), []), group):
            found = one_pass()
        assert found.keys() == untouched.keys()
        return {name: verdict for name, verdict in found.items() if verdict.status != untouched[name].status}

    return changed


@contextmanager
def planted(site: Site, differences: Group) -> Iterator[None]:
    try:
        for difference in differences:
            PLANTED[difference][0](site)
        yield
    finally:
        for undo in reversed(site.undo):
            undo()
        site.patch.undo()


def test_there_are_twenty_and_no_two_refute_the_same() -> None:
    refuted = [name for _, names in PLANTED.values() for name in names]
    assert len(PLANTED) >= 20
    assert len(refuted) == len(set(refuted))


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_it_is_refuted_by_its_check(difference: str, changed_by: Callable[[Group], Changed]) -> None:
    (group,) = [group for group in GROUPS if difference in group]
    changed = changed_by(group)
    expected = PLANTED[difference][1]
    assert {name: changed[name].status for name in expected if name in changed} == dict.fromkeys(expected, "refuted")
    assert all(changed[name].said for name in expected)


@pytest.mark.parametrize("group", GROUPS, ids=", ".join)
def test_and_by_no_other(group: Group, changed_by: Callable[[Group], Changed]) -> None:
    assert changed_by(group).keys() == {name for difference in group for name in PLANTED[difference][1]}


def test_what_was_planted_is_taken_away_again(untouched: Changed, one_pass: Pass) -> None:
    before, after = untouched, one_pass()
    assert {name: verdict.status for name, verdict in after.items()} == {
        name: verdict.status for name, verdict in before.items()
    }
