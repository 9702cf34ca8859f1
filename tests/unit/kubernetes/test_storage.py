"""ensure() against a cluster in memory that answers as the Kubernetes API does."""

from collections.abc import Callable
from typing import Any

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.kubernetes.manifests import MANAGED_BY
from provisioner.kubernetes.storage import ensure
from provisioner.kubernetes.storage_objects import volume_handle
from provisioner.observation import Reason
from provisioner.request import OWNER_TAG
from tests.unit.kubernetes.fake_cluster import FakeCluster
from tests.unit.kubernetes.samples import ACCESS_POINT, FILE_SYSTEM, NO_ACCESS_POINT, a_request

VOLUME = ("PersistentVolume", None, "efs-pv")
CLAIM = ("PersistentVolumeClaim", "default", "efs-claim")
CLASS = ("StorageClass", None, "efs-sc")
CLAIM_REFERENCE = {"namespace": "default", "name": "efs-claim"}
DRIVER = ("CSIDriver", None, "efs.csi.aws.com")


def a_cluster(**switches: Any) -> FakeCluster:
    """As EKS makes it: with the CSIDriver, which is not ours."""
    cluster = FakeCluster(**switches)
    cluster.put(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSIDriver",
            "metadata": {"name": "efs.csi.aws.com"},
            "spec": {"attachRequired": False, "podInfoOnMount": False},
        }
    )
    return cluster


def provisioned(**switches: Any) -> FakeCluster:
    cluster = a_cluster(**switches)
    ensure(a_request(), cluster, FILE_SYSTEM, NO_ACCESS_POINT)
    cluster.changes.clear()
    return cluster


def refused(cluster: FakeCluster, **changes: Any) -> TerminalError:
    with pytest.raises(TerminalError) as caught:
        ensure(a_request(**changes), cluster, FILE_SYSTEM, NO_ACCESS_POINT)
    assert cluster.changes == []
    return caught.value


def test_the_objects_lead_from_the_file_system_to_the_claim() -> None:
    cluster = a_cluster()
    observation = ensure(a_request(), cluster, FILE_SYSTEM, NO_ACCESS_POINT)
    assert observation.ready
    one = {
        "volume_handle": FILE_SYSTEM,
        "namespace": "default",
        "storage_class": "efs-sc",
        "persistent_volume": "efs-pv",
        "claim": "efs-claim",
    }
    assert observation.facts == {**one, "volumes": [one], "unlisted": []}
    volume, claim = cluster.objects[VOLUME], cluster.objects[CLAIM]
    assert volume["spec"] == {
        "capacity": {"storage": "5Gi"},
        "volumeMode": "Filesystem",
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "efs-sc",
        "csi": {"driver": "efs.csi.aws.com", "volumeHandle": FILE_SYSTEM},
    }
    assert claim["spec"] == {
        "volumeMode": "Filesystem",
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "efs-sc",
        "volumeName": "efs-pv",
        "resources": {"requests": {"storage": "5Gi"}},
    }
    assert volume["metadata"]["labels"] == {MANAGED_BY: "eks-efs-provisioner"}
    assert volume["metadata"]["annotations"] == {OWNER_TAG: "eks-example"}
    assert cluster.objects[CLASS]["provisioner"] == "efs.csi.aws.com"


def test_an_access_point_is_part_of_the_handle_and_no_scheme_is() -> None:
    assert volume_handle(FILE_SYSTEM, ACCESS_POINT) == f"{FILE_SYSTEM}::{ACCESS_POINT}"
    assert volume_handle(FILE_SYSTEM, None) == FILE_SYSTEM


def test_a_second_run_changes_nothing() -> None:
    cluster = provisioned()
    before = cluster.versions()
    assert ensure(a_request(), cluster, FILE_SYSTEM, NO_ACCESS_POINT).ready
    assert cluster.versions() == before
    assert cluster.changes == []


