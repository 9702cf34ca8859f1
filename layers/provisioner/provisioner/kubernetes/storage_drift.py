"""Whether the storage objects in the cluster are as asked for. A change is told once, not with what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from provisioner.difference import Difference, DriftKind, Inspected
from provisioner.kubernetes import storage_differences as kinds
from provisioner.kubernetes.client import KubernetesApi, Manifest
from provisioner.kubernetes.manifests import is_ours
from provisioner.kubernetes.storage_objects import (
    ADDRESS_ATTRIBUTE,
    CSI_DRIVER,
    FieldDifference,
    address_for,
    address_in,
    differing_fields,
    find,
    holder_of,
    is_held_by_other,
    object_name,
    phase,
    wanted_claim,
    wanted_csi_driver,
    wanted_namespace,
    wanted_storage_class,
    wanted_volume,
)
from provisioner.request import Request

_GOING: Final = "deletionTimestamp"


@dataclass(frozen=True)
class StorageObjects:
    """As they are in the cluster; None for what is not there."""

    namespace: Manifest | None = None
    csi_driver: Manifest | None = None
    storage_class: Manifest | None = None
    volume: Manifest | None = None
    claim: Manifest | None = None

    @classmethod
    def of(cls, request: Request, api: KubernetesApi) -> "StorageObjects":
        """Five reads. Raises: AccessNotYetEffective, RetryableError, TerminalError."""
        return cls(
            find(api, wanted_namespace(request)),
            find(api, wanted_csi_driver(request)),
            find(api, wanted_storage_class(request)),
            find(api, wanted_volume(request, "")),
            find(api, wanted_claim(request)),
        )


def inspect(
    request: Request, found: StorageObjects, handle: str | None, addresses: Mapping[str, str] | None = None
) -> list[Inspected]:
    """The objects against what `storage.ensure` converges to; `handle` None: the file system itself is not there.

    `addresses`: as `storage.ensure` has them.
    """
    namespace = wanted_namespace(request)
    return [
        Inspected.of(object_name(namespace), _namespace(request, found.namespace)),
        Inspected.of(f"CSIDriver {CSI_DRIVER}", _csi_driver(found.csi_driver)),
        Inspected.of(object_name(wanted_storage_class(request)), _storage_class(request, found.storage_class)),
        Inspected.of(object_name(wanted_volume(request, "")), _volume(request, found, handle, addresses or {})),
        Inspected.of(object_name(wanted_claim(request)), _claim(request, found)).within([object_name(namespace)]),
    ]


def _namespace(request: Request, namespace: Manifest | None) -> list[Difference]:
    name = request.storage.namespace
    if namespace is None:
        return [kinds.NAMESPACE_MISSING.missing(name=name)]
    if phase(namespace) == "Terminating":
        return [kinds.NAMESPACE_TERMINATING.found(expected="Active", actual="Terminating", name=name)]
    return []


def _csi_driver(driver: Manifest | None) -> list[Difference]:
    if driver is None:
        return [kinds.CSI_DRIVER_MISSING.missing(name=CSI_DRIVER)]
    if driver["spec"].get("attachRequired", True):
        return [kinds.CSI_DRIVER_ATTACHES.found(expected=False, actual=True, name=CSI_DRIVER)]
    return []


def _storage_class(request: Request, storage_class: Manifest | None) -> list[Difference]:
    if storage_class is None:
        return [kinds.STORAGE_CLASS_MISSING.missing(name=request.storage.storage_class)]
    return _standing(storage_class) or [
        _of_field(storage_class, field, kinds.STORAGE_CLASS_FIELD)
        for field in differing_fields(wanted_storage_class(request), storage_class)
    ]


def _volume(
    request: Request, found: StorageObjects, handle: str | None, addresses: Mapping[str, str]
) -> list[Difference]:
    volume = found.volume
    if volume is None:
        return [kinds.VOLUME_MISSING.missing(name=request.storage.persistent_volume)]
    return _standing(volume) or [
        *_volume_fields(request, volume, handle, address_for(volume, addresses)),
        *_volume_phase(request, found, volume),
    ]


def _volume_fields(request: Request, volume: Manifest, handle: str | None, address: str | None) -> list[Difference]:
    differences = []
    if handle is not None and (current := address_in(volume)) != address:
        path = f"spec.csi.volumeAttributes.{ADDRESS_ATTRIBUTE}"
        name = object_name(volume)
        differences.append(kinds.VOLUME_ADDRESS.found(expected=address, actual=current, path=path, object=name))
    for field in differing_fields(wanted_volume(request, handle or ""), volume):
        if field.path == "spec.csi.volumeHandle":
            if handle is not None:
                differences.append(_of_field(volume, field, kinds.VOLUME_HANDLE))
        elif field.path in ("spec.csi.driver", "spec.volumeMode"):
            differences.append(_of_field(volume, field, kinds.VOLUME_SOURCE))
        else:
            differences.append(_of_field(volume, field, kinds.VOLUME_FIELD))
    return differences


def _volume_phase(request: Request, found: StorageObjects, volume: Manifest) -> list[Difference]:
    """A volume is Released because of its claim: when that is gone, or is what has to be made again, that is told."""
    storage = request.storage
    own, holder, name = f"{storage.namespace}/{storage.claim}", holder_of(volume), volume["metadata"]["name"]
    match phase(volume):
        case "Released" if found.claim is not None and not _has_to_go(request, volume, found.claim):
            return [kinds.VOLUME_RELEASED.found(expected="Bound", actual="Released", name=name, holder=holder)]
        case "Failed":
            return [kinds.VOLUME_FAILED.found(expected="Bound", actual="Failed", name=name)]
        case "Bound" if holder != own:
            return [kinds.VOLUME_BOUND_ELSEWHERE.found(expected=own, actual=holder, name=name)]
        case _:
            return []


def _has_to_go(request: Request, volume: Manifest, claim: Manifest) -> bool:
    """A claim that can never be bound as it is."""
    return _is_lost_to_another(volume, claim) or bool(differing_fields({"spec": wanted_claim(request)["spec"]}, claim))


def _is_lost_to_another(volume: Manifest, claim: Manifest) -> bool:
    return phase(claim) == "Lost" and is_held_by_other(volume, claim)


def _claim(request: Request, found: StorageObjects) -> list[Difference]:
    claim = found.claim
    if phase(found.namespace or {}) == "Terminating":  # the claim goes with it, and does not come back before
        return []
    if claim is None:
        return [kinds.CLAIM_MISSING.missing(name=request.storage.claim)]
    return _standing(claim) or [
        *(_of_field(claim, field, kinds.CLAIM_FIELD) for field in differing_fields(wanted_claim(request), claim)),
        *_claim_phase(request, found, claim),
    ]


def _claim_phase(request: Request, found: StorageObjects, claim: Manifest) -> list[Difference]:
    """Nothing while the volume is the reason: it is missing, or something is wrong with it, or it was swapped."""
    volume, current = found.volume, phase(claim)
    if current == "Bound" or volume is None or _volume_phase(request, found, volume) or volume["metadata"].get(_GOING):
        return []
    if differing_fields({"spec": wanted_claim(request)["spec"]}, claim):
        return []
    kind = kinds.CLAIM_LOST if _is_lost_to_another(volume, claim) else kinds.CLAIM_UNBOUND
    return [kind.found(expected="Bound", actual=current, name=claim["metadata"]["name"])]


def _standing(found: Manifest) -> list[Difference]:
    """Of an object that a run would not touch as it stands."""
    what, names = object_name(found), _names(found)
    if not is_ours(found):
        return [kinds.NOT_OURS.found(expected=kinds.OURS, actual=_manager(found), **names)]
    if found["metadata"].get(_GOING):
        return [kinds.BEING_DELETED.found(expected=None, actual=found["metadata"][_GOING], object=what)]
    return []


def _manager(found: Manifest) -> str | None:
    labels: Mapping[str, str] = found["metadata"].get("labels") or {}
    return labels.get(kinds.MANAGED_BY)


def _names(found: Manifest) -> dict[str, str]:
    return {"object": object_name(found)}


def _of_field(found: Manifest, field: FieldDifference, kind: DriftKind) -> Difference:
    kind = kinds.ANNOTATION if field.path.startswith("metadata.") else kind
    return kind.found(expected=field.wanted, actual=field.current, path=field.path, object=object_name(found))
