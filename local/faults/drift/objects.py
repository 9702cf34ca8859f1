"""Changes of the storage objects in the cluster, as people make them with kubectl."""

from collections.abc import Callable, Mapping
from typing import Any

from local.aws.hooks import Undo
from local.faults import objects
from local.faults.drift.change import Change, Make, calls
from local.faults.objects import CSI_DRIVERS, EFS_DRIVER, NAMESPACES, STORAGE_CLASSES, VOLUMES, bare
from local.faults.scene import OWNER_TAG, Scene
from provisioner.difference import DriftKind
from provisioner.kubernetes import storage_differences as kinds

MANAGED_BY = "app.kubernetes.io/managed-by"
Path = Callable[[Scene], str]


def namespace(scene: Scene) -> str:
    return f"{NAMESPACES}/{scene.storage['namespace']}"


def csi_driver(_scene: Scene) -> str:
    return f"{CSI_DRIVERS}/{EFS_DRIVER}"


def storage_class(scene: Scene) -> str:
    return f"{STORAGE_CLASSES}/{scene.storage['storage_class']}"


def another_claim(scene: Scene) -> str:
    return f"{objects.claims(scene)}/another-teams-claim"


def restored(make: Callable[[Scene], object], path: Path) -> Make:
    """Undone by making that one object anew."""

    def make_it(scene: Scene) -> Undo:
        before, where = bare(scene, path(scene)), path(scene)
        make(scene)

        def undo() -> None:
            if scene.get(where):
                scene.remove(where)
            scene.create(where.rpartition("/")[0], before)

        return undo

    return make_it


def rebound(make: Callable[[Scene], object]) -> Make:
    """Undone by making volume and claim anew, in a namespace that is there, and letting them bind."""

    def make_it(scene: Scene) -> Undo:
        volume, claim = bare(scene, objects.volume_path(scene)), bare(scene, objects.claim_path(scene))
        make(scene)

        def undo() -> None:
            let_another_claim_go(scene)
            name = scene.storage["namespace"]
            scene.until(lambda: objects.phase(scene, namespace(scene)) != "Terminating")
            if not scene.get(namespace(scene)):
                scene.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            objects.make_anew(scene, volume, claim)
            scene.until(lambda: objects.phase(scene, objects.claim_path(scene)) == "Bound")

        return undo

    return make_it


def patched(path: Path, change: Mapping[str, Any], back: Mapping[str, Any]) -> Make:
    return calls(lambda scene: scene.patch(path(scene), change), lambda scene: scene.patch(path(scene), back))


def let_another_claim_go(scene: Scene) -> None:
    if scene.get(another_claim(scene)):
        scene.patch(another_claim(scene), {"metadata": {"finalizers": None}})
        if scene.get(another_claim(scene)):
            scene.remove(another_claim(scene))


def remove(path: Path) -> Callable[[Scene], None]:
    return lambda scene: scene.remove(path(scene))


def hold_namespace(scene: Scene) -> None:
    """Somebody deletes it, and another team's operator does not let go of its claim there."""
    claim = bare(scene, objects.claim_path(scene))
    spec = {name: value for name, value in claim["spec"].items() if name != "volumeName"}
    held = {"name": "another-teams-claim", "finalizers": ["example.com/backup"]}
    scene.create(objects.claims(scene), {**claim, "metadata": held, "spec": {**spec, "storageClassName": "gp2"}})
    scene.delete(namespace(scene))
    scene.until(lambda: scene.get(objects.claim_path(scene)) is None)


def make_storage_class_for_disks(scene: Scene) -> None:
    ours = bare(scene, storage_class(scene))
    scene.remove(storage_class(scene))
    scene.create(STORAGE_CLASSES, {**ours, "provisioner": "ebs.csi.aws.com"})


def remove_volume_by_force(scene: Scene) -> None:
    """As people do who see it Terminating for long."""
    path = objects.volume_path(scene)
    scene.delete(path)
    scene.patch(path, {"metadata": {"finalizers": None}})
    scene.until(lambda: scene.get(path) is None and objects.phase(scene, objects.claim_path(scene)) == "Lost")


