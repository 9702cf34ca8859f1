"""Removal of the cluster, its add-on, its profile and its access entries, against the small EKS."""

from collections.abc import Callable
from typing import Any

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.resources import (
    cluster,
    cluster_access,
    cluster_access_removal,
    cluster_dns,
    cluster_dns_removal,
    cluster_removal,
    fargate_profile,
    fargate_profile_removal,
)
from tests.unit.resources.aws_calls import Calls, refuse
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import FakeIam
from tests.unit.resources.samples import (
    CLUSTER_ROLE_ARN,
    NETWORK,
    NOW,
    PODS_ROLE_ARN,
    PROVISIONER_ROLE_ARN,
    REMOVER_ROLE_ARN,
    request_for,
)

NAME, PROFILE, ADDON = "eks-example", fargate_profile.NAME, cluster_dns.NAME
Remove = Callable[[FakeEks], Observation]


@pytest.fixture
def made(eks: FakeEks) -> FakeEks:
    """A cluster with all its parts, each ACTIVE."""
    request, iam = request_for(), FakeIam()
    cluster.ensure(request, NETWORK, eks.client, FakeIam().client, role_arn=CLUSTER_ROLE_ARN, now=NOW)
    eks.clusters[NAME]["status"] = "ACTIVE"
    fargate_profile.ensure(request, NETWORK, eks.client, iam.client, role_arn=PODS_ROLE_ARN, now=NOW)
    eks.fargate_profiles[PROFILE]["status"] = "ACTIVE"
    cluster_dns.ensure(request, eks.client, now=NOW)
    eks.addons[ADDON]["status"] = "ACTIVE"
    return eks


def the_cluster(eks: FakeEks) -> Observation:
    return cluster_removal.remove(request_for(), eks.client)


def the_profile(eks: FakeEks) -> Observation:
    return fargate_profile_removal.remove(request_for(), [], eks.client)


def the_addon(eks: FakeEks) -> Observation:
    return cluster_dns_removal.remove(request_for(), eks.client)


PARTS = [
    pytest.param(the_addon, lambda eks: eks.addons, ADDON, "DeleteAddon", id="addon"),
    pytest.param(the_profile, lambda eks: eks.fargate_profiles, PROFILE, "DeleteFargateProfile", id="profile"),
    pytest.param(the_cluster, lambda eks: eks.clusters, NAME, "DeleteCluster", id="cluster"),
]


def without_profiles(eks: FakeEks, remove: Remove) -> None:
    if remove is the_cluster:
        eks.fargate_profiles.clear()


@pytest.mark.parametrize(("remove", "kind", "name", "operation"), PARTS)
def test_it_is_deleted_once_then_waited_for_then_gone(
    remove: Remove, kind: Any, name: str, operation: str, made: FakeEks
) -> None:
    without_profiles(made, remove)
    calls, waits = Calls(made.client), list[int]()
    for _ in range(3):
        observation = remove(made)
        assert (observation.ready, observation.reason) == (False, Reason.DELETING)
        assert [each.split(" ")[-1] for each in observation.facts["waiting_for"]] == [name]
        waits.append(observation.retry_after_seconds)
    assert waits[0] >= waits[1] == waits[2] > 0
    assert calls.mutating == [operation]
    del kind(made)[name]
    assert remove(made).ready
    assert calls.mutating == [operation]


@pytest.mark.parametrize(("remove", "kind", "name", "operation"), PARTS)
def test_what_is_gone_with_its_cluster_is_done(
    remove: Remove, kind: Any, name: str, operation: str, eks: FakeEks
) -> None:
    calls = Calls(eks.client)
    assert remove(eks).ready
    assert calls.mutating == []


@pytest.mark.parametrize(("remove", "kind", "name", "operation"), PARTS)
@pytest.mark.parametrize("tags", [{}, {"eks-efs-provisioner/cluster": "another"}])
def test_what_is_anothers_is_refused_and_never_touched(
    tags: dict[str, str], remove: Remove, kind: Any, name: str, operation: str, made: FakeEks
) -> None:
    without_profiles(made, remove)
    kind(made)[name]["tags"] = tags
    calls = Calls(made.client)
    with pytest.raises(TerminalError, match=name) as raised:
        remove(made)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


@pytest.mark.parametrize(("remove", "kind", "name", "operation"), PARTS)
def test_what_goes_in_the_moment_in_which_it_is_deleted_is_done(
    remove: Remove, kind: Any, name: str, operation: str, made: FakeEks
) -> None:
    without_profiles(made, remove)
    refuse(made.client, operation, "ResourceNotFoundException")
    assert remove(made).ready


@pytest.mark.parametrize(
    ("remove", "kind", "name", "status", "reason"),
    [
        (the_addon, "addons", ADDON, "CREATING", Reason.CREATING),
        (the_addon, "addons", ADDON, "UPDATING", Reason.UPDATING),
        (the_profile, "fargate_profiles", PROFILE, "CREATING", Reason.CREATING),
        (the_cluster, "clusters", NAME, "CREATING", Reason.CREATING),
        (the_cluster, "clusters", NAME, "PENDING", Reason.CREATING),
        (the_cluster, "clusters", NAME, "UPDATING", Reason.UPDATING),
    ],
)
def test_what_is_under_way_is_waited_for(
    remove: Remove, kind: str, name: str, status: str, reason: Reason, made: FakeEks
) -> None:
    getattr(made, kind)[name]["status"] = status
    calls = Calls(made.client)
    assert (remove(made).ready, remove(made).reason) == (False, reason)
    assert calls.mutating == []


