"""Objects in the cluster: as found, with their names."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from provisioner.errors import ErrorReason, RetryableError
from provisioner.kubernetes.errors import AccessNotYetEffective
from tests.unit.diagnosis.looking import look
from tests.unit.diagnosis.world import POD, World
from tests.unit.resources.samples import NOW, PODS_ROLE_ARN, PROVISIONER_ROLE_ARN, request_for


def test_a_csi_driver_that_is_gone_is_missing(world: World) -> None:
    world.remove("CSIDriver")
    finding, fix = look(world, "csi-driver-missing")
    assert finding.verdict == "proved"
    assert "efs.csi.aws.com" in fix
    assert look(world, "csi-driver-requires-attacher")[0].verdict == "refuted"


@pytest.mark.parametrize("spec", [{"attachRequired": True}, {}])
def test_a_csi_driver_that_asks_for_an_attacher_is_told(world: World, spec: dict[str, Any]) -> None:
    world.object("CSIDriver")["spec"] = spec
    finding, fix = look(world, "csi-driver-requires-attacher")
    assert finding.verdict == "proved"
    assert "kubectl delete csidriver efs.csi.aws.com" in fix


@pytest.mark.parametrize(
    ("changes", "saw"),
    [
        ({"selectors": [{"namespace": "kube-system"}]}, "provisioner is ACTIVE and selects kube-system"),
        ({"selectors": [{"namespace": "default", "labels": {"a": "b"}}]}, "default with labels {'a': 'b'}"),
        ({"status": "DELETING"}, "provisioner is DELETING"),
    ],
)
def test_a_profile_that_does_not_take_the_pods_is_told_with_its_selectors(
    world: World, changes: dict[str, Any], saw: str
) -> None:
    world.profile(**changes)
    finding, fix = look(world, "no-matching-profile", "no nodes available")
    assert finding.verdict == "proved"
    assert saw in finding.saw
    assert "select default" in fix


@pytest.mark.parametrize(
    "selector",
    [{"namespace": "def*"}, {"namespace": "default", "labels": {"eks-efs-provisioner/role": "wr?ter"}}],
)
def test_wildcards_in_selectors_count(world: World, selector: dict[str, Any]) -> None:
    world.profile(selectors=[selector])
    assert look(world, "no-matching-profile")[0].verdict == "refuted"


def test_a_pod_made_before_its_profile_is_named(world: World) -> None:
    world.pod(schedulerName="default-scheduler")
    finding, fix = look(world, "no-matching-profile")
    assert finding.verdict == "proved"
    assert f"{POD} was made before" in finding.saw
    assert f"delete {POD}" in fix


def test_a_pod_that_fargate_looked_at_or_that_is_leaving_is_not_held(world: World) -> None:
    world.pod(schedulerName="default-scheduler")
    world.warn("FailedScheduling", "volumes not supported", component="fargate-scheduler")
    leaving = world.pod("leaving", schedulerName="default-scheduler")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    assert look(world, "no-matching-profile")[0].verdict == "refuted"


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"containers": [{"securityContext": {"privileged": True}}]}, "privileged"),
        ({"containers": [{"ports": [{"hostPort": 80}]}]}, "hostPort"),
    ],
)
def test_what_fargate_does_not_offer_is_named_with_the_pod(world: World, spec: dict[str, Any], why: str) -> None:
    world.pod("efs-csi-node-1", namespace="kube-system", labels={"app": "efs-csi-node"}, **spec)
    finding, fix = look(world, "pod-not-supported")
    assert finding.verdict == "proved"
    assert f"efs-csi-node-1: {why}" in finding.saw
    assert "efs-csi-node-1" in fix


def test_a_daemon_set_of_the_efs_add_on_is_told_with_the_add_on(world: World) -> None:
    pod = world.pod("efs-csi-node-1", namespace="kube-system", labels={"app": "efs-csi-node"})
    pod["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "name": "efs-csi-node"}]
    world.eks.addons["aws-efs-csi-driver"] = dict(world.addon, addonName="aws-efs-csi-driver")
    finding, _ = look(world, "pod-not-supported")
    assert finding.verdict == "proved"
    assert finding.saw == "efs-csi-node-1: of a DaemonSet; the add-on aws-efs-csi-driver is installed"


def test_a_refused_pod_that_is_gone_is_known_by_its_event(world: World) -> None:
    text = "Pod not supported on Fargate: fields not supported: HostNetwork"
    world.warn("FailedScheduling", text, component="fargate-scheduler")
    finding, fix = look(world, "pod-not-supported", text)
    assert finding.verdict == "proved"
    assert POD in fix


def claim_is(world: World, phase: str, **spec: Any) -> None:
    claim = world.object("PersistentVolumeClaim")
    claim["status"]["phase"] = phase
    claim["spec"].update(spec)


def test_a_claim_without_its_volume_is_told(world: World) -> None:
    world.remove("PersistentVolume")
    assert look(world, "claim-not-bound")[0].verdict == "possible", "nobody misses it"
    finding, fix = look(world, "claim-not-bound", "PVC efs-claim not bound")
    assert finding.verdict == "proved"
    assert finding.saw == "PersistentVolume efs-pv does not exist"
    assert "delete claim default/efs-claim" in fix


def test_a_volume_without_its_claim_is_told(world: World) -> None:
    world.remove("PersistentVolumeClaim")
    assert look(world, "claim-not-bound")[0].saw == "claim default/efs-claim does not exist"


def test_a_lost_claim_is_told(world: World) -> None:
    claim_is(world, "Lost")
    finding, fix = look(world, "claim-not-bound")
    assert (finding.verdict, fix) == ("proved", "delete claim default/efs-claim and run again")


def test_a_claim_for_another_volume_is_told(world: World) -> None:
    claim_is(world, "Pending", volumeName="other-pv")
    assert "names the volume other-pv" in look(world, "claim-not-bound")[0].saw


def test_classes_that_differ_are_both_named(world: World) -> None:
    claim_is(world, "Pending", storageClassName="gp3")
    finding, _ = look(world, "claim-not-bound")
    assert finding.verdict == "proved"
    assert finding.saw == "claim default/efs-claim is of StorageClass gp3, PersistentVolume efs-pv of efs-sc"


def test_a_volume_bound_elsewhere_is_told_with_its_holder(world: World) -> None:
    claim_is(world, "Pending")
    world.object("PersistentVolume")["spec"]["claimRef"] = {"namespace": "other", "name": "one", "uid": "uid-1"}
    finding, fix = look(world, "claim-not-bound")
    assert finding.verdict == "proved"
    assert finding.saw == "PersistentVolume efs-pv is Bound for claim other/one"
    assert "delete claim other/one" in fix


def test_a_volume_released_by_an_earlier_claim_is_told(world: World) -> None:
    claim_is(world, "Pending")
    volume = world.object("PersistentVolume")
    volume["status"]["phase"], volume["spec"]["claimRef"]["uid"] = "Released", "uid-earlier"
    finding, fix = look(world, "claim-not-bound")
    assert finding.verdict == "proved"
    assert "remove claimRef of PersistentVolume efs-pv" in fix


def test_a_claim_that_is_being_deleted_is_told(world: World) -> None:
    world.object("PersistentVolumeClaim")["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    assert "is being deleted" in look(world, "claim-not-bound")[0].saw


def test_a_missing_access_entry_is_told_with_role_and_cluster(world: World) -> None:
    world.eks.access_entries.clear()
    finding, fix = look(world, "access-entry-missing", "HTTP 401")
    assert finding.verdict == "proved"
    assert f"in eks-example for {PROVISIONER_ROLE_ARN} with" in fix


@pytest.mark.parametrize(
    "policies",
    [
        [],
        [
            {
                "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
                "accessScope": {"type": "cluster"},
            }
        ],
        [
            {
                "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
                "accessScope": {"type": "namespace", "namespaces": ["default"]},
            }
        ],
    ],
)
def test_an_access_entry_that_does_not_suffice_is_told(world: World, policies: list[dict[str, Any]]) -> None:
    world.eks.policies[PROVISIONER_ROLE_ARN] = policies
    assert look(world, "access-entry-missing", "HTTP 401")[0].verdict == "proved"


def test_an_access_entry_of_an_earlier_role_of_the_same_arn_is_told(world: World) -> None:
    world.iam.made[PROVISIONER_ROLE_ARN] = NOW + timedelta(days=1)
    finding, fix = look(world, "access-entry-missing", "HTTP 401")
    assert (finding.verdict, "made again" in finding.saw) == ("proved", True)
    assert PROVISIONER_ROLE_ARN in fix


NODES_REFUSED = (
    "Misconfigured Fargate Profile: fargate profile provisioner blocked for new launches due to: Pod execution role is "
    "not found in auth config or does not have all required permissions for launching fargate pods."
)


@pytest.mark.parametrize(
    ("happened", "saw"),
    [
        (lambda world: world.eks.access_entries.pop(PODS_ROLE_ARN), "there is no access entry"),
        (lambda world: world.eks.access_entries[PODS_ROLE_ARN].update(type="STANDARD"), "of type STANDARD"),
        (lambda world: world.iam.made.update({PODS_ROLE_ARN: NOW + timedelta(days=1)}), "was made again"),
        (lambda world: world.iam.made.pop(PODS_ROLE_ARN), "was gone"),
    ],
)
def test_a_pod_execution_role_that_the_cluster_does_not_know_is_told(
    happened: Callable[[World], object], saw: str, world: World
) -> None:
    happened(world)
    finding, fix = look(world, "pod-execution-role-unknown", NODES_REFUSED)
    assert (finding.verdict, saw in finding.saw) == ("proved", True)
    assert PODS_ROLE_ARN in fix


def test_a_pod_execution_role_whose_entry_is_right_and_that_is_yet_refused_is_possible(world: World) -> None:
    assert look(world, "pod-execution-role-unknown", NODES_REFUSED)[0].verdict == "possible"


def test_access_that_is_right_and_yet_refused_is_possible(world: World) -> None:
    world.api.error = AccessNotYetEffective("get Namespace default: HTTP 403 Forbidden")
    finding, _ = look(world, "access-entry-missing", "HTTP 401")
    assert finding.verdict == "possible"
    assert "HTTP 403" in finding.saw


@pytest.mark.parametrize(
    ("config", "verdict"),
    [
        ({"endpointPublicAccess": False}, "proved"),
        ({"publicAccessCidrs": ["198.51.100.0/24"]}, "proved"),
        ({}, "possible"),
    ],
)
def test_an_endpoint_that_cannot_be_reached_is_told_with_its_settings(
    world: World, config: dict[str, Any], verdict: str
) -> None:
    world.cluster["resourcesVpcConfig"].update(config)
    assert look(world, "cluster-endpoint-unreachable")[0].verdict == "refuted"
    world.api.error = RetryableError(ErrorReason.SERVICE_UNAVAILABLE, "timed out", remedy="again")
    finding, fix = look(world, "cluster-endpoint-unreachable")
    assert finding.verdict == verdict
    assert "timed out" in finding.saw
    assert ("eks-example is set as asked for" if verdict == "proved" else "a way to eks-example") in fix


def test_whether_a_narrow_endpoint_that_was_asked_for_lets_the_functions_in_is_not_seen(world: World) -> None:
    office = ["198.51.100.0/24"]
    world.cluster["resourcesVpcConfig"].update(publicAccessCidrs=office, endpointPrivateAccess=True)
    world.request = request_for(cluster={"public_access_cidrs": office})
    world.api.error = RetryableError(ErrorReason.SERVICE_UNAVAILABLE, "timed out", remedy="again")
    finding, fix = look(world, "cluster-endpoint-unreachable")
    assert (finding.verdict, "is not seen from here" in finding.saw) == ("possible", True)
    assert f"let its security group {world.cluster_group_id} admit them at tcp 443" in fix


@pytest.mark.parametrize("rule", ["access-entry-missing", "no-matching-profile"])
def test_what_was_never_made_is_no_cause_of_what_came_before_it(rule: str, world: World) -> None:
    world.eks.access_entries.clear()
    world.eks.fargate_profiles.clear()
    assert look(world, rule)[0].verdict == "possible"
