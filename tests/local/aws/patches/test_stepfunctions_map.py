"""Distributed Map: an execution per item, read from a bucket and written to one."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.local.aws.patches.conftest import Sandbox

BUCKET = "items"
ITEMS = [{"n": n} for n in range(5)]


@pytest.fixture(scope="module", autouse=True)
def bucket(aws: Sandbox) -> None:
    s3 = aws.server.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.server.region})
    s3.put_object(Bucket=BUCKET, Key="items.json", Body=json.dumps(ITEMS))


def fan_out(child: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "Set": {"Type": "Pass", "Assign": {"outer": 1}, "Next": "Each"},
        "Each": {
            "Type": "Map",
            "Label": "each",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSON"},
                "Arguments": {"Bucket": BUCKET, "Key": "items.json"},
            },
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Child",
                "States": {"Child": child},
            },
            "MaxConcurrency": 2,
            "End": True,
            **fields,
        },
    }


def double(**fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Output": "{% $states.input.n * 2 %}", "End": True, **fields}


WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Arguments": {"Bucket": BUCKET, "Prefix": "results"}}


def test_every_item_of_the_file_is_the_input_of_a_child_and_the_outputs_keep_their_order(aws: Sandbox) -> None:
    assert aws.output(fan_out(double())) == [0, 2, 4, 6, 8]


def test_a_child_is_an_execution_with_a_history_that_only_its_map_run_lists(aws: Sandbox) -> None:
    machine = aws.machine(fan_out(double(), ResultWriter=WRITER))
    execution = aws.start(machine)
    aws.finished(execution)
    (run,) = aws.states.list_map_runs(executionArn=execution)["mapRuns"]
    children = aws.states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert len(children) == 5
    assert all(f":{machine.rsplit(':', 1)[1]}/each:" in child["executionArn"] for child in children)
    entered = [event["type"] for event in aws.events(children[0]["executionArn"])]
    assert entered == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert [each["executionArn"] for each in aws.states.list_executions(stateMachineArn=machine)["executions"]] == [
        execution
    ]
    assert not [each for each in aws.states.list_state_machines()["stateMachines"] if "/" in each["name"]]


def test_a_child_sees_no_variable_of_its_parent(aws: Sandbox) -> None:
    ended = aws.run(fan_out(double(Output="{% $outer %}")))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")


def test_results_are_written_as_executions_behind_a_manifest(aws: Sandbox) -> None:
    output = aws.output(fan_out(double(), ResultWriter=WRITER))
    assert output.keys() == {"MapRunArn", "ResultWriterDetails"}
    place = output["ResultWriterDetails"]
    assert place["Key"] == f"results/{output['MapRunArn'].split(':')[-1]}/manifest.json"
    manifest = _read(aws, place["Key"])
    assert (manifest["DestinationBucket"], manifest["MapRunArn"]) == (BUCKET, output["MapRunArn"])
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    results = _read(aws, file["Key"])
    assert sorted(json.loads(each["Output"]) for each in results) == [0, 2, 4, 6, 8]
    assert {each["Status"] for each in results} == {"SUCCEEDED"}


def test_a_child_that_fails_ends_the_map_run_unless_it_is_caught(aws: Sandbox) -> None:
    fail = {"Type": "Fail", "Error": "Broken", "Cause": "x"}
    caught = [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "Caught"}]
    states = fan_out(fail, Catch=caught) | {"Caught": {"Type": "Succeed"}}
    assert aws.output(states) == "States.ExceedToleratedFailureThreshold"


def _read(aws: Sandbox, key: str) -> Any:
    return json.loads(aws.server.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def test_stopping_the_parent_stops_its_children(aws: Sandbox) -> None:
    execution = aws.start(aws.machine(fan_out({"Type": "Wait", "Seconds": 1, "Next": "Child"})))
    while not (runs := aws.states.list_map_runs(executionArn=execution)["mapRuns"]) or not _children(aws, runs):
        time.sleep(0.02)
    aws.states.stop_execution(executionArn=execution)
    end = time.monotonic() + 300
    while time.monotonic() < end and "RUNNING" in _children(aws, runs):
        time.sleep(0.02)
    assert set(_children(aws, runs)) == {"ABORTED"}


def _children(aws: Sandbox, runs: list[dict[str, Any]]) -> list[str]:
    found = aws.states.list_executions(mapRunArn=runs[0]["mapRunArn"])["executions"]
    return [child["status"] for child in found]
