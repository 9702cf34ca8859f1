"""One change behind the program's back is one difference; looking changes nothing, and a run repairs what says so."""

from collections.abc import Callable
from typing import Any

import pytest

from provisioner.difference import Difference, drift
from provisioner.errors import TerminalError
from provisioner.kubernetes import storage, storage_drift
from provisioner.kubernetes.manifests import MANAGED_BY
from provisioner.kubernetes.storage_drift import StorageObjects
from tests.unit.kubernetes.fake_cluster import FakeCluster
from tests.unit.kubernetes.samples import FILE_SYSTEM, NO_ACCESS_POINT, a_request
from tests.unit.kubernetes.test_storage import CLAIM, CLAIM_REFERENCE, CLASS, DRIVER, VOLUME, provisioned

Change = Callable[[FakeCluster], object]
NAMESPACE = ("Namespace", None, "default")
TIME = "2026-01-02T03:04:05Z"


def inspect(cluster: FakeCluster, handle: str | None = FILE_SYSTEM, **changes: Any) -> list[Difference]:
    request = a_request(**changes)
    return drift(storage_drift.inspect(request, StorageObjects.of(request, cluster), handle))


def gone(key: tuple[str, str | None, str]) -> Change:
    return lambda cluster: cluster.objects.pop(key)


def changed(key: tuple[str, str | None, str], part: str, **values: Any) -> Change:
    return lambda cluster: cluster.objects[key].setdefault(part, {}).update(values)


def both(*changes: Change) -> Change:
    return lambda cluster: [change(cluster) for change in changes]


def claim_gone(cluster: FakeCluster) -> None:
    """As Kubernetes leaves the volume when its claim is deleted."""
    del cluster.objects[CLAIM]
    cluster.objects[VOLUME]["status"]["phase"] = "Released"
    cluster.objects[VOLUME]["spec"]["claimRef"] = {**CLAIM_REFERENCE, "uid": "of the old one"}


def claim_made_again(cluster: FakeCluster) -> None:
    changed(CLAIM, "status", phase="Pending")(cluster)
    cluster.objects[VOLUME]["status"]["phase"] = "Released"
    cluster.objects[VOLUME]["spec"]["claimRef"] = {**CLAIM_REFERENCE, "uid": "of the old one"}


def with_namespace(cluster: FakeCluster) -> None:
    del cluster.objects[NAMESPACE]
    claim_gone(cluster)


REPAIRABLE: list[tuple[Change, str, str, Any, Any]] = [
    (with_namespace, "Namespace default", "exists", True, False),
    (gone(DRIVER), "CSIDriver efs.csi.aws.com", "exists", True, False),
    (gone(CLASS), "StorageClass efs-sc", "exists", True, False),
    (
        both(gone(VOLUME), changed(CLAIM, "status", phase="Lost")),
        "PersistentVolume efs-pv",
        "exists",
        True,
        False,
    ),
    (
        changed(VOLUME, "spec", persistentVolumeReclaimPolicy="Delete"),
        "PersistentVolume efs-pv",
        "spec.persistentVolumeReclaimPolicy",
        "Retain",
        "Delete",
    ),
    (
        changed(VOLUME, "spec", capacity={"storage": "6Gi"}),
        "PersistentVolume efs-pv",
        "spec.capacity.storage",
        "5Gi",
        "6Gi",
    ),
    (
        changed(VOLUME, "spec", storageClassName="other"),
        "PersistentVolume efs-pv",
        "spec.storageClassName",
        "efs-sc",
        "other",
    ),
    (
        changed(VOLUME, "spec", accessModes=["ReadOnlyMany"]),
        "PersistentVolume efs-pv",
        "spec.accessModes",
        ["ReadWriteMany"],
        ["ReadOnlyMany"],
    ),
    (claim_made_again, "PersistentVolume efs-pv", "status.phase", "Bound", "Released"),
    (claim_gone, "PersistentVolumeClaim efs-claim", "exists", True, False),
    (
        changed(CLASS, "metadata", annotations={}),
        "StorageClass efs-sc",
        "metadata.annotations.eks-efs-provisioner/cluster",
        "eks-example",
        None,
    ),
]

