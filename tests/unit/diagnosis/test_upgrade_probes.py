"""Why a cluster did not come to its next version is read from EKS's insights and updates."""

from typing import Any

import pytest

from tests.unit.diagnosis.looking import rule
from tests.unit.diagnosis.world import World
from tests.unit.resources.aws_calls import alter
from tests.unit.resources.samples import NOW, request_for

WANTED = request_for(cluster={"version": "1.35"})
TROUBLE = {"errorCode": "Unknown", "errorMessage": "It did not start.", "resourceIds": ["eks-example"]}
FULL = {"errorCode": "IpNotAvailable", "errorMessage": "No addresses.", "resourceIds": ["subnet-1"]}


def upgraded(world: World, status: str, *errors: dict[str, Any]) -> None:
    made = {"type": "VersionUpdate", "status": status, "createdAt": NOW, "errors": list(errors)}
    world.eks.updates["update-0"] = made


def test_insights_are_told_with_what_to_do(world: World) -> None:
    probe = rule("upgrade-not-ready").probe
    assert probe(world.live(WANTED), "").verdict == "refuted"
    world.eks.insights["1"] = {
        "name": "Cluster health issues",
        "kubernetesVersion": "1.34",
        "insightStatus": {"status": "ERROR", "reason": "KmsKeyDisabled"},
        "recommendation": "Resolve the health issues.",
    }
    finding = probe(world.live(WANTED), "")
    assert finding.verdict == "proved"
    assert finding.saw == "cluster eks-example is not ready for 1.34: Cluster health issues: KmsKeyDisabled"
    assert (
        rule("upgrade-not-ready").fix.format_map(finding.ids).startswith("Resolve the health issues. EKS looks again")
    )
    assert probe(world.live(request_for()), "").verdict == "refuted"  # which asks for no version


@pytest.mark.parametrize(
    ("status", "errors", "verdict"),
    [
        ("Successful", [], "refuted"),
        ("InProgress", [], "refuted"),
        ("Failed", [TROUBLE], "proved"),
        ("Failed", [TROUBLE, FULL], "proved"),
        ("Failed", [FULL], "possible"),
        ("Failed", [], "proved"),
    ],
)
def test_the_latest_upgrade_tells_why_it_failed(
    status: str, errors: list[dict[str, Any]], verdict: str, world: World
) -> None:
    probe = rule("upgrade-failed").probe
    assert probe(world.live(WANTED), "").saw == "there was none"
    upgraded(world, status, *errors)
    finding = probe(world.live(WANTED), "")
    assert finding.verdict == verdict
    if verdict == "proved":
        cause = "; ".join(f"{e['errorCode']}: {e['errorMessage']} ({e['resourceIds'][0]})" for e in errors)
        assert finding.ids == {
            "the_cause": cause or "EKS gives no reason",
            "the_cluster": "eks-example",
            "the_version": "1.33",
        }


HELD = "NotUpgradable: UpdateClusterVersion: InvalidRequestException (Kubelet version of Fargate pods must be updated"


def test_pods_that_still_run_the_version_before_are_named_and_others_are_not(world: World) -> None:
    probe = rule("upgrade-held-by-pods").probe
    assert probe(world.live(WANTED), "").verdict == "refuted"
    for name, version in (("new", "v1.33.9-eks-1"), ("old", "v1.32.11-eks-2")):
        info = {"nodeInfo": {"kubeletVersion": version}}
        world.kubernetes.put({"kind": "Node", "metadata": {"name": f"fargate-{name}", "labels": {}}, "status": info})
        pod = {"kind": "Pod", "metadata": {"name": f"web-{name}", "namespace": "shop", "labels": {}}}
        world.kubernetes.put({**pod, "spec": {"nodeName": f"fargate-{name}"}})
    finding = probe(world.live(WANTED), HELD)
    assert finding.verdict == "proved"
    assert finding.saw == "v1.32.11-eks-2 where the cluster is 1.33: fargate-old"
    assert finding.ids == {"the_pods": "shop/web-old", "the_cluster": "eks-example", "the_version": "1.33"}
    world.remove("Node")
    assert probe(world.live(WANTED), HELD).verdict == "possible"


@pytest.mark.parametrize(("errors", "verdict"), [([FULL], "proved"), ([TROUBLE], "refuted")])
def test_an_upgrade_needs_more_addresses_than_a_mount_target(
    errors: list[dict[str, Any]], verdict: str, world: World
) -> None:
    def nearly_fill(answer: dict[str, Any]) -> None:
        for subnet in answer["Subnets"]:
            if subnet["SubnetId"] == world.subnet_ids[1]:
                subnet["AvailableIpAddressCount"] = 4

    alter(world.ec2, "DescribeSubnets", nearly_fill)
    upgraded(world, "Failed", *errors)
    finding = rule("subnet-full").probe(world.live(WANTED), "")
    assert finding.verdict == verdict
    if verdict == "proved":
        assert finding.saw == f"fewer than 5 left in {world.subnet_ids[1]} (192.168.128.0/19)"