@pytest.mark.parametrize(
    ("remove", "kind", "name", "status"),
    [
        (the_addon, "addons", ADDON, "CREATE_FAILED"),
        (the_addon, "addons", ADDON, "UPDATE_FAILED"),
        (the_addon, "addons", ADDON, "DEGRADED"),
        (the_profile, "fargate_profiles", PROFILE, "CREATE_FAILED"),
        (the_cluster, "clusters", NAME, "FAILED"),
    ],
)
def test_what_failed_or_is_not_well_can_still_be_deleted(
    remove: Remove, kind: str, name: str, status: str, made: FakeEks
) -> None:
    without_profiles(made, remove)
    getattr(made, kind)[name]["status"] = status
    assert remove(made).reason is Reason.DELETING
    assert getattr(made, kind)[name]["status"] == "DELETING"


@pytest.mark.parametrize(
    ("remove", "kind", "name"), [(the_addon, "addons", ADDON), (the_profile, "fargate_profiles", PROFILE)]
)
def test_a_deletion_that_failed_is_final_and_says_why(remove: Remove, kind: str, name: str, made: FakeEks) -> None:
    health = {"issues": [{"code": "AccessDenied", "message": "the role is gone", "resourceIds": []}]}
    getattr(made, kind)[name].update(status="DELETE_FAILED", health=health)
    with pytest.raises(TerminalError, match="DELETE_FAILED: AccessDenied: the role is gone") as raised:
        remove(made)
    assert raised.value.reason is ErrorReason.UNUSABLE


@pytest.mark.parametrize(("remove", "kind", "name", "operation"), PARTS)
def test_a_status_of_next_year_ends_the_removal(
    remove: Remove, kind: Any, name: str, operation: str, made: FakeEks
) -> None:
    kind(made)[name]["status"] = "A_STATUS_OF_NEXT_YEAR"
    with pytest.raises(TerminalError, match="A_STATUS_OF_NEXT_YEAR"):
        remove(made)


def test_while_another_profile_is_under_way_ours_waits(made: FakeEks) -> None:
    made.fargate_profiles["theirs"] = {**made.fargate_profiles[PROFILE], "status": "DELETING"}
    observation = the_profile(made)
    assert (observation.ready, observation.reason) == (False, Reason.WAITING_FOR_ANOTHER_PROFILE)
    assert made.fargate_profiles[PROFILE]["status"] == "ACTIVE"


def test_an_update_that_an_active_status_does_not_show_is_waited_for(made: FakeEks) -> None:
    made.fargate_profiles.clear()
    refuse(made.client, "DeleteCluster", "ResourceInUseException")
    assert the_cluster(made).reason is Reason.UPDATING
    assert the_cluster(made).reason is Reason.DELETING


def test_others_profiles_and_node_groups_are_named_and_the_cluster_stays(made: FakeEks) -> None:
    made.fargate_profiles = {"theirs": made.fargate_profiles[PROFILE]}
    made.nodegroups = ["workers"]
    calls = Calls(made.client)
    with pytest.raises(TerminalError, match="the Fargate profile theirs, the node group workers") as raised:
        the_cluster(made)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


def test_deletion_protection_is_respected_and_says_how_it_is_taken_off(made: FakeEks) -> None:
    made.fargate_profiles.clear()
    made.clusters[NAME]["deletionProtection"] = True
    calls = Calls(made.client)
    with pytest.raises(TerminalError, match="--no-deletion-protection") as raised:
        the_cluster(made)
    assert raised.value.reason is ErrorReason.PROTECTED
    assert calls.mutating == []


def test_of_the_access_entries_ours_go_the_removers_last_and_what_was_there_stays(made: FakeEks) -> None:
    ours = ("arn:aws:iam::123456789012:role/person", REMOVER_ROLE_ARN, PROVISIONER_ROLE_ARN)
    for arn in ours:
        cluster_access.create(request_for(), arn, "STANDARD", made.client, FakeIam().client)
    theirs = "arn:aws:iam::123456789012:role/theirs"
    made.create_access_entry(clusterName=NAME, principalArn=theirs, tags={}, type="STANDARD")
    gone: list[str] = []
    delete = made.delete_access_entry

    def deleted(*, clusterName: str, principalArn: str) -> dict[str, Any]:  # noqa: N803
        gone.append(principalArn)
        return delete(clusterName=clusterName, principalArn=principalArn)

    made.delete_access_entry = deleted  # type: ignore[method-assign]
    for _ in range(2):
        assert cluster_access_removal.remove(
            request_for(), [PROVISIONER_ROLE_ARN], made.client, pods_role_arn=PODS_ROLE_ARN, last=REMOVER_ROLE_ARN
        ).ready
    assert gone == [PODS_ROLE_ARN, "arn:aws:iam::123456789012:role/person", REMOVER_ROLE_ARN]
    assert set(made.access_entries) == {theirs, PROVISIONER_ROLE_ARN}


def test_without_a_cluster_there_are_no_access_entries(eks: FakeEks) -> None:
    assert cluster_access_removal.find_all(request_for(), eks.client) == []
