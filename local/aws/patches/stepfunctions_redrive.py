"""RedriveExecution of an execution whose last state is a Fail state: it is entered again, and fails again.

moto lacks: RedriveExecution, and redriveStatus in DescribeExecution. An execution that ended anywhere else would go on
where it stopped; the interpreter cannot, and says so. Source: Step Functions API, RedriveExecution and
DescribeExecution (reasons); developer guide, "Redrive behavior of individual states".
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, misc, index"

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.stepfunctions.responses import StepFunctionResponse

if TYPE_CHECKING:
    from local.aws.server import AwsServer

PERIOD = timedelta(days=14)
KEPT = ("stateEnteredEventDetails", "executionFailedEventDetails")


class ExecutionNotRedrivable(ServiceException):
    code = "ExecutionNotRedrivable"


def install(server: AwsServer) -> None:
    describe = StepFunctionResponse.describe_execution

    def redrive_execution(self: Any) -> ActionResult:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        if reason := why_not(execution, datetime.now(UTC)):
            raise ExecutionNotRedrivable(reason)
        return ActionResult({"redriveDate": _fail_again(execution)})

    def describe_execution(self: Any) -> ActionResult:
        result: ActionResult = describe(self)
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        answer, reason = result.result, why_not(execution, datetime.now(UTC))
        answer["redriveCount"] = getattr(execution, "redrive_count", 0)
        answer["redriveStatus"] = "NOT_REDRIVABLE" if reason else "REDRIVABLE"
        if reason:
            answer["redriveStatusReason"] = reason
        if answer["redriveCount"]:
            answer["redriveDate"] = execution.redrive_date
        return result

    StepFunctionResponse.redrive_execution = redrive_execution
    StepFunctionResponse.describe_execution = describe_execution


def why_not(execution: Any, now: datetime) -> str | None:
    """The reason in the words of DescribeExecution's redriveStatusReason; None when it can be redriven."""
    if execution.status in ("RUNNING", "SUCCEEDED"):
        return f"Execution is {execution.status} and cannot be redriven"
    return "Execution redrivable period exceeded" if now - execution.stop_date > PERIOD else None


def _fail_again(execution: Any) -> datetime:
    """When it was redriven."""
    environment = execution.exec_worker.env
    manager, context = environment.event_manager, environment.event_history_context
    entered, failed = manager._history_event_list[-2:]
    if (entered["type"], failed["type"]) != ("FailStateEntered", "ExecutionFailed"):
        raise ExecutionNotRedrivable(
            f"The embedded cloud redrives only what ended in a Fail state; this ended with {entered['type']}, "
            f"{failed['type']}: start it again with the same input",
        )
    execution.redrive_count = getattr(execution, "redrive_count", 0) + 1
    execution.redrive_date = datetime.now(UTC)
    manager.execution_ended = False
    again: list[tuple[str, dict[str, Any]]] = [
        ("ExecutionRedriven", {"executionRedrivenEventDetails": {"redriveCount": execution.redrive_count}}),
        *((event["type"], {name: event[name] for name in KEPT if name in event}) for event in (entered, failed)),
    ]
    for event_type, details in again:
        manager.add_event(context=context, event_type=event_type, event_details=details)
    execution.stop_date = datetime.now(UTC)
    moment: datetime = execution.redrive_date
    return moment
