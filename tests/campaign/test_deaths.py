"""When a state dies: before its function has done anything, in the middle of it, or when all is done."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest

from campaign.deaths import Death
from campaign.faults import Fault
from campaign.requests import Request
from local.wire import Answer, Exchange
from tests.campaign.test_faults import LOOK, MACHINE, exchange

INVOCATION = Request("Provision", "lambda:Invoke EnsureCluster")
CHANGE = Request("EnsureCluster", "eks:CreateCluster")


class Stage:
    """Notes what is killed and stopped."""

    def __init__(self) -> None:
        self.acts: list[str] = []

    def kill(self, function: str) -> bool:
        self.acts.append(f"kill {function}")
        return True

    def stop(self, execution_arn: str) -> None:
        self.acts.append(f"stop {execution_arn}")


def invocation(stage: Stage, death: Death) -> Exchange:
    """Its function looks, creates, and answers."""

    def perform() -> Answer:
        stage.acts.append("invoked")
        death(exchange())
        death(exchange(name=CHANGE.name))
        return Answer(200, {"Content-Length": "2"}, b"{}")

    path = "/2015-03-31/functions/app-EnsureClusterFunction-0A1B/invocations"
    made = exchange(name="lambda:Invoke", caller=MACHINE, path=path)
    return replace(made, perform=perform, call=replace(made.call, body='{"execution_arn": "arn"}'))


@pytest.mark.parametrize(
    ("fault", "acts", "is_killed"),
    [
        (Fault.KILLED_BEFORE, [], True),
        (Fault.KILLED_AFTER, ["invoked"], True),
        (Fault.KILLED_IN_THE_MIDDLE, ["invoked", "kill EnsureCluster"], False),
        (Fault.STOPPED, ["stop arn", "invoked"], False),
    ],
)
def test_a_state_dies_once_at_its_moment(fault: Fault, acts: list[str], is_killed: bool) -> None:
    """Killed in the middle, the embedded Lambda itself tells of it."""
    stage = Stage()
    death = Death(INVOCATION, fault, cast(Any, stage), CHANGE)
    answer = death(invocation(stage, death))
    assert (stage.acts, death.struck) == (acts, 1)
    assert (answer.headers.get("x-amz-function-error") == "Unhandled") is is_killed
    assert ("Runtime.ExitError" in answer.body.decode()) is is_killed
    assert json.loads(death(invocation(stage, death)).body) == {}


def test_other_functions_and_other_requests_live() -> None:
    stage = Stage()
    death = Death(INVOCATION, Fault.KILLED_BEFORE, cast(Any, stage), LOOK)
    assert death(exchange()).status == 200
    assert (stage.acts, death.struck) == ([], 0)
