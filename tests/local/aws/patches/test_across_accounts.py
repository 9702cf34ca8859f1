"""Across accounts both have to allow, the caller's own policies and the resource's. Nobody is above the latter."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.administrators import administrator_of
from local.aws.lambda_runtime import Credentials
from local.aws.patches.permissions import is_allowed
from local.aws.permissions.demand import Demand
from tests.local.aws.patches.conftest import Sandbox
from tests.local.aws.patches.test_permissions import ACCOUNT, allow, role_with

OTHER = "999999999999"
ELSEWHERE = f"ap-northeast-1:{OTHER}"
Client = Callable[[str], Any]
SetPolicy = Callable[[str], object]


@pytest.fixture(scope="module")
def other(aws: Sandbox) -> Client:
    """Of the other account's administrator."""
    credentials = administrator_of(OTHER)
    return lambda service: aws.server.client(service, credentials=credentials)


def bus(other: Client, name: str) -> tuple[str, str, SetPolicy]:
    arn = other("events").create_event_bus(Name=name)["EventBusArn"]
    return "events:PutEvents", arn, lambda text: other("events").put_permission(EventBusName=name, Policy=text)


def key(other: Client, name: str) -> tuple[str, str, SetPolicy]:
    arn = other("kms").create_key()["KeyMetadata"]["Arn"]
    return "kms:Decrypt", arn, lambda text: other("kms").put_key_policy(KeyId=arn, PolicyName="default", Policy=text)


def queue(other: Client, name: str) -> tuple[str, str, SetPolicy]:
    url = other("sqs").create_queue(QueueName=name)["QueueUrl"]
    return (
        "sqs:SendMessage",
        f"arn:aws:sqs:{ELSEWHERE}:{name}",
        lambda text: other("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": text}),
    )


def topic(other: Client, name: str) -> tuple[str, str, SetPolicy]:
    arn = other("sns").create_topic(Name=name)["TopicArn"]
    options = {"TopicArn": arn, "AttributeName": "Policy"}
    return "sns:Publish", arn, lambda text: other("sns").set_topic_attributes(AttributeValue=text, **options)


def bucket(other: Client, name: str) -> tuple[str, str, SetPolicy]:
    other("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    return (
        "s3:PutObject",
        f"arn:aws:s3:::{name}/key",
        lambda text: other("s3").put_bucket_policy(Bucket=name, Policy=text),
    )


def role(other: Client, name: str) -> tuple[str, str, SetPolicy]:
    nobody = json.dumps({"Version": "2012-10-17", "Statement": []})
    arn = other("iam").create_role(RoleName=name, AssumeRolePolicyDocument=nobody)["Role"]["Arn"]
    return (
        "sts:AssumeRole",
        arn,
        lambda text: other("iam").update_assume_role_policy(RoleName=name, PolicyDocument=text),
    )


def policy_for(principal: str, action: str, resource: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": resource}
    if action == "sts:AssumeRole":
        del statement["Resource"]
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "one", **statement}]})


@pytest.mark.parametrize("make", [bus, key, queue, topic, bucket, role])
def test_another_accounts_resource_is_used_by_whom_both_accounts_let(
    aws: Sandbox, other: Client, make: Callable[[Client, str], tuple[str, str, SetPolicy]]
) -> None:
    action, arn, set_policy = make(other, f"x-{uuid.uuid4().hex[:8]}")
    lacking, holding = role_with(aws), role_with(aws, allow(action, arn))
    demand = Demand(action, arn)
    assert not is_allowed(aws.server, holding, "x", demand)
    for principal in (f"arn:aws:iam::{ACCOUNT}:root", holding):
        set_policy(policy_for(principal, action, arn))
        assert is_allowed(aws.server, holding, "x", demand)
        assert not is_allowed(aws.server, lacking, "x", demand)
    set_policy(policy_for(lacking, action, arn))
    assert not is_allowed(aws.server, lacking, "x", demand)
    assert not is_allowed(aws.server, holding, "x", demand)


def test_within_an_account_either_is_enough_but_for_keys_and_roles(aws: Sandbox) -> None:
    events = aws.server.client("events")
    arn, named = events.create_event_bus(Name="own")["EventBusArn"], role_with(aws)
    demand = Demand("events:PutEvents", arn)
    assert is_allowed(aws.server, role_with(aws, allow("events:PutEvents", arn)), "x", demand)
    assert not is_allowed(aws.server, named, "x", demand)
    events.put_permission(EventBusName="own", Policy=policy_for(named, "events:PutEvents", arn))
    assert is_allowed(aws.server, named, "x", demand)
    closed = role_with(aws)
    assert not is_allowed(aws.server, role_with(aws, allow("sts:AssumeRole")), "x", Demand("sts:AssumeRole", closed))


@pytest.mark.parametrize("who", ["administrator", "root"])
def test_administrators_need_the_other_accounts_word_too(aws: Sandbox, other: Client, who: str) -> None:
    credentials = administrator_of(ACCOUNT) if who == "administrator" else None
    name = f"b-{uuid.uuid4().hex[:8]}"
    action, arn, set_policy = bus(other, name)
    with pytest.raises(ClientError, match=f"no resource-based policy allows the {action} action"):
        sent(aws, arn, credentials)
    set_policy(policy_for(f"arn:aws:iam::{ACCOUNT}:root", action, arn))
    sent(aws, arn, credentials)
    with pytest.raises(ClientError, match="no resource-based policy allows the s3:GetObject action"):
        aws.server.client("s3", credentials=credentials).get_object(Bucket=bucket_of(other), Key="key")


def bucket_of(other: Client) -> str:
    return bucket(other, f"b-{uuid.uuid4().hex[:8]}")[1].removeprefix("arn:aws:s3:::").removesuffix("/key")


def sent(aws: Sandbox, bus_arn: str, credentials: Credentials | None = None, source: str = "s") -> None:
    entry = {"Source": source, "DetailType": "d", "Detail": "{}", "EventBusName": bus_arn}
    aws.server.client("events", credentials=credentials).put_events(Entries=[entry])


def test_an_event_for_another_accounts_bus_goes_there_and_tells_whose_it_is(aws: Sandbox, other: Client) -> None:
    action, arn, set_policy = bus(other, "theirs")
    aws.server.client("events").create_event_bus(Name="theirs")
    _, inbox, open_to = queue(other, "inbox")
    open_to(json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]}))
    sources = {"ForAllValues:StringEquals": {"events:source": ["known"]}, "Null": {"events:detail-type": "false"}}
    statement = json.loads(policy_for(f"arn:aws:iam::{ACCOUNT}:root", action, arn))["Statement"][0]
    set_policy(json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Condition": sources}]}))
    other("events").put_rule(Name="all", EventBusName="theirs", EventPattern=json.dumps({"detail-type": ["d"]}))
    other("events").put_targets(Rule="all", EventBusName="theirs", Targets=[{"Id": "one", "Arn": inbox}])
    with pytest.raises(ClientError, match="no resource-based policy"):
        sent(aws, arn, source="unknown")
    sent(aws, arn, source="known")
    url = other("sqs").get_queue_url(QueueName="inbox")["QueueUrl"]
    (message,) = other("sqs").receive_message(QueueUrl=url)["Messages"]
    event = json.loads(message["Body"])
    assert (event["source"], event["account"]) == ("known", ACCOUNT)
