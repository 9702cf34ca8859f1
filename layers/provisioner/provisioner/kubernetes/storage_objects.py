"""What the storage objects of a cluster are to be: the one place that both converging and comparing read.

A request is here that of one volume, of Request.of_each_volume.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from provisioner.kubernetes.client import KubernetesApi, Manifest
from provisioner.kubernetes.manifests import owned_manifest
from provisioner.request import Request

CSI_DRIVER: Final = "efs.csi.aws.com"
# In this very spelling: the driver knows the name in any case, and reads the value by the lower one.
# Source: aws-efs-csi-driver, pkg/driver/node.go.
ADDRESS_ATTRIBUTE: Final = "mounttargetip"


class FieldDifference(NamedTuple):
    path: str
    wanted: Any
    current: Any


def volume_handle(file_system_id: str, access_point_id: str | None) -> str:
    """`fs-…` or `fs-…::fsap-…`: Fargate refuses the `efs:fs-…` form (aws-efs-csi-driver#1947)."""
    return f"{file_system_id}::{access_point_id}" if access_point_id else file_system_id


def wanted_namespace(request: Request) -> Manifest:
    return owned_manifest("namespace", request, request.storage.namespace)


def wanted_csi_driver(request: Request) -> Manifest:
    return owned_manifest("csi-driver", request, CSI_DRIVER)


def wanted_storage_class(request: Request) -> Manifest:
    return owned_manifest("storage-class", request, request.storage.storage_class)


def wanted_volume(request: Request, handle: str, address: str | None = None) -> Manifest:
    """`address`: of the mount target to mount through, where the file system's name does not resolve."""
    storage = request.storage
    csi: dict[str, Any] = {"volumeHandle": handle}
    if address:
        csi["volumeAttributes"] = {ADDRESS_ATTRIBUTE: address}
    return owned_manifest(
        "persistent-volume",
        request,
        storage.persistent_volume,
        spec={
            "capacity": {"storage": storage.capacity},
            "accessModes": [storage.access_mode],
            "persistentVolumeReclaimPolicy": storage.reclaim_policy,
            "storageClassName": storage.storage_class,
            "csi": csi,
        },
    )


def address_in(volume: Manifest | None) -> str | None:
    """The address that a volume mounts; None of one that mounts by name."""
    attributes = ((volume or {}).get("spec", {}).get("csi") or {}).get("volumeAttributes") or {}
    address: str | None = attributes.get(ADDRESS_ATTRIBUTE)
    return address


def address_for(volume: Manifest | None, addresses: Mapping[str, str]) -> str | None:
    """Of the mount targets' addresses by zone id the one to mount: what the volume has, while there is such a one."""
    current = address_in(volume)
    if current in addresses.values():
        return current
    return next((addresses[zone_id] for zone_id in sorted(addresses)), None)


def wanted_claim(request: Request) -> Manifest:
    storage = request.storage
    return owned_manifest(
        "persistent-volume-claim",
        request,
        storage.claim,
        namespace=storage.namespace,
        spec={
            "storageClassName": storage.storage_class,
            "volumeName": storage.persistent_volume,
            "accessModes": [storage.access_mode],
            "resources": {"requests": {"storage": storage.capacity}},
        },
    )


def find(api: KubernetesApi, wanted: Manifest) -> Manifest | None:
    """The object of that kind and name as it is, whoever made it; None when absent."""
    metadata = wanted["metadata"]
    return api.get(wanted["kind"], metadata["name"], metadata.get("namespace"))


def differing_fields(wanted: Manifest, found: Manifest) -> list[FieldDifference]:
    """The fields that we own and that are otherwise: what the API adds by default is nobody's difference."""
    return [
        FieldDifference(path, value, current)
        for path, value, current in _leaves(wanted, found)
        if current != value and not (path.endswith("storage") and _same_quantity(current, value))
    ]


def phase(found: Manifest) -> str | None:
    stated: str | None = (found.get("status") or {}).get("phase")
    return stated


def holder_of(volume: Manifest) -> str | None:
    """`namespace/name` of the claim that the volume is bound to or reserved for."""
    reference = volume["spec"].get("claimRef")
    return f"{reference['namespace']}/{reference['name']}" if reference else None


def is_held_by_other(volume: Manifest, claim: Manifest) -> bool:
    """Also by a deleted claim of the same name: Kubernetes goes by uid."""
    uid = (volume["spec"].get("claimRef") or {}).get("uid")
    return uid is not None and uid != claim["metadata"].get("uid")


def object_name(found: Manifest) -> str:
    return f"{found['kind']} {found['metadata']['name']}"


def _leaves(wanted: Any, found: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if not isinstance(wanted, dict):
        yield path, wanted, found
        return
    for key, value in wanted.items():
        current = found.get(key) if isinstance(found, dict) else None
        yield from _leaves(value, current, f"{path}.{key}" if path else key)


def _same_quantity(one: Any, other: str) -> bool:
    if one is None:
        return False
    from kubernetes.utils.quantity import (
        parse_quantity,
    )  # the API may have written 1024Gi as 1Ti: rare, so not at import

    return bool(parse_quantity(one) == parse_quantity(other))  # type: ignore[no-untyped-call]
