"""RedriveExecution: what can be redriven, and what a Fail state makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.aws.patches.stepfunctions_redrive import why_not
from tests.local.aws.patches.conftest import Sandbox

FAIL = {"Try": {"Type": "Pass", "Next": "Failed"}, "Failed": {"Type": "Fail", "Error": "Broken", "Cause": "as it is"}}
BROKEN = {"Only": {"Type": "Pass", "Output": "{% $not_there %}", "End": True}}
PASS = {"Only": {"Type": "Pass", "End": True}}


def types(aws: Sandbox, execution: str) -> list[str]:
    return [event["type"] for event in aws.states.get_execution_history(executionArn=execution)["events"]]


def test_a_fail_state_is_entered_again_and_fails_again(aws: Sandbox) -> None:
    execution = aws.start(aws.machine(FAIL))
    first = aws.finished(execution)
    assert (first["redriveCount"], first["redriveStatus"]) == (0, "REDRIVABLE")
    before = types(aws, execution)
    redriven = aws.states.redrive_execution(executionArn=execution)["redriveDate"]
    again = aws.finished(execution)
    assert (again["status"], again["error"], again["cause"]) == ("FAILED", "Broken", "as it is")
    assert (again["redriveCount"], again["redriveDate"]) == (1, redriven)
    assert types(aws, execution) == [*before, "ExecutionRedriven", "FailStateEntered", "ExecutionFailed"]
    assert aws.states.redrive_execution(executionArn=execution)["redriveDate"] >= redriven
    assert aws.finished(execution)["redriveCount"] == 2


def test_what_has_succeeded_is_not_redriven(aws: Sandbox) -> None:
    execution = aws.start(aws.machine(PASS))
    described = aws.finished(execution)
    reason = "Execution is SUCCEEDED and cannot be redriven"
    assert (described["redriveStatus"], described["redriveStatusReason"]) == ("NOT_REDRIVABLE", reason)
    with pytest.raises(aws.states.exceptions.ExecutionNotRedrivable, match=reason):
        aws.states.redrive_execution(executionArn=execution)


def test_what_still_runs_is_not_redriven() -> None:
    running = SimpleNamespace(status="RUNNING", stop_date=None)
    assert why_not(running, datetime.now(UTC)) == "Execution is RUNNING and cannot be redriven"


def test_after_fourteen_days_nothing_is_redriven(aws: Sandbox) -> None:
    execution = aws.start(aws.machine(FAIL))
    aws.finished(execution)
    region, account = execution.split(":")[3:5]
    found: Any = stepfunctions_parser_backends[account][region].describe_execution(execution)
    now = datetime.now(UTC)
    assert why_not(found, now + timedelta(days=13)) is None
    assert why_not(found, now + timedelta(days=15)) == "Execution redrivable period exceeded"


def test_what_would_have_to_go_on_in_the_middle_is_refused_with_what_to_do_instead(aws: Sandbox) -> None:
    execution = aws.start(aws.machine(BROKEN))
    assert aws.finished(execution)["status"] == "FAILED"
    with pytest.raises(aws.states.exceptions.ExecutionNotRedrivable, match="start it again with the same input"):
        aws.states.redrive_execution(executionArn=execution)
