"""Mount targets on their way out: whoever still mounts through them is cut off."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.resources.mount_targets import groups_of
from provisioner.resources.ownership import unknown_state

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import MountTargetDescriptionTypeDef

POLL_SECONDS = 10


def find_all(file_system_id: str, efs: "EFSClient") -> "list[MountTargetDescriptionTypeDef]":
    """All that are there or on their way out; none when the file system is absent."""
    pages = efs.get_paginator("describe_mount_targets").paginate(FileSystemId=file_system_id)
    try:
        return [each for page in pages for each in page["MountTargets"] if each["LifeCycleState"] != "deleted"]
    except efs.exceptions.FileSystemNotFound:
        return []


def remove(file_system_id: str, security_group_id: str | None, kept: Collection[str], efs: "EFSClient") -> Observation:
    """Converge to no mount target of ours but those `kept`, of a file system that is ours.

    They have no tags: ours are those with our security group alone, as `ensure` makes them. One that EFS gave up has
    no groups to tell it by, and serves nobody.
    Raises: TerminalError OWNED_BY_ANOTHER, before one is deleted.
    Source: EFS API, DeleteMountTarget: the call returns while the state is still deleting.
    """
    existing = [each for each in find_all(file_system_id, efs) if each["MountTargetId"] not in kept]
    seen = {each["MountTargetId"]: _reason(each, security_group_id, efs) for each in existing}
    others = [mount_target_id for mount_target_id, reason in seen.items() if reason is Reason.WAITING_FOR_OTHERS]
    if others:
        raise TerminalError(
            ErrorReason.OWNED_BY_ANOTHER,
            f"{file_system_id} has the mount targets {', '.join(others)} without the security group {security_group_id}"
            " alone, which all of this application's have",
            remedy="let who made them remove them (the data stays), or give them back that group, then start again",
        )
    for mount_target_id in [mount_target_id for mount_target_id, reason in seen.items() if reason is Reason.READY]:
        if _delete(mount_target_id, efs):
            seen[mount_target_id] = Reason.DELETING
        else:
            del seen[mount_target_id]
    if not seen:
        return Observation.ready_with()
    return Observation.pending(min(seen.values()), retry_after_seconds=POLL_SECONDS, waiting_for=sorted(seen))


def _reason(mount_target: "MountTargetDescriptionTypeDef", security_group_id: str | None, efs: "EFSClient") -> Reason:
    """READY to be deleted, WAITING_FOR_OTHERS whose it is, or what it is busy with."""
    mount_target_id = mount_target["MountTargetId"]
    match mount_target["LifeCycleState"]:
        case "available":
            try:
                is_ours = groups_of(mount_target_id, efs) == [security_group_id]
            except efs.exceptions.IncorrectMountTargetState:
                return Reason.UPDATING
            except efs.exceptions.MountTargetNotFound:
                return Reason.DELETING
            return Reason.READY if is_ours else Reason.WAITING_FOR_OTHERS
        case "error":
            return Reason.READY
        case "creating":
            return Reason.CREATING
        case "updating":
            return Reason.UPDATING
        case "deleting" | "deleted":
            return Reason.DELETING
        case unknown:
            raise unknown_state(mount_target_id, unknown)


def _delete(mount_target_id: str, efs: "EFSClient") -> bool:
    """False when it is gone already."""
    try:
        efs.delete_mount_target(MountTargetId=mount_target_id)
    except efs.exceptions.MountTargetNotFound:
        return False
    except efs.exceptions.DependencyTimeout:
        pass  # of EC2, whose interface goes with it: the next look asks again
    return True
