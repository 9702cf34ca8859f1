"""Data under a customer's key are used with the rights of whoever uses them: an allow on the data is not enough."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.efs.models import efs_backends

from local.aws.patches.permissions import is_allowed
from local.aws.permissions.demand import Demand
from tests.local.aws.patches.conftest import Sandbox
from tests.local.aws.patches.test_permissions import ACCOUNT, allow, refused, role_with

REGION = "ap-northeast-1"
Roles = Callable[..., Callable[[str], Any]]


@pytest.fixture
def key(aws: Sandbox) -> str:
    """One whose policy leaves the decision to the account's policies."""
    return str(aws.server.client("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def named() -> str:
    return f"n-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def acting(aws: Sandbox) -> Roles:
    """Clients of a role with these statements."""

    def role(*statements: dict[str, Any]) -> Callable[[str], Any]:
        credentials = aws.server.assume_role(role_with(aws, *statements), "tester")
        return lambda service: aws.server.client(service, credentials=credentials)

    return role


def through(service: str, *actions: str) -> dict[str, Any]:
    """A statement that lets a key be used through one service only."""
    via = {"StringEquals": {"kms:ViaService": f"{service}.{REGION}.amazonaws.com", "kms:CallerAccount": ACCOUNT}}
    return allow([f"kms:{action}" for action in actions], Condition=via)


@pytest.fixture
def table(aws: Sandbox, key: str, named: str) -> Iterator[str]:
    states = aws.server.client("dynamodb")
    states.create_table(
        TableName=named,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    yield named
    states.delete_table(TableName=named)


def test_items_of_a_table_are_read_and_written_with_its_key(acting: Roles, table: str, key: str) -> None:
    item = {"TableName": table, "Item": {"k": {"S": "x"}}}
    code, message, _ = refused(acting(allow("dynamodb:*"))("dynamodb").put_item, **item)
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: kms:Decrypt on resource: {key}" in message
    assert refused(acting(allow("dynamodb:*"), through("s3", "Decrypt"))("dynamodb").put_item, **item)[0] == code
    acting(allow("dynamodb:*"), through("dynamodb", "Decrypt"))("dynamodb").put_item(**item)


def test_the_key_s_own_policy_can_let_who_may_use_the_table(aws: Sandbox, acting: Roles, table: str, key: str) -> None:
    statement = {**through("dynamodb", "Decrypt"), "Principal": {"AWS": "*"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.server.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    own = acting(allow("dynamodb:GetItem"))("dynamodb")
    assert "Item" not in own.get_item(TableName=table, Key={"k": {"S": "x"}})


def test_objects_of_a_bucket_are_read_and_written_with_its_key(
    aws: Sandbox, acting: Roles, key: str, named: str
) -> None:
    administrator = aws.server.client("s3")
    administrator.create_bucket(Bucket=named, CreateBucketConfiguration={"LocationConstraint": REGION})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    administrator.put_bucket_encryption(Bucket=named, ServerSideEncryptionConfiguration={"Rules": [rule]})
    where = {"Bucket": named, "Key": "k"}
    without = acting(allow("s3:*"))("s3")
    assert f"kms:GenerateDataKey on resource: {key}" in refused(without.put_object, **where, Body=b"x")[1]
    without.put_object(**where, Body=b"x", ServerSideEncryption="AES256")
    acting(allow("s3:*"), through("s3", "GenerateDataKey"))("s3").put_object(**where, Body=b"x")
    assert f"kms:Decrypt on resource: {key}" in refused(without.get_object, **where)[1]
    assert acting(allow("s3:*"), through("s3", "Decrypt"))("s3").get_object(**where)["Body"].read() == b"x"


def test_messages_are_sent_to_a_queue_with_its_key(aws: Sandbox, acting: Roles, key: str, named: str) -> None:
    made = aws.server.client("sqs").create_queue(QueueName=named, Attributes={"KmsMasterKeyId": key})
    message = {"QueueUrl": made["QueueUrl"], "MessageBody": "x"}
    assert "kms:GenerateDataKey" in refused(acting(allow("sqs:*"))("sqs").send_message, **message)[1]
    acting(allow("sqs:*"), through("sqs", "GenerateDataKey", "Decrypt"))("sqs").send_message(**message)


LIFECYCLE = [{"TransitionToIA": "AFTER_30_DAYS"}]
EFS_KEY = ("DescribeKey", "CreateGrant", "Decrypt", "GenerateDataKeyWithoutPlaintext")


def file_system(token: str, key: str | None) -> str:
    """Without the API: moto's own EFS, which this server has, answers what EFS does not."""
    backend: Any = efs_backends[ACCOUNT][REGION]
    made = backend.create_file_system(token, "generalPurpose", True, key, "bursting", None, None, False, [])
    return str(made.file_system_id)


@pytest.mark.parametrize("missing", EFS_KEY)
def test_the_lifecycle_of_an_encrypted_file_system_is_changed_with_its_key(
    missing: str, aws: Sandbox, acting: Roles, key: str, named: str
) -> None:
    """EFS API, PutLifecycleConfiguration."""
    change = {"FileSystemId": file_system(named, key), "LifecyclePolicies": LIFECYCLE}
    others = [action for action in EFS_KEY if action != missing]
    lacking = acting(allow("elasticfilesystem:*"), through("elasticfilesystem", *others))("efs")
    assert f"kms:{missing} on resource: {key}" in refused(lacking.put_lifecycle_configuration, **change)[1]
    acting(allow("elasticfilesystem:*"), through("elasticfilesystem", *EFS_KEY))("efs").put_lifecycle_configuration(
        **change
    )


def test_a_file_system_with_aws_s_key_needs_none(aws: Sandbox, acting: Roles, named: str) -> None:
    own = acting(allow("elasticfilesystem:*"))("efs")
    own.put_lifecycle_configuration(FileSystemId=file_system(named, None), LifecyclePolicies=LIFECYCLE)


@pytest.mark.parametrize(
    ("action", "resource", "key", "counts"),
    [
        ("kms:CreateGrant", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k", "kms:GrantIsForAWSResource", True),
        ("kms:DescribeKey", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k", "kms:GrantIsForAWSResource", False),
        ("kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k", "kms:GrantIsForAWSResource", False),
        ("ec2:CreateVpc", f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/*", "aws:RequestTag/owner", True),
        ("ec2:DescribeVpcs", "*", "aws:RequestTag/owner", False),
        ("ec2:DescribeVpcs", "*", "aws:CalledVia", True),
    ],
)
def test_a_condition_sees_only_the_keys_that_aws_lists_for_the_action(
    action: str, resource: str, key: str, counts: bool, aws: Sandbox
) -> None:
    """aws-cdk#9027: a condition on kms:GrantIsForAWSResource lets DescribeKey and Decrypt through for nobody."""
    seen = len(aws.server.authoriser.audit)
    role = role_with(aws, allow(action, Condition={"Null": {key: "false"}}))
    assert is_allowed(aws.server, role, "x", Demand(action, resource, {key: "true"})) is counts
    (decision,) = list(aws.server.authoriser.audit)[seen:]
    assert (key in decision.context) is counts
