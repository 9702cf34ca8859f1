"""What people do to storage objects in a cluster: replace a volume, let a claim go, make it anew."""

from collections.abc import Mapping
from typing import Any

from local.faults.scene import Scene

NAMESPACES = "/api/v1/namespaces"
VOLUMES = "/api/v1/persistentvolumes"
STORAGE_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
CSI_DRIVERS = "/apis/storage.k8s.io/v1/csidrivers"
EFS_DRIVER = "efs.csi.aws.com"
CLUSTER_DNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"


def claims_of(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"


def claims(scene: Scene) -> str:
    return claims_of(scene.storage["namespace"])


def claim_path(scene: Scene) -> str:
    return f"{claims(scene)}/{scene.storage['claim']}"


def volume_path(scene: Scene) -> str:
    return f"{VOLUMES}/{scene.storage['persistent_volume']}"


def replace_volume(scene: Scene, handle: str) -> None:
    """Volume and claim of the same names, with another handle: a handle cannot be changed."""
    claim, volume = bare(scene, claim_path(scene)), bare(scene, volume_path(scene))
    make_anew(
        scene, {**volume, "spec": {**volume["spec"], "csi": {**volume["spec"]["csi"], "volumeHandle": handle}}}, claim
    )
    scene.until(lambda: phase(scene, claim_path(scene)) == "Bound")


def make_anew(scene: Scene, volume: Mapping[str, Any], claim: Mapping[str, Any]) -> None:
    """Both deleted, the claim first, and made as given."""
    for path in (claim_path(scene), volume_path(scene)):
        scene.clear(path)
    scene.create(VOLUMES, volume)
    scene.create(claims(scene), claim)


def remove_claim(scene: Scene) -> None:
    """Its volume stays Released, for it still names the one that is gone."""
    scene.remove(claim_path(scene))
    scene.until(lambda: phase(scene, volume_path(scene)) == "Released")


def replace_claim(scene: Scene, **changes: Any) -> None:
    """The claim deleted and made anew."""
    claim = bare(scene, claim_path(scene))
    remove_claim(scene)
    scene.create(claims(scene), {**claim, "spec": {**claim["spec"], **changes}})


def give_volume_to_another(scene: Scene) -> None:
    """Another team's claim takes the volume; ours is made anew, too late."""
    claim, another = bare(scene, claim_path(scene)), f"{claims(scene)}/another-teams-claim"
    remove_claim(scene)
    scene.create(claims(scene), {**claim, "metadata": {"name": "another-teams-claim"}})
    scene.patch(volume_path(scene), {"spec": {"claimRef": None}})
    scene.until(lambda: phase(scene, another) == "Bound")
    scene.create(claims(scene), claim)


def replace_csi_driver(scene: Scene) -> None:
    """As a driver for EC2 nodes that attaches disks has it."""
    remove_csi_driver(scene)
    scene.create(
        CSI_DRIVERS,
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSIDriver",
            "metadata": {"name": EFS_DRIVER},
            "spec": {"attachRequired": True},
        },
    )


def remove_csi_driver(scene: Scene) -> None:
    scene.remove(f"{CSI_DRIVERS}/{EFS_DRIVER}")


def bare(scene: Scene, path: str) -> dict[str, Any]:
    """The object as somebody would apply it again: without what the cluster itself wrote into it."""
    found = scene.get(path)
    assert found is not None, "faults of objects strike once they have been applied"  # noqa: S101
    metadata = {name: found["metadata"][name] for name in ("name", "labels") if name in found["metadata"]}
    annotations = found["metadata"].get("annotations", {})
    metadata["annotations"] = {name: value for name, value in annotations.items() if "kubernetes.io/" not in name}
    spec = {name: value for name, value in found.get("spec", {}).items() if name not in ("claimRef", "finalizers")}
    known = ("apiVersion", "kind", "provisioner", "parameters", "mountOptions", "reclaimPolicy", "volumeBindingMode")
    return {
        **{name: found[name] for name in known if name in found},
        "metadata": metadata,
        **({"spec": spec} if spec else {}),
    }


def phase(scene: Scene, path: str) -> str:
    return str((scene.get(path) or {}).get("status", {}).get("phase", ""))
