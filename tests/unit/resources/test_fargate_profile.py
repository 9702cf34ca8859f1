from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import cluster, fargate_profile
from tests.unit.resources.aws_calls import Calls, refuse
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import FakeIam
from tests.unit.resources.samples import CLUSTER_ROLE_ARN, NETWORK, NOW, OWNER_TAGS, PODS_ROLE_ARN, request_for

NAME = "provisioner"


@pytest.fixture(autouse=True)
def existing_cluster(eks: FakeEks) -> None:
    cluster.ensure(request_for(), NETWORK, eks.client, FakeIam().client, role_arn=CLUSTER_ROLE_ARN, now=NOW)


def ensure(request: Request, eks: FakeEks, iam: FakeIam | None = None, age: timedelta = timedelta()) -> Observation:
    client = (iam or FakeIam()).client
    return fargate_profile.ensure(request, NETWORK, eks.client, client, role_arn=PODS_ROLE_ARN, now=NOW + age)


def active(eks: FakeEks) -> dict[str, Any]:
    ensure(request_for(), eks)
    eks.fargate_profiles[NAME]["status"] = "ACTIVE"
    return eks.fargate_profiles[NAME]


def test_the_profile_selects_default_kube_system_and_the_storage_namespace_in_the_private_subnets(eks: FakeEks) -> None:
    request = request_for(storage={"namespace": "data"})
    assert ensure(request, eks).reason is Reason.CREATING
    assert eks.parameters["CreateFargateProfile"] == {
        "fargateProfileName": NAME,
        "clusterName": "eks-example",
        "podExecutionRoleArn": PODS_ROLE_ARN,
        "subnets": ["subnet-0123456789abcdef1", "subnet-0123456789abcdef2"],
        "selectors": [{"namespace": "default"}, {"namespace": "kube-system"}, {"namespace": "data"}],
        "clientRequestToken": ANY,  # boto3's own: EKS would remember one of the request's beyond a removal
        "tags": OWNER_TAGS,
    }


def test_a_namespace_is_selected_once(eks: FakeEks) -> None:
    assert fargate_profile.namespaces(request_for(storage={"namespace": "kube-system"})) == ["default", "kube-system"]


def test_an_active_profile_is_ready_and_a_second_run_changes_nothing(eks: FakeEks) -> None:
    active(eks)
    calls = Calls(eks.client)
    observation = ensure(request_for(), eks)
    assert (observation.ready, observation.facts) == (True, {"fargate_profile": NAME})
    assert calls.names == ["ListFargateProfiles", "DescribeFargateProfile", "DescribeAccessEntry"]


@pytest.mark.parametrize(("status", "reason"), [("CREATING", Reason.CREATING), ("DELETING", Reason.DELETING)])
def test_a_profile_under_way_is_waited_for(status: str, reason: Reason, eks: FakeEks) -> None:
    active(eks)["status"] = status
    observation = ensure(request_for(), eks)
    assert (observation.ready, observation.reason) == (False, reason)


def test_it_is_looked_at_every_twenty_seconds_until_it_can_be_ready_and_then_every_two(eks: FakeEks) -> None:
    assert ensure(request_for(), eks).retry_after_seconds == 20
    assert ensure(request_for(), eks, age=timedelta(seconds=59)).retry_after_seconds == 20
    assert ensure(request_for(), eks, age=timedelta(seconds=60)).retry_after_seconds == 2


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_FAILED"])
def test_a_failed_profile_ends_the_run_at_once_with_its_health_issues(status: str, eks: FakeEks) -> None:
    active(eks).update(status=status, health={"issues": [{"code": "AccessDenied", "message": "trust policy"}]})
    with pytest.raises(TerminalError, match=f"{status}: AccessDenied: trust policy") as raised:
        ensure(request_for(), eks)
    assert raised.value.reason is ErrorReason.UNUSABLE


def test_a_state_nobody_knows_ends_the_run(eks: FakeEks) -> None:
    active(eks)["status"] = "PAUSED"
    with pytest.raises(TerminalError, match="PAUSED"):
        ensure(request_for(), eks)


@pytest.mark.parametrize("status", ["CREATING", "DELETING"])
def test_while_another_profile_is_created_or_deleted_ours_waits(status: str, eks: FakeEks) -> None:
    eks.fargate_profiles["other"] = {"fargateProfileName": "other", "status": status}
    observation = ensure(request_for(), eks)
    assert (observation.ready, observation.reason) == (False, Reason.WAITING_FOR_ANOTHER_PROFILE)
    assert observation.retry_after_seconds > 0
    eks.fargate_profiles["other"]["status"] = "ACTIVE"
    assert ensure(request_for(), eks).reason is Reason.CREATING


def test_a_profile_created_by_another_run_in_the_same_moment_is_taken_up(eks: FakeEks) -> None:
    refuse(eks.client, "CreateFargateProfile", "ResourceInUseException", meanwhile=lambda: ensure(request_for(), eks))
    assert ensure(request_for(), eks).reason is Reason.CREATING
    assert list(eks.fargate_profiles) == [NAME]


