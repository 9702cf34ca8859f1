"""The storage objects of a cluster: from a file system to a claim that pods can mount."""

from typing import Final

from provisioner.errors import ErrorReason, TerminalError
from provisioner.kubernetes.client import KubernetesApi, Manifest
from provisioner.kubernetes.errors import AccessNotYetEffective
from provisioner.kubernetes.manifests import is_ours, owned_manifest
from provisioner.observation import Observation, Reason
from provisioner.request import Request

CSI_DRIVER: Final = "efs.csi.aws.com"
_ACCESS_SECONDS: Final = 5
_GOING_SECONDS: Final = 5
_BINDING_SECONDS: Final = 2
_NO_CLAIM: Final = {"spec": {"claimRef": None}}


def ensure(request: Request, api: KubernetesApi, file_system_id: str, access_point_id: str | None) -> Observation:
    """Converge namespace, CSIDriver, StorageClass, PersistentVolume and claim; ready when the claim is Bound.

    Idempotency key: the objects' names, which the request gives. A second run changes no resourceVersion.
    Ours are the objects with our managed-by label; on them our fields win. A namespace or CSIDriver that somebody else
    made is used and never changed; any other object of theirs stops the run.
    Raises: TerminalError OwnedByAnother, Immutable, Unusable, Conflict; RetryableError.
    Source: EKS user guide, "Use elastic file system storage": on Fargate static provisioning only, no driver to
    install; Kubernetes, "Persistent Volumes", phases and reservation by volumeName.
    """
    try:
        return _ensure(request, api, volume_handle(file_system_id, access_point_id))
    except AccessNotYetEffective:
        return Observation.pending(Reason.ACCESS_NOT_YET_EFFECTIVE, retry_after_seconds=_ACCESS_SECONDS)


def volume_handle(file_system_id: str, access_point_id: str | None) -> str:
    """`fs-…` or `fs-…::fsap-…`: Fargate refuses the `efs:fs-…` form (aws-efs-csi-driver#1947)."""
    return f"{file_system_id}::{access_point_id}" if access_point_id else file_system_id


def _ensure(request: Request, api: KubernetesApi, handle: str) -> Observation:
    storage = request.storage
    going = _ensure_namespace(request, api)
    if going:
        return going
    _ensure_csi_driver(request, api)

    storage_class = owned_manifest("storage-class", request, storage.storage_class)
    volume = _volume(request, handle)
    claim = _claim(request)
    found = {wanted["kind"]: _find_ours(api, wanted) for wanted in (storage_class, volume, claim)}
    # Everything is looked at before anything is changed: a run that must stop leaves no half-made set behind.
    for existing in found.values():
        if existing and existing["metadata"].get("deletionTimestamp"):
            return _being_deleted(existing)
    _check_volume(request, found["PersistentVolume"], handle)
    _check_claim(request, found["PersistentVolumeClaim"])

    api.apply(storage_class, over=found["StorageClass"])
    _release(api, api.apply(volume, over=found["PersistentVolume"]))
    bound = api.apply(claim, over=found["PersistentVolumeClaim"])

    facts = {
        "volume_handle": handle,
        "namespace": storage.namespace,
        "storage_class": storage.storage_class,
        "persistent_volume": storage.persistent_volume,
        "claim": storage.claim,
    }
    if _phase(bound) != "Bound":
        return Observation.pending(Reason.WAITING_FOR_CLAIM_TO_BIND, retry_after_seconds=_BINDING_SECONDS, **facts)
    return Observation.ready_with(**facts)


def _ensure_namespace(request: Request, api: KubernetesApi) -> Observation | None:
    """None when there is a namespace to work in; somebody else's is as good as `default`, and never changed."""
    name = request.storage.namespace
    found = api.get("Namespace", name)
    if found is None:
        api.apply(owned_manifest("namespace", request, name))
    elif _phase(found) == "Terminating":
        return _being_deleted(found)
    return None


def _ensure_csi_driver(request: Request, api: KubernetesApi) -> None:
    """EKS makes this object with the cluster; it is made here when somebody removed it (with the EFS add-on, say)."""
    found = api.get("CSIDriver", CSI_DRIVER)
    if found is None:
        api.apply(owned_manifest("csi-driver", request, CSI_DRIVER))
    elif found["spec"].get("attachRequired", True):
        raise TerminalError(
            ErrorReason.UNUSABLE,
            f"CSIDriver {CSI_DRIVER} requires an attacher, which Fargate does not have",
            remedy=f"run `kubectl delete csidriver {CSI_DRIVER}`, then start again: it is made anew",
        )


