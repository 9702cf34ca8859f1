"""Refuses state machine definitions that the service refuses.

moto lacks: everything beyond the grammar. A Next that leads nowhere, a state that nothing leads to, JSONPath fields in
JSONata states and arguments that an integration does not have are accepted there and fail, if at all, at run time.
Source: Step Functions API, CreateStateMachine (InvalidDefinition) and ValidateStateMachineDefinition.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_dynamodb,
    state_task_service_events,
    state_task_service_lambda,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

if TYPE_CHECKING:
    from local.aws.server import AwsServer

JSONPATH_FIELDS = ("InputPath", "Parameters", "ResultSelector", "ResultPath", "OutputPath", "ItemsPath", "SecondsPath")
ARGUMENTS = {
    "lambda": state_task_service_lambda,
    "dynamodb": state_task_service_dynamodb,
    "events": state_task_service_events,
}


@dataclass(frozen=True)
class Diagnostic:
    code: str
    message: str
    location: str
    severity: str = "ERROR"


class InvalidDefinition(ServiceException):
    code = "InvalidDefinition"


def install(server: AwsServer) -> None:
    def validate_definition(definition: str) -> None:
        problems = diagnose(definition)
        if problems:
            texts = ", ".join(f"{problem.code}: {problem.message} at {problem.location}" for problem in problems)
            raise InvalidDefinition(f"Invalid State Machine Definition: '{texts}'")

    def validate_state_machine_definition(self: Any) -> ActionResult:
        problems = diagnose(self._get_param("definition"))
        result = "FAIL" if problems else "OK"
        return ActionResult({"result": result, "diagnostics": [asdict(problem) for problem in problems]})

    StepFunctionsParserBackend._validate_definition = staticmethod(validate_definition)
    StepFunctionResponse.validate_state_machine_definition = validate_state_machine_definition


def diagnose(definition: str) -> list[Diagnostic]:
    """Everything wrong with a definition (JSON text)."""
    try:
        machine = json.loads(definition)
    except ValueError as error:
        return [Diagnostic("INVALID_JSON_DESCRIPTION", str(error), "/")]
    problems = list(_machine(machine, "", machine.get("QueryLanguage", "JSONPath")))
    try:
        AmazonStateLanguageParser.parse(definition)
    except Exception as error:  # the parser raises whatever its components do
        problems.append(Diagnostic("SCHEMA_VALIDATION_FAILED", str(error) or repr(error), "/"))
    return problems


def _machine(machine: dict[str, Any], location: str, language: str) -> Iterator[Diagnostic]:
    states: dict[str, Any] = machine.get("States", {})
    if machine.get("StartAt") not in states:
        missing = f"Missing 'StartAt' target: {machine.get('StartAt')}"
        yield Diagnostic("MISSING_TRANSITION_TARGET", missing, f"{location}/StartAt")
    for name, state in states.items():
        here = f"{location}/States/{name}"
        yield from _state(state, here, state.get("QueryLanguage", language))
        for field, target in transitions(state):
            if target not in states:
                yield Diagnostic("MISSING_TRANSITION_TARGET", f"Missing '{field}' target: {target}", f"{here}/{field}")
        for index, branch in enumerate(state.get("Branches", [])):
            yield from _machine(branch, f"{here}/Branches[{index}]", state.get("QueryLanguage", language))
        processor = state.get("ItemProcessor") or state.get("Iterator")
        if processor:
            yield from _machine(processor, f"{here}/ItemProcessor", state.get("QueryLanguage", language))
    for name in states.keys() - _reachable(machine):
        yield Diagnostic("UNREACHABLE_STATE", f'State "{name}" is not reachable', f"{location}/States/{name}")


def _state(state: dict[str, Any], location: str, language: str) -> Iterator[Diagnostic]:
    if state.get("Type") not in ("Choice", "Succeed", "Fail") and ("Next" in state) == bool(state.get("End")):
        yield Diagnostic("SCHEMA_VALIDATION_FAILED", "A state needs either Next or End", location)
    if language == "JSONata":
        for field in JSONPATH_FIELDS:
            if field in state:
                message = f"The field '{field}' is not supported with JSONata"
                yield Diagnostic("SCHEMA_VALIDATION_FAILED", message, f"{location}/{field}")
    yield from _arguments(state, location)


def _arguments(state: dict[str, Any], location: str) -> Iterator[Diagnostic]:
    """moto drops what an integration does not know, the service refuses it."""
    resource = str(state.get("Resource", "")).split(":")
    arguments = state.get("Arguments", state.get("Parameters"))
    if len(resource) < 7 or resource[:5:2] != ["arn", "states", ""] or not isinstance(arguments, dict):
        return
    module = ARGUMENTS.get(resource[5])
    known = module._SUPPORTED_API_PARAM_BINDINGS.get(resource[6].split(".")[0].lower()) if module else None
    for name in arguments:
        if known is not None and name.removesuffix(".$") not in known:
            message = f'The field "{name}" is not supported by Step Functions'
            yield Diagnostic("SCHEMA_VALIDATION_FAILED", message, f"{location}/Arguments")


def transitions(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(where in the state, the state that it leads to)."""
    for field in ("Next", "Default"):
        if field in state:
            yield field, state[field]
    for field in ("Choices", "Catch"):
        for index, rule in enumerate(state.get(field, [])):
            yield f"{field}[{index}]/Next", rule.get("Next", "")


def _reachable(machine: dict[str, Any]) -> set[str]:
    seen: set[str] = set()
    waiting = [machine.get("StartAt", "")]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [target for _, target in transitions(machine["States"].get(name, {}))]
    return seen
