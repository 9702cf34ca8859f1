"""Policies have no more room than IAM gives them, whoever makes them: the API, and CloudFormation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.patches.conftest import Sandbox

TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"},
}


def policy(characters: int) -> str:
    """Of so many characters, and white space that does not count."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::"}
    document: dict[str, Any] = {"Version": "2012-10-17", "Statement": [statement]}
    statement["Resource"] += "x" * (characters - len(json.dumps(document, separators=(",", ":"))))
    return json.dumps(document, indent=4)


def role(aws: Sandbox, name: str) -> Any:
    iam = aws.server.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    return iam


def refused(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == "LimitExceeded"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    return str(caught.value.response["Error"]["Message"])


def test_the_inline_policies_of_a_role_share_10240_characters(aws: Sandbox) -> None:
    iam = role(aws, "inline")
    iam.put_role_policy(RoleName="inline", PolicyName="one", PolicyDocument=policy(5000))
    iam.put_role_policy(RoleName="inline", PolicyName="two", PolicyDocument=policy(5240))
    iam.put_role_policy(RoleName="inline", PolicyName="two", PolicyDocument=policy(5240))
    said = refused(iam.put_role_policy, RoleName="inline", PolicyName="two", PolicyDocument=policy(5241))
    assert said == "Maximum policy size of 10240 bytes exceeded for role inline"


def test_a_managed_policy_has_6144_characters(aws: Sandbox) -> None:
    iam = aws.server.client("iam")
    iam.create_policy(PolicyName="fits", PolicyDocument=policy(6144))
    said = refused(iam.create_policy, PolicyName="does-not", PolicyDocument=policy(6145))
    assert said == "Cannot exceed quota for PolicySize: 6144"


def test_a_trust_policy_has_2048_characters(aws: Sandbox) -> None:
    services = [f"{number:03}.amazonaws.com" for number in range(120)]
    trust = {**TRUST, "Statement": {**TRUST["Statement"], "Principal": {"Service": services}}}  # type: ignore[dict-item]
    iam = aws.server.client("iam")
    said = refused(iam.create_role, RoleName="trusting", AssumeRolePolicyDocument=json.dumps(trust))
    assert said == "Cannot exceed quota for ACLSizePerRole: 2048"


def test_ten_managed_policies_can_be_attached_to_a_role(aws: Sandbox) -> None:
    iam = role(aws, "attached")
    arns = [
        iam.create_policy(PolicyName=f"p{number}", PolicyDocument=policy(200))["Policy"]["Arn"] for number in range(11)
    ]
    for arn in arns[:10]:
        iam.attach_role_policy(RoleName="attached", PolicyArn=arn)
    said = refused(iam.attach_role_policy, RoleName="attached", PolicyArn=arns[10])
    assert said == "Cannot exceed quota for PoliciesPerRole: 10"


def test_a_stack_with_a_role_of_too_many_words_fails_and_says_why(aws: Sandbox) -> None:
    inline = {"PolicyName": "much", "PolicyDocument": json.loads(policy(10_241))}
    properties = {"AssumeRolePolicyDocument": TRUST, "Policies": [inline]}
    stacks = aws.server.client("cloudformation")
    body = json.dumps({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}})
    stacks.create_stack(StackName="wordy", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    (stack,) = stacks.describe_stacks(StackName="wordy")["Stacks"]
    assert stack["StackStatus"].startswith("ROLLBACK")
    events = stacks.describe_stack_events(StackName="wordy")["StackEvents"]
    reasons = [each.get("ResourceStatusReason", "") for each in events]
    assert any("Maximum policy size of 10240 bytes exceeded for role" in reason for reason in reasons)
