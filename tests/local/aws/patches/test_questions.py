"""What is asked is told to whoever stands on the wire, so that the same question is known again and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.wire import Answer, Exchange
from tests.local.aws.patches.conftest import Sandbox

_ASKED: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "ec2": ("ec2", lambda ec2, name: ec2.describe_subnets(Filters=[{"Name": "subnet-id", "Values": [name]}])),
    "query": ("iam", lambda iam, name: iam.get_role(RoleName=name)),
    "json": ("dynamodb", lambda dynamodb, name: dynamodb.describe_table(TableName=name)),
    "rest-json": ("eks", lambda eks, name: eks.describe_cluster(name=name)),
    "rest-json, in the query": ("efs", lambda efs, name: efs.describe_file_systems(CreationToken=name)),
}


@pytest.mark.parametrize("protocol", _ASKED)
def test_two_questions_are_the_same_if_all_that_is_asked_is(aws: Sandbox, protocol: str) -> None:
    service, ask = _ASKED[protocol]
    questions: list[str] = []

    def note(exchange: Exchange) -> Answer:
        questions.append(exchange.question)
        return exchange.perform()

    undo = aws.server.wire.put_between(note)
    try:
        for name in ("one", "two", "one"):
            with suppress(ClientError):
                ask(aws.server.client(service), name)
    finally:
        undo()
    first, other, again = questions
    assert first == again
    assert first != other


def test_what_dynamodb_was_asked_is_told_as_it_was_sent(aws: Sandbox) -> None:
    bodies: list[str] = []

    def note(exchange: Exchange) -> Answer:
        bodies.append(exchange.call.body)
        return exchange.perform()

    undo = aws.server.wire.put_between(note)
    try:
        with suppress(ClientError):
            aws.server.client("dynamodb").get_item(TableName="claims", Key={"cluster": {"S": "one's"}})
    finally:
        undo()
    assert json.loads(bodies[0]) == {"TableName": "claims", "Key": {"cluster": {"S": "one's"}}}
