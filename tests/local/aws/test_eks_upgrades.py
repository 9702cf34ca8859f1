"""The embedded EKS upgrades as EKS does: one minor version at a time, when its insights let it, and not always well."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import eks_insights
from local.aws.eks_state import Nodegroup, clusters_of
from tests.local.aws.calls import code, make_profile, request_for

OLD = "1.34"


@pytest.fixture
def eks(parts: Any, network: Any) -> Any:
    """With a cluster that has three versions before it."""
    eks = parts.client("eks")
    eks.create_cluster(**request_for(parts, network, version=OLD))
    parts.clock.pass_time()
    return eks


@pytest.fixture
def deprecated() -> Iterator[dict[str, tuple[str, str]]]:
    yield eks_insights.DEPRECATED
    eks_insights.DEPRECATED.clear()


def state(eks: Any) -> tuple[str, str]:
    cluster = eks.describe_cluster(name="demo")["cluster"]
    return cluster["version"], cluster["status"]


def refusal(eks: Any, version: str, **given: Any) -> str:
    with pytest.raises(ClientError) as refused:
        eks.update_cluster_version(name="demo", version=version, **given)
    error = refused.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def test_an_upgrade_takes_its_time_and_is_then_the_version(parts: Any, eks: Any) -> None:
    update = eks.update_cluster_version(name="demo", version="1.35")["update"]
    assert (update["type"], update["status"], update["params"]) == (
        "VersionUpdate",
        "InProgress",
        [{"type": "Version", "value": "1.35"}],
    )
    assert state(eks) == (OLD, "UPDATING")
    assert refusal(eks, "1.35").startswith("ResourceInUseException: ")
    assert code(eks.update_cluster_config, name="demo", deletionProtection=True) == "ResourceInUseException"
    parts.clock.pass_time()
    assert state(eks) == ("1.35", "ACTIVE")
    done = eks.describe_update(name="demo", updateId=update["id"])["update"]
    assert (done["status"], done["errors"]) == ("Successful", [])


@pytest.mark.parametrize("version", ["1.36", "1.33", OLD])
def test_one_minor_version_at_a_time_and_only_upwards(version: str, eks: Any) -> None:
    said = f"InvalidParameterException: Unsupported Kubernetes minor version update from {OLD} to {version}"
    assert refusal(eks, version) == said


def test_a_version_that_is_not_offered_is_refused(eks: Any) -> None:
    assert refusal(eks, "1.99") == "InvalidParameterException: unsupported Kubernetes version"


def test_an_upgrade_can_be_taken_back_for_seven_days(parts: Any, eks: Any) -> None:
    eks.update_cluster_version(name="demo", version="1.35")
    parts.clock.pass_time()
    update = eks.update_cluster_version(name="demo", version=OLD)["update"]
    parts.clock.pass_time()
    assert (update["type"], state(eks)) == ("VersionRollback", (OLD, "ACTIVE"))
    eks.update_cluster_version(name="demo", version="1.35")
    parts.clock.pass_time()
    cluster = clusters_of("123456789012", "ap-northeast-1")["demo"]
    assert cluster.upgrade is not None
    cluster.upgrade = (OLD, cluster.upgrade[1] - datetime.timedelta(days=8))
    assert "Unsupported Kubernetes minor version update from 1.35 to 1.34" in refusal(eks, OLD)


def test_what_a_client_asks_for_and_the_next_version_lacks_stands_in_the_way_unless_forced(
    parts: Any, eks: Any, deprecated: dict[str, tuple[str, str]]
) -> None:
    deprecated["demo"] = ("/apis/example/v1beta1/things", "1.35")
    said = refusal(eks, "1.35")
    assert said.startswith("InvalidStateException: Upgrade readiness issues detected.")
    blocking = {"categories": ["UPGRADE_READINESS"], "kubernetesVersions": ["1.35"], "statuses": ["ERROR"]}
    (summary,) = eks.list_insights(clusterName="demo", filter=blocking)["insights"]
    insight = eks.describe_insight(clusterName="demo", id=summary["id"])["insight"]
    assert insight["name"] == "Deprecated APIs removed in Kubernetes v1.35"
    (detail,) = insight["categorySpecificSummary"]["deprecationDetails"]
    assert (detail["usage"], detail["stopServingVersion"]) == ("/apis/example/v1beta1/things", "1.35")
    eks.update_cluster_version(name="demo", version="1.35", force=True)
    parts.clock.pass_time()
    assert state(eks) == ("1.35", "ACTIVE")


def test_what_a_later_version_lacks_is_a_warning(eks: Any, deprecated: dict[str, tuple[str, str]]) -> None:
    deprecated["demo"] = ("/apis/example/v1beta1/things", "1.36")
    found = eks.list_insights(clusterName="demo")["insights"]
    assert {each["kubernetesVersion"] for each in found} == {"1.35", "1.36", "1.37"}
    told = {each["kubernetesVersion"]: each for each in found if each["insightStatus"]["status"] != "PASSING"}
    assert [(version, each["insightStatus"]["status"]) for version, each in told.items()] == [("1.36", "WARNING")]
    eks.update_cluster_version(name="demo", version="1.35")
    assert code(eks.describe_insight, clusterName="demo", id="4711") == "ResourceNotFoundException"


def test_an_add_on_of_two_versions_ago_stands_in_the_way(parts: Any, eks: Any) -> None:
    make_profile(parts, eks)
    parts.clock.pass_time()
    eks.create_addon(clusterName="demo", addonName="coredns", configurationValues='{"computeType": "Fargate"}')
    parts.clock.pass_time()
    old = eks.describe_addon(clusterName="demo", addonName="coredns")["addon"]["addonVersion"]
    eks.update_cluster_version(name="demo", version="1.35")
    parts.clock.pass_time()
    assert refusal(eks, "1.36").startswith("InvalidStateException: ")
    (offered,) = eks.describe_addon_versions(addonName="coredns", kubernetesVersion="1.35")["addons"]
    versions = {each["addonVersion"]: each["compatibilities"][0] for each in offered["addonVersions"]}
    assert old in versions
    (default,) = [version for version, works_with in versions.items() if works_with["defaultVersion"]]
    assert default != old
    update = {"clusterName": "demo", "addonName": "coredns"}
    assert code(eks.update_addon, **update, addonVersion="v1.0.0-eksbuild.1") == "InvalidParameterException"
    eks.update_addon(**update, addonVersion=default)
    parts.clock.pass_time()
    eks.update_cluster_version(name="demo", version="1.36")


def test_node_groups_of_an_older_version_stand_in_the_way(parts: Any, eks: Any) -> None:
    cluster = clusters_of("123456789012", "ap-northeast-1")["demo"]
    cluster.nodegroups["old"] = Nodegroup("old", "demo", "arn", OLD, "role", [], {}, {})
    eks.update_cluster_version(name="demo", version="1.35")
    parts.clock.pass_time()
    assert "Nodegroup old must be updated to match cluster version 1.35" in refusal(eks, "1.36")


def test_pods_on_fargate_of_an_older_version_stand_in_the_way_and_an_insight_tells_of_them(
    parts: Any, eks: Any
) -> None:
    cluster = clusters_of("123456789012", "ap-northeast-1")["demo"]
    asked = {"clusterName": "demo", "filter": {"kubernetesVersions": ["1.36"]}}
    cluster.node_versions |= {"fargate-1": OLD, "fargate-2": "1.35"}
    eks.update_cluster_version(name="demo", version="1.35")
    parts.clock.pass_time()

    def skew() -> str:
        (found,) = [each for each in eks.list_insights(**asked)["insights"] if each["name"] == "Kubelet version skew"]
        return str(found["insightStatus"]["status"])

    assert skew() == "WARNING"
    assert "Kubelet version of Fargate pods must be updated to match cluster version 1.35" in refusal(eks, "1.36")
    cluster.node_versions["fargate-1"] = "1.32"
    assert skew() == "ERROR"
    del cluster.node_versions["fargate-1"]
    assert skew() == "PASSING"
    eks.update_cluster_version(name="demo", version="1.36")


def fill(parts: Any, subnet_id: str) -> None:
    ec2 = parts.client("ec2")
    while ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]["AvailableIpAddressCount"] >= 5:
        ec2.create_network_interface(SubnetId=subnet_id)


@pytest.fixture
def full(parts: Any, eks: Any) -> str:
    """A subnet of the cluster, small and full."""
    cluster = clusters_of("123456789012", "ap-northeast-1")["demo"]
    made = parts.client("ec2").create_subnet(VpcId=cluster.vpc_config["vpcId"], CidrBlock="192.168.200.0/28")
    subnet_id = str(made["Subnet"]["SubnetId"])
    cluster.vpc_config["subnetIds"] = [*cluster.vpc_config["subnetIds"], subnet_id]
    fill(parts, subnet_id)
    return subnet_id


def test_an_upgrade_without_addresses_fails_and_leaves_the_version(parts: Any, eks: Any, full: str) -> None:
    update = eks.update_cluster_version(name="demo", version="1.35")["update"]
    parts.clock.pass_time()
    failed = eks.describe_update(name="demo", updateId=update["id"])["update"]
    assert (state(eks), failed["status"]) == ((OLD, "ACTIVE"), "Failed")
    assert [(each["errorCode"], each["resourceIds"]) for each in failed["errors"]] == [("IpNotAvailable", [full])]


def test_insights_know_of_the_health_what_was_seen_at_their_last_refresh(parts: Any, eks: Any, full: str) -> None:
    asked = {"clusterName": "demo", "filter": {"statuses": ["ERROR"]}}
    assert eks.list_insights(**asked)["insights"] == []
    assert code(eks.describe_insights_refresh, clusterName="demo") == "ResourceNotFoundException"
    eks.start_insights_refresh(clusterName="demo")
    assert eks.describe_insights_refresh(clusterName="demo")["status"] == "IN_PROGRESS"
    parts.clock.pass_time()
    assert eks.describe_insights_refresh(clusterName="demo")["status"] == "COMPLETED"
    (insight,) = eks.list_insights(**asked)["insights"]
    assert insight["name"] == "Cluster health issues"
    assert full in insight["insightStatus"]["reason"]
    assert refusal(eks, "1.35").startswith("InvalidStateException: ")
