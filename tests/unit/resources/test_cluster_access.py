from datetime import timedelta

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation
from provisioner.request import Request
from provisioner.resources import cluster, cluster_access
from tests.unit.resources.aws_calls import Calls, refuse
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import LONG_AGO, FakeIam
from tests.unit.resources.samples import (
    CLUSTER_ROLE_ARN,
    INSPECTOR_ROLE_ARN,
    NETWORK,
    NOW,
    OWNER_TAGS,
    PROVISIONER_ROLE_ARN,
    REMOVER_ROLE_ARN,
    request_for,
)

PERSON_ARN = "arn:aws:iam::123456789012:role/platform"
POLICY_ARN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
LOOK = [
    {
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy",
        "accessScope": {"type": "cluster"},
    }
]
ADMINISTRATOR = [{"policyArn": POLICY_ARN, "accessScope": {"type": "cluster"}}]


@pytest.fixture(autouse=True)
def existing_cluster(eks: FakeEks) -> None:
    cluster.ensure(request_for(), NETWORK, eks.client, FakeIam().client, role_arn=CLUSTER_ROLE_ARN, now=NOW)


def ensure(request: Request, eks: FakeEks, iam: FakeIam | None = None, partition: str = "aws") -> Observation:
    wanted = cluster_access.wanted_policies(
        request,
        provisioner_role_arn=PROVISIONER_ROLE_ARN,
        inspector_role_arn=INSPECTOR_ROLE_ARN,
        remover_role_arn=REMOVER_ROLE_ARN,
        partition=partition,
    )
    return cluster_access.ensure(request, wanted, eks.client, (iam or FakeIam()).client)


def test_our_roles_and_every_administrator_get_cluster_admin_once_and_the_inspector_looks(eks: FakeEks) -> None:
    request = request_for(cluster={"admin_principal_arns": [PERSON_ARN, PROVISIONER_ROLE_ARN]})
    observation = ensure(request, eks)
    assert observation.ready
    assert observation.facts == {
        "principal_arns": [REMOVER_ROLE_ARN, PROVISIONER_ROLE_ARN, INSPECTOR_ROLE_ARN, PERSON_ARN]
    }
    assert eks.policies == {
        REMOVER_ROLE_ARN: ADMINISTRATOR,
        PROVISIONER_ROLE_ARN: ADMINISTRATOR,
        INSPECTOR_ROLE_ARN: LOOK,
        PERSON_ARN: ADMINISTRATOR,
    }
    assert eks.access_entries[PERSON_ARN]["tags"] == OWNER_TAGS


def test_a_second_run_changes_nothing(eks: FakeEks) -> None:
    ensure(request_for(), eks)
    calls = Calls(eks.client)
    assert ensure(request_for(), eks).ready
    assert calls.mutating == []


def test_a_run_that_died_between_entry_and_policy_is_completed(eks: FakeEks) -> None:
    ensure(request_for(), eks)
    eks.policies[PROVISIONER_ROLE_ARN].clear()
    ensure(request_for(), eks)
    assert eks.policies[PROVISIONER_ROLE_ARN] == ADMINISTRATOR


def test_the_policy_belongs_to_the_partition(eks: FakeEks) -> None:
    ensure(request_for(), eks, partition="aws-cn")
    assert eks.parameters["AssociateAccessPolicy"]["policyArn"].startswith("arn:aws-cn:eks::aws:cluster-access-policy/")


def test_somebody_elses_entry_is_used_when_it_suffices(eks: FakeEks) -> None:
    ensure(request_for(), eks)
    eks.access_entries[PROVISIONER_ROLE_ARN]["tags"] = {}
    calls = Calls(eks.client)
    assert ensure(request_for(), eks).ready
    assert calls.mutating == []


@pytest.mark.parametrize(
    "policies", [[], [{"policyArn": POLICY_ARN, "accessScope": {"type": "namespace", "namespaces": ["default"]}}]]
)
def test_somebody_elses_entry_is_refused_when_it_does_not_suffice(
    policies: list[dict[str, object]], eks: FakeEks
) -> None:
    ensure(request_for(), eks)
    eks.access_entries[PROVISIONER_ROLE_ARN]["tags"] = {}
    eks.policies[PROVISIONER_ROLE_ARN] = policies
    calls = Calls(eks.client)
    with pytest.raises(TerminalError, match=PROVISIONER_ROLE_ARN) as raised:
        ensure(request_for(), eks)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


def test_an_entry_created_by_another_run_in_the_same_moment_is_taken_up(eks: FakeEks) -> None:
    refuse(eks.client, "CreateAccessEntry", "ResourceInUseException", meanwhile=lambda: ensure(request_for(), eks))
    assert ensure(request_for(), eks).ready
    assert eks.policies == {
        REMOVER_ROLE_ARN: ADMINISTRATOR,
        PROVISIONER_ROLE_ARN: ADMINISTRATOR,
        INSPECTOR_ROLE_ARN: LOOK,
    }


def test_the_entry_of_a_role_that_was_made_again_is_made_again_with_its_policy(eks: FakeEks, iam: FakeIam) -> None:
    request = request_for(cluster={"admin_principal_arns": [PERSON_ARN]})
    ensure(request, eks, iam)
    for arn in (REMOVER_ROLE_ARN, PROVISIONER_ROLE_ARN, INSPECTOR_ROLE_ARN, PERSON_ARN):
        iam.made[arn] = NOW + timedelta(days=1)
        eks.now = NOW + timedelta(days=2)
        calls = Calls(eks.client)
        assert ensure(request, eks, iam).ready
        assert calls.mutating == ["DeleteAccessEntry", "CreateAccessEntry", "AssociateAccessPolicy"]
        assert eks.access_entries[arn]["createdAt"] == eks.now
    calls = Calls(eks.client)
    ensure(request, eks, iam)
    assert calls.mutating == []


def test_a_user_that_was_made_again_is_told_from_a_role_of_the_same_name(eks: FakeEks, iam: FakeIam) -> None:
    user = PERSON_ARN.replace(":role/", ":user/")
    request = request_for(cluster={"admin_principal_arns": [user, PERSON_ARN]})
    iam.made[user] = LONG_AGO
    ensure(request, eks, iam)
    iam.made[user] = NOW + timedelta(days=1)
    calls = Calls(eks.client)
    ensure(request, eks, iam)
    assert calls.mutating == ["DeleteAccessEntry", "CreateAccessEntry", "AssociateAccessPolicy"]
    assert eks.parameters["DeleteAccessEntry"]["principalArn"] == user


def test_of_another_accounts_role_nothing_is_asked(eks: FakeEks, iam: FakeIam) -> None:
    request = request_for(cluster={"admin_principal_arns": ["arn:aws:iam::210987654321:role/elsewhere"]})
    ensure(request, eks, iam)
    calls = Calls(iam.client)
    assert ensure(request, eks, iam).ready
    assert calls.names == ["GetRole"] * 3


def test_somebody_elses_entry_of_a_role_that_was_made_again_is_left_and_named(eks: FakeEks, iam: FakeIam) -> None:
    ensure(request_for(), eks, iam)
    eks.access_entries[PROVISIONER_ROLE_ARN]["tags"] = {}
    iam.made[PROVISIONER_ROLE_ARN] = NOW + timedelta(days=1)
    calls = Calls(eks.client)
    with pytest.raises(TerminalError, match="for an earlier principal") as raised:
        ensure(request_for(), eks, iam)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []
