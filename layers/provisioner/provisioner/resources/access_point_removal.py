"""Access points on their way out, with the file system that they lead to."""

from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import OWNER_TAG, Request

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import AccessPointDescriptionTypeDef

POLL_SECONDS = 5


def find_all(file_system_id: str, efs: "EFSClient") -> "list[AccessPointDescriptionTypeDef]":
    """All of the file system; none when it is absent."""
    pages = efs.get_paginator("describe_access_points").paginate(FileSystemId=file_system_id)
    try:
        found = [each for page in pages for each in page["AccessPoints"]]
    except efs.exceptions.FileSystemNotFound:
        return []
    return [each for each in found if each.get("LifeCycleState") != "deleted"]


def find_ours(request: Request, file_system_id: str, efs: "EFSClient") -> "list[AccessPointDescriptionTypeDef]":
    """Those of the cluster, also of volumes that its request does not list any more."""
    return [each for each in find_all(file_system_id, efs) if _is_ours(request, each)]


def require_no_others(request: Request, file_system_id: str, efs: "EFSClient") -> None:
    """To be asked before the file system loses anything. Raises: TerminalError OWNED_BY_ANOTHER."""
    others = [each["AccessPointId"] for each in find_all(file_system_id, efs) if not _is_ours(request, each)]
    if others:
        raise TerminalError(
            ErrorReason.OWNED_BY_ANOTHER,
            f"{file_system_id} has the access points {', '.join(others)} without this cluster's tag {OWNER_TAG}",
            remedy="let who made them remove them (their files stay), then start again",
        )


def remove(request: Request, file_system_id: str, kept: Collection[str], efs: "EFSClient") -> Observation:
    """Converge to no access point of ours but those `kept`; their files stay.

    Source: EFS API, DeleteAccessPoint.
    """
    for each in _to_remove(request, file_system_id, kept, efs):
        if each["LifeCycleState"] != "deleting":
            with suppress(efs.exceptions.AccessPointNotFound):
                efs.delete_access_point(AccessPointId=each["AccessPointId"])
    if going := _to_remove(request, file_system_id, kept, efs):
        names = [each["AccessPointId"] for each in going]
        return Observation.pending(Reason.DELETING, retry_after_seconds=POLL_SECONDS, waiting_for=names)
    return Observation.ready_with()


def _to_remove(
    request: Request, file_system_id: str, kept: Collection[str], efs: "EFSClient"
) -> "list[AccessPointDescriptionTypeDef]":
    return [each for each in find_ours(request, file_system_id, efs) if each["AccessPointId"] not in kept]


def _is_ours(request: Request, found: "AccessPointDescriptionTypeDef") -> bool:
    return {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}.get(OWNER_TAG) == request.cluster.name
