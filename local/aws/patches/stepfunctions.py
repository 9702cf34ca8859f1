"""moto's Step Functions interpreter, made to run like the service.

moto lacks:
- the interpreter switched on, also for machines that CloudFormation creates;
- calls under the machine's role (it signs with made-up keys) and clients that are made once, not per call;
- a time scale for Wait and Retry back-off (task and execution time-outs stay as they are), state transitions that run
  out;
- forgetting the threads that have ended;
- stopping at once: it waits for a running task, and goes on recording events of branches and tasks that were abandoned;
- telling that it has ended only once what came of it, and its last event, are there;
- leaving alone what another's failure or the time-out has ended: its thread goes on, fails, and fails the whole;
- the documented form of times in the context object;
- States.ALL leaving States.DataLimitExceeded and States.Runtime alone; the cause of EventBridge.FailedEntry as text;
  the resource in the event of a task that failed in any other way; the States.Timeout of a branch, or of an iteration,
  being caught around it.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, no-untyped-call, arg-type, misc"

from __future__ import annotations

import json
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import moto.stepfunctions.parser as parser
import moto.stepfunctions.responses as responses
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from moto.core.utils import get_service_model
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.aws.patches.lambda_ import has_room
from local.aws.patches.lambda_events import TooManyRequestsError
from local.aws.rates import TRANSITIONS

if TYPE_CHECKING:
    from local.aws.server import AwsServer

POLL_SECONDS = 0.2
PARSING_SECONDS = 120.0
"""At most, of a definition on a machine that has much other work."""
SHORTEST_WAIT_SECONDS = 0.02
"""At time scale 0 a Wait still lets other threads run, so that a polling loop does not spin."""

UNCATCHABLE = ("States.DataLimitExceeded", "States.Runtime")
"""Source: Step Functions developer guide, "Error names": States.ALL does not catch these two."""

TERMINAL_EVENTS = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}


def install(server: AwsServer) -> None:
    responses.get_backend = lambda account, region: stepfunctions_parser_backends[account][region]
    _forget_threads()
    _use_role_credentials(server)
    _scale_waiting(server)
    _stop_at_once()
    _leave_what_ended_alone()
    _record_only_what_counts(server)
    _format_context_times()
    _limit_catch_all()
    _explain_failed_entries()
    _name_what_failed()
    _name_what_ended_a_branch()


def is_running(execution_arn: str) -> bool:
    """What DescribeExecution says, for those in this process."""
    return watched(execution_arn)()


def watched(execution_arn: str) -> Callable[[], bool]:
    """Whether it runs, for those who ask again and again: moto looks through all machines and executions each time."""
    region, account_id = execution_arn.split(":")[3:5]
    execution = stepfunctions_parser_backends[account_id][region].describe_execution(execution_arn)
    return lambda: bool(execution.status == ExecutionStatus.RUNNING.value)


def running_in(account_id: str, region: str) -> set[str]:
    """The ARNs of all executions that run: of hundreds, asking for each looks through all of them each time."""
    machines = stepfunctions_parser_backends[account_id][region].state_machines
    executions = (execution for machine in machines for execution in list(machine.executions))
    return {each.execution_arn for each in executions if each.status == ExecutionStatus.RUNNING.value}


def _forget_threads() -> None:
    """moto lists every thread that it has started, and never looks: each keeps its stack, and what it worked on."""
    for name, module in list(sys.modules.items()):
        if name.startswith(parser.__name__) and hasattr(module, "TMP_THREADS"):
            module.TMP_THREADS = deque(maxlen=0)


def _use_role_credentials(server: AwsServer) -> None:
    clients: dict[tuple[str, str, str | None], Any] = {}
    lock = threading.Lock()
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=3600, connect_timeout=5)

    def turned_away(params: dict[str, Any], **_: Any) -> Any:
        """Known here already: in a crowd most invocations find no room, and a request each is most of the work."""
        function_arn = unquote(params["url_path"].split("/")[3])
        if has_room(server, function_arn):
            return None
        error = TooManyRequestsError()
        return SimpleNamespace(status_code=error.code), {
            "Error": {"Code": error.error_type, "Message": error.message},
            "ResponseMetadata": {"HTTPStatusCode": error.code, "RequestId": str(uuid.uuid4())},
        }

    def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        role_arn = getattr(state_credentials, "role_arn", None)
        with lock:
            key = (region, service, role_arn)
            if key not in clients:
                credentials = server.assume_role(role_arn, "stepfunctions") if role_arn else None
                clients[key] = server.client(
                    service,
                    region=region,
                    credentials=credentials,
                    config=config.merge(Config(max_pool_connections=50)),
                )
                clients[key].meta.events.register("before-call.lambda.Invoke", turned_away)
            return clients[key]

    for name, module in list(sys.modules.items()):
        if name.startswith(parser.__name__) and hasattr(module, "boto_client_for"):
            module.boto_client_for = client_for
    _name_sdk_errors()


def _name_sdk_errors() -> None:
    """As the Java SDK of the service names them.

    A service being unreachable is its SdkClientException; what its API does not declare, a denial above all, is of the
    SDK's class for the whole service: Lambda.AWSLambdaException (seen in awslabs/aws-deployment-framework#460).
    """
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_dynamodb,
        state_task_service_events,
        state_task_service_lambda,
        state_task_service_sfn,
    )

    of_lambda = state_task_service_lambda.StateTaskServiceLambda
    name_and_cause = of_lambda._error_cause_from_client_error
    declared = {shape.name for shape in get_service_model("lambda").operation_model("Invoke").error_shapes}

    def error_and_cause(error: Any) -> tuple[str, str]:
        name, cause = name_and_cause(error)
        known = name.removeprefix("Lambda.") in declared
        return name if known else "Lambda.AWSLambdaException", cause

    of_lambda._error_cause_from_client_error = staticmethod(error_and_cause)
    of_lambda._from_error = _with_sdk_errors(of_lambda._from_error, "Lambda")
    of_executions = state_task_service_sfn.StateTaskServiceSfn
    of_events = state_task_service_events.StateTaskServiceEvents
    of_events._from_error = _with_sdk_errors(of_events._from_error, "EventBridge")
    of_tables = state_task_service_dynamodb.StateTaskServiceDynamoDB
    of_tables._from_error = _with_sdk_errors(of_tables._from_error, "DynamoDB")
    of_executions._from_error = _with_sdk_errors(_named_as_declared(of_executions._from_error), "StepFunctions")


def _with_sdk_errors(original: Any, service: str) -> Any:
    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, BotoCoreError):
            return _failed(self, env, f"{service}.SdkClientException", str(ex))
        return original(self, env, ex)

    return from_error


def _named_as_declared(original: Any) -> Any:
    """moto makes "ThrottlingExceptionException" of a code that ends so already."""
    model = get_service_model("stepfunctions")
    declared = {shape.name for shape in model.operation_model("StartExecution").error_shapes}

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        event = original(self, env, ex)
        if not isinstance(ex, ClientError):
            return event
        code, cause = ex.response["Error"]["Code"], event.event_details["taskFailedEventDetails"]["cause"]
        name = code.removesuffix("Exception") if code in declared else "AWSStepFunctions"
        return _failed(self, env, f"StepFunctions.{name}Exception", cause)

    return from_error


def _failed(task: Any, env: Any, error: str, cause: str) -> Any:
    from moto.stepfunctions.parser.api import HistoryEventType
    from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
    from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
    from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

    details = {
        "error": error,
        "cause": cause,
        "resource": task._get_sfn_resource(),
        "resourceType": task._get_sfn_resource_type(),
    }
    return FailureEvent(
        env=env,
        error_name=CustomErrorName(error),
        event_type=HistoryEventType.TaskFailed,
        event_details=EventDetails(taskFailedEventDetails=details),  # type: ignore[typeddict-item]
    )


def _scale_waiting(server: AwsServer) -> None:
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

    def wait(self: Any, env: Any, wait_seconds: float) -> None:
        end = time.monotonic() + max(server.scaled(wait_seconds), SHORTEST_WAIT_SECONDS)
        while env.is_running() and ((left := end - time.monotonic()) > 0 or server.is_behind()):
            # Hundreds that wait for minutes are not to keep the machine busy with looking.
            env.program_state_event.wait(min(left, max(POLL_SECONDS, left / 10)) if left > 0 else POLL_SECONDS)

    def back_off(seconds: float) -> None:
        time.sleep(max(server.scaled(seconds), SHORTEST_WAIT_SECONDS))

    WaitFunction._wait_interval = wait
    retrier_decl.time = SimpleNamespace(sleep=back_off)


def _stop_at_once() -> None:
    from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution

    reflect = BaseExecutionWorkerCommunication._reflect_execution_status
    lock = threading.Lock()

    def end(execution: Any, status: ExecutionStatus, event_type: str = "", **details: str | None) -> None:
        """The status last: whoever sees it looks at the rest."""
        if event_type:
            env = execution.exec_worker.env
            given = {name: value for name, value in details.items() if value is not None}
            env.event_manager.add_event(
                context=env.event_history_context,
                event_type=event_type,
                event_details={f"{event_type[0].lower()}{event_type[1:]}EventDetails": given},
            )
        execution.exec_status = status

    def has_begun(execution: Any) -> bool:
        env = execution.exec_worker.env
        return env is not None and env._program_state is not None

    def stop(self: Any, stop_date: datetime, error: str | None, cause: str | None) -> None:
        # The worker's thread begins after parsing the definition; a stop right behind the start comes earlier, and
        # would not be heard.
        deadline = time.monotonic() + PARSING_SECONDS
        while not has_begun(self) and time.monotonic() < deadline:
            time.sleep(0.01)
        with lock:
            if self.exec_status != ExecutionStatus.RUNNING:
                return
            self.exec_worker.env.set_stop(stop_date=stop_date, cause=cause, error=error)
            self.stop_date, self.error, self.cause = stop_date, error, cause
            end(self, ExecutionStatus.ABORTED, "ExecutionAborted", error=error, cause=cause)

    def reflect_unless_stopped(self: Any) -> None:
        execution = self.execution
        with lock:
            if execution.exec_status != ExecutionStatus.RUNNING:
                return
            ended = SimpleNamespace(exec_worker=execution.exec_worker)
            reflect(SimpleNamespace(execution=ended))
            status = vars(ended).pop("exec_status")
            vars(execution).update(vars(ended))
            end(execution, status, "ExecutionTimedOut" if status == ExecutionStatus.TIMED_OUT else "")

    Execution.stop = stop
    BaseExecutionWorkerCommunication._reflect_execution_status = reflect_unless_stopped


def _leave_what_ended_alone() -> None:
    """Who ends a program does not wait for its thread, which then has nothing more to say and fails no other thing."""
    from moto.stepfunctions.parser.asl.eval.environment import Environment
    from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut

    def ended(env: Any) -> bool:
        return isinstance(env._program_state, ProgramStopped | ProgramTimedOut)

    def unless_ended(act: Any) -> Any:
        def guarded(env: Any, *values: Any, **named: Any) -> None:
            with env._state_mutex:
                if not ended(env):
                    act(env, *values, **named)

        return guarded

    for name in ("next_state_name", "next_field_name"):
        own = vars(Environment)[name]
        setattr(Environment, name, property(own.fget, unless_ended(own.fset)))
    Environment.set_error = unless_ended(Environment.set_error)


def _record_only_what_counts(server: AwsServer) -> None:
    """No event after the one that ended the execution, none of abandoned branches, no EvaluationFailed twice; and no
    state entered before the account has a transition left (Step Functions guide, metric ExecutionThrottled).
    """
    from moto.stepfunctions.parser.asl.eval.environment import Environment
    from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager

    add_event, close_frame, set_stop = EventManager.add_event, Environment.close_frame, Environment.set_stop
    lock = threading.Lock()

    def add(self: Any, context: Any, event_type: Any, event_details: Any = None, **options: Any) -> int:
        if event_type.endswith("StateEntered"):
            server.rates.wait(TRANSITIONS, server.account_id, server.region)
        with lock:
            events = self._history_event_list
            repeated = (
                event_type == "EvaluationFailed"
                and events
                and events[-1]["type"] == event_type
                and events[-1]["evaluationFailedEventDetails"] == event_details["evaluationFailedEventDetails"]
            )
            if repeated or getattr(self, "execution_ended", False) or getattr(context, "abandoned", False):
                return int(context.last_published_event_id)
            self.execution_ended = event_type in TERMINAL_EVENTS
            event_id: int = add_event(self, context, event_type, event_details, **options)
            return event_id

    def close(self: Any, frame: Any) -> None:
        close_frame(self, frame)
        _abandon(frame)

    def stop(self: Any, stop_date: Any, cause: str | None, error: str | None) -> None:
        set_stop(self, stop_date, cause, error)
        if self.is_frame():
            _abandon(self)

    EventManager.add_event, Environment.close_frame, Environment.set_stop = add, close, stop


def _abandon(frame: Any) -> None:
    frame.event_history_context.abandoned = True
    for inner in list(frame._frames):
        _abandon(inner)


def iso_time(moment: datetime) -> str:
    """2026-01-02T03:04:05.678Z, as the context object and EventBridge have it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _format_context_times() -> None:
    from moto.stepfunctions.parser.asl.component.state import state
    from moto.stepfunctions.parser.backend.execution import Execution

    details = Execution.get_start_execution_details

    def start_details(self: Any) -> Any:
        result = details(self)
        result.start_time = iso_time(self.start_date)
        return result

    def state_data(EnteredTime: str, Name: str) -> dict[str, Any]:  # noqa: N803 (the names of the context object)
        return {"EnteredTime": iso_time(datetime.fromisoformat(EnteredTime)), "Name": Name, "RetryCount": 0}

    Execution.get_start_execution_details = start_details
    state.StateData = state_data