def restore_volume_of_an_older_claim(scene: Scene) -> None:
    """From a backup in which the volume was bound to an earlier claim of the same name."""
    volume = bare(scene, objects.volume_path(scene))
    remove_volume_by_force(scene)
    older = {"namespace": scene.storage["namespace"], "name": scene.storage["claim"]}
    older["uid"] = "00000000-0000-4000-8000-000000000000"
    scene.create(
        VOLUMES, {**volume, "spec": {**volume["spec"], "claimRef": {"kind": "PersistentVolumeClaim", **older}}}
    )
    scene.until(lambda: objects.phase(scene, objects.volume_path(scene)) == "Released")


def volume_source(driver: str) -> Callable[[Scene], None]:
    def replace(scene: Scene) -> None:
        claim, volume = bare(scene, objects.claim_path(scene)), bare(scene, objects.volume_path(scene))
        csi = {**volume["spec"]["csi"], "driver": driver}
        objects.make_anew(scene, {**volume, "spec": {**volume["spec"], "csi": csi}}, claim)
        scene.until(lambda: objects.phase(scene, objects.claim_path(scene)) == "Bound")

    return replace


def fail_to_reclaim(scene: Scene) -> None:
    """The claim was deleted and made anew; meanwhile Kubernetes tried to reclaim the volume."""
    claim = bare(scene, objects.claim_path(scene))
    objects.remove_claim(scene)
    failed = {"phase": "Failed", "message": "error getting deleter volume plugin"}
    scene.patch(f"{objects.volume_path(scene)}/status", {"status": failed})
    scene.create(objects.claims(scene), claim)


def make_claim_of_another_class(scene: Scene) -> None:
    """Old manifests name their class by an annotation, which goes before the field."""
    claim, volume = bare(scene, objects.claim_path(scene)), bare(scene, objects.volume_path(scene))
    annotations = {**claim["metadata"]["annotations"], "volume.beta.kubernetes.io/storage-class": "gp2"}
    objects.make_anew(scene, volume, {**claim, "metadata": {**claim["metadata"], "annotations": annotations}})
    scene.until(lambda: objects.phase(scene, objects.claim_path(scene)) == "Pending")


NAMESPACE, STORAGE_CLASS = "Namespace {namespace}", "StorageClass {storage_class}"
VOLUME, CLAIM, DRIVER = (
    "PersistentVolume {persistent_volume}",
    "PersistentVolumeClaim {claim}",
    f"CSIDriver {EFS_DRIVER}",
)
NOT_LABELLED = {"metadata": {"labels": {MANAGED_BY: None}}}
LABELLED = {"metadata": {"labels": {MANAGED_BY: "eks-efs-provisioner"}}}


def _change(
    name: str, description: str, kind: DriftKind, resource: str, path: str, make: Make, part: str = "objects"
) -> Change:
    return Change(name, description, kind, resource, path, make, part, of_kubernetes=True)


