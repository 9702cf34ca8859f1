"""EKS refuses a role with the code of every wrong parameter: IAM tells what is wrong, or that nothing is."""

from collections.abc import Callable

import pytest

from provisioner.errors import ErrorReason, TerminalError, UnsettledError
from provisioner.observation import Reason
from provisioner.resources import cluster, cluster_access, fargate_profile
from provisioner.resources.given_roles import _lets_in
from tests.unit.resources.aws_calls import refuse
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import PERSON_ARN, FakeIam
from tests.unit.resources.samples import CLUSTER_ROLE_ARN, NETWORK, NOW, PODS_ROLE_ARN, request_for

Ensure = Callable[[FakeEks, FakeIam], Reason]
REFUSED = "InvalidParameterException"


def ensure_cluster(eks: FakeEks, iam: FakeIam) -> Reason:
    role = CLUSTER_ROLE_ARN
    return cluster.ensure(request_for(), NETWORK, eks.client, iam.client, role_arn=role, now=NOW).reason


def ensure_profile(eks: FakeEks, iam: FakeIam) -> Reason:
    ensure_cluster(eks, iam)
    return fargate_profile.ensure(
        request_for(), NETWORK, eks.client, iam.client, role_arn=PODS_ROLE_ARN, now=NOW
    ).reason


BY_STATE = {
    "CreateCluster": (ensure_cluster, CLUSTER_ROLE_ARN),
    "CreateFargateProfile": (ensure_profile, PODS_ROLE_ARN),
}
by_state = pytest.mark.parametrize("call", BY_STATE)


@by_state
def test_a_role_that_is_right_by_what_iam_says_is_tried_again_and_taken(call: str, eks: FakeEks, iam: FakeIam) -> None:
    ensure, role_arn = BY_STATE[call]
    refuse(eks.client, call, REFUSED)
    with pytest.raises(UnsettledError, match=f"{call}: {REFUSED}") as raised:
        ensure(eks, iam)
    assert raised.value.reason is ErrorReason.NOT_YET_CONSISTENT
    assert role_arn in raised.value.subject
    assert ensure(eks, iam) is Reason.CREATING


@by_state
def test_a_role_that_does_not_trust_the_service_ends_the_run_with_that_cause(
    call: str, eks: FakeEks, iam: FakeIam
) -> None:
    ensure, role_arn = BY_STATE[call]
    refuse(eks.client, call, REFUSED)
    iam.trusted[role_arn] = "lambda.amazonaws.com"
    with pytest.raises(TerminalError, match=f"role {role_arn} does not let eks[a-z.-]* assume it") as raised:
        ensure(eks, iam)
    assert raised.value.reason is ErrorReason.UNSUITABLE_ACCOUNT


@by_state
def test_a_role_that_is_not_there_ends_the_run(call: str, eks: FakeEks, iam: FakeIam) -> None:
    ensure, role_arn = BY_STATE[call]
    refuse(eks.client, call, REFUSED)
    del iam.made[role_arn]
    with pytest.raises(TerminalError, match=f"role {role_arn} does not exist"):
        ensure(eks, iam)


def test_a_clusters_role_without_the_policy_of_eks_ends_the_run(eks: FakeEks, iam: FakeIam) -> None:
    refuse(eks.client, "CreateCluster", REFUSED)
    iam.attached.clear()
    with pytest.raises(TerminalError, match="does not have arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"):
        ensure_cluster(eks, iam)


def ensure_access(eks: FakeEks, iam: FakeIam, principal: str) -> None:
    cluster_access.ensure(
        request_for(), {principal: "arn:aws:eks::aws:cluster-access-policy/P"}, eks.client, iam.client
    )


@pytest.mark.parametrize("principal", [PERSON_ARN, "arn:aws:iam::999988887777:role/elsewhere"])
def test_a_principal_that_eks_does_not_know_yet_is_tried_again_and_let_in(
    principal: str, eks: FakeEks, iam: FakeIam
) -> None:
    ensure_cluster(eks, iam)
    refuse(eks.client, "CreateAccessEntry", REFUSED)
    with pytest.raises(UnsettledError, match=principal):
        ensure_access(eks, iam, principal)
    ensure_access(eks, iam, principal)


def test_a_principal_that_iam_does_not_know_ends_the_run(eks: FakeEks, iam: FakeIam) -> None:
    ensure_cluster(eks, iam)
    refuse(eks.client, "CreateAccessEntry", REFUSED)
    del iam.made[PERSON_ARN]
    with pytest.raises(TerminalError, match=f"{PERSON_ARN} does not exist"):
        ensure_access(eks, iam, PERSON_ARN)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            {"Effect": "Allow", "Principal": {"Service": ["a.aws", "eks.aws"]}, "Action": ["sts:TagSession", "sts:*"]},
            True,
        ),
        ({"Effect": "Allow", "Principal": {"Service": "eks.aws"}, "Action": "sts:TagSession"}, False),
        ({"Effect": "Deny", "Principal": {"Service": "eks.aws"}, "Action": "sts:AssumeRole"}, False),
        ({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}, False),
    ],
)
def test_trust_is_read_in_every_form_that_a_policy_may_have(statement: dict[str, object], expected: bool) -> None:
    assert _lets_in({"Statement": statement}, "eks.aws") is expected
    assert _lets_in({"Statement": [statement]}, "eks.aws") is expected