def _limit_catch_all() -> None:
    from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl

    evaluate = ErrorEqualsDecl._eval_body

    def matches(self: Any, env: Any) -> None:
        name = getattr(env.stack[-1], "error_name", None)
        evaluate(self, env)
        named = any(error.error_name == name for error in self.error_names)
        if name in UNCATCHABLE and not named:
            env.stack[-1] = False

    ErrorEqualsDecl._eval_body = matches


def _explain_failed_entries() -> None:
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_events as module,
    )

    class FailedEntriesError(RuntimeError):
        def __init__(self, cause: dict[str, Any] | None) -> None:
            super().__init__(json.dumps(cause))
            self.cause = json.dumps(cause)

    module.SfnFailedEntryCountException = FailedEntriesError


def _name_what_failed() -> None:
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
        StateTaskService,
    )

    from_error = StateTaskService._from_error

    def named(self: Any, env: Any, ex: Exception) -> Any:
        failure = from_error(self, env=env, ex=ex)
        details = failure.event_details and failure.event_details.get("taskFailedEventDetails")
        if details is not None:
            details.setdefault("resource", self._get_sfn_resource())
            details.setdefault("resourceType", self._get_sfn_resource_type())
        return failure

    StateTaskService._from_error = named


def _name_what_ended_a_branch() -> None:
    """moto takes each for an error of a function's, and breaks off at a name that AWS keeps for itself."""
    from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
    from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
    from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl

    def name(error_name: str | None) -> Any:
        is_own = (error_name or "").startswith("States.")
        return StatesErrorName.from_name(error_name) if is_own else CustomErrorName(error_name)

    branches_decl.CustomErrorName = iteration_worker.CustomErrorName = name


def abort_executions() -> None:
    """Stop whatever still runs, in every account and region, so that no thread outlives the server."""
    now = datetime.now(UTC)
    for regions in list(stepfunctions_parser_backends.values()):
        for backend in list(regions.values()):
            for machine in list(backend.state_machines):
                for execution in machine.executions:
                    execution.stop(stop_date=now, error=None, cause="the embedded cloud was stopped")
