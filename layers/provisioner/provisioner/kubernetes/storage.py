"""The storage objects of a cluster: from a file system to a claim that pods can mount."""

from collections.abc import Mapping
from typing import Final

from provisioner.errors import ErrorReason, TerminalError
from provisioner.kubernetes.client import KubernetesApi, Manifest
from provisioner.kubernetes.errors import AccessNotYetEffective
from provisioner.kubernetes.manifests import is_ours
from provisioner.kubernetes.storage_objects import (
    CSI_DRIVER,
    address_for,
    address_in,
    differing_fields,
    find,
    holder_of,
    is_held_by_other,
    object_name,
    phase,
    volume_handle,
    wanted_claim,
    wanted_csi_driver,
    wanted_namespace,
    wanted_storage_class,
    wanted_volume,
)
from provisioner.observation import Observation, Reason
from provisioner.request import Request

_ACCESS_SECONDS: Final = 5
_GOING_SECONDS: Final = 5
_BINDING_SECONDS: Final = 2
_NO_CLAIM: Final = {"spec": {"claimRef": None}}


def ensure(
    request: Request,
    api: KubernetesApi,
    file_system_id: str,
    access_point_id: str | None,
    addresses: Mapping[str, str] | None = None,
) -> Observation:
    """Converge namespace, CSIDriver, StorageClass, PersistentVolume and claim; ready when the claim is Bound.

    `addresses`: zone id -> the mount target's, of a file system whose name does not resolve where the pods are.
    Idempotency key: the objects' names, which the request gives. A second run changes no resourceVersion.
    Ours are the objects with our managed-by label; on them our fields win. A namespace or CSIDriver that somebody else
    made is used and never changed; any other object of theirs stops the run.
    Raises: TerminalError OwnedByAnother, Immutable, Unusable, Conflict, AdmissionRefused; RetryableError,
    UnsettledError.
    Source: EKS user guide, "Use elastic file system storage": on Fargate static provisioning only, no driver to
    install; Kubernetes, "Persistent Volumes", phases and reservation by volumeName.
    """
    try:
        return _ensure(request, api, volume_handle(file_system_id, access_point_id), addresses or {})
    except AccessNotYetEffective as refusal:
        return Observation.pending(
            Reason.ACCESS_NOT_YET_EFFECTIVE, retry_after_seconds=_ACCESS_SECONDS, because=str(refusal)
        )


def _ensure(request: Request, api: KubernetesApi, handle: str, addresses: Mapping[str, str]) -> Observation:
    storage = request.storage
    going = _ensure_namespace(request, api)
    if going:
        return going
    _ensure_csi_driver(request, api)

    storage_class = wanted_storage_class(request)
    claim = wanted_claim(request)
    found = {
        wanted["kind"]: _find_ours(api, wanted) for wanted in (storage_class, wanted_volume(request, handle), claim)
    }
    address = address_for(found["PersistentVolume"], addresses)
    volume = wanted_volume(request, handle, address)
    # Everything is looked at before anything is changed: a run that must stop leaves no half-made set behind.
    for existing in found.values():
        if existing and existing["metadata"].get("deletionTimestamp"):
            return _being_deleted(existing)
    _check_volume(request, found["PersistentVolume"], handle, address)
    _check_claim(claim, found["PersistentVolumeClaim"], found["PersistentVolume"])

    api.apply(storage_class, over=found["StorageClass"])
    _release(api, api.apply(volume, over=found["PersistentVolume"]))
    bound = api.apply(claim, over=found["PersistentVolumeClaim"])

    facts = {
        "volume_handle": handle,
        **({"mount_target_address": address} if address else {}),
        "namespace": storage.namespace,
        "storage_class": storage.storage_class,
        "persistent_volume": storage.persistent_volume,
        "claim": storage.claim,
    }
    if phase(bound) != "Bound":
        return Observation.pending(Reason.WAITING_FOR_CLAIM_TO_BIND, retry_after_seconds=_BINDING_SECONDS, **facts)
    return Observation.ready_with(**facts)


