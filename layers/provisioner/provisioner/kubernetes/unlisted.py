"""Volumes of ours that a request no longer lists: they stay, with their data, and are told with how to remove them."""

from typing import Any

from provisioner.kubernetes.client import FIELD_MANAGER, KubernetesApi, Manifest
from provisioner.kubernetes.manifests import MANAGED_BY
from provisioner.kubernetes.storage_objects import phase
from provisioner.request import OWNER_TAG, Request


def find(request: Request, api: KubernetesApi) -> list[Manifest]:
    """PersistentVolumes that were made for the cluster of `request` and that none of its volumes is; one read."""
    listed = {one.storage.persistent_volume for one in request.of_each_volume}
    found = api.list("PersistentVolume", labels=f"{MANAGED_BY}={FIELD_MANAGER}")
    return [each for each in found if each["metadata"]["name"] not in listed and _owner(each) == request.cluster.name]


def told(volume: Manifest) -> dict[str, Any]:
    """{persistent_volume, claim, volume_handle, phase, how_to_remove}; `claim` is namespace/name, null of none."""
    name, handle = volume["metadata"]["name"], str((volume["spec"].get("csi") or {}).get("volumeHandle", ""))
    claim = claim_of(volume)
    access_point_id = handle.partition("::")[2]
    commands = [f"kubectl delete persistentvolume {name}"]
    if claim:
        commands.insert(0, f"kubectl delete persistentvolumeclaim {claim[1]} --namespace {claim[0]}")
    if access_point_id:
        commands.append(f"aws efs delete-access-point --access-point-id {access_point_id}")
    return {
        "persistent_volume": name,
        "claim": "/".join(claim) if claim else None,
        "volume_handle": handle,
        "phase": phase(volume),
        "how_to_remove": f"stop the pods that use it, then: {'; '.join(commands)} (the files stay in the file system); "
        "or list it in storage.volumes again",
    }


def claim_of(volume: Manifest) -> tuple[str, str] | None:
    """Namespace and name of the claim that it is or was bound to."""
    reference = volume["spec"].get("claimRef")
    return (reference["namespace"], reference["name"]) if reference else None


def _owner(volume: Manifest) -> str | None:
    annotations: dict[str, str] = volume["metadata"].get("annotations") or {}
    return annotations.get(OWNER_TAG)
