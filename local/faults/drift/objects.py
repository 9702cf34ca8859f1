"""Changes of namespace, CSIDriver and StorageClass, as people make them with kubectl; and how objects come back."""

from collections.abc import Callable, Mapping
from typing import Any

from local.aws.hooks import Undo
from local.faults import objects
from local.faults.drift.change import Change, Make, calls
from local.faults.objects import CSI_DRIVERS, EFS_DRIVER, NAMESPACES, STORAGE_CLASSES, bare
from local.faults.scene import Scene

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
            scene.clear(where)
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
        scene.clear(another_claim(scene))


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


def of_kubernetes(
    name: str,
    description: str,
    kind: str,
    resource: str,
    path: str,
    make: Make,
    part: str = "objects",
    *,
    settle: Callable[[Scene], object] | None = None,
    is_alone: bool = False,
) -> Change:
    return Change(
        name, description, kind, resource, path, make, part, settle=settle, is_alone=is_alone, of_kubernetes=True
    )


NAMESPACE, STORAGE_CLASS, DRIVER = "Namespace {namespace}", "StorageClass {storage_class}", f"CSIDriver {EFS_DRIVER}"
NOT_LABELLED = {"metadata": {"labels": {MANAGED_BY: None}}}
LABELLED = {"metadata": {"labels": {MANAGED_BY: "eks-efs-provisioner"}}}

CHANGES = (
    of_kubernetes(
        "namespace-gone",
        "the storage namespace was deleted, and the claim with it",
        "storage_differences.NAMESPACE_MISSING",
        NAMESPACE,
        "exists",
        rebound(remove(namespace)),
        is_alone=True,
    ),
    of_kubernetes(
        "namespace-terminating",
        "the storage namespace is being deleted and cannot go",
        "storage_differences.NAMESPACE_TERMINATING",
        NAMESPACE,
        "status.phase",
        rebound(hold_namespace),
        settle=let_another_claim_go,
        is_alone=True,
    ),
    of_kubernetes(
        "csi-driver-gone",
        "the CSIDriver was removed with the EFS add-on",
        "storage_differences.CSI_DRIVER_MISSING",
        DRIVER,
        "exists",
        restored(objects.remove_csi_driver, csi_driver),
        "CSIDriver",
    ),
    of_kubernetes(
        "csi-driver-attaches",
        "a Helm chart for EC2 nodes has put its own CSIDriver there",
        "storage_differences.CSI_DRIVER_ATTACHES",
        DRIVER,
        "spec.attachRequired",
        restored(objects.replace_csi_driver, csi_driver),
        "CSIDriver",
    ),
    of_kubernetes(
        "storage-class-gone",
        "the StorageClass was deleted",
        "storage_differences.STORAGE_CLASS_MISSING",
        STORAGE_CLASS,
        "exists",
        restored(remove(storage_class), storage_class),
        "StorageClass",
    ),
    of_kubernetes(
        "storage-class-for-disks",
        "the StorageClass was made again for EBS",
        "storage_differences.STORAGE_CLASS_FIELD",
        STORAGE_CLASS,
        "provisioner",
        restored(make_storage_class_for_disks, storage_class),
        "StorageClass",
    ),
    of_kubernetes(
        "storage-class-of-another",
        "the StorageClass has lost the label that makes it ours",
        "storage_differences.NOT_OURS",
        STORAGE_CLASS,
        f"metadata.labels.{MANAGED_BY}",
        patched(storage_class, NOT_LABELLED, LABELLED),
        "StorageClass",
    ),
)
