"""The interpreter: tasks, errors, branches, limits, time scale."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branch_worker import BranchWorker
from moto.stepfunctions.parser.asl.eval.environment import Environment

from local.aws.hooks import Call
from local.aws.patches.stepfunctions import is_running
from local.aws.refusals import refusal
from local.wire import FATE, RESET, Answer, Exchange
from tests.local.aws.patches.conftest import INVOKE, Sandbox

ECHO = "def handler(event, context):\n    return event\n"
RAISE = "class RetryableError(Exception): pass\ndef handler(event, context):\n    raise RetryableError(event['text'])\n"


def call(function: str, payload: Any = None, **fields: Any) -> dict[str, Any]:
    end = {} if "Next" in fields else {"End": True}
    arguments = {"FunctionName": function, "Payload": {} if payload is None else payload}
    return {"Type": "Task", "Resource": INVOKE, "Arguments": arguments, **end, **fields}


def branch(states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


@pytest.fixture(scope="module")
def echo(aws: Sandbox) -> str:
    return aws.function(ECHO)


@pytest.fixture(scope="module")
def failing(aws: Sandbox) -> str:
    return aws.function(RAISE)


def test_a_task_has_arguments_assign_and_output(aws: Sandbox, echo: str) -> None:
    states = {
        "Call": call(
            echo,
            {"n": "{% $states.input.n * 2 %}"},
            Assign={"result": "{% $states.result.Payload %}"},
            Output={"code": "{% $states.result.StatusCode %}"},
            Next="Show",
        ),
        "Show": {"Type": "Pass", "Output": {"in": "{% $states.input %}", "variable": "{% $result %}"}, "End": True},
    }
    assert aws.output(states, {"n": 4}) == {"in": {"code": 200}, "variable": {"n": 8}}


def test_the_error_of_a_function_is_its_class_name_and_catch_has_output_and_assign(aws: Sandbox, failing: str) -> None:
    catch = {
        "ErrorEquals": ["RetryableError"],
        "Assign": {"error": "{% $states.errorOutput.Error %}"},
        "Output": {"cause": "{% $parse($states.errorOutput.Cause).errorMessage %}"},
        "Next": "Show",
    }
    states = {
        "Call": call(failing, {"text": "not yet"}, Catch=[catch]),
        "Show": {
            "Type": "Pass",
            "Output": {"cause": "{% $states.input.cause %}", "error": "{% $error %}"},
            "End": True,
        },
    }
    assert aws.output(states) == {"cause": "not yet", "error": "RetryableError"}


def test_retries_back_off_in_scaled_time_and_are_counted(aws: Sandbox, failing: str) -> None:
    retry = {
        "ErrorEquals": ["RetryableError"],
        "IntervalSeconds": 60,
        "BackoffRate": 2,
        "MaxAttempts": 3,
        "MaxDelaySeconds": 600,
        "JitterStrategy": "FULL",
    }
    started = time.monotonic()
    execution = aws.start(aws.machine({"Call": call(failing, {"text": "x"}, Retry=[retry])}))
    assert aws.finished(execution)["error"] == "RetryableError"
    assert time.monotonic() - started < 60  # a minute, two and four would be seven
    assert [event["type"] for event in aws.events(execution)].count("TaskFailed") == 4


def test_a_throttled_function_is_lambda_too_many_requests(aws: Sandbox) -> None:
    function = aws.function(ECHO)
    aws.functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    assert aws.run({"Call": call(function)})["error"] == "Lambda.TooManyRequestsException"


def test_threads_that_have_ended_are_forgotten(aws: Sandbox, echo: str) -> None:
    assert aws.run({"Call": call(echo)})["status"] == "SUCCEEDED"
    kept = [thread for module in list(sys.modules.values()) for thread in vars(module).get("TMP_THREADS", ())]
    assert kept == []


def test_a_task_that_takes_too_long_is_a_timeout_and_is_not_scaled(aws: Sandbox) -> None:
    slow = aws.function("import time\ndef handler(event, context):\n    time.sleep(1.5)\n")
    execution = aws.start(aws.machine({"Call": call(slow, TimeoutSeconds=1)}))
    description = aws.finished(execution)
    assert description["error"] == "States.Timeout"
    time.sleep(0.8)  # the function has finished by now; nothing of it may show up
    types = [event["type"] for event in aws.events(execution)]
    assert types[-2:] == ["TaskTimedOut", "ExecutionFailed"]


def test_the_timeout_of_a_branch_and_of_an_iteration_is_caught_around_them(aws: Sandbox) -> None:
    slow = aws.function("import time\ndef handler(event, context):\n    time.sleep(30)\n")
    inner = branch({"Call": call(slow, TimeoutSeconds=1)})
    for around in (
        {"Type": "Parallel", "Branches": [branch({"Around": {"Type": "Parallel", "Branches": [inner], "End": True}})]},
        {"Type": "Map", "Items": [1], "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **inner}},
    ):
        caught = {"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "Show"}
        states = {"Both": {**around, "Catch": [caught], "End": True}, "Show": {"Type": "Pass", "End": True}}
        assert aws.output(states) == "States.Timeout"


def test_an_execution_that_takes_too_long_is_timed_out_with_a_stop_date(aws: Sandbox) -> None:
    slow = aws.function("import time\ndef handler(event, context):\n    time.sleep(3)\n")
    execution = aws.start(aws.machine({"Call": call(slow)}, TimeoutSeconds=1))
    description = aws.finished(execution)
    assert description["status"] == "TIMED_OUT"
    assert description["stopDate"] > description["startDate"]
    assert aws.events(execution)[-1]["type"] == "ExecutionTimedOut"


def test_parallel_has_arguments_output_and_assign_and_its_branches_run_at_once(aws: Sandbox, tmp_path: Path) -> None:
    """Neither branch's function ends before the other's has begun."""
    both = (
        f"    open(f'{tmp_path}/{{context.aws_request_id}}', 'w').close()\n"
        f"    while len(os.listdir('{tmp_path}')) < 2:\n        time.sleep(0.01)\n"
    )
    slow = aws.function(f"import os, time\ndef handler(event, context):\n{both}    return event\n")
    states = {
        "Both": {
            "Type": "Parallel",
            "Arguments": {"n": "{% $states.input.n + 1 %}"},
            "Branches": [
                branch({"A": call(slow, "{% $states.input %}", Output="{% $states.result.Payload.n %}")}),
                branch({"B": call(slow, "{% $states.input %}", Output="{% $states.result.Payload.n * 10 %}")}),
            ],
            "Assign": {"second": "{% $states.result[1] %}"},
            "Output": {"results": "{% $states.result %}"},
            "Next": "Show",
        },
        "Show": {"Type": "Pass", "Output": {"in": "{% $states.input %}", "second": "{% $second %}"}, "End": True},
    }
    assert aws.output(states, {"n": 1}) == {"in": {"results": [2, 20]}, "second": 20}


def test_fail_in_a_branch_stops_the_others_and_reaches_the_catch_of_the_parallel(aws: Sandbox) -> None:
    endless = {
        "Again": {"Type": "Wait", "Seconds": 1, "Next": "Still"},
        "Still": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "Again"}], "Default": "Never"},
        "Never": {"Type": "Pass", "End": True},
    }
    states = {
        "Both": {
            "Type": "Parallel",
            "Branches": [branch(endless), branch({"Stop": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}})],
            "Catch": [
                {
                    "ErrorEquals": ["Broken"],
                    "Assign": {"error": "{% $states.errorOutput.Error %}"},
                    "Output": "{% $states.errorOutput %}",
                    "Next": "Pause",
                }
            ],
            "End": True,
        },
        "Pause": {"Type": "Pass", "Next": "Caught"},
        "Caught": {
            "Type": "Pass",
            "Output": {"caught": "{% $states.input %}", "variable": "{% $error %}"},
            "End": True,
        },
    }
    execution = aws.start(aws.machine(states))
    caught = json.loads(aws.finished(execution)["output"])
    assert caught == {"caught": {"Error": "Broken", "Cause": "on purpose"}, "variable": "Broken"}
    types = [event["type"] for event in aws.events(execution)]
    after = types[types.index("ParallelStateFailed") :]
    assert not any(kind.startswith(("Wait", "Choice")) for kind in after), after


def test_a_branch_that_another_ended_before_it_began_does_nothing_and_fails_nowhere(
    aws: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[object] = []
    routine = BranchWorker._thread_routine
    began = threading.Event()

    def late(self: Any) -> None:
        while self._program.start_at.start_at_name == "Late" and self.env.is_running():
            time.sleep(0.01)
        routine(self)
        if self._program.start_at.start_at_name == "Late":
            began.set()

    def failed(failure: threading.ExceptHookArgs) -> None:
        raised.append(failure.exc_value)
        began.set()

    monkeypatch.setattr(BranchWorker, "_thread_routine", late)
    monkeypatch.setattr(threading, "excepthook", failed)
    states = {
        "Both": {
            "Type": "Parallel",
            "Branches": [
                branch({"Fails": {"Type": "Fail", "Error": "Broken", "Cause": "because"}}),
                branch({"Late": {"Type": "Pass", "End": True}}),
            ],
            "Catch": [{"ErrorEquals": ["Broken"], "Next": "Told"}],
            "End": True,
        },
        "Told": {"Type": "Pass", "End": True},
    }
    execution = aws.start(aws.machine(states))
    assert aws.finished(execution)["status"] == "SUCCEEDED"
    assert began.wait(300)
    assert raised == []
    entered = [
        event["stateEnteredEventDetails"]["name"] for event in aws.events(execution) if "stateEntered" in str(event)
    ]
    assert entered == ["Both", "Fails", "Told"]


def test_what_goes_on_after_the_time_out_of_its_execution_does_not_make_it_a_failure(
    aws: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    timed_out = Environment.set_timed_out

    def set_timed_out(self: Any) -> None:
        timed_out(self)
        if not self.is_frame():
            self.set_error({"error": "States.Runtime", "cause": "of a thread that goes on"})
            over.set()

    monkeypatch.setattr(Environment, "set_timed_out", set_timed_out)
    execution = aws.start(aws.machine({"Wait": {"Type": "Wait", "Seconds": 1, "Next": "Wait"}}, TimeoutSeconds=1))
    assert aws.finished(execution)["status"] == "TIMED_OUT"
    assert over.is_set()


def test_an_error_of_the_embedded_cloud_itself_can_be_repeated_and_caught(aws: Sandbox, echo: str) -> None:
    def break_down(_: Call) -> None:
        raise RuntimeError("broken")

    caught = {"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "Told"}
    states = {"Call": call(echo, Catch=[caught]), "Told": {"Type": "Pass", "End": True}}
    undo = aws.server.hooks.before("lambda:Invoke", break_down)
    try:
        assert aws.output(states) == "Lambda.AWSLambdaException"
    finally:
        undo()


def test_a_branch_cannot_assign_what_an_outer_scope_has(aws: Sandbox) -> None:
    states = {
        "Outer": {"Type": "Pass", "Assign": {"x": 1}, "Next": "Inner"},
        "Inner": {
            "Type": "Parallel",
            "Branches": [branch({"Assign": {"Type": "Pass", "Assign": {"x": 2}, "End": True}})],
            "End": True,
        },
    }
    assert aws.run(states)["status"] == "FAILED"


def test_variables_of_a_branch_are_not_visible_outside(aws: Sandbox) -> None:
    states = {
        "Inner": {
            "Type": "Parallel",
            "Branches": [branch({"Assign": {"Type": "Pass", "Assign": {"inside": 2}, "End": True}})],
            "Next": "Show",
        },
        "Show": {"Type": "Pass", "Output": "{% $inside %}", "End": True},
    }
    assert aws.run(states)["error"] == "States.QueryEvaluationError"


def test_too_much_data_is_data_limit_exceeded_and_catch_all_does_not_catch_it(aws: Sandbox) -> None:
    big = aws.function("def handler(event, context):\n    return 'x' * 300_000\n")
    states = {
        "Call": call(big, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]),
        "Caught": {"Type": "Pass", "End": True},
    }
    assert aws.run(states)["error"] == "States.DataLimitExceeded"


def test_dynamodb_update_item_works_and_a_failed_condition_has_its_name(aws: Sandbox) -> None:
    table = aws.server.client("dynamodb")
    table.create_table(
        TableName="records",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    update = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:updateItem",
        "Arguments": {
            "TableName": "records",
            "Key": {"id": {"S": "{% $states.input.id %}"}},
            "UpdateExpression": "SET #owner = :owner",
            "ConditionExpression": "attribute_not_exists(#owner)",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": {":owner": {"S": "{% $states.context.Execution.Id %}"}},
            "ReturnValues": "ALL_NEW",
        },
        "Output": "{% $states.result.Attributes.id.S %}",
        "End": True,
    }
    assert aws.output({"Record": update}, {"id": "one"}) == "one"
    assert aws.run({"Record": update}, {"id": "one"})["error"] == "DynamoDB.ConditionalCheckFailedException"


def test_put_events_adds_the_execution_and_a_failed_entry_or_a_refusal_fails_the_task(aws: Sandbox) -> None:
    def publish(detail: Any) -> dict[str, Any]:
        entry = {"Source": "test", "DetailType": "Tried", "Detail": detail}
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::events:putEvents",
            "Arguments": {"Entries": [entry]},
            "End": True,
        }

    assert aws.output({"Publish": publish({"a": 1})})["FailedEntryCount"] == 0
    published = aws.server.published_events[-1]
    assert published["Detail"] == {"a": 1}
    assert [arn.split(":")[5] for arn in published["Resources"]] == ["stateMachine", "execution"]
    description = aws.run({"Publish": publish("not json")})
    assert description["error"] == "EventBridge.FailedEntry"
    assert json.loads(description["cause"])["FailedEntryCount"] == 1

    def refuse(_: Call) -> None:
        raise refusal("AccessDeniedException", "an organization forbids it")

    undo = aws.server.hooks.before("events:PutEvents", refuse)
    caught = {"ErrorEquals": ["States.TaskFailed"], "Output": "{% $states.errorOutput.Error %}", "Next": "Caught"}
    states = {"Publish": {**publish({}), "Catch": [caught]}, "Caught": {"Type": "Succeed"}}
    assert aws.output(states) == "EventBridge.AccessDeniedException"
    undo()


@pytest.mark.parametrize(
    ("resource", "arguments", "error"),
    [
        ("events:putEvents", {"Entries": [{"Source": "s", "DetailType": "t", "Detail": "{}"}]}, "EventBridge"),
        ("dynamodb:updateItem", {"TableName": "t", "Key": {"id": {"S": "a"}}}, "DynamoDB"),
    ],
)
def test_a_service_that_breaks_off_is_named_as_the_sdk_does(
    aws: Sandbox, resource: str, arguments: dict[str, Any], error: str
) -> None:
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments, "End": True}

    def broken_off(exchange: Exchange) -> Answer:
        name = exchange.call.name.lower()
        return Answer(200, {FATE: RESET}) if name == resource.lower() else exchange.perform()

    undo = aws.server.wire.put_between(broken_off)
    try:
        ended = aws.run({"Task": task})
    finally:
        undo()
    assert (ended["status"], ended["error"]) == ("FAILED", f"{error}.SdkClientException")


def test_calls_are_made_under_the_role_of_the_machine(aws: Sandbox) -> None:
    who = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sts:getCallerIdentity", "Arguments": {}, "End": True}
    assert aws.output({"Ask": who})["Arn"].startswith("arn:aws:sts::123456789012:assumed-role/runner/")


def test_sdk_integrations_take_and_give_pascal_case_and_name_their_errors(aws: Sandbox) -> None:
    def describe(name: str) -> dict[str, Any]:
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:eks:describeCluster",
            "Arguments": {"Name": name},
            "End": True,
        }

    subnets = aws.server.client("ec2").describe_subnets()["Subnets"]
    aws.server.client("eks").create_cluster(
        name="one",
        roleArn=aws.role_arn,
        resourcesVpcConfig={"subnetIds": [subnet["SubnetId"] for subnet in subnets[:2]]},
    )
    assert aws.output({"Describe": describe("one")})["Cluster"]["Name"] == "one"
    assert aws.run({"Describe": describe("none")})["error"] == "Eks.ResourceNotFoundException"


def test_stopping_is_immediate_and_the_running_function_carries_on(aws: Sandbox, tmp_path: Path) -> None:
    aws.server.client("ssm").put_parameter(Name="/finished", Value="no", Type="String")
    stopped = tmp_path / "stopped"
    body = (
        "import os, time, boto3\n"
        "def handler(event, context):\n"
        f"    while not os.path.exists({str(stopped)!r}):\n"
        "        time.sleep(0.01)\n"
        "    boto3.client('ssm').put_parameter(Name='/finished', Value='yes', Type='String', Overwrite=True)\n"
    )
    execution = aws.start(aws.machine({"Call": call(aws.function(body))}))
    while not any(event["type"] == "TaskStarted" for event in aws.events(execution)):
        time.sleep(0.01)
    aws.states.stop_execution(executionArn=execution, error="Enough", cause="a person")
    description = aws.states.describe_execution(executionArn=execution)
    assert (description["status"], description["error"], description["cause"]) == ("ABORTED", "Enough", "a person")
    assert "stopDate" in description
    stopped.touch()
    deadline = time.monotonic() + 300
    while aws.server.client("ssm").get_parameter(Name="/finished")["Parameter"]["Value"] == "no":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert aws.events(execution)[-1]["type"] == "ExecutionAborted"


def test_forty_transitions_with_twenty_warm_calls_take_a_few_seconds_at_most(aws: Sandbox) -> None:
    """Of processor time, which others do not take; of any other they would take minutes if waits were not scaled."""
    echo = aws.function("import os\ndef handler(event, context):\n    return os.getpid()\n")
    states: dict[str, Any] = {}
    for number in range(20):
        states[f"Call {number}"] = call(echo, {"n": number}, Next=f"Wait {number}")
        states[f"Wait {number}"] = {"Type": "Wait", "Seconds": 30, "Next": f"Call {number + 1}"}
    states["Call 20"] = call(echo)
    machine = aws.machine(states)
    aws.finished(aws.start(machine))
    began, started = time.process_time(), time.monotonic()
    execution = aws.start(machine)
    while is_running(execution):  # to ask as everybody else does is most of the work
        time.sleep(0.05)
    assert time.process_time() - began < 5
    assert time.monotonic() - started < 120
    assert aws.finished(execution)["status"] == "SUCCEEDED"
    answers = [
        event["taskSucceededEventDetails"] for event in aws.events(execution) if event["type"] == "TaskSucceeded"
    ]
    assert len({json.loads(each["output"])["Payload"] for each in answers}) == 1


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("ExecutionLimitExceeded", "StepFunctions.ExecutionLimitExceededException"),
        ("KmsThrottlingException", "StepFunctions.KmsThrottlingException"),
        ("ThrottlingException", "StepFunctions.AWSStepFunctionsException"),
    ],
)
def test_an_execution_that_cannot_be_started_is_named_as_the_sdk_does(aws: Sandbox, code: str, told: str) -> None:
    child = aws.machine({"Done": {"Type": "Pass", "End": True}})

    def refuse(called: Call) -> None:
        if child in called.body:
            raise refusal(code, "Rate exceeded")

    caught = {"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "Told"}
    start = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Arguments": {"StateMachineArn": child},
        "Catch": [caught],
        "End": True,
    }
    machine = aws.machine({"Start": start, "Told": {"Type": "Pass", "End": True}})
    undo = aws.server.hooks.before("stepfunctions:StartExecution", refuse)
    try:
        assert json.loads(aws.finished(aws.start(machine))["output"]) == told
    finally:
        undo()
