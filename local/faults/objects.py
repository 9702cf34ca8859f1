"""What people do to storage objects in a cluster: replace a volume, let a claim go, make it anew."""

from collections.abc import Mapping
from typing import Any

from local.faults.scene import Scene

VOLUMES = "/api/v1/persistentvolumes"
CSI_DRIVERS = "/apis/storage.k8s.io/v1/csidrivers"
EFS_DRIVER = "efs.csi.aws.com"


def claims_of(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"


def replace_volume(scene: Scene, handle: str) -> None:
    """Volume and claim of the same names, with another handle: a handle cannot be changed."""
    claims, claim, volume = claims_of(scene.storage["namespace"]), _claim(scene), _volume(scene)
    scene.remove(f"{claims}/{scene.storage['claim']}")
    scene.remove(f"{VOLUMES}/{scene.storage['persistent_volume']}")
    spec = {name: value for name, value in volume["spec"].items() if name != "claimRef"}
    spec["csi"] = {**spec["csi"], "volumeHandle": handle}
    scene.create(VOLUMES, {**volume, "spec": spec})
    scene.create(claims, claim)
    scene.until(lambda: _phase(scene.get(f"{claims}/{scene.storage['claim']}")) == "Bound")


def replace_claim(scene: Scene, **changes: Any) -> None:
    """The claim deleted and made anew: its volume stays Released, for it still names the one that is gone."""
    claims, claim = claims_of(scene.storage["namespace"]), _claim(scene)
    scene.remove(f"{claims}/{scene.storage['claim']}")
    scene.until(lambda: _phase(scene.get(f"{VOLUMES}/{scene.storage['persistent_volume']}")) == "Released")
    scene.create(claims, {**claim, "spec": {**claim["spec"], **changes}})


def give_volume_to_another(scene: Scene) -> None:
    """Another team's claim takes the volume; ours is made anew, too late."""
    claims, claim = claims_of(scene.storage["namespace"]), _claim(scene)
    volume = f"{VOLUMES}/{scene.storage['persistent_volume']}"
    scene.remove(f"{claims}/{scene.storage['claim']}")
    scene.until(lambda: _phase(scene.get(volume)) == "Released")
    scene.create(claims, {**claim, "metadata": {"name": "another-teams-claim"}})
    scene.patch(volume, {"spec": {"claimRef": None}})
    scene.until(lambda: _phase(scene.get(f"{claims}/another-teams-claim")) == "Bound")
    scene.create(claims, claim)


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


def _claim(scene: Scene) -> dict[str, Any]:
    return _bare(scene.get(f"{claims_of(scene.storage['namespace'])}/{scene.storage['claim']}"))


def _volume(scene: Scene) -> dict[str, Any]:
    return _bare(scene.get(f"{VOLUMES}/{scene.storage['persistent_volume']}"))


def _bare(found: Mapping[str, Any] | None) -> dict[str, Any]:
    """As somebody would apply it again."""
    assert found is not None, "faults of objects strike once they have been applied"  # noqa: S101
    metadata = {name: found["metadata"][name] for name in ("name", "labels") if name in found["metadata"]}
    return {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": metadata, "spec": found["spec"]}


def _phase(found: Mapping[str, Any] | None) -> str:
    return str((found or {}).get("status", {}).get("phase", ""))
