"""Changes of the PersistentVolume and its claim, as people make them with kubectl."""

from collections.abc import Callable

from local.faults import objects
from local.faults.drift.objects import LABELLED, MANAGED_BY, NOT_LABELLED, of_kubernetes, patched, rebound
from local.faults.objects import VOLUMES, bare
from local.faults.scene import OWNER_TAG, Scene

BETA_STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"


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
    annotations = {**claim["metadata"]["annotations"], BETA_STORAGE_CLASS: "gp2"}
    objects.make_anew(scene, volume, {**claim, "metadata": {**claim["metadata"], "annotations": annotations}})
    scene.until(lambda: objects.phase(scene, objects.claim_path(scene)) == "Pending")


def let_the_run_make_it(scene: Scene) -> None:
    """The annotation cannot be changed, so that whoever read the claim's events deletes it."""
    scene.delete(objects.claim_path(scene))


VOLUME, CLAIM = "PersistentVolume {persistent_volume}", "PersistentVolumeClaim {claim}"

CHANGES = (
    of_kubernetes(
        "volume-gone",
        "the PersistentVolume was deleted by force; its claim is Lost",
        "storage_differences.VOLUME_MISSING",
        VOLUME,
        "exists",
        rebound(remove_volume_by_force),
        is_alone=True,
    ),
    of_kubernetes(
        "volume-deleted",
        "the PersistentVolume was deleted, and stays while it is bound",
        "storage_differences.BEING_DELETED",
        VOLUME,
        "metadata.deletionTimestamp",
        rebound(lambda scene: scene.delete(objects.volume_path(scene))),
    ),
    of_kubernetes(
        "volume-of-another-file-system",
        "the PersistentVolume was made again for another file system",
        "storage_differences.VOLUME_HANDLE",
        VOLUME,
        "spec.csi.volumeHandle",
        rebound(lambda scene: objects.replace_volume(scene, "fs-0badc0ffee0badc0f")),
    ),
    of_kubernetes(
        "volume-of-another-driver",
        "the PersistentVolume was made again for another driver",
        "storage_differences.VOLUME_SOURCE",
        VOLUME,
        "spec.csi.driver",
        rebound(volume_source("fsx.csi.aws.com")),
    ),
    of_kubernetes(
        "volume-to-be-deleted",
        "the reclaim policy of the PersistentVolume is Delete now",
        "storage_differences.VOLUME_FIELD",
        VOLUME,
        "spec.persistentVolumeReclaimPolicy",
        patched(
            objects.volume_path,
            {"spec": {"persistentVolumeReclaimPolicy": "Delete"}},
            {"spec": {"persistentVolumeReclaimPolicy": "Retain"}},
        ),
        "volume field",
    ),
    of_kubernetes(
        "volume-marked",
        "the PersistentVolume is marked as another cluster's",
        "storage_differences.ANNOTATION",
        VOLUME,
        f"metadata.annotations.{OWNER_TAG}",
        lambda scene: patched(
            objects.volume_path,
            {"metadata": {"annotations": {OWNER_TAG: "another"}}},
            {"metadata": {"annotations": {OWNER_TAG: scene.cluster_name}}},
        )(scene),
        "volume mark",
    ),
    of_kubernetes(
        "volume-of-another",
        "the PersistentVolume has lost the label that makes it ours",
        "storage_differences.NOT_OURS",
        VOLUME,
        f"metadata.labels.{MANAGED_BY}",
        patched(objects.volume_path, NOT_LABELLED, LABELLED),
    ),
    of_kubernetes(
        "volume-released",
        "the claim was deleted and made again: its volume is Released",
        "storage_differences.VOLUME_RELEASED",
        VOLUME,
        "status.phase",
        rebound(objects.replace_claim),
    ),
    of_kubernetes(
        "volume-failed",
        "the claim was deleted and made again, and the volume could not be reclaimed",
        "storage_differences.VOLUME_FAILED",
        VOLUME,
        "status.phase",
        rebound(fail_to_reclaim),
    ),
    of_kubernetes(
        "volume-bound-elsewhere",
        "another team's claim has the volume",
        "storage_differences.VOLUME_BOUND_ELSEWHERE",
        VOLUME,
        "spec.claimRef",
        rebound(objects.give_volume_to_another),
    ),
    of_kubernetes(
        "claim-gone",
        "the claim was deleted",
        "storage_differences.CLAIM_MISSING",
        CLAIM,
        "exists",
        rebound(objects.remove_claim),
    ),
    of_kubernetes(
        "claim-of-another-class",
        "the claim was deleted and made again with another StorageClass",
        "storage_differences.CLAIM_FIELD",
        CLAIM,
        "spec.storageClassName",
        rebound(lambda scene: objects.replace_claim(scene, storageClassName="gp2")),
    ),
    of_kubernetes(
        "claim-of-another",
        "the claim has lost the label that makes it ours",
        "storage_differences.NOT_OURS",
        CLAIM,
        f"metadata.labels.{MANAGED_BY}",
        patched(objects.claim_path, NOT_LABELLED, LABELLED),
    ),
    of_kubernetes(
        "claim-lost",
        "the volume was restored from a backup that knows an older claim of the same name",
        "storage_differences.CLAIM_LOST",
        CLAIM,
        "status.phase",
        rebound(restore_volume_of_an_older_claim),
    ),
    of_kubernetes(
        "claim-unbound",
        "the claim was made again from an old manifest, and does not bind",
        "storage_differences.CLAIM_UNBOUND",
        CLAIM,
        "status.phase",
        rebound(make_claim_of_another_class),
        settle=let_the_run_make_it,
    ),
)
