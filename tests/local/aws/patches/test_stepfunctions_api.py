"""The API of Step Functions: names, stops, histories, lists, refused definitions."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from local.aws.patches.stepfunctions_definition import diagnose
from tests.local.aws.patches.conftest import INVOKE, Sandbox

PASS = {"Only": {"Type": "Pass", "Output": "{% 'done' %}", "End": True}}


def test_an_execution_without_a_name_gets_one_and_output_is_json(aws: Sandbox) -> None:
    machine = aws.machine(PASS)
    first, second = aws.start(machine), aws.start(machine)
    assert first != second
    assert aws.finished(first)["output"] == '"done"'


def test_the_same_name_with_the_same_input_is_the_same_execution_and_with_another_is_refused(aws: Sandbox) -> None:
    machine = aws.machine({"Wait": {"Type": "Wait", "Seconds": 1, "Next": "Wait again"}, "Wait again": {**WAIT}})
    first = aws.states.start_execution(stateMachineArn=machine, name="one", input='{"a": 1}')
    with pytest.raises(aws.states.exceptions.ExecutionAlreadyExists):
        aws.states.start_execution(stateMachineArn=machine, name="one", input='{"a": 2}')
    aws.states.stop_execution(executionArn=first["executionArn"])


WAIT = {"Type": "Wait", "Timestamp": "2099-01-01T00:00:00Z", "End": True}


def test_input_that_is_too_large_or_not_json_is_refused(aws: Sandbox) -> None:
    machine = aws.machine(PASS)
    with pytest.raises(aws.states.exceptions.InvalidExecutionInput):
        aws.states.start_execution(stateMachineArn=machine, input="{")
    with pytest.raises(aws.states.exceptions.ValidationException):
        aws.states.start_execution(stateMachineArn=machine, input=json.dumps("x" * 263_000))


def test_history_has_pages_reverse_order_details_and_times(aws: Sandbox) -> None:
    execution = aws.start(aws.machine(PASS), {"a": 1})
    aws.finished(execution)
    first = aws.states.get_execution_history(executionArn=execution, maxResults=2)
    assert [event["type"] for event in first["events"]] == ["ExecutionStarted", "PassStateEntered"]
    rest = aws.states.get_execution_history(executionArn=execution, maxResults=2, nextToken=first["nextToken"])
    assert [event["type"] for event in rest["events"]] == ["PassStateExited", "ExecutionSucceeded"]
    assert "nextToken" not in rest
    last = aws.states.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=1)["events"][0]
    assert last["type"] == "ExecutionSucceeded"
    entered = first["events"][1]
    assert entered["stateEnteredEventDetails"]["name"] == "Only"
    assert json.loads(entered["stateEnteredEventDetails"]["input"]) == {"a": 1}
    assert entered["timestamp"] <= last["timestamp"]
    assert (entered["id"], entered["previousEventId"]) == (2, 0)


def test_a_failed_task_has_its_error_and_cause_in_the_history(aws: Sandbox) -> None:
    function = aws.function("def handler(event, context):\n    raise KeyError('k')\n")
    task = {"Type": "Task", "Resource": INVOKE, "Arguments": {"FunctionName": function, "Payload": {}}, "End": True}
    execution = aws.start(aws.machine({"Call": task}))
    aws.finished(execution)
    by_type = {event["type"]: event for event in aws.events(execution)}
    details = by_type["TaskFailed"]["taskFailedEventDetails"]
    assert (details["error"], details["resourceType"], details["resource"]) == ("KeyError", "lambda", "invoke")
    assert json.loads(details["cause"])["errorMessage"] == "'k'"
    assert json.loads(by_type["TaskScheduled"]["taskScheduledEventDetails"]["parameters"])["FunctionName"] == function
    assert by_type["ExecutionFailed"]["executionFailedEventDetails"]["error"] == "KeyError"


def test_a_history_without_data_has_what_its_model_requires_and_says_nothing_of_it(aws: Sandbox) -> None:
    """Source: botocore's model: a scheduled task's parameters are required, an entered state's input is not."""
    function = aws.function("def handler(event, context):\n    return 1\n")
    task = {"Type": "Task", "Resource": INVOKE, "Arguments": {"FunctionName": function, "Payload": {}}, "End": True}
    execution = aws.start(aws.machine({"Call": task}))
    aws.finished(execution)
    events = aws.states.get_execution_history(executionArn=execution, includeExecutionData=False)["events"]
    by_type = {event["type"]: event for event in events}
    assert by_type["TaskScheduled"]["taskScheduledEventDetails"]["parameters"] == ""
    assert by_type["TaskStateEntered"]["stateEnteredEventDetails"] == {"name": "Call"}


