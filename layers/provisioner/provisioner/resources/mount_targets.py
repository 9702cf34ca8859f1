"""One mount target per availability zone: a pod mounts through the one in its own zone."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources.ownership import require_ours, unknown_state
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import MountTargetDescriptionTypeDef

POLL_SECONDS = 10


def find(file_system_id: str, efs: "EFSClient") -> "dict[str, MountTargetDescriptionTypeDef]":
    """Zone id -> its mount target; empty when there is none."""
    pages = efs.get_paginator("describe_mount_targets").paginate(FileSystemId=file_system_id)
    found = (each for page in pages for each in page["MountTargets"] if each["LifeCycleState"] != "deleted")
    return {each["AvailabilityZoneId"]: each for each in found}


def groups_of(mount_target_id: str, efs: "EFSClient") -> list[str]:
    """Ids of its security groups, sorted. Raises: IncorrectMountTargetState unless it is available."""
    return sorted(efs.describe_mount_target_security_groups(MountTargetId=mount_target_id)["SecurityGroups"])


def addresses_for(request: Request, facts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Zone id -> address, of `ensure`'s facts; empty where pods find the file system by its name."""
    if request.file_system.peer is None:
        return {}
    return {each["availability_zone_id"]: each["ip_address"] for each in facts}


def find_addresses(request: Request, file_system_id: str, efs: "EFSClient") -> dict[str, str]:
    """As `addresses_for`, of the mount targets that there are."""
    if request.file_system.peer is None:
        return {}
    found, peer = find(file_system_id, efs), request.file_system.peer
    return {
        zone_id: each["IpAddress"]
        for zone_id, each in found.items()
        if "IpAddress" in each and (not request.lender or each["SubnetId"] in peer.subnet_ids)
    }


def ensure(
    request: Request, network: Network, security_group_id: str, file_system_id: str, efs: "EFSClient"
) -> Observation:
    """Converge one available mount target per zone of the network, with our group alone: facts {mount_targets}.

    Idempotency key: file system and zone (EFS allows one mount target per zone).
    Raises: TerminalError OWNED_BY_ANOTHER (the file system: mount targets have no tags), UNUSABLE, IMMUTABLE.
    Source: EFS API, CreateMountTarget (needs an available file system), LifeCycleState.
    """
    if not _is_available(request, file_system_id, efs):
        return Observation.pending(Reason.WAITING_FOR_FILE_SYSTEM, retry_after_seconds=POLL_SECONDS)
    subnets = network.one_subnet_per_zone()
    existing = find(file_system_id, efs)
    require_same_vpc(network.vpc_id, existing)
    missing = [subnet for zone_id, subnet in subnets.items() if zone_id not in existing]
    for subnet in missing:
        if not _create(file_system_id, subnet.subnet_id, security_group_id, efs):
            return Observation.pending(Reason.WAITING_FOR_FILE_SYSTEM, retry_after_seconds=POLL_SECONDS)
    if missing:
        existing = find(file_system_id, efs)
        require_same_vpc(network.vpc_id, existing)
    waiting_for = [_converge(existing.get(zone_id), security_group_id, efs) for zone_id in subnets]
    facts = {"mount_targets": [facts_of(existing[zone_id]) for zone_id in subnets if zone_id in existing]}
    for reason in waiting_for:
        if reason is not Reason.READY:
            return Observation.pending(reason, retry_after_seconds=POLL_SECONDS, **facts)
    return Observation.ready_with(**facts)


def _is_available(request: Request, file_system_id: str, efs: "EFSClient") -> bool:
    file_system = efs.describe_file_systems(FileSystemId=file_system_id)["FileSystems"][0]
    require_ours(request, {tag["Key"]: tag["Value"] for tag in file_system["Tags"]}, file_system_id)
    match file_system["LifeCycleState"]:
        case "available":
            return True
        case "creating" | "updating":
            return False
        case "deleting" | "deleted" | "error" as state:
            raise TerminalError(
                ErrorReason.UNUSABLE,
                f"{file_system_id} is in the state {state}",
                remedy="run again from the start, which looks for a usable file system or creates one",
            )
        case unknown:
            raise unknown_state(file_system_id, unknown)


def require_same_vpc(vpc_id: str | None, existing: "dict[str, MountTargetDescriptionTypeDef]") -> None:
    """`vpc_id` is None for one that is still to be made. Raises: TerminalError IMMUTABLE."""
    for mount_target in existing.values():
        if mount_target.get("VpcId") != vpc_id:
            raise TerminalError(
                ErrorReason.IMMUTABLE,
                f"{mount_target['FileSystemId']} has its mount targets in {mount_target.get('VpcId')}, "
                f"asked for in {vpc_id or 'one that is yet to be made'}; a file system has them in one VPC only",
                remedy="name the network it is in, or remove its mount targets (the data stays) and run again",
            )


def _create(file_system_id: str, subnet_id: str, security_group_id: str, efs: "EFSClient") -> bool:
    """False when the file system left the available state meanwhile."""
    try:
        efs.create_mount_target(FileSystemId=file_system_id, SubnetId=subnet_id, SecurityGroups=[security_group_id])
    except efs.exceptions.MountTargetConflict:
        pass  # Another run was faster, or the mount targets are in another VPC: reading them again tells.
    except efs.exceptions.IncorrectFileSystemLifeCycleState:
        return False
    return True


def _converge(mount_target: "MountTargetDescriptionTypeDef | None", security_group_id: str, efs: "EFSClient") -> Reason:
    """READY, or what this mount target still waits for."""
    if mount_target is None:
        return Reason.CREATING  # created a moment ago and not yet listed
    match mount_target["LifeCycleState"]:
        case "available":
            return _converge_security_groups(mount_target["MountTargetId"], security_group_id, efs)
        case "creating":
            return Reason.CREATING
        case "updating":
            return Reason.UPDATING
        case "deleting" | "deleted":
            return Reason.DELETING
        case "error":
            raise TerminalError(
                ErrorReason.UNUSABLE,
                f"{mount_target['MountTargetId']} in {mount_target['SubnetId']} is in the state error",
                remedy="remove this mount target (the data stays) and run again",
            )
        case unknown:
            raise unknown_state(mount_target["MountTargetId"], unknown)


def _converge_security_groups(mount_target_id: str, security_group_id: str, efs: "EFSClient") -> Reason:
    """Ours and no other: any group that is attached opens the mount target to whomever it admits."""
    try:
        if groups_of(mount_target_id, efs) != [security_group_id]:
            efs.modify_mount_target_security_groups(MountTargetId=mount_target_id, SecurityGroups=[security_group_id])
    except efs.exceptions.IncorrectMountTargetState:
        return Reason.UPDATING
    return Reason.READY


def facts_of(mount_target: "MountTargetDescriptionTypeDef") -> dict[str, Any]:
    """What later states need to know of it."""
    return {
        "mount_target_id": mount_target["MountTargetId"],
        "availability_zone_id": mount_target["AvailabilityZoneId"],
        "subnet_id": mount_target["SubnetId"],
        "ip_address": mount_target.get("IpAddress"),
    }
