from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import cluster
from tests.unit.resources.aws_calls import Calls, refuse
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import FakeIam
from tests.unit.resources.samples import CLUSTER_ROLE_ARN, NETWORK, NOW, request_for


def ensure(request: Request, eks: FakeEks, iam: FakeIam | None = None, *, age: timedelta = timedelta()) -> Observation:
    iam = iam or FakeIam()
    return cluster.ensure(request, NETWORK, eks.client, iam.client, role_arn=CLUSTER_ROLE_ARN, now=NOW + age)


def active(request: Request, eks: FakeEks) -> dict[str, Any]:
    ensure(request, eks)
    eks.clusters[request.cluster.name]["status"] = "ACTIVE"
    return eks.clusters[request.cluster.name]


def test_a_new_cluster_has_access_entries_only_no_self_managed_addons_and_the_private_subnets(eks: FakeEks) -> None:
    request = request_for()
    observation = ensure(request, eks)
    assert (observation.ready, observation.reason) == (False, Reason.CREATING)
    assert eks.parameters["CreateCluster"] == {
        "name": "eks-example",
        "roleArn": CLUSTER_ROLE_ARN,
        "resourcesVpcConfig": {
            "subnetIds": ["subnet-0123456789abcdef1", "subnet-0123456789abcdef2"],
            "endpointPublicAccess": True,
            "endpointPrivateAccess": True,
            "publicAccessCidrs": ["0.0.0.0/0"],
        },
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        "bootstrapSelfManagedAddons": False,
        "logging": {
            "clusterLogging": [
                {"types": ["audit", "authenticator"], "enabled": True},
                {"types": ["api", "controllerManager", "scheduler"], "enabled": False},
            ]
        },
        "upgradePolicy": {"supportType": "STANDARD"},
        "clientRequestToken": ANY,  # boto3's own: EKS would remember one of the request's beyond a removal
        "tags": {"eks-efs-provisioner/cluster": "eks-example"},
    }


def test_a_version_and_a_secrets_key_are_passed_only_when_asked_for(eks: FakeEks) -> None:
    key_arn = "arn:aws:kms:ap-northeast-1:123456789012:key/1"
    ensure(request_for(cluster={"version": "1.33", "secrets_key_arn": key_arn}), eks)
    given = eks.parameters["CreateCluster"]
    assert given["version"] == "1.33"
    assert given["encryptionConfig"] == [{"resources": ["secrets"], "provider": {"keyArn": key_arn}}]


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        ("public", {"endpointPublicAccess": True, "endpointPrivateAccess": False, "publicAccessCidrs": ["1.2.3.0/24"]}),
        ("private", {"endpointPublicAccess": False, "endpointPrivateAccess": True}),
    ],
)
def test_public_access_cidrs_are_given_only_for_a_public_endpoint(
    access: str, expected: dict[str, Any], eks: FakeEks
) -> None:
    ensure(request_for(cluster={"endpoint_access": access, "public_access_cidrs": ["1.2.3.0/24"]}), eks)
    given = eks.parameters["CreateCluster"]["resourcesVpcConfig"]
    assert {key: value for key, value in given.items() if key != "subnetIds"} == expected


def test_the_first_looks_are_rare_and_the_later_ones_frequent(eks: FakeEks) -> None:
    ensure(request_for(), eks)
    assert ensure(request_for(), eks, age=timedelta(minutes=6)).retry_after_seconds == 60
    assert ensure(request_for(), eks, age=timedelta(minutes=8)).retry_after_seconds == 2


def test_an_active_cluster_is_ready_and_says_where_it_is(eks: FakeEks) -> None:
    active(request_for(), eks)
    observation = ensure(request_for(), eks)
    assert observation.ready
    assert observation.facts == {
        "name": "eks-example",
        "arn": "arn:aws:eks:ap-northeast-1:123456789012:cluster/eks-example",
        "endpoint": "https://example.eks.invalid",
        "version": "1.33",
        "created_at": NOW.isoformat(),
        "next_version": None,
        "security_group_id": "sg-0123456789abcdef0",
    }


def test_a_second_run_changes_nothing(eks: FakeEks) -> None:
    active(request_for(), eks)
    calls = Calls(eks.client)
    assert ensure(request_for(), eks).ready
    assert calls.names == ["DescribeCluster"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("CREATING", Reason.CREATING),
        ("PENDING", Reason.CREATING),
        ("UPDATING", Reason.UPDATING),
        ("DELETING", Reason.DELETING),
    ],
)
def test_a_cluster_under_way_is_waited_for(status: str, reason: Reason, eks: FakeEks) -> None:
    active(request_for(), eks)["status"] = status
    observation = ensure(request_for(), eks)
    assert (observation.ready, observation.reason) == (False, reason)
    assert observation.retry_after_seconds > 0