def _volume(request: Request, handle: str) -> Manifest:
    storage = request.storage
    return owned_manifest(
        "persistent-volume",
        request,
        storage.persistent_volume,
        spec={
            "capacity": {"storage": storage.capacity},
            "persistentVolumeReclaimPolicy": storage.reclaim_policy,
            "storageClassName": storage.storage_class,
            "csi": {"volumeHandle": handle},
        },
    )


def _claim(request: Request) -> Manifest:
    storage = request.storage
    return owned_manifest(
        "persistent-volume-claim",
        request,
        storage.claim,
        namespace=storage.namespace,
        spec={
            "storageClassName": storage.storage_class,
            "volumeName": storage.persistent_volume,
            "resources": {"requests": {"storage": storage.capacity}},
        },
    )


def _find_ours(api: KubernetesApi, wanted: Manifest) -> Manifest | None:
    metadata = wanted["metadata"]
    found = api.get(wanted["kind"], metadata["name"], metadata.get("namespace"))
    if found is not None and not is_ours(found):
        raise TerminalError(
            ErrorReason.OWNED_BY_ANOTHER,
            f"{_name(found)} was not made by this application",
            remedy="ask for another name in `storage`, or remove the object, then start again",
        )
    return found


def _check_volume(request: Request, volume: Manifest | None, handle: str) -> None:
    if volume is None:
        return
    storage = request.storage
    current = volume["spec"].get("csi", {}).get("volumeHandle")
    if current != handle:
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"{_name(volume)} is the file system {current}, not {handle}",
            remedy="ask for another persistent_volume and claim, or delete claim and volume "
            "(the file system keeps its data), then start again",
        )
    if _phase(volume) == "Failed":
        raise TerminalError(
            ErrorReason.UNUSABLE,
            f"{_name(volume)} is Failed: {volume['status'].get('message', 'no message')}",
            remedy="delete it (the file system keeps its data), then start again",
        )
    holder = volume["spec"].get("claimRef")
    if (
        _phase(volume) == "Bound"
        and holder
        and (holder["namespace"], holder["name"])
        != (
            storage.namespace,
            storage.claim,
        )
    ):
        raise TerminalError(
            ErrorReason.CONFLICT,
            f"{_name(volume)} is bound to the claim {holder['namespace']}/{holder['name']}",
            remedy="delete that claim, or ask for another persistent_volume, then start again",
        )


def _check_claim(request: Request, claim: Manifest | None) -> None:
    if claim is None:
        return
    storage = request.storage
    spec = claim["spec"]
    capacity = spec["resources"]["requests"]["storage"]
    # Looked at here: the API answers a changed capacity with 403, which would look like access that is still to come.
    differences = [
        f"{field} is {current}, not {wanted}"
        for field, current, wanted in (
            ("volumeName", spec.get("volumeName"), storage.persistent_volume),
            ("storageClassName", spec.get("storageClassName"), storage.storage_class),
            ("capacity", capacity, storage.capacity),
        )
        if current != wanted and not (field == "capacity" and _same_quantity(current, wanted))
    ]
    if differences:
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"{_name(claim)}: {', '.join(differences)}",
            remedy="ask for another claim, or delete this one (the file system keeps its data), then start again",
        )
    if _phase(claim) == "Lost":
        raise TerminalError(
            ErrorReason.UNUSABLE,
            f"{_name(claim)} is Lost: its PersistentVolume was removed",
            remedy="delete the claim (the file system keeps its data), then start again",
        )


def _same_quantity(one: str, other: str) -> bool:
    from kubernetes.utils.quantity import (
        parse_quantity,
    )  # the API may have written 1024Gi as 1Ti: rare, so not at import

    return bool(parse_quantity(one) == parse_quantity(other))  # type: ignore[no-untyped-call]


def _release(api: KubernetesApi, volume: Manifest) -> None:
    """A deleted claim leaves its volume Released, and nobody else may bind it: the reference is dropped, data stays."""
    if _phase(volume) == "Released" and volume["spec"].get("claimRef"):
        api.patch(volume, _NO_CLAIM)


def _being_deleted(found: Manifest) -> Observation:
    return Observation.pending(Reason.DELETING, retry_after_seconds=_GOING_SECONDS, deleting=_name(found))


def _phase(found: Manifest) -> str | None:
    phase: str | None = (found.get("status") or {}).get("phase")
    return phase


def _name(found: Manifest) -> str:
    return f"{found['kind']} {found['metadata']['name']}"
