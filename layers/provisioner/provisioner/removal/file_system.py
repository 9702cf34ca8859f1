"""Third step: the ways to the file system, and the file system itself when that is what somebody wants."""

from datetime import datetime
from typing import TYPE_CHECKING

from provisioner.aws.session import Target
from provisioner.observation import Observation
from provisioner.removal.existing import Existing
from provisioner.removal.steps import in_order
from provisioner.request import Request
from provisioner.resources import (
    access_point_removal,
    file_system,
    file_system_removal,
    mount_targets_removal,
    network,
    security_group,
    security_group_removal,
)
from provisioner.resources.ownership import require_ours
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import FileSystemDescriptionTypeDef


def remove(
    request: Request,
    target: Target,
    existing: Existing | None,
    *,
    file_system_id: str | None,
    delete_data: bool,
    now: datetime,
) -> Observation:
    """Converge to no mount targets and no security group, and to a file system that is kept, or gone with its data.

    `file_system_id` is the recorded one; None looks for the cluster's own. A roll-back leaves what was `existing`, and
    of what the run has made, what somebody may have written to: with `delete_data`, nobody could, and EFS meters none.
    Nothing of a file system of another account is ours, and nothing of it is looked at.
    Facts when ready: {file_system: null | {file_system_id, size_bytes, kept_since}}.
    Raises: TerminalError OWNED_BY_ANOTHER.
    """
    if request.lender:
        return Observation.ready_with(file_system=None)
    efs, ec2 = target.client("efs"), target.client("ec2")
    before = existing or Existing()
    found = file_system.find_by_id(file_system_id, efs) if file_system_id else file_system.find(request, efs)
    vpc_id = network.find_mounts_vpc_id(request, target.client("cloudformation"))
    group = security_group.find(request, Network(vpc_id, ()), ec2) if vpc_id else None
    is_deleted = found is not None and _is_deleted(found, existing, delete_data=delete_data)
    if found is not None:
        require_ours(request, file_system.tags_of(found), found["FileSystemId"])
        if is_deleted:
            access_point_removal.require_no_others(request, found["FileSystemId"], efs)

    def ways() -> Observation:
        if found is None:
            return Observation.ready_with()
        group_id = group["GroupId"] if group else None
        return mount_targets_removal.remove(found["FileSystemId"], group_id, before.mount_target_ids, efs)

    def security() -> Observation:
        if vpc_id is None or before.security_group_id:
            return Observation.ready_with()
        return security_group_removal.remove(request, vpc_id, ec2)

    def data() -> Observation:
        if found is None:
            return Observation.ready_with(file_system=None)
        if not is_deleted:
            return _left(request, found, existing, now, efs)
        return in_order(
            lambda: access_point_removal.remove(request, found["FileSystemId"], before.access_point_ids, efs),
            lambda: file_system_removal.remove(request, found["FileSystemId"], efs),
            lambda: Observation.ready_with(file_system=None),
        )

    return in_order(ways, security, data)


def _is_deleted(found: "FileSystemDescriptionTypeDef", existing: Existing | None, *, delete_data: bool) -> bool:
    if existing is not None and existing.file_system_id == found["FileSystemId"]:
        return False
    return delete_data and (existing is None or file_system_removal.is_empty(found))


def _left(
    request: Request,
    found: "FileSystemDescriptionTypeDef",
    existing: Existing | None,
    now: datetime,
    efs: "EFSClient",
) -> Observation:
    """Kept since now, or in a roll-back as it was before; its access point stays with it."""
    file_system_id = found["FileSystemId"]
    was_there = existing is not None and existing.file_system_id == file_system_id
    # What a roll-back leaves is the next run's own.
    since = now if existing is None else existing.file_system_kept if was_there else None
    if since is not None:
        file_system_removal.keep(request, file_system_id, since, efs)
    left = file_system.find_by_id(file_system_id, efs)
    if left is None:
        return Observation.ready_with(file_system=None)
    return Observation.ready_with(
        file_system={
            "file_system_id": file_system_id,
            "size_bytes": left["SizeInBytes"]["Value"],
            "kept_since": file_system.kept_since(left),
        }
    )
