"""The file system on its way out, or kept: data goes only when somebody has asked for that very file system's end."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provisioner.observation import Observation, Reason
from provisioner.request import KEPT_TAG, Request
from provisioner.resources import file_system
from provisioner.resources.ownership import require_ours, unknown_state

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import FileSystemDescriptionTypeDef

POLL_SECONDS = 5
# What EFS meters of a file system that holds nothing but its root directory: 2 KiB for its inode, 4 KiB for its data.
# Source: EFS user guide, "How Amazon EFS reports file system and object sizes".
EMPTY_BYTES = 6 * 1024


def is_empty(found: "FileSystemDescriptionTypeDef") -> bool:
    """As far as it is metered: what was written in the last hours may not be (EFS API, FileSystemSize)."""
    return found["SizeInBytes"]["Value"] <= EMPTY_BYTES


def keep(request: Request, file_system_id: str, since: datetime | str, efs: "EFSClient") -> Observation:
    """Converge to a file system that is told to be kept, with the time of the first call; data and settings stay.

    Raises: TerminalError OWNED_BY_ANOTHER. Source: EFS API, TagResource.
    """
    found = file_system.find_by_id(file_system_id, efs)
    if found is None:
        return Observation.ready_with()
    require_ours(request, file_system.tags_of(found), file_system_id)
    if not file_system.kept_since(found):
        time = since if isinstance(since, str) else since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        efs.tag_resource(ResourceId=file_system_id, Tags=[{"Key": KEPT_TAG, "Value": time}])
    return Observation.ready_with()


def remove(request: Request, file_system_id: str, efs: "EFSClient") -> Observation:
    """Converge to no file system, its data lost. Asked for once its mount targets and access points are gone.

    Raises: TerminalError OWNED_BY_ANOTHER.
    Source: EFS API, DeleteFileSystem: FileSystemInUse while it has mount targets or is replicated.
    """
    found = file_system.find_by_id(file_system_id, efs)
    if found is None:
        return Observation.ready_with()
    require_ours(request, file_system.tags_of(found), file_system_id)
    match found["LifeCycleState"]:
        case "creating":
            return _pending(Reason.CREATING, file_system_id)
        case "updating":
            return _pending(Reason.UPDATING, file_system_id)
        case "deleting" | "deleted":
            return _pending(Reason.DELETING, file_system_id)
        case "available" | "error":
            return _delete(file_system_id, efs)
        case unknown:
            raise unknown_state(file_system_id, unknown)


def _delete(file_system_id: str, efs: "EFSClient") -> Observation:
    try:
        efs.delete_file_system(FileSystemId=file_system_id)
    except efs.exceptions.FileSystemNotFound:
        return Observation.ready_with()
    except efs.exceptions.FileSystemInUse:
        return Observation.pending(
            Reason.WAITING_FOR_OTHERS,
            retry_after_seconds=POLL_SECONDS,
            waiting_for=[f"what uses {file_system_id}: a mount target or a replication"],
        )
    return _pending(Reason.DELETING, file_system_id)


def _pending(reason: Reason, file_system_id: str) -> Observation:
    return Observation.pending(reason, retry_after_seconds=POLL_SECONDS, waiting_for=[file_system_id])
