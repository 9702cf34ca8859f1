"""One real provisioning, and what of it would refute what we rely on."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from first_contact.__main__ import ask
from first_contact.checks import run
from first_contact.contact import Contact, Ended
from first_contact.execution import history
from first_contact.verdicts import Verdict
from local.cloud import EmbeddedCloud

REQUEST = {"cluster": {"name": "eks-contact"}, "verification": {"writers": 2, "lines_per_writer": 2}}


@pytest.fixture(scope="module")
def ran(cloud: EmbeddedCloud, contact_anew: Callable[[], Contact]) -> Iterator[tuple[Contact, dict[str, Verdict]]]:
    contact = contact_anew()
    contact.request, contact.look_again_seconds = REQUEST, 0.2
    yield contact, {verdict.name: verdict for verdict in ask(contact, run.CHECKS)}
    cloud.drop_clusters()


def test_a_run_ticks_everything_that_only_a_run_shows(ran: tuple[Contact, dict[str, Verdict]]) -> None:
    _, found = ran
    assert {name: verdict.said for name, verdict in found.items() if verdict.status != "ticked"} == {}
    assert found.keys() == {check.name for check in run.CHECKS}


def of_a_writer(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda output: change(output["evidence"]["writers"][-1])


TAMPERED: dict[str, tuple[Callable[[dict[str, Any]], Any], set[str]]] = {
    "another file system": (of_a_writer(lambda pod: pod["mount"].update(type="ext4")), {"run-mount"}),
    "a mount without TLS": (of_a_writer(lambda pod: pod["mount"].update(source="fs-1.efs:/")), {"run-mount"}),
    "a node without a zone": (of_a_writer(lambda pod: pod.update(zone=None)), {"run-nodes"}),
    "a node that is an instance": (of_a_writer(lambda pod: pod.update(node="ip-10-0-0-1.internal")), {"run-nodes"}),
    "a lost update": (lambda output: output["evidence"]["counter"].update(found=1), {"run-counter"}),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_evidence_of_another_kind_is_refuted_by_exactly_its_check(
    what: str, ran: tuple[Contact, dict[str, Verdict]], contact_anew: Callable[[], Contact]
) -> None:
    change, expected = TAMPERED[what]
    provisioned = ran[0].provisioned
    assert provisioned is not None
    output = copy.deepcopy(provisioned.output)
    change(output)
    contact = contact_anew()
    contact.request, contact.provisioned = REQUEST, Ended(provisioned.arn, "SUCCEEDED", output, "")
    checks = [check for check in run.CHECKS if check.name not in ("reverify", "fleet")]
    assert {verdict.name for verdict in ask(contact, checks) if verdict.status != "ticked"} == expected


def test_a_run_that_fails_is_refuted_with_its_cause_and_nothing_else_is_asked(
    contact_anew: Callable[[], Contact], ran: tuple[Contact, dict[str, Verdict]]
) -> None:
    contact = contact_anew()
    contact.request, contact.look_again_seconds = {"cluster": {"name": "not a name"}}, 0.2
    found = {verdict.name: verdict for verdict in ask(contact, run.CHECKS)}
    assert found.pop("run").status == "refuted"
    assert {verdict.status for verdict in found.values()} == {"cannot be asked"}


def test_branches_that_do_not_follow_their_parallel_are_refuted(
    ran: tuple[Contact, dict[str, Verdict]], monkeypatch: pytest.MonkeyPatch
) -> None:
    contact, _ = ran
    assert contact.provisioned is not None
    events = copy.deepcopy(history(contact, contact.provisioned))
    started = next(event for event in events if event["type"] == "ParallelStateStarted")
    for event in events:
        if event.get("previousEventId") == started["id"]:
            event["previousEventId"] -= 1
    monkeypatch.setattr(run, "history", lambda *_: json.loads(json.dumps(events, default=str)))
    (verdict,) = ask(contact, [check for check in run.CHECKS if check.name == "run-timeline"])
    assert (verdict.status, "branches" in verdict.said) == ("refuted", True)
