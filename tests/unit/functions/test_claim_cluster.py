"""The function of state "Claim cluster" against tables and executions that behave (moto)."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from moto import mock_aws

from functions.claim_cluster.app import lambda_handler
from provisioner.errors import RequestError, TerminalError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REQUEST = {"account_id": "111122223333", "region": "us-east-1", "cluster": {"name": "eks-orders"}}


class Context(LambdaContext):
    def __init__(self) -> None:
        self._aws_request_id = "request-1"
        self._function_name = "claim_cluster"


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> "Iterator[DynamoDBClient]":
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "CLAIMS_TABLE": "claims",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="claims",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "cluster", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "cluster", "KeyType": "HASH"}],
        )
        yield client


@pytest.fixture
def executions(dynamodb: "DynamoDBClient") -> list[str]:
    """Two executions that run."""
    states = boto3.client("stepfunctions")
    machine = states.create_state_machine(
        name="provision",
        definition=json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/states",
    )["stateMachineArn"]
    return [states.start_execution(stateMachineArn=machine, name=name)["executionArn"] for name in ("one", "two")]


def claim(execution_arn: str) -> dict[str, Any]:
    return lambda_handler({"execution_arn": execution_arn, "request": REQUEST, "why": "request"}, Context())


@pytest.mark.usefixtures("dynamodb")
def test_a_free_cluster_is_claimed_under_its_account_region_and_name(
    dynamodb: "DynamoDBClient", executions: list[str]
) -> None:
    assert claim(executions[0]) == {
        "status": "claimed",
        "holder": executions[0],
        "retry_after_seconds": 20,
        "measured": "[]",
    }
    (item,) = dynamodb.scan(TableName="claims")["Items"]
    assert item["cluster"] == {"S": "111122223333#us-east-1#eks-orders"}
    assert item["claimed_by"] == {"S": executions[0]}


def test_a_second_execution_learns_who_has_the_cluster(executions: list[str]) -> None:
    claim(executions[0])
    assert claim(executions[1]) == {
        "status": "busy",
        "holder": executions[0],
        "retry_after_seconds": 20,
        "measured": "[]",
    }


def test_the_claim_of_a_stopped_execution_is_taken_over(executions: list[str]) -> None:
    claim(executions[0])
    boto3.client("stepfunctions").stop_execution(executionArn=executions[0])
    assert claim(executions[1]) == {
        "status": "claimed",
        "holder": executions[1],
        "retry_after_seconds": 20,
        "measured": "[]",
    }


def test_a_payload_without_a_whole_request_is_refused(dynamodb: "DynamoDBClient") -> None:
    event = {"execution_arn": "x", "request": {"account_id": "111122223333"}, "why": "request"}
    with pytest.raises(RequestError, match="region is missing"):
        lambda_handler(event, Context())
    assert dynamodb.scan(TableName="claims")["Items"] == []


def test_a_table_that_is_not_there_is_a_terminal_error(executions: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIMS_TABLE", "another")
    with pytest.raises(TerminalError, match="ResourceNotFoundException"):
        claim(executions[0])