def test_the_csi_driver_that_eks_made_is_left_alone_and_a_missing_one_is_made() -> None:
    cluster = provisioned()
    assert MANAGED_BY not in cluster.objects[DRIVER]["metadata"].get("labels", {})
    del cluster.objects[DRIVER]
    ensure(a_request(), cluster, FILE_SYSTEM, NO_ACCESS_POINT)
    assert cluster.objects[DRIVER]["spec"] == {"attachRequired": False}
    assert cluster.changes == ["create CSIDriver efs.csi.aws.com"]


def test_a_csi_driver_that_wants_an_attacher_is_refused_with_the_remedy() -> None:
    cluster = FakeCluster()
    cluster.put({"kind": "CSIDriver", "metadata": {"name": "efs.csi.aws.com"}, "spec": {"attachRequired": True}})
    cluster.changes.clear()
    error = refused(cluster)
    assert error.reason == ErrorReason.UNUSABLE
    assert "kubectl delete csidriver" in error.remedy


def test_a_namespace_is_made_when_it_is_missing_and_never_changed_when_it_is_there() -> None:
    request = a_request(storage={"namespace": "team-a"})
    cluster = a_cluster()
    ensure(request, cluster, FILE_SYSTEM, NO_ACCESS_POINT)
    assert cluster.objects["Namespace", None, "team-a"]["metadata"]["labels"] == {MANAGED_BY: "eks-efs-provisioner"}

    theirs = a_cluster()
    theirs.put({"kind": "Namespace", "metadata": {"name": "team-a"}})
    ensure(request, theirs, FILE_SYSTEM, NO_ACCESS_POINT)
    assert "labels" not in theirs.objects["Namespace", None, "team-a"]["metadata"]


@pytest.mark.parametrize(
    "theirs",
    [
        {"kind": "StorageClass", "metadata": {"name": "efs-sc"}},
        {"kind": "PersistentVolume", "metadata": {"name": "efs-pv"}, "spec": {}},
        {"kind": "PersistentVolumeClaim", "metadata": {"name": "efs-claim", "namespace": "default"}, "spec": {}},
    ],
    ids=lambda theirs: theirs["kind"],
)
def test_an_object_that_somebody_else_made_stops_the_run_before_any_change(theirs: dict[str, Any]) -> None:
    cluster = a_cluster()
    cluster.put(theirs)
    cluster.changes.clear()
    error = refused(cluster)
    assert error.reason == ErrorReason.OWNED_BY_ANOTHER
    assert theirs["metadata"]["name"] in error.subject


def test_a_volume_of_another_file_system_is_refused_with_both_handles() -> None:
    cluster = provisioned()
    cluster.objects[VOLUME]["spec"]["csi"]["volumeHandle"] = "fs-0old"
    error = refused(cluster)
    assert error.reason == ErrorReason.IMMUTABLE
    assert "fs-0old" in error.subject
    assert FILE_SYSTEM in error.subject


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ({"capacity": "6Gi"}, "spec.resources.requests.storage is 5Gi, not 6Gi"),
        ({"storage_class": "other"}, "spec.storageClassName is efs-sc"),
    ],
)
def test_a_claim_that_cannot_be_changed_is_refused(storage: dict[str, str], said: str) -> None:
    error = refused(provisioned(), storage=storage)
    assert error.reason == ErrorReason.IMMUTABLE
    assert said in error.subject


def test_the_same_capacity_written_otherwise_is_no_difference() -> None:
    assert ensure(a_request(storage={"capacity": "5120Mi"}), provisioned(), FILE_SYSTEM, NO_ACCESS_POINT).ready


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda cluster: cluster.objects[VOLUME]["status"].update(phase="Failed"), ErrorReason.UNUSABLE),
        (
            lambda cluster: (
                cluster.objects[CLAIM]["status"].update(phase="Lost"),
                cluster.objects[VOLUME]["spec"].update(claimRef={**CLAIM_REFERENCE, "uid": "another"}),
            ),
            ErrorReason.UNUSABLE,
        ),
        (
            lambda cluster: (
                cluster.objects[VOLUME]["status"].update(phase="Bound"),
                cluster.objects[VOLUME]["spec"].update(claimRef={"namespace": "other", "name": "claim"}),
            ),
            ErrorReason.CONFLICT,
        ),
    ],
    ids=["volume failed", "claim lost", "volume bound elsewhere"],
)
def test_what_cannot_recover_by_itself_is_not_waited_for(
    break_it: Callable[[FakeCluster], Any], reason: ErrorReason
) -> None:
    cluster = provisioned()
    break_it(cluster)
    assert refused(cluster).reason == reason


