"""The kubelet's volume manager: from a pod's volumes to directories, or to the event that says why not."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.kubernetes.http_api import KubernetesApi
from local.kubernetes.interfaces import DataPlane, MountRefused, Placement
from local.kubernetes.objects import Object, is_deleting
from local.kubernetes.scheduler import EFS_DRIVER

_KUBELET_OWN = ("emptyDir", "projected", "downwardAPI")


@dataclass(frozen=True)
class Volume:
    directory: Path
    source: str
    fs_type: str
    options: str
    read_only: bool = False
    root_is_squashed: bool = False


class VolumeProblem(Exception):  # noqa: N818 - a state of the pod that may pass
    """The warning event the pod gets."""

    def __init__(self, reason: str, message: str, component: str = "kubelet") -> None:
        super().__init__(message)
        self.reason, self.message, self.component = reason, message, component


@dataclass(frozen=True)
class VolumeManager:
    api: KubernetesApi
    data_plane: DataPlane
    directory: Path

    async def mount(self, pod: Object, placement: Placement) -> Mapping[str, Volume]:
        """Volumes by name; safe to repeat. Raises VolumeProblem."""
        volumes = {}
        for volume in pod["spec"].get("volumes") or []:
            name = volume["name"]
            if claim := volume.get("persistentVolumeClaim"):
                volumes[name] = await self._claimed(pod, name, claim, placement)
            elif any(kind in volume for kind in _KUBELET_OWN):
                volumes[name] = self._own(pod, name)
            else:
                kinds = ", ".join(sorted(volume.keys() - {"name"}))
                raise VolumeProblem(
                    "FailedMount",
                    f'MountVolume.SetUp failed for volume "{name}" : {kinds} is not supported by this kubelet',
                )
        return volumes

    def _own(self, pod: Object, name: str) -> Volume:
        directory = self.directory / pod["metadata"]["uid"] / name
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o777)
        return Volume(directory, "/dev/nvme1n1", "ext4", "rw,relatime")

    async def _claimed(self, pod: Object, volume: str, claim: Object, placement: Placement) -> Volume:
        namespace, name = pod["metadata"]["namespace"], claim["claimName"]
        found = await self.api.find("persistentvolumeclaims", namespace, name)
        if found is None or found.get("status", {}).get("phase") != "Bound" or is_deleting(found):
            why = "not found" if found is None else "being deleted" if is_deleting(found) else "not bound"
            raise VolumeProblem(
                "FailedMount",
                f"Unable to attach or mount volumes: unmounted volumes=[{volume}], unattached volumes=[], "
                f"failed to process volumes=[{volume}]: error processing PVC {namespace}/{name}: PVC is {why}",
            )
        persistent_volume = await self.api.get("persistentvolumes", "", found["spec"]["volumeName"])
        return await self._csi(persistent_volume, placement, read_only=bool(claim.get("readOnly")))

    async def _csi(self, persistent_volume: Object, placement: Placement, *, read_only: bool) -> Volume:
        name, csi = persistent_volume["metadata"]["name"], persistent_volume["spec"]["csi"]
        driver, handle = csi["driver"], csi["volumeHandle"]
        registered = await self.api.find("csidrivers", "", driver)
        failed = f'MountVolume.SetUp failed for volume "{name}" : '
        if registered is None or driver != EFS_DRIVER:
            raise VolumeProblem(
                "FailedMount",
                f"{failed}kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: "
                f"driver name {driver} not found in the list of registered CSI drivers",
            )
        if registered["spec"].get("attachRequired", True):
            raise VolumeProblem(
                "FailedAttachVolume",
                f'AttachVolume.Attach failed for volume "{name}" : timed out waiting for external-attacher of '
                f"{driver} CSI driver to attach volume {handle}",
                "attachdetach-controller",
            )
        attributes = csi.get("volumeAttributes") or {}
        try:
            mounted = await asyncio.to_thread(self.data_plane.mount, placement, handle, attributes)
        except MountRefused as refused:
            message = refused.message
            raise VolumeProblem(
                "FailedMount", message if message.startswith("MountVolume.") else failed + message
            ) from refused
        read_only = read_only or bool(csi.get("readOnly")) or mounted.options.startswith("ro,")
        return Volume(
            mounted.directory,
            mounted.source,
            mounted.fs_type,
            mounted.options,
            read_only,
            mounted.root_is_squashed,
        )
