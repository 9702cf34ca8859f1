"""JSONata in the states, as the service has it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.aws.patches.conftest import INVOKE, Sandbox


def passing(output: Any, **fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Output": output, "End": True, **fields}


def test_strings_with_quotes_and_line_breaks_survive_variables(aws: Sandbox) -> None:
    text = 'say "hi"\n\\ back'
    states = {
        "Keep": {"Type": "Pass", "Assign": {"text": "{% $states.input.text %}"}, "Next": "Show"},
        "Show": passing("{% $text %}"),
    }
    assert aws.output(states, {"text": text}) == text


def test_whole_numbers_stay_integers_and_null_is_a_value(aws: Sandbox) -> None:
    output = {"sum": "{% 1 + 2 %}", "half": "{% 1 / 2 %}", "nothing": "{% $states.input.none %}"}
    assert aws.output({"Show": passing(output)}, {"none": None}) == {"sum": 3, "half": 0.5, "nothing": None}


@pytest.mark.parametrize(
    "expression",
    ["$states.input.missing", "$unknown_variable", "1 + 'x'", "$eval('1')", "$states.errorOutput", "(", "$sum"],
)
def test_an_undefined_or_failing_expression_is_a_query_evaluation_error(aws: Sandbox, expression: str) -> None:
    description = aws.run({"Show": passing({"value": "{% " + expression + " %}"})})
    assert (description["status"], description["error"]) == ("FAILED", "States.QueryEvaluationError")


def test_a_query_evaluation_error_in_arguments_can_be_caught_and_is_recorded_once(aws: Sandbox) -> None:
    states = {
        "Call": {
            "Type": "Task",
            "Resource": INVOKE,
            "Arguments": {"FunctionName": "x", "Payload": "{% $states.input.missing %}"},
            "Catch": [
                {
                    "ErrorEquals": ["States.QueryEvaluationError"],
                    "Output": "{% $states.errorOutput %}",
                    "Next": "Caught",
                }
            ],
            "End": True,
        },
        "Caught": {"Type": "Pass", "End": True},
    }
    execution = aws.start(aws.machine(states))
    assert "returned nothing (undefined)" in aws.finished(execution)["output"]
    assert [event["type"] for event in aws.events(execution)].count("EvaluationFailed") == 1


def test_the_functions_of_step_functions_are_there(aws: Sandbox) -> None:
    output = {
        "partition": "{% $partition([1..5], 2) %}",
        "range": "{% $range(1, 7, 3) %}",
        "hash": "{% $hash('a', 'SHA-256') %}",
        "uuid": "{% $length($uuid()) %}",
        "parse": "{% $parse('{\"a\": [1]}').a %}",
        "random": "{% $random() < 1 %}",
    }
    shown = aws.output({"Show": passing(output)})
    assert shown["partition"] == [[1, 2], [3, 4], [5]]
    assert shown["range"] == [1, 4, 7]
    assert shown["hash"] == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert (shown["uuid"], shown["parse"], shown["random"]) == (36, [1], True)


def test_the_context_object_has_the_execution_and_the_state_with_times_as_documented(aws: Sandbox) -> None:
    output = {"context": "{% $states.context %}", "entered": "{% $toMillis($states.context.State.EnteredTime) > 0 %}"}
    machine = aws.machine({"Show me": passing(output)})
    execution = aws.start(machine, {"a": 1})
    shown = json.loads(aws.finished(execution)["output"])
    context = shown["context"]
    assert context["Execution"]["Id"] == execution
    assert context["Execution"]["Input"] == {"a": 1}
    assert context["Execution"]["StartTime"][-5:-1].startswith(".")
    assert context["Execution"]["StartTime"].endswith("Z")
    assert context["State"]["Name"] == "Show me"
    assert context["State"]["EnteredTime"].endswith("Z")
    assert context["StateMachine"]["Id"] == machine
    assert shown["entered"] is True


def test_a_wait_takes_an_integer_expression_and_has_output_and_assign(aws: Sandbox) -> None:
    states = {
        "Wait": {
            "Type": "Wait",
            "Seconds": "{% $states.input.seconds %}",
            "Output": {"waited": "{% $states.input.seconds %}"},
            "Assign": {"seconds": "{% $states.input.seconds %}"},
            "Next": "Show",
        },
        "Show": passing({"output": "{% $states.input %}", "variable": "{% $seconds %}"}),
    }
    assert aws.output(states, {"seconds": 3600}) == {"output": {"waited": 3600}, "variable": 3600}
    assert aws.run(states, {"seconds": 1.5})["error"] == "States.QueryEvaluationError"


def test_a_choice_takes_the_first_true_condition_with_its_output_and_assign(aws: Sandbox) -> None:
    def rule(condition: str, name: str) -> dict[str, Any]:
        return {"Condition": condition, "Assign": {"taken": name}, "Output": {"from": name}, "Next": "Show"}

    states = {
        "Choose": {
            "Type": "Choice",
            "Choices": [rule("{% $states.input.n > 5 %}", "big"), rule("{% $states.input.n > 1 %}", "small")],
            "Default": "Show",
            "Assign": {"taken": "none"},
            "Output": {"from": "default"},
        },
        "Show": passing({"from": "{% $states.input.from %}", "taken": "{% $taken %}"}),
    }
    assert aws.output(states, {"n": 9}) == {"from": "big", "taken": "big"}
    assert aws.output(states, {"n": 2}) == {"from": "small", "taken": "small"}
    assert aws.output(states, {"n": 0}) == {"from": "default", "taken": "none"}


def test_fail_and_succeed_take_expressions(aws: Sandbox) -> None:
    failing = {
        "Stop": {"Type": "Fail", "Error": "{% $states.input.e %}", "Cause": "{% 'because ' & $states.input.e %}"}
    }
    description = aws.run(failing, {"e": "Bad"})
    assert (description["status"], description["error"], description["cause"]) == ("FAILED", "Bad", "because Bad")
    assert aws.output({"Done": {"Type": "Succeed", "Output": "{% $states.input.e %}"}}, {"e": "fine"}) == "fine"


def test_assignments_see_the_values_from_before_the_state(aws: Sandbox) -> None:
    states = {
        "First": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "Swap"},
        "Swap": {"Type": "Pass", "Assign": {"x": "{% $y %}", "y": "{% $x %}"}, "Next": "Show"},
        "Show": passing({"x": "{% $x %}", "y": "{% $y %}"}),
    }
    assert aws.output(states) == {"x": 2, "y": 1}