def test_a_volume_that_a_deleted_claim_left_released_is_bound_again() -> None:
    cluster = provisioned()
    del cluster.objects[CLAIM]
    volume = cluster.objects[VOLUME]
    volume["status"]["phase"] = "Released"
    volume["spec"]["claimRef"] = {"namespace": "default", "name": "efs-claim", "uid": "gone"}
    assert ensure(a_request(), cluster, FILE_SYSTEM, NO_ACCESS_POINT).ready
    assert "claimRef" not in cluster.objects[VOLUME]["spec"]
    assert cluster.objects[VOLUME]["spec"]["csi"]["volumeHandle"] == FILE_SYSTEM
    assert cluster.changes == ["patch PersistentVolume efs-pv", "create PersistentVolumeClaim efs-claim"]


def test_a_volume_that_is_gone_is_made_again_under_its_lost_claim_and_waited_for() -> None:
    cluster = provisioned()
    del cluster.objects[VOLUME]
    cluster.objects[CLAIM]["status"]["phase"] = "Lost"
    for reference in ({}, {"claimRef": {**CLAIM_REFERENCE, "uid": cluster.objects[CLAIM]["metadata"]["uid"]}}):
        observation = ensure(a_request(), cluster, FILE_SYSTEM, NO_ACCESS_POINT)
        assert observation.reason == Reason.WAITING_FOR_CLAIM_TO_BIND
        cluster.objects[VOLUME]["spec"].update(reference)  # the binder has seen the volume, not yet the claim
    assert cluster.changes == ["create PersistentVolume efs-pv"]


