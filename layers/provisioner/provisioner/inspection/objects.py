"""The Kubernetes objects that belong to a request, and the file system that their volume is to be."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from provisioner.aws.session import Target, of_file_system
from provisioner.difference import Inspected
from provisioner.errors import ErrorReason, RetryableError, UnsettledError
from provisioner.inspection.infrastructure import wanted_policies
from provisioner.kubernetes import storage_drift, unlisted, verification_objects
from provisioner.kubernetes.client import KubernetesApi, api_of
from provisioner.kubernetes.errors import AccessNotYetEffective
from provisioner.kubernetes.storage_drift import StorageObjects
from provisioner.kubernetes.storage_objects import volume_handle
from provisioner.request import Request
from provisioner.resources import (
    access_point,
    cluster,
    cluster_access_drift,
    file_system,
    functions_way_drift,
    mount_targets,
)
from provisioner.resources.functions_access import OUTSIDE, Functions

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient


_NAMESPACES_OF_KUBERNETES: Final = ("default", "kube-node-lease", "kube-public", "kube-system")


def objects(request: Request, target: Target, functions: Functions = OUTSIDE) -> list[Inspected]:
    """Each object with what it is not, in the order in which they are applied; only reads.

    Empty when the cluster is not there or not ACTIVE, or does not let the inspector in because its access entry, its
    endpoint or the functions' way to that was changed: these are differences of the infrastructure.
    Raises: UnsettledError, RetryableError when the cluster's API cannot be asked for another reason.
    """
    found = cluster.find(request, target.client("eks"))
    if found is None or found["status"] != "ACTIVE":
        return []
    volumes = request.of_each_volume
    try:
        api = api_of(target, found)
        existing = [StorageObjects.of(one, api) for one in volumes]
    except AccessNotYetEffective as refused:
        if not _has_access(request, target):
            return []
        raise RetryableError(
            ErrorReason.NOT_YET_CONSISTENT,
            f"the API of cluster {request.cluster.name} does not let {target.role_arn('inspector')} in yet: {refused}",
            remedy="its access entry takes seconds to become effective: look again",
        ) from refused
    except UnsettledError:
        if cluster.differing_endpoint_access(request, found):
            return []
        if functions_way_drift.inspect(request, functions, found, target.client("ec2")):
            return []
        raise
    efs = of_file_system(request, target).client("efs")
    own = file_system.find(request, efs) if request.file_system.peer else None
    addresses = mount_targets.find_addresses(request, own["FileSystemId"], efs) if own else {}
    return _of_all(
        (one, storage_drift.inspect(one, objects, find_handle(one, efs), addresses))
        for one, objects in zip(volumes, existing, strict=True)
    )


def strays(request: Request, target: Target) -> list[str]:
    """What killed proofs have left in the cluster, such as "Pod default/verification-…-reader"; only reads.

    Empty also where the cluster does not answer, which is told by `objects`.
    """
    return _read(
        request, target, lambda api: [verification_objects.full_name(each) for each in verification_objects.strays(api)]
    )


def unlisted_volumes(request: Request, target: Target) -> list[str]:
    """What is to be known of volumes that are no longer asked for: a run leaves them. As `strays`, of who answers."""

    def told(api: KubernetesApi) -> list[str]:
        found = map(unlisted.told, unlisted.find(request, api))
        return [
            f"volume {each['persistent_volume']} is no longer asked for and stays, with its data: to remove it, "
            f"{each['how_to_remove']}"
            for each in found
        ]

    return _read(request, target, told)


def _read(request: Request, target: Target, read: Callable[[KubernetesApi], list[str]]) -> list[str]:
    found = cluster.find(request, target.client("eks"))
    if found is None or found["status"] != "ACTIVE":
        return []
    try:
        return read(api_of(target, found))
    except (AccessNotYetEffective, UnsettledError):
        return []


def _has_access(request: Request, target: Target) -> bool:
    principal_arn = target.role_arn("inspector")
    policy_arn, eks, iam = wanted_policies(request, target)[principal_arn], target.client("eks"), target.client("iam")
    return not cluster_access_drift.inspect(request, principal_arn, policy_arn, eks, iam).differences


def planned_objects(request: Request) -> list[Inspected]:
    """Before there is a cluster: all but what a new cluster brings with it."""
    return _of_all((one, storage_drift.inspect(one, _brought(one), None)) for one in request.of_each_volume)


def _brought(request: Request) -> StorageObjects:
    return StorageObjects(
        namespace={} if request.storage.namespace in _NAMESPACES_OF_KUBERNETES else None,
        csi_driver={"spec": {"attachRequired": False}},
    )


def _of_all(volumes: Iterable[tuple[Request, list[Inspected]]]) -> list[Inspected]:
    """What volumes share is looked at with each and told once; of several, claims may have one name."""
    listed = list(volumes)
    if len(listed) == 1:
        return listed[0][1]
    named = [_with_namespace(each, one) for one, inspected in listed for each in inspected]
    return list({each.resource: each for each in named}.values())


def _with_namespace(inspected: Inspected, one: Request) -> Inspected:
    storage = one.storage
    if inspected.resource != f"PersistentVolumeClaim {storage.claim}":
        return inspected
    resource = f"PersistentVolumeClaim {storage.namespace}/{storage.claim}"
    differences = tuple(replace(each, resource=resource) for each in inspected.differences)
    return replace(inspected, resource=resource, differences=differences)


def find_handle(request: Request, efs: "EFSClient") -> str | None:
    """What one volume is to be; None when the file system, or the access point asked for, is not there."""
    found = file_system.find(request, efs)
    if found is None:
        return None
    if request.storage.access_point is None:
        return volume_handle(found["FileSystemId"], None)
    point = access_point.find(request, found["FileSystemId"], efs)
    return volume_handle(found["FileSystemId"], point["AccessPointId"]) if point else None
