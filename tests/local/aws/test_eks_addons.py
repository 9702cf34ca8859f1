"""Add-ons of the embedded EKS are as healthy as the cluster lets them be."""

import json
from typing import Any

import pytest

from tests.local.aws.calls import code, make_profile, request_for


def coredns(eks: Any, configuration: str | None = '{"computeType":"Fargate"}', **changes: Any) -> Any:
    values = {"configurationValues": configuration} if configuration else {}
    return eks.create_addon(clusterName="demo", addonName="coredns", **values, **changes)["addon"]


def test_coredns_is_degraded_until_a_profile_takes_its_pods(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    which = {"clusterName": "demo", "addonName": "coredns"}
    assert coredns(eks)["status"] == "CREATING"
    assert eks.describe_addon(**which)["addon"]["status"] == "CREATING"
    parts.clock.pass_time()
    degraded = eks.describe_addon(**which)["addon"]
    assert degraded["status"] == "DEGRADED"
    assert degraded["health"]["issues"][0]["code"] == "InsufficientNumberOfReplicas"
    make_profile(parts, eks)
    assert eks.describe_addon(**which)["addon"]["status"] == "DEGRADED"
    parts.clock.pass_time()
    active = eks.describe_addon(**which)["addon"]
    assert (active["status"], active["health"]["issues"]) == ("ACTIVE", [])


def test_coredns_for_instances_stays_degraded_on_fargate_until_updated(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    which = {"clusterName": "demo", "addonName": "coredns"}
    make_profile(parts, eks)
    coredns(eks, None)
    parts.clock.pass_time()
    assert eks.describe_addon(**which)["addon"]["status"] == "DEGRADED"
    eks.update_addon(**which, configurationValues=json.dumps({"computeType": "Fargate"}))
    assert eks.describe_addon(**which)["addon"]["status"] == "UPDATING"
    parts.clock.pass_time()
    assert eks.describe_addon(**which)["addon"]["status"] == "ACTIVE"


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
    deleted = [path for path, _, _ in parts.control_planes.started["demo"].requests if path.startswith("DELETE")]
    assert deleted == ([] if preserve else ["DELETE /apis/storage.k8s.io/v1/csidrivers/efs.csi.aws.com"])
