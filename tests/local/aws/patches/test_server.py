"""The server itself: a second one after the first, and nothing left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from moto.awslambda.models import LambdaFunction
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata

from local.aws.server import AwsServer
from tests.local.aws.patches.conftest import Sandbox


def test_a_second_server_starts_from_nothing_and_patches_are_undone(tmp_path: Path) -> None:
    before = (LambdaFunction.invoke, StringJSONata._eval_body, os.environ.get("MOTO_PORT"))
    order: list[str] = []
    for number in range(2):
        with AwsServer(tmp_path, scaled=lambda _: 0.0, patches=[lambda: order.append("mine")]) as server:
            assert LambdaFunction.invoke is not before[0]
            assert server.client("s3").list_buckets()["Buckets"] == []
            server.client("s3").create_bucket(
                Bucket="left-over", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"}
            )
            sandbox = Sandbox(server)
            assert sandbox.output({"Only": {"Type": "Pass", "Output": "{% 1 + 1 %}", "End": True}}) == 2
            assert sandbox.invoke(sandbox.function("def handler(event, context):\n    return 'ran'\n")) == ("ran", None)
            assert len(order) == number + 1
    assert (LambdaFunction.invoke, StringJSONata._eval_body, os.environ.get("MOTO_PORT")) == before


def test_two_servers_at_once_are_refused(tmp_path: Path) -> None:
    with AwsServer(tmp_path):
        second = AwsServer(tmp_path)
        with pytest.raises(RuntimeError, match="one embedded AWS"):
            second.start()


def test_an_execution_that_runs_when_the_server_stops_is_ended(tmp_path: Path) -> None:
    with AwsServer(tmp_path, scaled=lambda seconds: seconds) as server:
        sandbox = Sandbox(server)
        sandbox.start(sandbox.machine({"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}))