def test_a_failed_cluster_ends_the_run_at_once_with_its_health_issues(eks: FakeEks) -> None:
    found = active(request_for(), eks)
    issue = {"code": "Ec2SubnetNotFound", "message": "gone", "resourceIds": ["subnet-1"]}
    found.update(status="FAILED", health={"issues": [issue]})
    with pytest.raises(TerminalError, match=r"Ec2SubnetNotFound: gone \(subnet-1\)") as raised:
        ensure(request_for(), eks)
    assert raised.value.reason is ErrorReason.UNUSABLE


def test_a_state_nobody_knows_ends_the_run(eks: FakeEks) -> None:
    active(request_for(), eks)["status"] = "HIBERNATING"
    with pytest.raises(TerminalError, match="HIBERNATING") as raised:
        ensure(request_for(), eks)
    assert raised.value.reason is ErrorReason.UNUSABLE


@pytest.mark.parametrize("tags", [{}, {"eks-efs-provisioner/cluster": "other"}])
def test_a_cluster_of_another_owner_is_refused_and_never_changed(tags: dict[str, str], eks: FakeEks) -> None:
    active(request_for(), eks)["tags"] = tags
    calls = Calls(eks.client)
    with pytest.raises(TerminalError, match="eks-example") as raised:
        ensure(request_for(cluster={"control_plane_logs": []}), eks)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


def test_a_cluster_created_by_another_run_in_the_same_moment_is_taken_up(eks: FakeEks) -> None:
    refuse(eks.client, "CreateCluster", "ResourceInUseException", meanwhile=lambda: ensure(request_for(), eks))
    assert ensure(request_for(), eks).reason is Reason.CREATING
    assert list(eks.clusters) == ["eks-example"]


def test_endpoint_access_and_logs_of_an_active_cluster_are_brought_to_the_request_one_at_a_time(eks: FakeEks) -> None:
    found = active(request_for(), eks)
    changed = request_for(cluster={"public_access_cidrs": ["1.2.3.0/24"], "control_plane_logs": ["api"]})
    calls = Calls(eks.client)
    assert ensure(changed, eks).reason is Reason.UPDATING
    assert calls.mutating == ["UpdateClusterConfig"]
    found["status"] = "ACTIVE"
    assert ensure(changed, eks).reason is Reason.UPDATING
    found["status"] = "ACTIVE"
    assert ensure(changed, eks).ready
    assert found["resourcesVpcConfig"]["publicAccessCidrs"] == ["1.2.3.0/24"]
    assert found["logging"]["clusterLogging"][0] == {"types": ["api"], "enabled": True}
    assert calls.mutating == ["UpdateClusterConfig"] * 2


def test_deletion_protection_is_set_as_asked_for_and_left_alone_where_nobody_asked(eks: FakeEks) -> None:
    found = active(request_for(cluster={"deletion_protection": True}), eks)
    assert found["deletionProtection"] is True
    assert ensure(request_for(), eks).ready
    assert found["deletionProtection"] is True
    assert ensure(request_for(cluster={"deletion_protection": False}), eks).reason is Reason.UPDATING
    assert found["deletionProtection"] is False


def test_switching_all_logs_off_names_every_type(eks: FakeEks) -> None:
    active(request_for(), eks)
    ensure(request_for(cluster={"control_plane_logs": []}), eks)
    every = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
    assert eks.parameters["UpdateClusterConfig"]["logging"] == {"clusterLogging": [{"types": every, "enabled": False}]}


def test_the_cidrs_of_an_endpoint_that_is_not_public_are_no_difference(eks: FakeEks) -> None:
    request = request_for(cluster={"endpoint_access": "private"})
    active(request, eks)["resourcesVpcConfig"]["publicAccessCidrs"] = ["9.9.9.0/24"]
    assert ensure(request, eks).ready


def test_an_update_that_is_already_under_way_is_waited_for(eks: FakeEks) -> None:
    active(request_for(), eks)
    refuse(eks.client, "UpdateClusterConfig", "ResourceInUseException")
    assert ensure(request_for(cluster={"control_plane_logs": []}), eks).reason is Reason.UPDATING


def test_a_newer_version_than_asked_for_is_left_and_an_older_one_is_told_what_is_next(eks: FakeEks) -> None:
    active(request_for(), eks)
    calls = Calls(eks.client)
    told = {
        version: ensure(request_for(cluster={"version": version}), eks).facts for version in ("1.32", "1.33", "1.35")
    }
    assert {version: facts["next_version"] for version, facts in told.items()} == {
        "1.32": None,
        "1.33": None,
        "1.35": "1.34",
    }
    assert {facts["version"] for facts in told.values()} == {"1.33"}
    assert calls.mutating == []


