"""TestState evaluates one state by the interpreter that runs machines, and refuses what the service refuses."""

import json
from typing import Any

import pytest

from tests.local.aws.calls import code
from tests.local.aws.patches.conftest import INVOKE, Sandbox

TASK = {
    "Type": "Task",
    "QueryLanguage": "JSONata",
    "Resource": INVOKE,
    "Arguments": {"FunctionName": "any", "Payload": "{% $asked %}"},
    "Output": "{% {'was': $states.input, 'is': $states.result.Payload, 'by': $states.context.Execution.Id} %}",
    "Next": "After",
}
CHOICE = {
    "Type": "Choice",
    "QueryLanguage": "JSONata",
    "Choices": [{"Condition": "{% $found.ready %}", "Next": "Go on"}],
    "Default": "Wait",
}
MOCK = {"result": json.dumps({"Payload": {"a": 1}, "StatusCode": 200}), "fieldValidationMode": "NONE"}


def evaluated(aws: Sandbox, state: dict[str, Any], **request: Any) -> dict[str, Any]:
    texts = {name: value if name == "mock" else json.dumps(value) for name, value in request.items()}
    answer: dict[str, Any] = aws.states.test_state(definition=json.dumps(state), **texts)
    answer.pop("ResponseMetadata")
    return answer


def test_a_task_with_a_mock_calls_nobody_and_tells_output_and_next_state(aws: Sandbox) -> None:
    made = len(aws.server.calls)
    context = {"Execution": {"Id": "mine"}}
    answer = evaluated(aws, TASK, input={"x": 1}, variables={"asked": {}}, mock=MOCK, context=context)
    assert json.loads(answer.pop("output")) == {"was": {"x": 1}, "is": {"a": 1}, "by": "mine"}
    assert answer == {"status": "SUCCEEDED", "nextState": "After"}
    assert aws.server.calls[made:] == ["stepfunctions:TestState"]


@pytest.mark.parametrize(("ready", "following"), [(True, "Go on"), (False, "Wait")])
def test_a_choice_goes_by_the_variables_that_are_given(aws: Sandbox, ready: bool, following: str) -> None:
    answer = evaluated(aws, CHOICE, input={"x": 1}, variables={"found": {"ready": ready}})
    assert (answer["nextState"], json.loads(answer["output"])) == (following, {"x": 1})


def test_an_expression_that_finds_nothing_fails_the_state(aws: Sandbox) -> None:
    answer = evaluated(aws, TASK, input={}, mock=MOCK)
    assert (answer["status"], answer["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert "$asked" in answer["cause"]


def test_a_mocked_error_is_caught_as_in_a_machine(aws: Sandbox) -> None:
    state = {**TASK, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]}
    asked = {"input": {}, "variables": {"asked": 1}}
    mocks = {name: {"errorOutput": {"error": name, "cause": "why"}} for name in ("Any", "States.Runtime")}
    caught = evaluated(aws, state, mock=mocks["Any"], **asked)
    assert (caught["status"], caught["nextState"]) == ("CAUGHT_ERROR", "Caught")
    assert json.loads(caught["output"]) == {"Error": "Any", "Cause": "why"}
    uncaught = evaluated(aws, state, mock=mocks["States.Runtime"], **asked)
    assert (uncaught["status"], uncaught["error"]) == ("FAILED", "States.Runtime")


def refusals() -> dict[str, tuple[dict[str, Any], dict[str, Any], str]]:
    without_a_role = {"input": "{}"}
    return {
        "a mock of a Choice": (CHOICE, {"mock": MOCK}, "ValidationException"),
        "a context without a mock": (CHOICE, {"context": "{}"}, "ValidationException"),
        "a Task without a mock or a role": (TASK, without_a_role, "ValidationException"),
        "an argument that Lambda has not": (
            {**TASK, "Arguments": {"FunctionName": "any", "Colour": "red"}},
            {"mock": MOCK},
            "InvalidDefinition",
        ),
        "a field of the other language": ({**CHOICE, "InputPath": "$"}, {}, "InvalidDefinition"),
    }


@pytest.mark.parametrize("what", refusals())
def test_it_refuses(what: str, aws: Sandbox) -> None:
    state, request, expected = refusals()[what]
    assert code(aws.states.test_state, definition=json.dumps(state), **request) == expected
