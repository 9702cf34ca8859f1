"""What Step Functions does under a machine's role for maps and nested executions, and what it is like without."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest

from tests.local.aws.patches.conftest import Sandbox
from tests.local.aws.patches.test_permissions import ACCOUNT, allow, role_with
from tests.local.aws.patches.test_stepfunctions_map import BUCKET, WRITER, bucket, double, fan_out

__all__ = ["bucket"]
EXECUTIONS = f"arn:aws:states:ap-northeast-1:{ACCOUNT}:execution"
MACHINES = f"arn:aws:states:ap-northeast-1:{ACCOUNT}:stateMachine"
WRITES = ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"]
CAUGHT = [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Caught"}]


def rights(name: str) -> dict[str, dict[str, Any]]:
    """What the guide says a machine with a Distributed Map needs."""
    return {
        "read": allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/items.json"),
        "start": allow("states:StartExecution", f"{MACHINES}:{name}"),
        "follow": allow(["states:DescribeExecution", "states:StopExecution"], f"{EXECUTIONS}:{name}:*"),
        "write": allow(WRITES, f"arn:aws:s3:::{BUCKET}/results/*"),
    }


def mapped(aws: Sandbox, without: str) -> dict[str, Any]:
    name = f"m-{uuid.uuid4().hex[:8]}"
    states = {**fan_out(double(), ResultWriter=WRITER, Catch=CAUGHT), "Caught": {"Type": "Succeed"}}
    definition = {"QueryLanguage": "JSONata", "StartAt": "Set", "States": states}
    role = role_with(aws, *(statement for key, statement in rights(name).items() if key != without))
    made = aws.states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    output: dict[str, Any] = json.loads(aws.finished(aws.start(made["stateMachineArn"]))["output"])
    return output


def test_a_map_run_needs_what_the_guide_says_and_no_more(aws: Sandbox) -> None:
    assert mapped(aws, without="nothing").keys() == {"MapRunArn", "ResultWriterDetails"}


@pytest.mark.parametrize(
    ("without", "error", "action"),
    [
        ("read", "States.ItemReaderFailed", "s3:GetObject"),
        ("start", "States.Permissions", "states:StartExecution"),
        ("follow", "States.Permissions", "states:DescribeExecution"),
        ("write", "States.ResultWriterFailed", "s3:GetObject"),
    ],
)
def test_a_map_run_fails_without_a_right_and_can_be_caught(aws: Sandbox, without: str, error: str, action: str) -> None:
    caught = mapped(aws, without)
    assert caught["Error"] == error
    assert f"not authorized to perform: {action} on resource" in caught["Cause"]


def nested(aws: Sandbox, *statements: dict[str, Any]) -> tuple[str, str]:
    """An execution that waits for another, and that other."""
    inner = aws.machine({"Wait": {"Type": "Wait", "Seconds": 1, "Next": "Wait"}})
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": {"StateMachineArn": inner},
        "End": True,
    }
    role = role_with(aws, allow(["states:StartExecution", "states:DescribeExecution", "events:*"]), *statements)
    definition = {"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": task}}
    outer = aws.states.create_state_machine(
        name=f"m-{uuid.uuid4().hex[:8]}", definition=json.dumps(definition), roleArn=role
    )["stateMachineArn"]
    execution = aws.start(outer)
    until_some = time.monotonic() + 300
    while not (started := aws.states.list_executions(stateMachineArn=inner)["executions"]):
        assert time.monotonic() < until_some
        time.sleep(0.02)
    return execution, started[0]["executionArn"]


def test_a_stopped_execution_takes_what_it_waits_for_with_it(aws: Sandbox) -> None:
    outer, inner = nested(aws, allow("states:StopExecution"))
    aws.states.stop_execution(executionArn=outer)
    assert aws.finished(inner)["status"] == "ABORTED"


def test_without_the_right_to_stop_it_what_it_waits_for_goes_on(aws: Sandbox) -> None:
    outer, inner = nested(aws)
    seen = len(aws.server.authoriser.audit)
    aws.states.stop_execution(executionArn=outer)
    end = time.monotonic() + 300
    while not (denied := aws.server.authoriser.audit.denied(seen)):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert (denied[0].action, denied[0].resource) == ("states:StopExecution", inner)
    assert aws.states.describe_execution(executionArn=inner)["status"] == "RUNNING"
    aws.states.stop_execution(executionArn=inner)
