"""Add-ons of the embedded EKS are as healthy as the cluster lets them be."""

import json
from typing import Any

import pytest

from local.aws import eks_coredns
from local.aws.eks_coredns import COMPUTE_TYPE
from tests.local.aws.calls import code, request_for

DEPLOYMENT = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"


def coredns(eks: Any, configuration: str | None = '{"computeType":"Fargate"}', **changes: Any) -> Any:
    values = {"configurationValues": configuration} if configuration else {}
    return eks.create_addon(clusterName="demo", addonName="coredns", **values, **changes)["addon"]


def the_deployment(parts: Any) -> dict[str, Any] | None:
    found: dict[str, Any] | None = parts.control_planes.started["demo"].objects.get(DEPLOYMENT)
    return found


def has_pods(parts: Any, available: int) -> None:
    found = the_deployment(parts)
    assert found is not None
    found["status"] = {"observedGeneration": found["metadata"]["generation"], "availableReplicas": available}


def template(parts: Any) -> dict[str, Any]:
    found = the_deployment(parts)
    assert found is not None
    return dict(found["spec"]["template"])


def test_coredns_is_degraded_while_its_deployment_lacks_replicas(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    which = {"clusterName": "demo", "addonName": "coredns"}

    def seen() -> tuple[str, list[str]]:
        addon = eks.describe_addon(**which)["addon"]
        return addon["status"], [issue["code"] for issue in addon["health"]["issues"]]

    assert coredns(eks)["status"] == "CREATING"
    assert seen() == ("CREATING", [])
    assert the_deployment(parts) is None
    parts.clock.pass_time()
    lacking = ("DEGRADED", ["InsufficientNumberOfReplicas"])
    assert seen() == lacking
    has_pods(parts, 1)
    assert seen() == lacking
    has_pods(parts, 2)
    assert seen() == ("ACTIVE", [])
    has_pods(parts, 0)
    assert seen() == lacking


def test_coredns_is_for_instances_until_it_is_updated_to_be_for_fargate(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    which = {"clusterName": "demo", "addonName": "coredns"}
    coredns(eks, None)
    parts.clock.pass_time()
    assert template(parts)["metadata"]["annotations"] == {COMPUTE_TYPE: "ec2"}
    has_pods(parts, 2)
    eks.update_addon(**which, configurationValues=json.dumps({"computeType": "Fargate", "podAnnotations": {"a": "b"}}))
    assert eks.describe_addon(**which)["addon"]["status"] == "UPDATING"
    parts.clock.pass_time()
    assert template(parts)["metadata"]["annotations"] == {COMPUTE_TYPE: "fargate", "a": "b"}
    assert eks.describe_addon(**which)["addon"]["status"] == "DEGRADED"
    has_pods(parts, 2)
    assert eks.describe_addon(**which)["addon"]["status"] == "ACTIVE"


@pytest.mark.parametrize("preserve", [True, False])
def test_coredns_goes_with_its_deployment_unless_told_to_preserve_it(preserve: bool, parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    coredns(eks)
    parts.clock.pass_time()
    eks.delete_addon(clusterName="demo", addonName="coredns", preserve=preserve)
    assert the_deployment(parts)
    parts.clock.pass_time()
    assert bool(the_deployment(parts)) == preserve


@pytest.mark.parametrize(
    ("region", "image"),
    [
        ("eu-west-1", "602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/coredns:v1"),
        ("me-south-1", "558608220178.dkr.ecr.me-south-1.amazonaws.com/eks/coredns:v1"),
        ("cn-north-1", "918309763551.dkr.ecr.cn-north-1.amazonaws.com.cn/eks/coredns:v1"),
    ],
)
def test_the_image_is_of_the_regions_own_registry(region: str, image: str) -> None:
    spec = eks_coredns.deployment(region, "v1", None)["spec"]["template"]["spec"]
    assert [each["image"] for each in spec["containers"]] == [image]


def test_addons_are_refused_listed_and_deleted_as_eks_does(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    which = {"clusterName": "demo", "addonName": "coredns"}
    assert code(eks.describe_addon, **which) == "ResourceNotFoundException"
    for bad in ('{"computeType": 7}', '{"computetype": "Fargate"}', "not json"):
        assert code(coredns, eks=eks, configuration=bad) == "InvalidParameterException"
    assert code(eks.create_addon, clusterName="demo", addonName="none") == "InvalidParameterException"
    coredns(eks)
    assert code(coredns, eks=eks) == "ResourceInUseException"
    assert eks.list_addons(clusterName="demo")["addons"] == ["coredns"]
    parts.clock.pass_time()
    eks.delete_addon(**which)
    assert eks.describe_addon(**which)["addon"]["status"] == "DELETING"
    parts.clock.pass_time()
    assert code(eks.describe_addon, **which) == "ResourceNotFoundException"


def test_coredns_conflicts_with_the_self_managed_one_unless_told_to_overwrite(parts: Any, network: Any) -> None:
    eks = parts.client("eks")
    eks.create_cluster(**request_for(parts, network))
    parts.clock.pass_time()
    coredns(eks)
    parts.clock.pass_time()
    addon = eks.describe_addon(clusterName="demo", addonName="coredns")["addon"]
    assert addon["status"] == "CREATE_FAILED"
    assert addon["health"]["issues"][0]["code"] == "ConfigurationConflict"


@pytest.mark.parametrize("preserve", [True, False])
def test_the_efs_add_on_takes_its_driver_along_unless_told_to_preserve_it(
    preserve: bool, parts: Any, cluster: Any
) -> None:
    eks = parts.client("eks")
    which = {"clusterName": "demo", "addonName": "aws-efs-csi-driver"}
    eks.create_addon(**which)
    parts.clock.pass_time()
    assert eks.delete_addon(**which, preserve=preserve)["addon"]["status"] == "DELETING"
    parts.clock.pass_time()
    assert code(eks.describe_addon, **which) == "ResourceNotFoundException"
    deleted = [each for each, _, _ in parts.control_planes.started["demo"].requests if each.startswith("DELETE")]
    assert deleted == (
        [] if preserve else ["DELETE /apis/storage.k8s.io/v1/csidrivers/efs.csi.aws.com?propagationPolicy=Background"]
    )