def test_a_change_to_our_fields_is_taken_back_and_only_on_what_is_ours() -> None:
    cluster = provisioned()
    cluster.objects[VOLUME]["spec"]["persistentVolumeReclaimPolicy"] = "Delete"
    ensure(a_request(), cluster, FILE_SYSTEM, NO_ACCESS_POINT)
    assert cluster.objects[VOLUME]["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert ("PersistentVolume", True) in cluster.overs
    assert cluster.changes == ["change PersistentVolume efs-pv"]


def test_binding_is_waited_for_and_that_of_a_new_claim_looked_at_at_once() -> None:
    cluster = a_cluster(binds=False)
    seen = [ensure(a_request(), cluster, FILE_SYSTEM, NO_ACCESS_POINT) for _ in range(3)]
    assert {(each.ready, each.reason) for each in seen} == {(False, Reason.WAITING_FOR_CLAIM_TO_BIND)}
    assert [each.retry_after_seconds for each in seen] == [0, 1, 1]


@pytest.mark.parametrize("key", [CLASS, VOLUME, CLAIM], ids=lambda key: key[0])
def test_an_object_that_is_being_deleted_is_waited_for(key: tuple[str, str | None, str]) -> None:
    cluster = provisioned()
    cluster.objects[key]["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    observation = ensure(a_request(), cluster, FILE_SYSTEM, NO_ACCESS_POINT)
    assert (observation.ready, observation.reason) == (False, Reason.DELETING)
    assert cluster.changes == []


def test_access_that_is_not_yet_effective_is_waited_for() -> None:
    observation = ensure(a_request(), a_cluster(access_after_calls=1), FILE_SYSTEM, NO_ACCESS_POINT)
    assert observation.reason == Reason.ACCESS_NOT_YET_EFFECTIVE
    assert observation.retry_after_seconds == 5


RED: dict[str, Any] = {"name": "efs-red", "claim": "shared", "namespace": "red", "capacity": "1Gi"}
BLUE: dict[str, Any] = {"name": "efs-blue", "claim": "shared", "namespace": "blue", "access_mode": "ReadWriteOnce"}
IDS = {"efs-red": ACCESS_POINT, "efs-blue": "fsap-0123456789abcdef1"}


def test_each_of_several_volumes_has_its_objects_and_of_the_single_one_there_is_nothing() -> None:
    cluster, request = a_cluster(), a_request(storage={"volumes": [RED, BLUE], "reclaim_policy": "Delete"})
    observation = ensure(request, cluster, FILE_SYSTEM, IDS)
    assert observation.ready
    made = {name: each["spec"] for (kind, _, name), each in cluster.objects.items() if kind == "PersistentVolume"}
    assert {name: spec["csi"]["volumeHandle"] for name, spec in made.items()} == {
        name: f"{FILE_SYSTEM}::{access_point_id}" for name, access_point_id in IDS.items()
    }
    assert {spec["persistentVolumeReclaimPolicy"] for spec in made.values()} == {"Delete"}
    claims = {key: each["spec"] for key, each in cluster.objects.items() if key[0] == "PersistentVolumeClaim"}
    assert {(where, name): (spec["volumeName"], spec["accessModes"]) for (_, where, name), spec in claims.items()} == {
        ("red", "shared"): ("efs-red", ["ReadWriteMany"]),
        ("blue", "shared"): ("efs-blue", ["ReadWriteOnce"]),
    }
    assert {("Namespace", None, "red"), ("Namespace", None, "blue")} <= cluster.objects.keys()
    assert observation.facts["persistent_volume"] == "efs-red"
    assert [each["persistent_volume"] for each in observation.facts["volumes"]] == ["efs-red", "efs-blue"]
    before = cluster.versions()
    assert ensure(request, cluster, FILE_SYSTEM, IDS).ready
    assert cluster.versions() == before


def test_what_stops_one_volume_is_found_before_anything_of_another_is_changed() -> None:
    cluster = a_cluster()
    cluster.put({"kind": "PersistentVolume", "metadata": {"name": "efs-blue"}, "spec": {}})
    cluster.put({"kind": "Namespace", "metadata": {"name": "red"}})
    cluster.put({"kind": "Namespace", "metadata": {"name": "blue"}})
    cluster.changes.clear()
    with pytest.raises(TerminalError, match="PersistentVolume efs-blue was not made by this application"):
        ensure(a_request(storage={"volumes": [RED, BLUE]}), cluster, FILE_SYSTEM, IDS)
    assert cluster.changes == []


def test_a_volume_that_is_listed_no_more_stays_and_is_told_with_what_removes_it() -> None:
    cluster = a_cluster()
    ensure(a_request(storage={"volumes": [RED, BLUE]}), cluster, FILE_SYSTEM, IDS)
    cluster.objects["PersistentVolume", None, "efs-blue"]["spec"]["claimRef"] = {"namespace": "blue", "name": "shared"}
    before = cluster.versions()
    observation = ensure(a_request(storage={"volumes": [RED]}), cluster, FILE_SYSTEM, IDS)
    assert cluster.versions() == before
    (told,) = observation.facts["unlisted"]
    assert (told["persistent_volume"], told["claim"]) == ("efs-blue", "blue/shared")
    for command in (
        "kubectl delete persistentvolumeclaim shared --namespace blue",
        "kubectl delete persistentvolume efs-blue",
        f"aws efs delete-access-point --access-point-id {IDS['efs-blue']}",
    ):
        assert command in told["how_to_remove"]


def test_every_volume_of_a_file_system_in_a_peer_mounts_by_address_and_through_its_own_access_point() -> None:
    cluster, request = a_cluster(), a_request(storage={"volumes": [RED, BLUE]})
    addresses = {"apne1-az1": "10.50.0.9", "apne1-az2": "10.50.16.9"}
    observation = ensure(request, cluster, FILE_SYSTEM, IDS, addresses)
    made = [each["spec"]["csi"] for (kind, _, _), each in cluster.objects.items() if kind == "PersistentVolume"]
    assert [each["volumeAttributes"] for each in made] == [{"mounttargetip": "10.50.0.9"}] * 2
    assert {each["volumeHandle"] for each in made} == {f"{FILE_SYSTEM}::{each}" for each in IDS.values()}
    assert [each["mount_target_address"] for each in observation.facts["volumes"]] == ["10.50.0.9"] * 2
