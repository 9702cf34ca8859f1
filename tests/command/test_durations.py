"""How long a run still takes, from hand-made histories of earlier ones."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eks_efs.durations import usual
from eks_efs.progress import Event, Progress
from tests.command.test_progress import looped

START = datetime(2026, 1, 1, tzinfo=UTC)
MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:provision"


def branch(name: str) -> Mapping[str, Any]:
    return {"StartAt": name, "States": {name: {"Type": "Task", "End": True}}}


DEFINITION = {
    "StartAt": "claim",
    "States": {
        **looped("claim", "build"),
        "build": {"Type": "Parallel", "Branches": [branch("cluster"), branch("storage")], "Next": "record"},
        "record": {"Type": "Task", "End": True},
    },
}


def history(*events: tuple[float, str, str]) -> list[Event]:
    """Seconds since the start, enters or exits, and the state; the execution begins and ends with them."""
    kinds = {"build": "Parallel"}
    told: list[Event] = [{"id": 1, "type": "ExecutionStarted", "timestamp": START}]
    for number, (seconds, what, state) in enumerate(events, 2):
        details = "stateEnteredEventDetails" if what == "Entered" else "stateExitedEventDetails"
        kind = f"{kinds.get(state, 'Task')}State{what}"
        moment = START + timedelta(seconds=seconds)
        told.append({"id": number, "type": kind, "timestamp": moment, details: {"name": state, "output": "{}"}})
    return told


def run(claim: float, cluster: float, storage: float, record: float) -> list[Event]:
    built = claim + max(cluster, storage)
    return history(
        (0, "Entered", "claim"),
        (claim, "Exited", "claim"),
        (claim, "Entered", "build"),
        (claim, "Entered", "cluster"),
        (claim, "Entered", "storage"),
        (claim + min(cluster, storage), "Exited", "storage" if storage < cluster else "cluster"),
        (built, "Exited", "cluster" if storage < cluster else "storage"),
        (built, "Exited", "build"),
        (built, "Entered", "record"),
        (built + record, "Exited", "record"),
    )


class Account:
    """Executions that ended well, the latest first: what each was asked for, and its history."""

    def __init__(self, *executions: tuple[Any, Sequence[Event]]) -> None:
        self.executions = {f"{MACHINE}:{number}": each for number, each in enumerate(executions)}

    def list_executions(self, **asked: Any) -> dict[str, Any]:
        assert (asked["stateMachineArn"], asked["statusFilter"]) == (MACHINE, "SUCCEEDED")
        return {"executions": [{"executionArn": arn} for arn in self.executions]}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        return {"input": json.dumps(self.executions[executionArn][0])}

    def get_paginator(self, _operation: str) -> "Account":
        return self

    def paginate(self, executionArn: str, **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        events = self.executions[executionArn][1]
        yield from ({"events": events[at : at + 4]} for at in range(0, len(events), 4))


def seconds_to_go(account: Account, done: Sequence[Event], after_seconds: float) -> float:
    progress = Progress(DEFINITION)
    progress.feed(done)
    earlier = usual(account, MACHINE, DEFINITION, {})
    return earlier.seconds_to_go(progress.steps, START + timedelta(seconds=after_seconds))


def test_before_anything_has_begun_it_is_what_the_steps_took_and_branches_count_once() -> None:
    assert seconds_to_go(Account(({}, run(10, 600, 100, 5))), [], 0) == pytest.approx(615)


def test_a_median_is_not_moved_by_one_slow_run() -> None:
    account = Account(*(({}, run(10, seconds, 100, 5)) for seconds in (600, 620, 9000)))
    assert seconds_to_go(account, [], 0) == pytest.approx(635)


def test_what_runs_counts_with_what_is_left_of_it_and_branches_side_by_side() -> None:
    running = run(10, 600, 100, 5)[:6]
    assert seconds_to_go(Account(({}, run(10, 600, 100, 5))), running, 60) == pytest.approx(550 + 5)


def test_a_branch_that_has_ended_takes_no_more_time() -> None:
    ended = run(10, 600, 100, 5)[:7]
    assert seconds_to_go(Account(({}, run(10, 600, 100, 5))), ended, 110) == pytest.approx(500 + 5)


def test_a_step_that_takes_longer_than_ever_is_about_to_end() -> None:
    running = run(10, 600, 100, 5)[:6]
    assert seconds_to_go(Account(({}, run(10, 600, 100, 5))), running, 5000) == pytest.approx(5)


def test_only_executions_that_were_asked_for_the_like_count_and_an_event_is_like_an_empty_request() -> None:
    planned: tuple[Any, list[Event]] = ({"mode": "plan"}, run(1, 1, 1, 1))
    by_event: tuple[Any, list[Event]] = ({"detail": {"serviceEventDetails": {}}}, run(10, 600, 100, 5))
    found = usual(Account(planned, by_event), MACHINE, DEFINITION, {})
    assert found.executions == 1
    assert found.seconds["record"] == pytest.approx(5)


def test_who_says_what_is_so_anyway_asks_for_the_like() -> None:
    said = {"mode": "apply", "depth": "configuration", "remediate": False}
    assert usual(Account((said, run(10, 600, 100, 5))), MACHINE, DEFINITION, {}).executions == 1


def test_of_many_executions_the_five_latest_count() -> None:
    account = Account(*(({}, run(10, seconds, 100, 5)) for seconds in (1, 2, 3, 4, 5, 6, 7)))
    assert usual(account, MACHINE, DEFINITION, {}).executions == 5


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert usual(Account(), MACHINE, DEFINITION, {}).executions == 0