FOR_PEOPLE: list[tuple[Change, str, str, Any, Any]] = [
    (changed(DRIVER, "spec", attachRequired=True), "CSIDriver efs.csi.aws.com", "spec.attachRequired", False, True),
    (
        lambda cluster: cluster.objects[CLASS].update(provisioner="ebs.csi.aws.com"),
        "StorageClass efs-sc",
        "provisioner",
        "efs.csi.aws.com",
        "ebs.csi.aws.com",
    ),
    (
        changed(CLASS, "metadata", labels={MANAGED_BY: "Helm"}),
        "StorageClass efs-sc",
        f"metadata.labels.{MANAGED_BY}",
        "eks-efs-provisioner",
        "Helm",
    ),
    (
        changed(VOLUME, "metadata", labels={}),
        "PersistentVolume efs-pv",
        f"metadata.labels.{MANAGED_BY}",
        "eks-efs-provisioner",
        None,
    ),
    (
        changed(VOLUME, "spec", csi={"driver": "efs.csi.aws.com", "volumeHandle": "fs-0old"}),
        "PersistentVolume efs-pv",
        "spec.csi.volumeHandle",
        FILE_SYSTEM,
        "fs-0old",
    ),
    (
        changed(VOLUME, "spec", csi={"driver": "nfs.csi.k8s.io", "volumeHandle": FILE_SYSTEM}),
        "PersistentVolume efs-pv",
        "spec.csi.driver",
        "efs.csi.aws.com",
        "nfs.csi.k8s.io",
    ),
    (changed(VOLUME, "status", phase="Failed"), "PersistentVolume efs-pv", "status.phase", "Bound", "Failed"),
    (
        both(
            changed(VOLUME, "status", phase="Bound"),
            changed(VOLUME, "spec", claimRef={"namespace": "other", "name": "claim", "uid": "x"}),
            changed(CLAIM, "status", phase="Pending"),
        ),
        "PersistentVolume efs-pv",
        "spec.claimRef",
        "default/efs-claim",
        "other/claim",
    ),
    (
        changed(CLAIM, "spec", volumeName="another-pv"),
        "PersistentVolumeClaim efs-claim",
        "spec.volumeName",
        "efs-pv",
        "another-pv",
    ),
    (
        changed(CLAIM, "spec", resources={"requests": {"storage": "6Gi"}}),
        "PersistentVolumeClaim efs-claim",
        "spec.resources.requests.storage",
        "5Gi",
        "6Gi",
    ),
    (
        both(claim_made_again, changed(CLAIM, "spec", storageClassName="gp2")),
        "PersistentVolumeClaim efs-claim",
        "spec.storageClassName",
        "efs-sc",
        "gp2",
    ),
    (
        both(claim_made_again, changed(CLAIM, "status", phase="Lost")),
        "PersistentVolumeClaim efs-claim",
        "status.phase",
        "Bound",
        "Lost",
    ),
    (
        both(
            changed(CLAIM, "status", phase="Lost"),
            changed(VOLUME, "status", phase="Bound"),
            changed(VOLUME, "spec", claimRef={**CLAIM_REFERENCE, "uid": "another"}),
        ),
        "PersistentVolumeClaim efs-claim",
        "status.phase",
        "Bound",
        "Lost",
    ),
]

WAITED_FOR: list[tuple[Change, str, str, Any, Any]] = [
    (changed(NAMESPACE, "status", phase="Terminating"), "Namespace default", "status.phase", "Active", "Terminating"),
    (
        both(changed(NAMESPACE, "status", phase="Terminating"), claim_gone),
        "Namespace default",
        "status.phase",
        "Active",
        "Terminating",
    ),
    (
        changed(CLAIM, "status", phase="Pending"),
        "PersistentVolumeClaim efs-claim",
        "status.phase",
        "Bound",
        "Pending",
    ),
    (
        changed(CLAIM, "metadata", deletionTimestamp=TIME),
        "PersistentVolumeClaim efs-claim",
        "metadata.deletionTimestamp",
        None,
        TIME,
    ),
    (
        changed(VOLUME, "metadata", deletionTimestamp=TIME),
        "PersistentVolume efs-pv",
        "metadata.deletionTimestamp",
        None,
        TIME,
    ),
]


def named(case: Any) -> str | None:
    return case if isinstance(case, str) else None


@pytest.mark.parametrize(
    ("change", "resource", "path", "expected", "actual"), [*REPAIRABLE, *FOR_PEOPLE, *WAITED_FOR], ids=named
)
def test_one_change_is_one_difference_and_looking_changes_nothing(
    change: Change, resource: str, path: str, expected: Any, actual: Any
) -> None:
    cluster = provisioned()
    change(cluster)
    (difference,) = inspect(cluster)
    assert (difference.resource, difference.path) == (resource, path)
    assert (difference.expected, difference.actual) == (expected, actual)
    assert resource.split()[1] in difference.fix
    assert cluster.changes == []


@pytest.mark.parametrize(("change", "resource", "path", "expected", "actual"), REPAIRABLE, ids=named)
def test_a_run_repairs_what_is_said_to_be_repairable(
    change: Change, resource: str, path: str, expected: Any, actual: Any
) -> None:
    cluster = provisioned()
    change(cluster)
    assert all(each.repairable for each in inspect(cluster))
    storage.ensure(a_request(), cluster, FILE_SYSTEM, NO_ACCESS_POINT)
    changed(CLAIM, "status", phase="Bound")(cluster)  # the binder's part
    assert inspect(cluster) == []


@pytest.mark.parametrize(("change", "resource", "path", "expected", "actual"), FOR_PEOPLE, ids=named)
def test_a_run_refuses_what_is_said_to_be_for_people_and_changes_nothing(
    change: Change, resource: str, path: str, expected: Any, actual: Any
) -> None:
    cluster = provisioned()
    change(cluster)
    assert not any(each.repairable for each in inspect(cluster))
    with pytest.raises(TerminalError):
        storage.ensure(a_request(), cluster, FILE_SYSTEM, NO_ACCESS_POINT)
    assert cluster.changes == []


def test_a_set_as_a_run_leaves_it_has_no_difference() -> None:
    assert inspect(provisioned()) == []


def test_what_the_api_adds_and_how_it_writes_quantities_is_no_difference() -> None:
    cluster = provisioned()
    changed(CLASS, "metadata", annotations={**cluster.objects[CLASS]["metadata"]["annotations"], "more": "x"})(cluster)
    cluster.objects[CLASS].update(reclaimPolicy="Delete", volumeBindingMode="Immediate")
    changed(VOLUME, "spec", capacity={"storage": "5120Mi"})(cluster)
    assert inspect(cluster) == []


def test_a_handle_is_not_judged_while_the_file_system_is_missing() -> None:
    assert inspect(provisioned(), None) == []


def test_before_anything_exists_every_object_is_missing_in_the_order_in_which_it_is_applied() -> None:
    inspected = storage_drift.inspect(a_request(storage={"namespace": "team"}), StorageObjects(), None)
    assert [each.resource for each in inspected if each.is_missing] == [
        "Namespace team",
        "CSIDriver efs.csi.aws.com",
        "StorageClass efs-sc",
        "PersistentVolume efs-pv",
        "PersistentVolumeClaim efs-claim",
    ]