def test_a_profile_of_another_owner_is_refused(eks: FakeEks) -> None:
    active(eks)["tags"] = {}
    with pytest.raises(TerminalError, match=NAME) as raised:
        ensure(request_for(), eks)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"subnets": ["subnet-0123456789abcdef1"]}, "subnet-0123456789abcdef2"),
        ({"podExecutionRoleArn": "arn:aws:iam::123456789012:role/other"}, "role/other"),
    ],
)
def test_a_profile_that_does_not_cover_the_request_cannot_be_changed_and_is_refused(
    change: dict[str, Any], named: str, eks: FakeEks
) -> None:
    active(eks).update(change)
    calls = Calls(eks.client)
    with pytest.raises(TerminalError, match=named) as raised:
        ensure(request_for(), eks)
    assert raised.value.reason is ErrorReason.IMMUTABLE
    assert calls.mutating == []


@pytest.mark.parametrize(
    "selectors",
    [
        [{"namespace": "default"}],
        [{"namespace": "default"}, {"namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}}],
    ],
)
def test_what_an_existing_profile_does_not_select_gets_a_further_one_since_none_can_be_changed(
    selectors: list[dict[str, Any]], eks: FakeEks
) -> None:
    active(eks)["selectors"] = selectors
    assert ensure(request_for(), eks).reason is Reason.CREATING
    assert eks.parameters["CreateFargateProfile"]["fargateProfileName"] == f"{NAME}-2"
    assert eks.parameters["CreateFargateProfile"]["selectors"] == [{"namespace": "kube-system"}]
    assert ensure(request_for(), eks).reason is Reason.CREATING
    eks.fargate_profiles[f"{NAME}-2"]["status"] = "ACTIVE"
    calls = Calls(eks.client)
    assert ensure(request_for(), eks).ready
    assert calls.mutating == []


def volumes_in(*namespaces: str) -> Request:
    volumes = [{"name": f"of-{each}", "claim": "shared", "namespace": each} for each in namespaces]
    return request_for(storage={"volumes": volumes})


def test_more_namespaces_than_a_profile_has_selectors_for_get_further_profiles_one_after_the_other(
    eks: FakeEks,
) -> None:
    request = volumes_in(*"abcdefgh")
    for _ in range(2):
        assert ensure(request, eks).reason is Reason.CREATING
        for profile in eks.fargate_profiles.values():
            profile["status"] = "ACTIVE"
    assert ensure(request, eks).ready
    selected = {name: [s["namespace"] for s in each["selectors"]] for name, each in eks.fargate_profiles.items()}
    assert selected == {NAME: ["default", "kube-system", "a", "b", "c"], f"{NAME}-2": ["d", "e", "f", "g", "h"]}


def test_a_profile_that_was_deleted_is_made_again_under_its_name_though_a_later_one_is_there(eks: FakeEks) -> None:
    active(eks)["selectors"] = [{"namespace": "default"}]
    ensure(request_for(), eks)
    eks.fargate_profiles[f"{NAME}-2"]["status"] = "ACTIVE"
    del eks.fargate_profiles[NAME]
    ensure(request_for(), eks)
    assert eks.parameters["CreateFargateProfile"]["fargateProfileName"] == NAME
    assert eks.parameters["CreateFargateProfile"]["selectors"] == [{"namespace": "default"}]


def test_profiles_of_volumes_that_were_taken_out_stay(eks: FakeEks) -> None:
    ensure(volumes_in("team"), eks)
    eks.fargate_profiles[NAME]["status"] = "ACTIVE"
    calls = Calls(eks.client)
    assert ensure(request_for(), eks).ready
    assert calls.mutating == []


def test_a_profile_that_covers_more_is_used(eks: FakeEks) -> None:
    profile = active(eks)
    profile["selectors"] = [*profile["selectors"], {"namespace": "more"}]
    assert ensure(request_for(), eks).ready


def test_the_name_avoids_the_prefix_that_eks_reserves() -> None:
    assert not fargate_profile.NAME.startswith("eks-")


@pytest.mark.parametrize("happened", ["role made again", "entry gone"])
def test_nodes_can_join_again_once_the_pods_role_was_made_again_or_its_entry_deleted(
    happened: str, eks: FakeEks, iam: FakeIam
) -> None:
    active(eks)
    if happened == "entry gone":
        eks.access_entries.clear()
    else:
        iam.made[PODS_ROLE_ARN] = NOW + timedelta(days=1)
        eks.now = NOW + timedelta(days=2)
    observation = ensure(request_for(), eks, iam)
    assert (observation.ready, observation.reason) == (False, Reason.ACCESS_NOT_YET_EFFECTIVE)
    assert eks.access_entries[PODS_ROLE_ARN]["type"] == "FARGATE_LINUX"
    assert eks.access_entries[PODS_ROLE_ARN]["tags"] == OWNER_TAGS
    calls = Calls(eks.client)
    assert ensure(request_for(), eks, iam).ready
    assert calls.mutating == []


def test_a_persons_entry_of_the_pods_role_is_named_and_left(eks: FakeEks) -> None:
    active(eks)
    eks.access_entries[PODS_ROLE_ARN]["type"] = "STANDARD"
    with pytest.raises(TerminalError, match="is of type STANDARD") as raised:
        ensure(request_for(), eks)
    assert raised.value.reason is ErrorReason.IMMUTABLE
