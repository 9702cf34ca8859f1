"""What SNS refuses of a message, and what each kind of subscriber gets of one that has several forms."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.patches.conftest import Sandbox

NO_SUBJECTS = ("", " begins with a space", "two\nlines", "a\x07bell", "umläut", "x" * 100)
NO_STRUCTURES = (
    ("failed to parse", "no JSON"),
    ("failed to parse", '{"default": "one", "default": "two"}'),
    ("No default entry", "{}"),
    ("No default entry", '"default"'),
    ("No default entry", json.dumps({"default": {"a": "text"}})),
)


@pytest.fixture
def topic(aws: Sandbox) -> str:
    return str(aws.server.client("sns").create_topic(Name=uuid.uuid4().hex)["TopicArn"])


def refusal(aws: Sandbox, topic: str, **message: Any) -> str:
    with pytest.raises(ClientError) as refused:
        aws.server.client("sns").publish(TopicArn=topic, **message)
    assert refused.value.response["Error"]["Code"] == "InvalidParameter"
    return str(refused.value.response["Error"]["Message"])


@pytest.mark.parametrize("subject", NO_SUBJECTS)
def test_a_subject_that_mail_could_not_carry_is_refused(aws: Sandbox, topic: str, subject: str) -> None:
    assert refusal(aws, topic, Message="m", Subject=subject) == "Invalid parameter: Subject"
    aws.server.client("sns").publish(TopicArn=topic, Message="m", Subject="x" * 99)


@pytest.mark.parametrize(("why", "message"), NO_STRUCTURES)
def test_a_message_of_several_forms_is_an_object_with_a_text_for_everybody_else(
    aws: Sandbox, topic: str, why: str, message: str
) -> None:
    assert why in refusal(aws, topic, Message=message, MessageStructure="json")


def test_a_messages_size_is_that_of_its_bytes_with_its_attributes(aws: Sandbox, topic: str) -> None:
    assert "too long" in refusal(aws, topic, Message="ä" * 131_073)
    attributes = {"kind": {"DataType": "String", "StringValue": "x" * 100}}
    assert "too long" in refusal(aws, topic, Message="x" * 262_100, MessageAttributes=attributes)
    aws.server.client("sns").publish(TopicArn=topic, Message="ä" * 131_072)


def test_each_protocol_gets_its_own_text_and_the_default_where_that_is_no_text(aws: Sandbox, topic: str) -> None:
    sqs = aws.server.client("sqs")
    queue = sqs.create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns = aws.server.client("sns")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    for forms in ({"default": "d", "sqs": "s"}, {"default": "d", "sqs": 5}):
        sns.publish(TopicArn=topic, Message=json.dumps(forms), MessageStructure="json")
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in received] == ["s", "d"]