def test_a_cluster_in_another_vpc_is_refused(eks: FakeEks) -> None:
    active(request_for(), eks)["resourcesVpcConfig"]["vpcId"] = "vpc-2"
    with pytest.raises(TerminalError, match="vpc-2") as raised:
        ensure(request_for(), eks)
    assert raised.value.reason is ErrorReason.IMMUTABLE


@pytest.mark.parametrize(
    ("asked", "policy"),
    [
        ({}, "STANDARD"),
        ({"version": "1.33"}, "STANDARD"),
        ({"version": "1.32"}, "EXTENDED"),
        ({"upgrade_policy": "EXTENDED"}, "EXTENDED"),
    ],
)
def test_a_new_cluster_stays_in_standard_support_unless_asked_otherwise_or_its_version_has_left_it(
    asked: dict[str, Any], policy: str, eks: FakeEks
) -> None:
    ensure(request_for(cluster=asked), eks)
    assert eks.parameters["CreateCluster"]["upgradePolicy"] == {"supportType": policy}


def test_an_upgrade_policy_is_changed_where_asked_for_and_left_alone_where_nobody_asked(eks: FakeEks) -> None:
    found = active(request_for(cluster={"upgrade_policy": "EXTENDED"}), eks)
    assert ensure(request_for(), eks).ready
    assert found["upgradePolicy"] == {"supportType": "EXTENDED"}
    standard = request_for(cluster={"upgrade_policy": "STANDARD"})
    assert ensure(standard, eks).reason is Reason.UPDATING
    assert found["upgradePolicy"] == {"supportType": "STANDARD"}


def test_extended_support_that_has_begun_is_not_left_by_asking(eks: FakeEks) -> None:
    active(request_for(cluster={"version": "1.32"}), eks)
    calls = Calls(eks.client)
    with pytest.raises(TerminalError, match=r"cluster.upgrade_policy is EXTENDED.*1.32 is in extended") as raised:
        ensure(request_for(cluster={"upgrade_policy": "STANDARD"}), eks)
    assert raised.value.reason is ErrorReason.IMMUTABLE
    assert calls.mutating == []


def test_a_range_for_services_is_given_at_creation_and_refused_by_its_field_later(eks: FakeEks) -> None:
    found = active(request_for(cluster={"service_ipv4_cidr": "172.30.0.0/16"}), eks)
    assert eks.parameters["CreateCluster"]["kubernetesNetworkConfig"] == {"serviceIpv4Cidr": "172.30.0.0/16"}
    assert ensure(request_for(), eks).ready
    with pytest.raises(TerminalError, match=r"service_ipv4_cidr is 172\.30\.0\.0/16, asked for 10\.100") as raised:
        ensure(request_for(cluster={"service_ipv4_cidr": "10.100.0.0/16"}), eks)
    assert raised.value.reason is ErrorReason.IMMUTABLE
    found["kubernetesNetworkConfig"] = {"ipFamily": "ipv6", "serviceIpv6Cidr": "fd12:3456:789a::/108"}
    with pytest.raises(TerminalError, match=r"cluster\.ip_family is ipv6, asked for ipv4"):
        ensure(request_for(), eks)


def test_a_secrets_key_cannot_be_added_to_a_cluster(eks: FakeEks) -> None:
    active(request_for(), eks)
    with pytest.raises(TerminalError, match="does not encrypt") as raised:
        ensure(request_for(cluster={"secrets_key_arn": "arn:aws:kms:ap-northeast-1:123456789012:key/1"}), eks)
    assert raised.value.reason is ErrorReason.IMMUTABLE


@pytest.mark.parametrize(
    ("asked", "access", "is_one"),
    [
        ("public_and_private", (True, True, ["0.0.0.0/0"]), False),
        ("public_and_private", (True, False, ["0.0.0.0/1", "128.0.0.0/1"]), False),
        ("public_and_private", (True, False, ["1.2.3.0/24"]), True),
        ("public_and_private", (False, True, []), True),
        ("private", (True, True, ["1.2.3.0/24"]), False),
        ("private", (True, False, ["1.2.3.0/24"]), True),
        ("public", (True, True, ["0.0.0.0/0"]), False),
        ("public", (True, False, ["1.2.3.0/24"]), True),
    ],
)
def test_an_endpoint_is_narrowed_when_it_keeps_out_who_was_to_come_in(
    asked: str, access: tuple[bool, bool, list[str]], is_one: bool
) -> None:
    config = dict(zip(("endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs"), access, strict=True))
    found: Any = {"resourcesVpcConfig": config}
    assert cluster.is_narrowed(request_for(cluster={"endpoint_access": asked}), found) is is_one
