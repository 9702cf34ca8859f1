"""A claims table with records in it, as the functions that read it meet it (moto)."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from tests.unit.kubernetes.samples import a_request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BUCKET = "evidence"
ACCOUNT, REGION = "111122223333", "eu-west-1"
PROVEN = {
    "cluster": {"name": "eks-example", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/eks-example"},
    "file_system": {"id": "fs-0123456789abcdef0", "access_point_id": None},
    "storage": {"volume_handle": "fs-0123456789abcdef0"},
}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "POWERTOOLS_TRACE_DISABLED": "true",
    "POWERTOOLS_SERVICE_NAME": "test",
    "CLAIMS_TABLE": "claims",
    "EVIDENCE_BUCKET": BUCKET,
    "REMEDIATE": "false",
    "ENROLLED_UNITS": "",
    "FIND_ORPHANS": "DISABLED",
    "LEFT_OUT": "",
    "DEFAULTS_PARAMETER": "/eks-efs-provisioner/defaults",
    "STACK_DEFAULTS": '{"cluster": {"control_plane_log_retention_days": 90}}',
}


class Context(LambdaContext):
    def __init__(self) -> None:
        self._aws_request_id = "request-1"
        self._function_name = "function"
        self._invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


class Table:
    """The claims table and two executions that run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        self.dynamodb: DynamoDBClient = boto3.client("dynamodb")
        self.dynamodb.create_table(
            TableName="claims",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "cluster", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "cluster", "KeyType": "HASH"}],
        )
        self.states = boto3.client("stepfunctions")
        machine = self.states.create_state_machine(
            name="machine",
            definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
            roleArn="arn:aws:iam::123456789012:role/states",
        )["stateMachineArn"]
        self.one, self.two = (
            self.states.start_execution(stateMachineArn=machine, name=name)["executionArn"] for name in ("one", "two")
        )

    def put(
        self,
        cluster: str,
        *,
        proven: bool = True,
        claimed_by: str | None = None,
        account: str = ACCOUNT,
        **attributes: str,
    ) -> None:
        item = {"cluster": f"{account}#{REGION}#{cluster}", **attributes}
        if proven:
            request = a_request(cluster={"name": cluster}).model_dump_json()
            item |= {"verified_at": "2026-08-29T00:00:00Z", "request": request, "proven": json.dumps(PROVEN)}
        if claimed_by:
            item |= {"claimed_by": claimed_by, "claimed_at": "2026-08-29T00:00:00+00:00", "claimed_for": "changing"}
        self.dynamodb.put_item(TableName="claims", Item={name: {"S": value} for name, value in item.items()})

    def item(self, cluster: str) -> Mapping[str, Any]:
        key = {"cluster": {"S": f"{ACCOUNT}#{REGION}#{cluster}"}}
        return self.dynamodb.get_item(TableName="claims", Key=key).get("Item", {})
