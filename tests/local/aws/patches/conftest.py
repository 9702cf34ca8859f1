"""One embedded AWS per test module, at time scale 0, with a role, functions made of a few lines, and machines."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws.server import AwsServer

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": [f"{name}.amazonaws.com" for name in ("events", "lambda", "scheduler", "states")]},
            "Action": "sts:AssumeRole",
        }
    ],
}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
INVOKE = "arn:aws:states:::lambda:invoke"


class Sandbox:
    """A server and the shortest ways to make what tests of it need."""

    def __init__(self, server: AwsServer) -> None:
        self.server = server
        self.states = server.client("stepfunctions")
        self.functions = server.client("lambda")
        people = server.client("iam")
        role = people.create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(TRUST))
        people.put_role_policy(RoleName="runner", PolicyName="everything", PolicyDocument=json.dumps(EVERYTHING))
        self.role_arn: str = role["Role"]["Arn"]

    def function(self, body: str, *, timeout_seconds: int = 120, **options: Any) -> str:
        """A function whose module is `body`; its ARN."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("app.py", body)
        request = {"Handler": "app.handler", "Runtime": "python3.13", "Role": self.role_arn, **options}
        made = self.functions.create_function(
            FunctionName=f"f-{uuid.uuid4().hex[:8]}",
            Code={"ZipFile": buffer.getvalue()},
            Timeout=timeout_seconds,
            **request,
        )
        return str(made["FunctionArn"])

    def invoke(self, function: str, event: Any = None) -> tuple[Any, str | None]:
        answer = self.functions.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    def machine(self, states: dict[str, Any], **options: Any) -> str:
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **options}
        made = self.states.create_state_machine(
            name=f"m-{uuid.uuid4().hex[:8]}", definition=json.dumps(definition), roleArn=self.role_arn
        )
        return str(made["stateMachineArn"])

    def start(self, machine: str, given: Any = None) -> str:
        return str(self.states.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))["executionArn"])

    def finished(self, execution: str, seconds: float = 300) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            description: dict[str, Any] = self.states.describe_execution(executionArn=execution)
            if description["status"] != "RUNNING":
                return description
            time.sleep(0.01)
        raise AssertionError(f"{execution} still runs")

    def run(self, states: dict[str, Any], given: Any = None, **options: Any) -> dict[str, Any]:
        return self.finished(self.start(self.machine(states, **options), given))

    def output(self, states: dict[str, Any], given: Any = None) -> Any:
        description = self.run(states, given)
        assert description["status"] == "SUCCEEDED", description
        return json.loads(description["output"])

    def events(self, execution: str) -> list[dict[str, Any]]:
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]


@pytest.fixture(scope="module")
def aws() -> Iterator[Sandbox]:
    with AwsServer(scaled=lambda _: 0.0) as server:
        yield Sandbox(server)
