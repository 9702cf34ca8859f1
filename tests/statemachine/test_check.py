"""The check finds each kind of mistake, and finds none in the machines as they are."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.statemachine import check

PROVISION = check.ROOT / "statemachine" / "provision.asl.yaml"
FLEET = check.ROOT / "statemachine" / "fleet.asl.yaml"
Definition = dict[str, Any]


def branch(definition: Definition, index: int = 0) -> dict[str, Any]:
    states: dict[str, Any] = definition["States"]["Build cluster and storage"]["Branches"][index]["States"]
    return states


def dangling_next(d: Definition) -> None:
    d["States"]["Claim cluster"]["Next"] = "Nowhere"


def dangling_next_in_a_branch(d: Definition) -> None:
    branch(d)["Ensure cluster"]["Next"] = "Apply storage"


def unreached_state(d: Definition) -> None:
    d["States"]["Orphan"] = {"Type": "Succeed", "Comment": "x"}


def no_time_limit(d: Definition) -> None:
    del branch(d)["Ensure cluster"]["TimeoutSeconds"]


def no_catch(d: Definition) -> None:
    del d["States"]["Apply storage"]["Catch"]


def unknown_error_name(d: Definition) -> None:
    d["States"]["Apply storage"]["Retry"][0]["ErrorEquals"].append("TransientError")


def different_retry(d: Definition) -> None:
    branch(d)["Ensure cluster"]["Retry"][0]["MaxAttempts"] = 3


def impatient(d: Definition) -> None:
    throttled(d)["MaxAttempts"] = 60


def throttles_share_their_attempts(d: Definition) -> None:
    throttled(d)["ErrorEquals"].append("Lambda.ServiceException")


def throttled(d: Definition) -> dict[str, Any]:
    (rule,) = [each for each in d["States"]["Apply storage"]["Retry"] if check.THROTTLED in each["ErrorEquals"]]
    found: dict[str, Any] = rule
    return found


def misspelt_variable(d: Definition) -> None:
    d["States"]["Apply storage"]["Arguments"]["Payload"]["request"] = "{% $requst %}"


def shadowed_variable(d: Definition) -> None:
    branch(d)["Ensure cluster"]["Assign"]["network"] = "{% 1 %}"


def variable_of_another_branch(d: Definition) -> None:
    branch(d, 1)["Ensure file system"]["Arguments"]["Payload"]["cluster"] = "{% $cluster %}"


def unbounded_loop(d: Definition) -> None:
    del branch(d)["Is the cluster active?"]["Choices"][1]


def uncounted_wait(d: Definition) -> None:
    del branch(d)["Wait for the cluster"]["Output"]


def count_of_another_loop(d: Definition) -> None:
    del branch(d)["Is the cluster active?"]["Choices"][0]["Output"]


def count_of_another_loop_that_a_task_hands_on(d: Definition) -> None:
    choices = d["States"]["Is the cluster free?"]["Choices"]
    (free,) = [each for each in choices if each["Next"] == "Check account"]
    del free["Output"]


def catch_that_names_another_state(d: Definition) -> None:
    d["States"]["Apply storage"]["Catch"][0]["Output"] = "{% {'state': 'Verify storage'} %}"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (dangling_next, "leads to 'Nowhere'"),
        (dangling_next_in_a_branch, "leads to 'Apply storage', which does not exist here"),
        (unreached_state, "Orphan: never reached"),
        (no_time_limit, "Ensure cluster: a Task without TimeoutSeconds"),
        (no_catch, "Apply storage: does not catch States.ALL"),
        (unknown_error_name, "'TransientError' is neither"),
        (different_retry, "Ensure cluster: its retry policy differs"),
        (impatient, "Apply storage: gives up before a throttled Lambda has room again"),
        (throttles_share_their_attempts, "uses up the attempts of other errors"),
        (misspelt_variable, "$requst is never assigned"),
        (shadowed_variable, "$network is assigned here and in an outer scope"),
        (variable_of_another_branch, "$cluster is never assigned"),
        (unbounded_loop, "Wait for the cluster: its loop has no bound"),
        (uncounted_wait, "Wait for the cluster: does not count"),
        (count_of_another_loop, "Is the cluster active?: what was waited in its loop counts on in that of"),
        (count_of_another_loop_that_a_task_hands_on, "counts on in that of 'Ensure network'"),
        (catch_that_names_another_state, "Apply storage: its Catch names another state"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_mistake_is_found(spoil: Callable[[Definition], None], says: str) -> None:
    definition = copy.deepcopy(check.load(PROVISION))
    spoil(definition)
    assert any(says in finding for finding in check.findings(definition))


def test_a_variable_that_does_not_reach_the_children_of_a_distributed_map_is_found() -> None:
    definition = check.load(FLEET)
    child = definition["States"]["Check clusters"]["ItemProcessor"]["States"]["Check cluster"]
    child["Arguments"]["Input"] = "{% $listed %}"
    assert any("Check cluster: $listed is never assigned" in finding for finding in check.findings(definition))


def test_an_execution_that_is_started_again_because_it_failed_is_found() -> None:
    definition = check.load(FLEET)
    child = definition["States"]["Check clusters"]["ItemProcessor"]["States"]["Check cluster"]
    child["Retry"][0]["ErrorEquals"].append("States.TaskFailed")
    assert any("Check cluster: starts an execution again" in finding for finding in check.findings(definition))


def test_the_machines_have_no_mistakes() -> None:
    assert check.main() == 0