CHANGES = (
    _change(
        "namespace-gone",
        "the storage namespace was deleted, and the claim with it",
        kinds.NAMESPACE_MISSING,
        NAMESPACE,
        "exists",
        rebound(remove(namespace)),
    ),
    _change(
        "namespace-terminating",
        "the storage namespace is being deleted and cannot go",
        kinds.NAMESPACE_TERMINATING,
        NAMESPACE,
        "status.phase",
        rebound(hold_namespace),
    ),
    _change(
        "csi-driver-gone",
        "the CSIDriver was removed with the EFS add-on",
        kinds.CSI_DRIVER_MISSING,
        DRIVER,
        "exists",
        restored(objects.remove_csi_driver, csi_driver),
        "CSIDriver",
    ),
    _change(
        "csi-driver-attaches",
        "a Helm chart for EC2 nodes has put its own CSIDriver there",
        kinds.CSI_DRIVER_ATTACHES,
        DRIVER,
        "spec.attachRequired",
        restored(objects.replace_csi_driver, csi_driver),
        "CSIDriver",
    ),
    _change(
        "storage-class-gone",
        "the StorageClass was deleted",
        kinds.STORAGE_CLASS_MISSING,
        STORAGE_CLASS,
        "exists",
        restored(remove(storage_class), storage_class),
        "StorageClass",
    ),
    _change(
        "storage-class-for-disks",
        "the StorageClass was made again for EBS",
        kinds.STORAGE_CLASS_FIELD,
        STORAGE_CLASS,
        "provisioner",
        restored(make_storage_class_for_disks, storage_class),
        "StorageClass",
    ),
    _change(
        "storage-class-of-another",
        "the StorageClass has lost the label that makes it ours",
        kinds.NOT_OURS,
        STORAGE_CLASS,
        f"metadata.labels.{MANAGED_BY}",
        patched(storage_class, NOT_LABELLED, LABELLED),
        "StorageClass",
    ),
    _change(
        "volume-gone",
        "the PersistentVolume was deleted by force; its claim is Lost",
        kinds.VOLUME_MISSING,
        VOLUME,
        "exists",
        rebound(remove_volume_by_force),
    ),
    _change(
        "volume-deleted",
        "the PersistentVolume was deleted, and stays while it is bound",
        kinds.BEING_DELETED,
        VOLUME,
        "metadata.deletionTimestamp",
        rebound(lambda scene: scene.delete(objects.volume_path(scene))),
    ),
    _change(
        "volume-of-another-file-system",
        "the PersistentVolume was made again for another file system",
        kinds.VOLUME_HANDLE,
        VOLUME,
        "spec.csi.volumeHandle",
        rebound(lambda scene: objects.replace_volume(scene, "fs-0badc0ffee0badc0f")),
    ),
    _change(
        "volume-of-another-driver",
        "the PersistentVolume was made again for another driver",
        kinds.VOLUME_SOURCE,
        VOLUME,
        "spec.csi.driver",
        rebound(volume_source("fsx.csi.aws.com")),
    ),
    _change(
        "volume-to-be-deleted",
        "the reclaim policy of the PersistentVolume is Delete now",
        kinds.VOLUME_FIELD,
        VOLUME,
        "spec.persistentVolumeReclaimPolicy",
        patched(
            objects.volume_path,
            {"spec": {"persistentVolumeReclaimPolicy": "Delete"}},
            {"spec": {"persistentVolumeReclaimPolicy": "Retain"}},
        ),
        "volume field",
    ),
    _change(
        "volume-marked",
        "the PersistentVolume is marked as another cluster's",
        kinds.ANNOTATION,
        VOLUME,
        f"metadata.annotations.{OWNER_TAG}",
        lambda scene: patched(
            objects.volume_path,
            {"metadata": {"annotations": {OWNER_TAG: "another"}}},
            {"metadata": {"annotations": {OWNER_TAG: scene.cluster_name}}},
        )(scene),
        "volume mark",
    ),
    _change(
        "volume-of-another",
        "the PersistentVolume has lost the label that makes it ours",
        kinds.NOT_OURS,
        VOLUME,
        f"metadata.labels.{MANAGED_BY}",
        patched(objects.volume_path, NOT_LABELLED, LABELLED),
    ),
    _change(
        "volume-released",
        "the claim was deleted and made again: its volume is Released",
        kinds.VOLUME_RELEASED,
        VOLUME,
        "status.phase",
        rebound(objects.replace_claim),
    ),
    _change(
        "volume-failed",
        "the claim was deleted and made again, and the volume could not be reclaimed",
        kinds.VOLUME_FAILED,
        VOLUME,
        "status.phase",
        rebound(fail_to_reclaim),
    ),
    _change(
        "volume-bound-elsewhere",
        "another team's claim has the volume",
        kinds.VOLUME_BOUND_ELSEWHERE,
        VOLUME,
        "spec.claimRef",
        rebound(objects.give_volume_to_another),
    ),
    _change(
        "claim-gone",
        "the claim was deleted",
        kinds.CLAIM_MISSING,
        CLAIM,
        "exists",
        rebound(objects.remove_claim),
    ),
    _change(
        "claim-of-another-class",
        "the claim was deleted and made again with another StorageClass",
        kinds.CLAIM_FIELD,
        CLAIM,
        "spec.storageClassName",
        rebound(lambda scene: objects.replace_claim(scene, storageClassName="gp2")),
    ),
    _change(
        "claim-of-another",
        "the claim has lost the label that makes it ours",
        kinds.NOT_OURS,
        CLAIM,
        f"metadata.labels.{MANAGED_BY}",
        patched(objects.claim_path, NOT_LABELLED, LABELLED),
    ),
    _change(
        "claim-lost",
        "the volume was restored from a backup that knows an older claim of the same name",
        kinds.CLAIM_LOST,
        CLAIM,
        "status.phase",
        rebound(restore_volume_of_an_older_claim),
    ),
    _change(
        "claim-unbound",
        "the claim was made again from an old manifest, and does not bind",
        kinds.CLAIM_UNBOUND,
        CLAIM,
        "status.phase",
        rebound(make_claim_of_another_class),
    ),
)
