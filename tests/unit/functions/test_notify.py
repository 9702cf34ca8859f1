"""The function that tells people: what it publishes, where, and what becomes of a refusal."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from functions.notify.app import lambda_handler
from provisioner.errors import RetryableError, TerminalError
from tests.unit.functions.records import Context
from tests.unit.notification.events import FAILED


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        arn = boto3.client("sns").create_topic(Name="notifications")["TopicArn"]
        monkeypatch.setenv("TOPIC_ARN", arn)
        yield arn


def test_an_event_is_published_once_with_its_subject(topic: str) -> None:
    told = lambda_handler(FAILED, Context())
    ((message_id, message, subject, attributes, _),) = (
        sns_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].topics[topic].sent_notifications
    )
    assert told == {"message_id": message_id}
    assert subject == "Storage cluster eks-example failed (111122223333, eu-west-1)"
    assert json.loads(json.loads(message)["default"]) == FAILED
    assert attributes == {"detail-type": {"Type": "String", "Value": "Storage Cluster Failed"}}


@pytest.mark.parametrize(("code", "error"), [("Throttling", RetryableError), ("NotFound", TerminalError)])
def test_a_refusal_is_an_error_of_the_function_so_that_lambda_tries_again_and_keeps_the_event(
    topic: str, monkeypatch: pytest.MonkeyPatch, code: str, error: type[Exception]
) -> None:
    sns: Any = boto3.client("sns")
    monkeypatch.setattr(boto3, "client", lambda *_, **__: sns)
    with Stubber(sns) as stub:
        stub.add_client_error("publish", code, "no", http_status_code=400)
        with pytest.raises(error):
            lambda_handler(FAILED, Context())
