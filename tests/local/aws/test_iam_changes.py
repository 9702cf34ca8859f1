"""What IAM was told a moment ago is seen by the rest of AWS only a while later."""

import json
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import eks_rules, iam, iam_changes
from local.aws.permissions.calls.roles import missing_linked_roles
from local.aws.permissions.demand import ApiCall
from local.aws.permissions.identity import statements_of
from tests.local.aws.calls import FARGATE, assume, make_profile, request_for
from tests.local.aws.conftest import ACCOUNT, CLUSTER_POLICY, REGION

ROLES = "arn:aws:iam::123456789012:role/"
NOT_ASSUMABLE = "could not be assumed because it does not exist or the trusted entity is not correct"
SECONDS = 10.0


class Time:
    """Passes when a test says so."""

    def __init__(self) -> None:
        self.now = monotonic() + SECONDS

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(iam_changes, "time", SimpleNamespace(monotonic=lambda: time.now))
    monkeypatch.setattr(iam_changes, "DELAYS", {(f"{ROLES}*", kind): SECONDS for kind in ("trust", "policies")})
    return time


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    return str(refused.value.response["Error"]["Message"])


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_eks_takes_a_new_role_once_it_is_as_old_as_iam_takes_to_spread_it(parts: Any, network: Any, time: Time) -> None:
    eks, request = parts.client("eks"), request_for(parts, network)
    assert refusal(eks.create_cluster, **request) == f"Role with arn: {request['roleArn']}, {NOT_ASSUMABLE}"
    time.pass_by(SECONDS - 1)
    assert NOT_ASSUMABLE in refusal(eks.create_cluster, **request)
    time.pass_by(1)
    assert eks.create_cluster(**request)["cluster"]["status"] == "CREATING"


def test_a_trust_policy_that_was_changed_a_moment_ago_is_still_the_one_before(
    parts: Any, network: Any, time: Time
) -> None:
    eks, people = parts.client("eks"), parts.client("iam")
    parts.role("mended", "lambda.amazonaws.com")
    parts.attach(CLUSTER_POLICY, "mended")
    time.pass_by(SECONDS)
    people.update_assume_role_policy(RoleName="mended", PolicyDocument=trust("eks.amazonaws.com"))
    request = request_for(parts, network, roleArn=f"{ROLES}mended")
    assert NOT_ASSUMABLE in refusal(eks.create_cluster, **request)
    time.pass_by(SECONDS)
    people.update_assume_role_policy(RoleName="mended", PolicyDocument=trust("lambda.amazonaws.com"))
    assert eks.create_cluster(**request)["cluster"]["status"] == "CREATING"


def test_eks_wants_its_policy_on_the_clusters_role_and_sees_it_later(parts: Any, network: Any, time: Time) -> None:
    eks = parts.client("eks")
    parts.role("bare", "lambda.amazonaws.com")
    parts.client("iam").update_assume_role_policy(RoleName="bare", PolicyDocument=trust("eks.amazonaws.com"))
    request = request_for(parts, network, roleArn=f"{ROLES}bare")
    time.pass_by(SECONDS)
    assert "doesn't have the Amazon EKS Managed Policies" in refusal(eks.create_cluster, **request)
    parts.attach(CLUSTER_POLICY, "bare")
    assert CLUSTER_POLICY in refusal(eks.create_cluster, **request)
    time.pass_by(SECONDS)
    assert eks.create_cluster(**request)["cluster"]["status"] == "CREATING"


def test_the_role_that_eks_made_for_itself_a_moment_ago_is_no_sooner_seen(parts: Any, network: Any, time: Time) -> None:
    eks, request = parts.client("eks"), request_for(parts, network)
    time.pass_by(SECONDS)
    (demand,) = missing_linked_roles(
        ApiCall(ACCOUNT, REGION, "aws", service="eks", operation="CreateCluster", parameters={})
    )
    assert demand.granted is not None
    demand.granted()
    assert refusal(eks.create_cluster, **request) == f"Role with arn: {demand.resource}, {NOT_ASSUMABLE}"
    time.pass_by(SECONDS)
    assert eks.create_cluster(**request)["cluster"]["status"] == "CREATING"


def test_profiles_add_ons_and_access_entries_take_no_role_that_is_not_seen_yet(
    parts: Any, cluster: Any, time: Time
) -> None:
    eks = parts.client("eks")
    entry = {"clusterName": "demo", "principalArn": parts.role("person")}
    addon = {"clusterName": "demo", "addonName": "aws-efs-csi-driver", "serviceAccountRoleArn": parts.role("driver")}
    with pytest.raises(ClientError, match="Pod Execution role ARN is invalid or the role does not exist"):
        make_profile(parts, eks)
    assert refusal(eks.create_access_entry, **entry) == "The specified principalArn is invalid: invalid principal."
    assert NOT_ASSUMABLE in refusal(eks.create_addon, **addon)
    time.pass_by(SECONDS)
    make_profile(parts, eks)
    eks.create_access_entry(**entry)
    eks.create_addon(**addon)


def test_the_pod_execution_role_has_its_trust_later(parts: Any, cluster: Any, time: Time) -> None:
    parts.role("pods", "lambda.amazonaws.com")
    time.pass_by(SECONDS)
    parts.client("iam").update_assume_role_policy(RoleName="pods", PolicyDocument=trust(FARGATE))
    with pytest.raises(ClientError, match="Misconfigured PodExecutionRole Trust Policy"):
        make_profile(parts, parts.client("eks"))
    time.pass_by(SECONDS)
    make_profile(parts, parts.client("eks"))


def test_who_may_assume_a_role_is_told_later_too(parts: Any, time: Time) -> None:
    role = parts.role("young")
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(parts, role)
    time.pass_by(SECONDS)
    assert assume(parts, role)


def test_a_policy_is_effective_later_and_one_that_was_taken_away_goes_on_for_as_long(parts: Any, time: Time) -> None:
    people, role = parts.client("iam"), parts.role("worker")
    time.pass_by(SECONDS)

    def may() -> list[str]:
        return [str(statement["Action"]) for statement in statements_of(role)]

    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "eks:*", "Resource": "*"}]}
    people.put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=json.dumps(document))
    assert may() == []
    time.pass_by(SECONDS)
    assert may() == ["eks:*"]
    document["Statement"][0]["Action"] = "ec2:*"  # type: ignore[index]
    arn = people.create_policy(PolicyName="shared", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    people.attach_role_policy(RoleName="worker", PolicyArn=arn)
    people.delete_role_policy(RoleName="worker", PolicyName="own")
    assert may() == ["eks:*"]
    time.pass_by(SECONDS)
    assert may() == ["ec2:*"]
    document["Statement"][0]["Action"] = "efs:*"  # type: ignore[index]
    people.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)
    assert may() == ["ec2:*"]
    time.pass_by(SECONDS)
    assert may() == ["efs:*"]


def test_nothing_takes_time_that_was_given_none(parts: Any, network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iam_changes, "DELAYS", {})
    assert iam.principal_id(parts.role("person"))
    cluster_arn = "arn:aws:eks:ap-northeast-1:123456789012:cluster/one"
    eks_rules.check_cluster_role(request_for(parts, network)["roleArn"], "aws", cluster_arn)
