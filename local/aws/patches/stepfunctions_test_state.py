"""TestState: one state evaluated as a machine's only one, by the interpreter that runs our machines.

moto lacks: the operation (it has its code, without mocks, variables and context, and without a way in).
Source: Step Functions API, TestState: a context object only with a mock, a mock only for Task, Map and Parallel, a role
for a Task without one. Refused here and taken there: the definition of a whole machine (stateName), mocks of Map and
Parallel, and mocked errors of a state with retriers.
"""
# mypy: disable-error-code="attr-defined, no-untyped-call, arg-type, index, typeddict-item"

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import HistoryEventType, StateMachineType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task import mock_eval_utils
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.mocking.mock_config import (
    MockedResponse,
    MockedResponseReturn,
    MockedResponseThrow,
    MockTestCase,
    StateMockedResponses,
)
from moto.stepfunctions.responses import StepFunctionResponse

from local.aws.patches.stepfunctions_definition import InvalidDefinition, diagnose, transitions

if TYPE_CHECKING:
    from local.aws.server import AwsServer

TESTED = "TestState"
MOCKABLE = ("Task", "Map", "Parallel")
NEEDS_A_MOCK = ("Map", "Parallel")


class ValidationException(ServiceException):
    code = "ValidationException"


def install(server: AwsServer) -> None:
    def test_state(self: Any) -> ActionResult:
        if self._get_param("stateName"):
            raise ValidationException("The embedded cloud tests the definition of one state, not one of a machine's")
        state = json.loads(self._get_param("definition"))
        mock, context = self._get_param("mock"), self._get_param("context")
        _check(state, mock, context, self._get_param("roleArn"))
        text = _machine_of(state)
        if problems := diagnose(text):
            raise InvalidDefinition("; ".join(f"{each.code}: {each.message}" for each in problems))
        environment = _environment(self, mock, json.loads(context) if context else {})
        environment.states.reset(input_value=json.loads(self._get_param("input") or "{}"))
        for name, value in json.loads(self._get_param("variables") or "{}").items():
            environment.variable_store.set(name, value)
        environment.variable_store.reset_tracing()
        AmazonStateLanguageParser.parse(text)[0].eval(environment)
        return ActionResult(_outcome(environment, state))

    StepFunctionResponse.test_state = test_state
    _name_mocked_errors()


def _name_mocked_errors() -> None:
    """moto's mocks know errors of services only: one of the States language's own is another class there."""
    throw = mock_eval_utils._eval_mocked_response_throw

    def throw_as_named(env: Any, mocked_response: MockedResponseThrow) -> None:
        own = [kind for kind in StatesErrorNameType if kind.to_name() == mocked_response.error]
        if not own:
            throw(env, mocked_response)
        details = TaskFailedEventDetails(error=mocked_response.error, cause=mocked_response.cause)
        raise FailureEventException(
            FailureEvent(
                env=env,
                error_name=StatesErrorName(typ=own[0]),
                event_type=HistoryEventType.TaskFailed,
                event_details=EventDetails(taskFailedEventDetails=details),
            )
        )

    mock_eval_utils._eval_mocked_response_throw = throw_as_named


def _check(state: dict[str, Any], mock: dict[str, Any] | None, context: str | None, role_arn: str | None) -> None:
    kind = state.get("Type")
    if mock and kind not in MOCKABLE:
        raise ValidationException(f"A mock can only be specified for Task, Map, or Parallel states, not for {kind}")
    if context and not mock:
        raise ValidationException("A context can only be specified together with a mock")
    if kind in NEEDS_A_MOCK:
        raise ValidationException(f"The embedded cloud tests no {kind} states")
    if kind == "Task" and not (mock or role_arn):
        raise ValidationException("A role is needed for a Task without a mock")
    if mock and mock.get("errorOutput") and state.get("Retry"):
        raise ValidationException("The embedded cloud tests no retriers")


def _machine_of(state: dict[str, Any]) -> str:
    """Whatever it leads to ends there."""
    language = {"QueryLanguage": state["QueryLanguage"]} if "QueryLanguage" in state else {}
    ends = {target: {"Type": "Succeed"} for _, target in transitions(state)}
    return json.dumps({**language, "StartAt": TESTED, "States": {TESTED: state, **ends}})


def _environment(response: Any, mock: dict[str, Any] | None, context: dict[str, Any]) -> Environment:
    role_arn = response._get_param("roleArn") or ""
    # Without one of the caller's, nobody knows what AWS would put there: an expression finds nothing.
    needed: dict[str, dict[str, Any]] = {"Execution": {"Input": {}}, "StateMachine": {"Id": "", "Name": ""}}
    given = {**context, **{part: {**least, **context.get(part, {})} for part, least in needed.items()}}
    return Environment(
        aws_execution_details=AWSExecutionDetails(response.current_account, response.region, role_arn),
        execution_type=StateMachineType.STANDARD,
        context=given,
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None,
        activity_store={},
        mock_test_case=_mocked(mock) if mock else None,
    )


def _mocked(mock: dict[str, Any]) -> MockTestCase:
    error = mock.get("errorOutput")
    answer: MockedResponse = (
        MockedResponseThrow(0, 0, error.get("error", ""), error.get("cause", ""))
        if error
        else MockedResponseReturn(0, 0, json.loads(mock["result"]))
    )
    return MockTestCase(TESTED, TESTED, [StateMockedResponses(TESTED, TESTED, [answer])])


def _outcome(environment: Environment, state: dict[str, Any]) -> dict[str, Any]:
    ended = environment.program_state()
    if isinstance(ended, ProgramError):
        error = ended.error or {}
        return {"status": "FAILED", "error": error.get("error", ""), "cause": error.get("cause", "")}
    entered = [
        each["stateEnteredEventDetails"]["name"]
        for each in environment.event_manager.get_event_history()
        if "stateEnteredEventDetails" in each
    ]
    answer = {"status": "SUCCEEDED", "output": to_json_str(environment.states.get_input(), separators=(",", ":"))}
    if len(entered) > 1:
        answer["nextState"] = entered[1]
        if entered[1] in {catch["Next"] for catch in state.get("Catch", [])} - {state.get("Next")}:
            answer["status"] = "CAUGHT_ERROR"
    return answer
