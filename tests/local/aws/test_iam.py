"""Roles are only assumed when they exist and trust the caller; credentials lead back to who holds them."""

import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.sts.models import sts_backends

from local.aws import iam
from local.aws.policies import ANONYMOUS, Caller, decide

ROOT = "arn:aws:iam::123456789012:root"


def assume(parts: Any, role_arn: str, credentials: dict[str, str] | None = None, **more: str) -> dict[str, str]:
    answer = parts.client("sts", credentials).assume_role(RoleArn=role_arn, RoleSessionName="me", **more)
    return {name: value for name, value in answer["Credentials"].items() if isinstance(value, str)}


def refusal(*arguments: Any, **more: Any) -> str:
    with pytest.raises(ClientError) as refused:
        assume(*arguments, **more)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    return str(refused.value.response["Error"]["Message"])


def test_a_role_that_does_not_exist_is_not_assumed(parts: Any) -> None:
    role = "arn:aws:iam::123456789012:role/nobody"
    assert refusal(parts, role) == (f"User: {ROOT} is not authorized to perform: sts:AssumeRole on resource: {role}")
    assert "AssumeRole" in refusal(parts, "nonsense-that-is-long-enough")


def test_a_role_is_assumed_by_whom_it_trusts_only(parts: Any) -> None:
    first, second = parts.role("first"), parts.role("second")
    only_first = parts.role("only-first", statement={"Principal": {"AWS": first}})
    service_only = parts.role("service-only", "lambda.amazonaws.com")
    as_first, as_second = assume(parts, first), assume(parts, second)
    assert assume(parts, only_first, as_first)["AccessKeyId"].startswith("ASIA")
    assert "assumed-role/second/me is not authorized" in refusal(parts, only_first, as_second)
    assert "not authorized" in refusal(parts, only_first)
    assert "not authorized" in refusal(parts, service_only)


def test_an_external_id_must_be_the_one_the_trust_policy_names(parts: Any) -> None:
    condition = {"Condition": {"StringEquals": {"sts:ExternalId": "secret"}}}
    role = parts.role("guarded", statement=condition)
    assert "not authorized" in refusal(parts, role)
    assert "not authorized" in refusal(parts, role, ExternalId="guess")
    assert assume(parts, role, ExternalId="secret")


def test_another_account_is_trusted_by_its_root_only(parts: Any) -> None:
    mine = assume(parts, parts.role("mine"))
    hub = parts.role("hub", statement={"Principal": {"AWS": "arn:aws:iam::999999999999:root"}})
    assert "not authorized" in refusal(parts, hub, mine)


def test_credentials_lead_to_their_secret_until_they_expire(parts: Any) -> None:
    held = assume(parts, parts.role("operator"))
    found = iam.find_credential(held["AccessKeyId"])
    assert found is not None
    assert (found.secret_access_key, found.session_token) == (held["SecretAccessKey"], held["SessionToken"])
    assert found.arn == "arn:aws:sts::123456789012:assumed-role/operator/me"
    assert found.user_id.endswith(":me")
    (session,) = sts_backends["123456789012"]["aws"].assumed_roles
    session.expiration -= datetime.timedelta(hours=2)
    assert iam.find_credential(held["AccessKeyId"]) is None


def test_a_users_key_is_known_while_it_is_active(parts: Any) -> None:
    client = parts.client("iam")
    client.create_user(UserName="anna")
    key = client.create_access_key(UserName="anna")["AccessKey"]
    found = iam.find_credential(key["AccessKeyId"])
    assert found is not None
    assert (found.arn, found.secret_access_key) == ("arn:aws:iam::123456789012:user/anna", key["SecretAccessKey"])
    client.update_access_key(UserName="anna", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert iam.find_credential(key["AccessKeyId"]) is None
    assert iam.find_credential("AKIAUNKNOWN") is None


def statement(**changes: Any) -> dict[str, Any]:
    base = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    return {"Statement": [{**base, **changes}]}


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        ({"ArnLike": {"aws:SourceArn": "arn:a:*"}}, {"aws:sourcearn": "arn:a:b"}, "allow"),
        ({"ArnLike": {"aws:SourceArn": "arn:a:*"}}, {}, "implicit deny"),
        ({"StringEqualsIfExists": {"k": "v"}}, {}, "allow"),
        ({"StringNotEquals": {"k": ["v", "w"]}}, {"k": "w"}, "implicit deny"),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws:SecureTransport": "true"}, "implicit deny"),
        ({"Null": {"k": "true"}}, {}, "allow"),
    ],
)
def test_conditions_hold_as_iam_says(condition: Any, context: dict[str, str], expected: str) -> None:
    assert decide(statement(Condition=condition), ANONYMOUS, "sts:AssumeRole", context) == expected


def test_a_deny_wins_and_principals_actions_and_resources_must_match() -> None:
    both = {"Statement": [*statement()["Statement"], *statement(Effect="Deny")["Statement"]]}
    assert decide(both, ANONYMOUS, "sts:AssumeRole", {}) == "explicit deny"
    assert decide(statement(Action="sts:Tag*"), ANONYMOUS, "sts:AssumeRole", {}) == "implicit deny"
    assert decide(statement(NotAction="sts:Tag*"), ANONYMOUS, "sts:AssumeRole", {}) == "allow"
    assert decide(statement(Resource="a*"), ANONYMOUS, "sts:AssumeRole", {}, "b") == "implicit deny"
    services = statement(Principal={"Service": ["eks.amazonaws.com"]})
    assert decide(services, Caller(service="eks.amazonaws.com"), "sts:AssumeRole", {}) == "allow"
    assert decide(services, ANONYMOUS, "sts:AssumeRole", {}) == "implicit deny"
