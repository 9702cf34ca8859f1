"""A second trigger comes once; a clock is wrong for as many invocations as it is to be, and for no other function."""

from dataclasses import replace
from typing import Any, cast

import pytest

from campaign.clocks import WrongClock
from campaign.faults import TIMES, Fault
from campaign.requests import Request
from campaign.triggers import Again
from local.wire import Answer, Exchange
from tests.campaign.test_faults import MACHINE, exchange

INVOCATION = Request("Provision", "lambda:Invoke EnsureCluster")


class Stage:
    """Notes what is started, ended and set."""

    def __init__(self) -> None:
        self.acts: list[str] = []

    def start_again(self, execution_arn: str, *, by_its_name: bool) -> str:
        self.acts.append(f"start {execution_arn}")
        return execution_arn if by_its_name else "other"

    def retire(self, function: str) -> None:
        self.acts.append(f"retire {function}")

    def set_clock(self, function: str, seconds_ahead: float) -> None:
        self.acts.append(f"{seconds_ahead:.0f} s")


def invocation(stage: Stage, function: str = "EnsureCluster") -> Exchange:
    def perform() -> Answer:
        stage.acts.append(f"invoke {function}")
        return Answer(200, {}, b"{}")

    path = f"/2015-03-31/functions/app-{function}Function-0A1B/invocations"
    made = exchange(name="lambda:Invoke", caller=MACHINE, path=path)
    return replace(made, perform=perform, call=replace(made.call, body='{"execution_arn": "arn"}'))


@pytest.mark.parametrize(("fault", "started"), [(Fault.TRIGGERED_AGAIN, ["other"]), (Fault.STARTED_AGAIN, [])])
def test_the_trigger_comes_a_second_time_and_no_third(fault: Fault, started: list[str]) -> None:
    stage = Stage()
    again = Again(INVOCATION, fault, cast(Any, stage))
    for _ in range(3):
        again(invocation(stage))
    assert (list(again.started), again.struck) == (started, 1)
    assert stage.acts == ["start arn", *["invoke EnsureCluster"] * 3]


@pytest.mark.parametrize(
    ("fault", "times", "seconds", "wrong"),
    [(Fault.CLOCK_AHEAD, "once", 3600, 1), (Fault.CLOCK_BEHIND, "five times", -3600, 2)],
)
def test_a_clock_is_wrong_for_as_many_environments(fault: Fault, times: str, seconds: int, wrong: int) -> None:
    stage = Stage()
    clock = WrongClock(INVOCATION, fault, TIMES[times], cast(Any, stage))
    clock(invocation(stage, "EnsureNetwork"))
    for _ in range(2):
        clock(invocation(stage))
    once = ["retire EnsureCluster", f"{seconds} s", "invoke EnsureCluster", "0 s", "retire EnsureCluster"]
    assert stage.acts == ["invoke EnsureNetwork", *once * wrong, *["invoke EnsureCluster"] * (2 - wrong)]
    assert clock.struck == wrong
