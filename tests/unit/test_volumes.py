"""Several volumes in one request: what they must not share, and which form wins over which."""

from typing import Any

import pytest

from provisioner import volumes
from provisioner.defaults import merge
from provisioner.request import Request
from tests.unit.resources.samples import request_for

RED: dict[str, Any] = {"name": "red", "claim": "shared", "namespace": "red"}
BLUE: dict[str, Any] = {"name": "blue", "claim": "shared", "namespace": "blue"}


def at(path: str, **more: Any) -> dict[str, Any]:
    return {"access_point": {"uid": 1, "gid": 1, "path": path, **more}}


def problems(*listed: dict[str, Any], writers: int = 3, **storage: Any) -> list[str]:
    values = {"storage": {"volumes": list(listed), **storage}, "verification": {"writers": writers}}
    return [problem.line(None) for problem in volumes.problems(values)]


def of(*listed: dict[str, Any]) -> Request:
    return request_for(storage={"volumes": list(listed)})


def test_volumes_that_have_nothing_in_common_are_no_problem() -> None:
    assert problems(RED, BLUE) == []
    assert problems({**RED, **at("/a")}, {**BLUE, **at("/a")}) == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({**BLUE, "name": "red"}, "storage.volumes[1].name is 'red'; allowed: a name that no other volume has"),
        ({**RED, "name": "blue"}, "storage.volumes[1].claim is 'shared'; allowed: a claim that no other volume has"),
        (
            {**BLUE, **at("/a/", uid=2)},
            "storage.volumes[1].access_point.uid is 2; allowed: 1, as storage.volumes[0] has it for the same path",
        ),
        (
            {**BLUE, **at("/a", permissions="0700")},
            "storage.volumes[1].access_point.permissions is '0700'; allowed: '0755', as storage.volumes[0]",
        ),
    ],
)
def test_a_name_or_a_directory_that_two_would_have_is_refused(other: dict[str, Any], said: str) -> None:
    (line,) = problems({**RED, **at("/a")}, other)
    assert line.startswith(said)


@pytest.mark.parametrize("field", ["namespace", "persistent_volume", "claim", "capacity", "access_point"])
def test_what_speaks_of_one_volume_is_refused_beside_a_list(field: str) -> None:
    value = at("/a")["access_point"] if field == "access_point" else "another"
    beside: dict[str, Any] = {field: value}
    (line,) = problems(RED, **beside)
    assert line.startswith(f"storage.{field} is ")
    assert "nothing beside storage.volumes" in line


def test_a_request_as_it_is_recorded_can_be_asked_for_again() -> None:
    assert list(volumes.problems(of(RED, BLUE).model_dump(mode="json"))) == []


def test_more_writers_than_evidence_can_tell_of_are_refused() -> None:
    ten = [{**RED, "name": f"v{number}", "namespace": f"n{number}"} for number in range(10)]
    assert problems(*ten, writers=10) == []
    (line,) = problems(*ten, writers=11)
    assert line == "verification.writers is 11; allowed: 10 with 10 volumes: 100 writers in all"


def test_whoever_asks_in_the_other_form_wins_whole() -> None:
    one, several = {"storage": {"claim": "data", "reclaim_policy": "Delete"}}, {"storage": {"volumes": [RED]}}
    assert merge(one, several)["storage"] == {"volumes": [RED], "reclaim_policy": "Delete"}
    assert merge(several, one)["storage"] == one["storage"]
    assert merge(several, {"storage": {"storage_class": "x"}})["storage"] == {"volumes": [RED], "storage_class": "x"}


def test_each_volume_is_a_request_of_its_own_that_shares_the_rest() -> None:
    request = of({**RED, "capacity": "1Gi", **at("/a")}, BLUE)
    red, blue = request.of_each_volume
    assert (red.storage.persistent_volume, red.storage.claim, red.storage.capacity) == ("red", "shared", "1Gi")
    assert blue.storage.access_point is None
    assert red.cluster == request.cluster
    assert request_for().of_each_volume == (request_for(),)


@pytest.mark.parametrize(
    ("one", "other", "sees"),
    [
        (at("/a"), at("/b"), False),
        (at("/a"), at("/ab"), False),
        (at("/a"), at("/a/b"), True),
        (at("/a/b"), at("/a"), False),
        (at("/a"), at("/a"), True),
        ({}, at("/a"), True),
        (at("/a"), {}, False),
        (at("/"), {}, True),
    ],
)
def test_a_mount_shows_what_is_its_directory_or_lies_in_it(
    one: dict[str, Any], other: dict[str, Any], sees: bool
) -> None:
    red, blue = of({**RED, **one}, {**BLUE, **other}).of_each_volume
    assert volumes.shows(volumes.root_of(red), volumes.root_of(blue)) is sees
