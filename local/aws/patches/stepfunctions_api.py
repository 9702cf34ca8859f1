"""The API of Step Functions around the interpreter.

moto lacks: a name for an execution started without one; one thread at a time in StartExecution; starting through an
alias; the limits of the input; paging, reverse order and data-less form of GetExecutionHistory; output that is JSON
also for strings; stop dates of timed-out executions; error and cause of StopExecution and SendTaskFailure;
StartSyncExecution.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import functools
import json
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.parser.asl.eval.event import event_manager
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from local.aws.models import service_model

if TYPE_CHECKING:
    from local.aws.server import AwsServer

MAXIMUM_INPUT_BYTES = 262_144
LARGEST_PAGE = 1000
DATA_FIELDS = ("input", "output", "parameters", "inputDetails", "outputDetails")


class InvalidExecutionInput(ServiceException):
    code = "InvalidExecutionInput"


class ValidationException(ServiceException):
    code = "ValidationException"


class InvalidToken(ServiceException):
    code = "InvalidToken"


def install(server: AwsServer) -> None:
    _start_execution()
    response = StepFunctionResponse
    describe = response.describe_execution

    def describe_execution(self: Any) -> ActionResult:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        # moto reads status, output and error one after the other; take them when they belong together.
        result: ActionResult = describe(self)
        answer = result.result
        answer["status"] = execution.status
        if execution.status != "RUNNING":
            answer["stopDate"] = execution.stop_date
        if execution.status == "SUCCEEDED":
            answer["output"] = to_json_str(execution.output, separators=(",", ":"))
        for field in ("error", "cause"):
            if getattr(execution, field) is not None:
                answer[field] = getattr(execution, field)
        return result

    def stop_execution(self: Any) -> ActionResult:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        execution.stop(stop_date=datetime.now(UTC), error=self._get_param("error"), cause=self._get_param("cause"))
        return ActionResult({"stopDate": execution.stop_date})

    def send_task_failure(self: Any) -> EmptyResult:
        self.stepfunction_backend.send_task_failure(
            self._get_param("taskToken"), error=self._get_param("error"), cause=self._get_param("cause")
        )
        return EmptyResult()

    def start_sync_execution(self: Any) -> ActionResult:
        execution = self.stepfunction_backend.start_execution(
            self._get_param("stateMachineArn"), self._get_param("name"), self._get_param("input") or "{}"
        )
        while execution.status == "RUNNING":
            time.sleep(0.01)
        answer = {
            "executionArn": execution.execution_arn,
            "stateMachineArn": execution.state_machine_arn,
            "name": execution.name,
            "startDate": execution.start_date,
            "stopDate": execution.stop_date,
            "status": execution.status,
            "input": execution.execution_input,
            "error": execution.error,
            "cause": execution.cause,
        }
        if execution.status == "SUCCEEDED":
            answer["output"] = to_json_str(execution.output, separators=(",", ":"))
        return ActionResult({name: value for name, value in answer.items() if value is not None})

    response.describe_execution = describe_execution
    response.stop_execution = stop_execution
    response.send_task_failure = send_task_failure
    response.start_sync_execution = start_sync_execution
    response.get_execution_history = _get_execution_history
    event_manager.iso_8601_datetime_with_milliseconds = _moment  # which the JSON protocol writes as a number


def _start_execution() -> None:
    start = StepFunctionsParserBackend.start_execution
    lock = threading.Lock()

    def start_execution(
        self: Any,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: Any = None,
    ) -> Any:
        text = execution_input or "{}"
        if len(text.encode()) > MAXIMUM_INPUT_BYTES:
            raise ValidationException(
                f"1 validation error detected: Value at 'input' failed to satisfy constraint: "
                f"Member must have length less than or equal to {MAXIMUM_INPUT_BYTES}"
            )
        try:
            json.loads(text)
        except ValueError as error:
            raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{error}'") from error
        if name:
            self._validate_name(name)
        for machine in self.state_machines:
            for alias in machine.aliases.values():
                if alias.arn == state_machine_arn:
                    state_machine_arn = machine.arn
        with lock:
            return start(self, state_machine_arn, name or str(uuid.uuid4()), text, trace_header)

    StepFunctionsParserBackend.start_execution = start_execution


def _moment(moment: datetime) -> datetime:
    return moment


def _get_execution_history(self: Any) -> str:
    """Written as JSON here: moto's serializer tries six names for each of the 40 fields that an event may have.

    Source: Step Functions API, GetExecutionHistory: 100 events a page unless told, 1000 at most.
    """
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    environment = execution.exec_worker.env  # not there before the definition is parsed
    events = list(environment.event_manager._history_event_list) if environment else []
    if self._get_param("reverseOrder"):
        events.reverse()
    if self._get_param("includeExecutionData") is False:
        events = [_without_data(event) for event in events]
    size = int(self._get_param("maxResults") or 100)
    if not 0 <= size <= LARGEST_PAGE:
        raise ValidationException(
            f"Value '{size}' at 'maxResults' failed to satisfy constraint: at most {LARGEST_PAGE}"
        )
    token = self._get_param("nextToken") or "0"
    if not token.isdigit() or int(token) > len(events):
        raise InvalidToken("Invalid Token: 'Invalid token'")
    end = int(token) + size
    answer: dict[str, Any] = {"events": events[int(token) : end]}
    if end < len(events):
        answer["nextToken"] = str(end)
    return json.dumps(answer, default=datetime.timestamp)


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    """What the model requires of an event's details is there, and says nothing."""
    return {
        name: {
            key: "" if key in DATA_FIELDS else item
            for key, item in value.items()
            if key not in DATA_FIELDS or key in _required(name)
        }
        if isinstance(value, dict)
        else value
        for name, value in event.items()
    }


@functools.cache
def _required(details: str) -> Sequence[str]:
    event = service_model("stepfunctions").shape_for("HistoryEvent")
    members: Sequence[str] = event.members[details].required_members
    return members
