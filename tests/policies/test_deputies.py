"""Confused deputies: no service of AWS's acts with what is ours on behalf of anybody else's account.

Each statement that lets a service in says for whom it then comes; where AWS shows a policy no such key, the source of
that stands here, and the statement is bound in the way that AWS leaves.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from tests.policies.documents import ROOT, as_deployed, shipped
from tools.templates import load_template

SOURCE_KEYS: Final = {"aws:sourceaccount", "aws:sourcearn", "kms:encryptioncontext:aws:logs:arn"}
"""The last is what CloudWatch Logs shows a key in place of the others, with the account in it. Source: CloudWatch Logs
user guide, "Encrypt log data in CloudWatch Logs using AWS KMS"."""

WITHOUT_KEYS: Final = {
    # Which rule and which alarm may send is the topic's and the queues' to say. Source: SNS developer guide, "Enable
    # compatibility between event sources from AWS services and encrypted topics": aws:SourceAccount and aws:SourceArn
    # "are not supported for EventBridge-to-encrypted topics"; SQS developer guide, "Key management", shows none either.
    ("template.yaml, Key", "MessagesToEncryptedTopicsAndQueues"),
    # Source: EventBridge user guide, "Using resource-based policies": the one for CloudWatch Logs has no condition. The
    # group is named, and whoever fills it shows as an event of a stranger.
    ("operations/notifications.yaml, EventLogPolicy, Name-events", ""),
}

ACCOUNT: Final = "111122223333"


def bound(statement: Mapping[str, Any]) -> bool:
    """A key that has to be there, with a value that names our account."""
    return any(
        key.lower() in SOURCE_KEYS
        and operator.startswith(("StringEquals", "StringLike", "ArnEquals", "ArnLike"))
        and not operator.endswith("IfExists")
        and all(of_ours(value) for value in (values if isinstance(values, list) else [values]))
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )


def of_ours(value: str) -> bool:
    """Our account, an ARN in it, or the ARN of a resource of the stack, of which its name stands in."""
    return (
        re.fullmatch(r"[A-Za-z0-9]+\.Arn", value) is not None or value == ACCOUNT or value.split(":")[4:5] == [ACCOUNT]
    )


def services(statement: Mapping[str, Any]) -> list[str]:
    principal = statement.get("Principal")
    found = principal.get("Service", []) if isinstance(principal, Mapping) else []
    return found if isinstance(found, list) else [found]


def let_in() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every statement that allows a service something, where it stands and its name."""
    for document in shipped():
        for statement in document.statements:
            if services(statement) and statement["Effect"] == "Allow":
                yield document.where, statement.get("Sid", ""), statement


def test_every_service_that_is_let_in_is_so_for_this_account_alone() -> None:
    unbound = {(where, sid) for where, sid, statement in let_in() if not bound(statement)}
    assert unbound == WITHOUT_KEYS


def test_roles_keys_queues_topics_and_logs_are_looked_at_of_every_template() -> None:
    seen = {(where.split(", ")[0], service) for where, _, statement in let_in() for service in services(statement)}
    assert seen >= {
        ("template.yaml", "lambda.amazonaws.com"),
        ("template.yaml", "states.amazonaws.com"),
        ("template.yaml", "scheduler.amazonaws.com"),
        ("template.yaml", "events.amazonaws.com"),
        ("template.yaml", "logs.us-east-1.amazonaws.com"),
        ("accounts/target.yaml", "eks.amazonaws.com"),
        ("accounts/target.yaml", "eks-fargate-pods.amazonaws.com"),
        ("accounts/management.yaml", "events.amazonaws.com"),
        ("operations/notifications.yaml", "cloudwatch.amazonaws.com"),
        ("operations/webhook.yaml", "events.amazonaws.com"),
    }


def test_who_is_no_service_is_one_account_with_a_condition_or_somebody_who_is_refused() -> None:
    """Other accounts are named one by one, and everybody only where the statement is bound to one account."""
    for document in shipped():
        for statement in document.statements:
            principal = statement.get("Principal")
            if principal is None or services(statement) or statement["Effect"] == "Deny":
                continue
            named = principal["AWS"] if isinstance(principal, Mapping) else principal
            own_account = f"arn:aws:iam::{ACCOUNT}:root"
            conditions = {key: value for keys in statement.get("Condition", {}).values() for key, value in keys.items()}
            if named == "*":
                assert (
                    conditions.get("kms:CallerAccount") == ACCOUNT
                    or "elasticfilesystem:AccessedViaMountTarget" in conditions
                ), document.where
            elif named != own_account:
                assert conditions.keys() & {"sts:ExternalId", "events:source"}, (document.where, named)


def test_whoever_may_invoke_a_function_is_a_named_rule() -> None:
    permissions = [
        (name, resource["Properties"])
        for path in (ROOT / "template.yaml", *(ROOT / "accounts").glob("*.yaml"), *(ROOT / "operations").glob("*.yaml"))
        for name, resource in as_deployed(load_template(path))["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Permission"
    ]
    assert [name for name, _ in permissions] == ["NotificationRuleMayInvoke"]
    assert [each["SourceArn"] for _, each in permissions] == [{"Fn::GetAtt": ["NotificationRule", "Arn"]}]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/*"}}, True),
        ({"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}, False),
        ({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}, False),
        ({"StringEquals": {"aws:SourceAccount": "999999999999"}}, False),
        ({"ArnLike": {"aws:SourceArn": [f"arn:aws:sns:x:{ACCOUNT}:t", "arn:aws:events:*:*:rule/*"]}}, False),
        ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, False),
        ({}, False),
    ],
)
def test_what_binds_a_statement_to_our_account(condition: dict[str, Any], expected: bool) -> None:
    assert bound({"Condition": condition}) is expected