def _ensure_namespace(request: Request, api: KubernetesApi) -> Observation | None:
    """None when there is a namespace to work in; somebody else's is as good as `default`, and never changed."""
    name = request.storage.namespace
    found = api.get("Namespace", name)
    if found is None:
        api.apply(wanted_namespace(request))
    elif phase(found) == "Terminating":
        return _being_deleted(found)
    return None


def _ensure_csi_driver(request: Request, api: KubernetesApi) -> None:
    """EKS makes this object with the cluster; it is made here when somebody removed it (with the EFS add-on, say)."""
    found = api.get("CSIDriver", CSI_DRIVER)
    if found is None:
        api.apply(wanted_csi_driver(request))
    elif found["spec"].get("attachRequired", True):
        raise TerminalError(
            ErrorReason.UNUSABLE,
            f"CSIDriver {CSI_DRIVER} requires an attacher, which Fargate does not have",
            remedy=f"run `kubectl delete csidriver {CSI_DRIVER}`, then start again: it is made anew",
        )


def _find_ours(api: KubernetesApi, wanted: Manifest) -> Manifest | None:
    found = find(api, wanted)
    if found is not None and not is_ours(found):
        raise TerminalError(
            ErrorReason.OWNED_BY_ANOTHER,
            f"{object_name(found)} was not made by this application",
            remedy="ask for another name in `storage`, or remove the object, then start again",
        )
    return found


def _check_volume(request: Request, volume: Manifest | None, handle: str, address: str | None) -> None:
    if volume is None:
        return
    storage = request.storage
    current = volume["spec"].get("csi", {}).get("volumeHandle")
    if current != handle:
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"{object_name(volume)} is the file system {current}, not {handle}",
            remedy="ask for another persistent_volume and claim, or delete claim and volume "
            "(the file system keeps its data), then start again",
        )
    if address_in(volume) != address:
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"{object_name(volume)} mounts {address_in(volume) or 'by name'}, and is to mount {address or 'by name'}",
            remedy="ask for another persistent_volume and claim, or delete claim and volume "
            "(the file system keeps its data), then start again",
        )
    if phase(volume) == "Failed":
        raise TerminalError(
            ErrorReason.UNUSABLE,
            f"{object_name(volume)} is Failed: {volume['status'].get('message', 'no message')}",
            remedy="delete it (the file system keeps its data), then start again",
        )
    holder = holder_of(volume)
    if phase(volume) == "Bound" and holder != f"{storage.namespace}/{storage.claim}":
        raise TerminalError(
            ErrorReason.CONFLICT,
            f"{object_name(volume)} is bound to the claim {holder}",
            remedy="delete that claim, or ask for another persistent_volume, then start again",
        )


def _check_claim(wanted: Manifest, claim: Manifest | None, volume: Manifest | None) -> None:
    if claim is None:
        return
    # Looked at here: the API answers a changed capacity with 403, as if a policy forbade it.
    differences = [
        f"{path} is {current}, not {asked}"
        for path, asked, current in differing_fields(wanted, claim)
        if "spec." in path
    ]
    if differences:
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"{object_name(claim)}: {', '.join(differences)}",
            remedy="ask for another claim, or delete this one (the file system keeps its data), then start again",
        )
    # Lost because its volume was gone, it is bound when the volume is there again (kube-controller-manager,
    # syncBoundClaim); lost to another claim, it stays so.
    if phase(claim) == "Lost" and volume is not None and is_held_by_other(volume, claim):
        raise TerminalError(
            ErrorReason.UNUSABLE,
            f"{object_name(claim)} is Lost: its PersistentVolume belongs to another claim",
            remedy="delete the claim (the file system keeps its data), then start again",
        )


def _release(api: KubernetesApi, volume: Manifest) -> None:
    """A deleted claim leaves its volume Released, and nobody else may bind it: the reference is dropped, data stays."""
    if phase(volume) == "Released" and volume["spec"].get("claimRef"):
        api.patch(volume, _NO_CLAIM)


def _being_deleted(found: Manifest) -> Observation:
    return Observation.pending(Reason.DELETING, retry_after_seconds=_GOING_SECONDS, deleting=object_name(found))
