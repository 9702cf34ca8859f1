"""The storage objects of a cluster: from a file system to claims that pods can mount."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from provisioner.errors import ErrorReason, TerminalError
from provisioner.kubernetes import unlisted
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
_BINDING_SECONDS: Final = 1
_NO_CLAIM: Final = {"spec": {"claimRef": None}}


def ensure(
    request: Request,
    api: KubernetesApi,
    file_system_id: str,
    access_point_ids: Mapping[str, str | None],
    addresses: Mapping[str, str] | None = None,
) -> Observation:
    """Converge namespaces, CSIDriver, StorageClass, and each volume's PersistentVolume and claim; ready when all claims
    are Bound.

    `access_point_ids`: name of the volume -> id, null for the file system's root. Facts: those of the first volume,
    {volume_handle, namespace, storage_class, persistent_volume, claim}, `volumes` with those of each, and `unlisted`,
    volumes of ours that the request does not list: never deleted.
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
        return _ensure(request, api, file_system_id, access_point_ids, addresses or {})
    except AccessNotYetEffective as refusal:
        return Observation.pending(
            Reason.ACCESS_NOT_YET_EFFECTIVE, retry_after_seconds=_ACCESS_SECONDS, because=str(refusal)
        )


def _ensure(
    request: Request,
    api: KubernetesApi,
    file_system_id: str,
    access_point_ids: Mapping[str, str | None],
    addresses: Mapping[str, str],
) -> Observation:
    for one in {one.storage.namespace: one for one in request.of_each_volume}.values():
        if going := _ensure_namespace(one, api):
            return going
    _ensure_csi_driver(request, api)

    # Everything is looked at before anything is changed: a run that must stop leaves no half-made set behind.
    storage_class = wanted_storage_class(request)
    found_class = _find_ours(api, storage_class)
    volumes = [
        _Volume.found(
            one, volume_handle(file_system_id, access_point_ids[one.storage.persistent_volume]), addresses, api
        )
        for one in request.of_each_volume
    ]
    for existing in (found_class, *(each for volume in volumes for each in (volume.volume, volume.claim))):
        if existing and existing["metadata"].get("deletionTimestamp"):
            return _being_deleted(existing)
    for volume in volumes:
        volume.check()

    api.apply(storage_class, over=found_class)
    unbound = [volume for volume in volumes if not volume.apply(api)]
    first, *_ = facts = [volume.facts for volume in volumes]
    told = {**first, "volumes": facts, "unlisted": [unlisted.told(each) for each in unlisted.find(request, api)]}
    if unbound:
        # What has just been made is bound by the time that anybody looks again.
        seconds = _BINDING_SECONDS if any(volume.claim for volume in unbound) else 0
        return Observation.pending(Reason.WAITING_FOR_CLAIM_TO_BIND, retry_after_seconds=seconds, **told)
    return Observation.ready_with(**told)


@dataclass(frozen=True)
class _Volume:
    """One volume as it is to be, and its objects as they are; None for what is not there."""

    request: Request
    handle: str
    volume: Manifest | None
    claim: Manifest | None
    address: str | None

    @classmethod
    def found(cls, request: Request, handle: str, addresses: Mapping[str, str], api: KubernetesApi) -> "_Volume":
        volume = _find_ours(api, wanted_volume(request, handle))
        claim = _find_ours(api, wanted_claim(request))
        return cls(request, handle, volume, claim, address_for(volume, addresses))

    def check(self) -> None:
        _check_volume(self.request, self.volume, self.handle, self.address)
        _check_claim(wanted_claim(self.request), self.claim, self.volume)

    def apply(self, api: KubernetesApi) -> bool:
        """Whether the claim is Bound."""
        _release(api, api.apply(wanted_volume(self.request, self.handle, self.address), over=self.volume))
        return phase(api.apply(wanted_claim(self.request), over=self.claim)) == "Bound"

    @property
    def facts(self) -> dict[str, str]:
        storage = self.request.storage
        return {
            "volume_handle": self.handle,
            **({"mount_target_address": self.address} if self.address else {}),
            "namespace": storage.namespace,
            "storage_class": storage.storage_class,
            "persistent_volume": storage.persistent_volume,
            "claim": storage.claim,
        }


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
