import json
from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.resources import cluster, cluster_dns, fargate_profile
from tests.unit.resources.aws_calls import Calls, refuse
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import FakeIam
from tests.unit.resources.samples import CLUSTER_ROLE_ARN, NETWORK, NOW, OWNER_TAGS, PODS_ROLE_ARN, request_for

ISSUES = {"issues": [{"code": "InsufficientNumberOfReplicas", "message": "no pods run"}]}


@pytest.fixture(autouse=True)
def existing_cluster(eks: FakeEks) -> None:
    cluster.ensure(request_for(), NETWORK, eks.client, FakeIam().client, role_arn=CLUSTER_ROLE_ARN, now=NOW)


def ensure(eks: FakeEks, *, age: timedelta = timedelta()) -> Observation:
    return cluster_dns.ensure(request_for(), eks.client, now=NOW + age)


def active(eks: FakeEks) -> dict[str, Any]:
    ensure(eks)
    eks.addons["coredns"]["status"] = "ACTIVE"
    return eks.addons["coredns"]


def test_coredns_is_created_for_fargate(eks: FakeEks) -> None:
    assert ensure(eks).reason is Reason.CREATING
    assert eks.parameters["CreateAddon"] == {
        "clusterName": "eks-example",
        "addonName": "coredns",
        "configurationValues": '{"computeType": "Fargate"}',
        "resolveConflicts": "OVERWRITE",
        "clientRequestToken": ANY,  # boto3's own: EKS would remember one of the request's beyond a removal
        "tags": OWNER_TAGS,
    }


def test_an_active_addon_is_ready_and_a_second_run_changes_nothing(eks: FakeEks) -> None:
    active(eks)
    calls = Calls(eks.client)
    observation = ensure(eks)
    assert (observation.ready, observation.facts) == (True, {"addon": "coredns"})
    assert calls.names == ["DescribeAddon"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("CREATING", Reason.CREATING),
        ("UPDATING", Reason.UPDATING),
        ("DELETING", Reason.DELETING),
        ("DEGRADED", Reason.WAITING_FOR_FARGATE_PROFILE),
    ],
)
def test_an_addon_under_way_is_waited_for(status: str, reason: Reason, eks: FakeEks) -> None:
    active(eks)["status"] = status
    observation = ensure(eks, age=timedelta(minutes=8))
    assert (observation.ready, observation.reason) == (False, reason)
    assert observation.retry_after_seconds > 0


def test_an_addon_that_stays_degraded_ends_the_run_with_its_health_issues(eks: FakeEks) -> None:
    active(eks).update(status="DEGRADED", health=ISSUES)
    with pytest.raises(TerminalError, match="DEGRADED: InsufficientNumberOfReplicas: no pods run") as raised:
        ensure(eks, age=timedelta(minutes=10))
    assert raised.value.reason is ErrorReason.UNUSABLE


def with_profile(eks: FakeEks, *, made_after: timedelta) -> None:
    fargate_profile.ensure(request_for(), NETWORK, eks.client, FakeIam().client, role_arn=PODS_ROLE_ARN, now=NOW)
    eks.fargate_profiles["provisioner"].update(status="ACTIVE", createdAt=NOW + made_after)


def test_pods_from_before_the_profile_are_replaced_once_and_then_given_the_time_of_new_ones(eks: FakeEks) -> None:
    week = timedelta(days=7)
    given = json.dumps({"computeType": "Fargate", "podAnnotations": {"team": "a"}})
    addon = active(eks)
    addon.update(status="DEGRADED", health=ISSUES, configurationValues=given)
    with_profile(eks, made_after=week)
    assert ensure(eks, age=week + timedelta(minutes=1)).reason is Reason.UPDATING
    made_for = {cluster_dns.MADE_FOR: (NOW + week).isoformat()}
    wanted = {"computeType": "Fargate", "podAnnotations": {"team": "a", **made_for}}
    assert json.loads(addon["configurationValues"]) == wanted
    addon.update(status="DEGRADED", modifiedAt=NOW + week + timedelta(minutes=1))
    assert ensure(eks, age=week + timedelta(minutes=9)).reason is Reason.WAITING_FOR_FARGATE_PROFILE
    with pytest.raises(TerminalError, match="DEGRADED"):
        ensure(eks, age=week + timedelta(minutes=11))


def test_pods_from_after_the_profile_are_waited_for_and_left_alone(eks: FakeEks) -> None:
    active(eks).update(status="DEGRADED", health=ISSUES)
    with_profile(eks, made_after=timedelta(minutes=-5))
    assert ensure(eks).reason is Reason.WAITING_FOR_FARGATE_PROFILE


@pytest.mark.parametrize("status", ["CREATING", "DELETING"])
def test_pods_are_not_replaced_while_the_profile_could_not_take_the_new_ones(status: str, eks: FakeEks) -> None:
    active(eks).update(status="DEGRADED", health=ISSUES)
    with_profile(eks, made_after=timedelta(minutes=5))
    eks.fargate_profiles["provisioner"]["status"] = status
    assert ensure(eks).reason is Reason.WAITING_FOR_FARGATE_PROFILE


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_FAILED", "UPDATE_FAILED"])
def test_a_failed_addon_ends_the_run_at_once_with_its_health_issues(status: str, eks: FakeEks) -> None:
    active(eks).update(status=status, health=ISSUES)
    with pytest.raises(TerminalError, match=f"{status}: InsufficientNumberOfReplicas") as raised:
        ensure(eks)
    assert raised.value.reason is ErrorReason.UNUSABLE


def test_a_state_nobody_knows_ends_the_run(eks: FakeEks) -> None:
    active(eks)["status"] = "PAUSED"
    with pytest.raises(TerminalError, match="PAUSED"):
        ensure(eks)


@pytest.mark.parametrize("status", ["ACTIVE", "DEGRADED"])
def test_an_addon_not_configured_for_fargate_is_updated_and_keeps_its_other_settings(status: str, eks: FakeEks) -> None:
    addon = active(eks)
    addon.update(status=status, configurationValues='{"replicaCount": 3, "computeType": "ec2"}')
    assert ensure(eks).reason is Reason.UPDATING
    assert json.loads(addon["configurationValues"]) == {"replicaCount": 3, "computeType": "Fargate"}


def test_an_addon_without_any_configuration_is_updated(eks: FakeEks) -> None:
    addon = active(eks)
    del addon["configurationValues"]
    assert ensure(eks).reason is Reason.UPDATING
    assert json.loads(addon["configurationValues"]) == {"computeType": "Fargate"}


def test_an_update_that_is_already_under_way_is_waited_for(eks: FakeEks) -> None:
    active(eks)["configurationValues"] = "{}"
    refuse(eks.client, "UpdateAddon", "ResourceInUseException")
    assert ensure(eks).reason is Reason.UPDATING


def test_other_settings_are_no_reason_to_update(eks: FakeEks) -> None:
    active(eks)["configurationValues"] = '{"replicaCount":3,"computeType":"Fargate"}'
    assert ensure(eks).ready


def test_an_addon_of_another_owner_is_refused_and_never_changed(eks: FakeEks) -> None:
    active(eks).update(tags={}, configurationValues="{}")
    calls = Calls(eks.client)
    with pytest.raises(TerminalError, match="coredns") as raised:
        ensure(eks)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


def test_an_addon_created_by_another_run_in_the_same_moment_is_taken_up(eks: FakeEks) -> None:
    refuse(eks.client, "CreateAddon", "ResourceInUseException", meanwhile=lambda: ensure(eks))
    assert ensure(eks).reason is Reason.CREATING
    assert list(eks.addons) == ["coredns"]