def test_executions_are_listed_by_status(aws: Sandbox) -> None:
    machine = aws.machine({"Choose": {**CHOICE}, "Stop": {"Type": "Fail", "Error": "E"}, "Go": {"Type": "Succeed"}})
    good, bad = aws.start(machine, {"fail": False}), aws.start(machine, {"fail": True})
    for execution in (good, bad):
        aws.finished(execution)

    def listed(**options: Any) -> set[str]:
        return {e["executionArn"] for e in aws.states.list_executions(stateMachineArn=machine, **options)["executions"]}

    assert listed() == {good, bad}
    assert listed(statusFilter="FAILED") == {bad}
    assert listed(statusFilter="RUNNING") == set()


CHOICE = {
    "Type": "Choice",
    "Choices": [{"Condition": "{% $states.input.fail %}", "Next": "Stop"}],
    "Default": "Go",
}


def test_a_waiting_execution_is_stopped_at_once(aws: Sandbox) -> None:
    execution = aws.start(aws.machine({"Call": {"Type": "Wait", "Seconds": 1, "Next": "Loop"}, "Loop": {**LOOP}}))
    time.sleep(0.05)
    aws.states.stop_execution(executionArn=execution)
    assert aws.states.describe_execution(executionArn=execution)["status"] == "ABORTED"
    count = len(aws.events(execution))
    time.sleep(0.1)
    assert len(aws.events(execution)) == count


def test_an_execution_waits_while_something_takes_longer_than_on_aws(
    aws: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = [True]
    monkeypatch.setattr(aws.server, "is_behind", lambda: behind[0])
    execution = aws.start(aws.machine({"Call": {"Type": "Wait", "Seconds": 1, "End": True}}))
    time.sleep(0.3)
    assert aws.states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    behind[0] = False
    assert aws.finished(execution)["status"] == "SUCCEEDED"


LOOP = {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "Call"}], "Default": "Call"}


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ({"A": {"Type": "Pass", "Next": "Nowhere"}}, "MISSING_TRANSITION_TARGET"),
        ({"A": {"Type": "Pass", "End": True}, "B": {"Type": "Pass", "End": True}}, "UNREACHABLE_STATE"),
        ({"A": {"Type": "Pass", "End": True}, "B": {"Type": "Pass", "Next": "B"}}, "UNREACHABLE_STATE"),
        ({"A": {"Type": "Pass"}}, "SCHEMA_VALIDATION_FAILED"),
        ({"A": {"Type": "Pass", "InputPath": "$.a", "End": True}}, "SCHEMA_VALIDATION_FAILED"),
        ({"A": {"Type": "Nonsense", "End": True}}, "SCHEMA_VALIDATION_FAILED"),
        (
            {"A": {"Type": "Task", "Resource": INVOKE, "Arguments": {"Function": "f"}, "End": True}},
            "SCHEMA_VALIDATION_FAILED",
        ),
        (
            {"A": {"Type": "Parallel", "Branches": [{"StartAt": "X", "States": {**PASS}}], "End": True}},
            "MISSING_TRANSITION_TARGET",
        ),
        (
            {"A": {"Type": "Task", "Resource": INVOKE, "Catch": [{"ErrorEquals": ["E"], "Next": "X"}], "End": True}},
            "MISSING_TRANSITION_TARGET",
        ),
    ],
)
def test_a_broken_definition_is_refused_when_it_is_created(aws: Sandbox, states: dict[str, Any], code: str) -> None:
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": states})
    with pytest.raises(aws.states.exceptions.InvalidDefinition, match=code):
        aws.states.create_state_machine(name="broken", definition=definition, roleArn=aws.role_arn)
    assert aws.states.validate_state_machine_definition(definition=definition)["result"] == "FAIL"


def test_a_sound_definition_has_nothing_to_diagnose() -> None:
    assert diagnose(json.dumps({"QueryLanguage": "JSONata", "StartAt": "Only", "States": PASS})) == []


def test_a_choice_without_default_that_matches_nothing_is_no_choice_matched(aws: Sandbox) -> None:
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "Only"}]}
    assert aws.run({"Choose": choice, **PASS})["error"] == "States.NoChoiceMatched"
