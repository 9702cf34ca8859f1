"""What a removal would take away, what it would leave and why, and what is in its way. Only reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from provisioner.aws.session import Target
from provisioner.errors import ErrorReason, TerminalError, UnsettledError
from provisioner.fields import OWNER_TAG
from provisioner.kubernetes.client import api_of
from provisioner.kubernetes.errors import AccessNotYetEffective
from provisioner.removal.obstacles import of_cluster, of_file_system, of_network, of_objects, of_stack, of_tags
from provisioner.removal.obstacles.model import Obstacle
from provisioner.removal.obstacles.surroundings import Surroundings
from provisioner.request import ExistingNetwork, Request
from provisioner.resources import (
    access_point_removal,
    cluster,
    cluster_dns,
    cluster_logs,
    existing_network,
    fargate_profile,
    file_system,
    mount_targets,
    nat_stack,
    network_stack,
    peer,
    security_group,
)
from provisioner.resources.vpc import Network, subnets_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_ec2.type_defs import SecurityGroupTypeDef
    from mypy_boto3_efs.type_defs import FileSystemDescriptionTypeDef
    from mypy_boto3_eks.type_defs import ClusterTypeDef

_KEPT: Final = "its data was not given up; a later request takes it over with file_system.existing"


@dataclass(frozen=True)
class Wanted:
    """`file_system_id` is the recorded one, None when no run has ended well; `delete_data_of` the given one.

    `existing` is what a roll-back leaves alone, names and ids: it was there before its run.
    """

    request: Request
    file_system_id: str | None
    delete_data_of: str | None
    delete_logs: bool
    existing: frozenset[str] = frozenset()

    @classmethod
    def of(cls, removal: Mapping[str, Any]) -> "Wanted":
        """From what the Validate removal state returned."""
        request = Request.model_validate(removal["request"])
        return cls(
            request,
            removal["file_system_id"],
            removal["delete_data_of"],
            removal["delete_logs"],
            frozenset(_names(removal["existing"])),
        )


@dataclass
class Inventory:
    """`goes` and `stays` name resources as people say them; `file_system` is the one that is kept, if any.

    `warnings` say what could not be looked at.
    """

    goes: list[dict[str, str]] = field(default_factory=list)
    stays: list[dict[str, str]] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)
    file_system: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)

    def payload(self) -> dict[str, Any]:
        """{goes: [{resource, id}], stays: [{resource, id, why}], obstacles: [cause of a failure], file_system,
        warnings}.
        """
        return {
            "goes": self.goes,
            "stays": self.stays,
            "obstacles": [each.payload() for each in self.obstacles],
            "file_system": self.file_system,
            "warnings": self.warnings,
        }

    def add(self, resource: str, resource_id: str) -> None:
        self.goes.append({"resource": resource, "id": resource_id})

    def keep(self, resource: str, resource_id: str, why: str) -> None:
        self.stays.append({"resource": resource, "id": resource_id, "why": why})

    def refuse(self, request: Request, resource: str, resource_id: str, tags: Mapping[str, str]) -> None:
        """What is not ours is not ours to remove."""
        self.obstacles.append(of_tags.found(resource, resource_id, request.cluster.name, tags.get(OWNER_TAG)))


def check(wanted: Wanted, target: Target) -> Inventory:
    """As `look`, before anything is removed.

    Raises: TerminalError INVALID_REQUEST when the data of another file system than the cluster's own are to be deleted.
    """
    existing = _file_system(wanted, target) if wanted.delete_data_of else None
    if existing is not None and existing["FileSystemId"] != wanted.delete_data_of:
        raise TerminalError(
            ErrorReason.INVALID_REQUEST,
            f"delete_data.file_system_id is {wanted.delete_data_of}, and the file system of "
            f"{wanted.request.cluster.name} is {existing['FileSystemId']}",
            remedy="nothing was removed; name that one, or leave delete_data out",
        )
    return look(wanted, target)


def look(wanted: Wanted, target: Target) -> Inventory:
    """Everything that is there of the cluster, in the order in which a removal acts. Raises: ClientError."""
    there = _There.of(wanted, target)
    found = Inventory()
    for part in (_cluster, _storage, _network):
        part(wanted, there, target, found)
    found.goes = [each for each in found.goes if each["id"] not in wanted.existing]
    found.obstacles += _obstacles(wanted, there, target, found)
    return found


def _names(existing: Any) -> Iterator[str]:
    """Every name and id in what Find existing has found; of a stack's ARN the name, by which people know it."""
    if isinstance(existing, str):
        yield existing.split("/")[1] if ":stack/" in existing else existing
    elif isinstance(existing, Mapping | list):
        for inner in existing.values() if isinstance(existing, Mapping) else existing:
            yield from _names(inner)


@dataclass(frozen=True)
class _There:
    """What exists, whoever made it."""

    cluster: "ClusterTypeDef | None"
    file_system: "FileSystemDescriptionTypeDef | None"
    group: "SecurityGroupTypeDef | None"
    stack: "StackTypeDef | None"
    nat: "StackTypeDef | None"
    network: Network | None
    mounts: Network | None
    """Where the mount targets are: the network, or a peered one."""

    @classmethod
    def of(cls, wanted: Wanted, target: Target) -> "_There":
        request, ec2 = wanted.request, target.client("ec2")
        if isinstance(request.network, ExistingNetwork):
            stack, nat, network = None, None, existing_network.find(request.network, ec2)
        else:
            cloudformation = target.client("cloudformation")
            stack, nat = network_stack.find(request, cloudformation), nat_stack.find(request, cloudformation)
            vpc_id, subnet_ids = network_stack.outputs_of(stack) if stack else ("", [])
            network = Network.from_subnets(vpc_id, subnets_of(subnet_ids, ec2)) if vpc_id else None
        wanted_peer = request.file_system.peer
        mounts = peer.find(wanted_peer, ec2) if wanted_peer and not request.lender else network
        return cls(
            cluster.find(request, target.client("eks")),
            _file_system(wanted, target),
            security_group.find(request, mounts, ec2) if mounts and not request.lender else None,
            stack,
            nat,
            network,
            mounts,
        )


def _cluster(wanted: Wanted, there: _There, target: Target, found: Inventory) -> None:
    request, eks = wanted.request, target.client("eks")
    if there.cluster is not None and not _is_ours(request, there.cluster.get("tags", {})):
        found.refuse(request, "cluster", request.cluster.name, there.cluster.get("tags", {}))
        return
    if there.cluster is not None:
        if addon := cluster_dns.find(request, eks):
            found.add("add-on", addon["addonName"])
        for profile in fargate_profile.find_all(request, eks):
            found.add("Fargate profile", profile["fargateProfileName"])
        found.add("cluster", request.cluster.name)
    if group := cluster_logs.find(request, target.client("logs")):
        if wanted.delete_logs:
            found.add("log group", group["logGroupName"])
        else:
            found.keep("log group", group["logGroupName"], "delete_logs is not true")


def _storage(wanted: Wanted, there: _There, target: Target, found: Inventory) -> None:
    request, group = wanted.request, there.group
    if request.lender:
        why = f"account {request.lender} has it, and it stays with its owner; nothing of it was made or changed"
        found.keep("file system", str(request.file_system.existing), why)
    if there.file_system is not None:
        if _is_ours(request, _tags(there.file_system)):
            _file_system_goes_or_stays(wanted, there.file_system, target, found)
        else:
            found.refuse(request, "file system", there.file_system["FileSystemId"], _tags(there.file_system))
    if group and _is_ours(request, _tags(group)):
        found.add("security group", group["GroupId"])
    elif group:
        found.refuse(request, "security group", group["GroupId"], _tags(group))


def _file_system_goes_or_stays(
    wanted: Wanted, existing: "FileSystemDescriptionTypeDef", target: Target, found: Inventory
) -> None:
    file_system_id, efs = existing["FileSystemId"], target.client("efs")
    for mount_target in mount_targets.find(file_system_id, efs).values():
        found.add("mount target", mount_target["MountTargetId"])
    points = access_point_removal.find_ours(wanted.request, file_system_id, efs)
    if wanted.delete_data_of:
        for point in points:
            found.add("access point", point["AccessPointId"])
        found.add("file system", file_system_id)
        if backups := _recovery_points(existing["FileSystemArn"], target):
            found.keep("recovery points", ", ".join(backups), "backups outlive what they are of; AWS Backup ends them")
        return
    for point in points:
        found.keep("access point", point["AccessPointId"], "the file system that it belongs to is kept")
    found.keep("file system", file_system_id, _KEPT)
    found.file_system = {
        "id": file_system_id,
        "size_bytes": existing["SizeInBytes"]["Value"],
        "attach": f"start provision with file_system.existing: {file_system_id}",
    }


def _recovery_points(file_system_arn: str, target: Target) -> list[str]:
    """ARNs. Source: AWS Backup API, ListRecoveryPointsByResource."""
    pages = target.client("backup").get_paginator("list_recovery_points_by_resource")
    found = (point for page in pages.paginate(ResourceArn=file_system_arn) for point in page["RecoveryPoints"])
    return [str(point["RecoveryPointArn"]) for point in found]


def _network(wanted: Wanted, there: _There, _target: Target, found: Inventory) -> None:
    asked, stack = wanted.request.network, there.stack
    if isinstance(asked, ExistingNetwork):
        found.keep("network", asked.vpc_id, "it was there before; an existing network is never changed")
        return
    for each in filter(None, (there.nat, stack)):
        if _is_ours(wanted.request, _tags(each)):
            found.add("network stack", each["StackName"])
        else:
            found.refuse(wanted.request, "network stack", each["StackName"], _tags(each))
    if stack and there.network and _is_ours(wanted.request, _tags(stack)):
        found.add("network", there.network.vpc_id)


def _obstacles(wanted: Wanted, there: _There, target: Target, found: Inventory) -> Iterator[Obstacle]:
    request = wanted.request
    yield from of_cluster.look(request, target.client("eks"))
    yield from _in_cluster(request, there, target, found)
    if there.file_system:
        goes = wanted.delete_data_of is not None
        file_system_id, efs = there.file_system["FileSystemId"], target.client("efs")
        yield from of_file_system.look(request, there.mounts, file_system_id, efs, goes=goes)
    for each in filter(None, (there.nat, there.stack)):
        yield from of_stack.look(each)
    mount_target_interfaces = _mount_target_interfaces(there, target)
    for vpc_id in dict.fromkeys(each.vpc_id for each in (there.network, there.mounts) if each):
        around = Surroundings(
            request=request,
            vpc_id=vpc_id,
            vpc_goes=there.stack is not None and there.network is not None and vpc_id == there.network.vpc_id,
            group_id=there.group["GroupId"] if there.group and there.group.get("VpcId") == vpc_id else None,
            cluster_group_id=(there.cluster or {}).get("resourcesVpcConfig", {}).get("clusterSecurityGroupId"),
            mount_target_interfaces=mount_target_interfaces,
        )
        yield from of_network.look(around, target.client("ec2"))


def _mount_target_interfaces(there: _There, target: Target) -> frozenset[str]:
    if there.file_system is None:
        return frozenset()
    found = mount_targets.find(there.file_system["FileSystemId"], target.client("efs"))
    return frozenset(each["NetworkInterfaceId"] for each in found.values() if "NetworkInterfaceId" in each)


def _in_cluster(request: Request, there: _There, target: Target, found: Inventory) -> list[Obstacle]:
    """None in a cluster that does not answer: it can be removed all the same, and the warning says so."""
    if there.cluster is None or there.cluster["status"] not in ("ACTIVE", "UPDATING"):
        return []
    try:
        return list(of_objects.look(request, api_of(target, there.cluster)))
    except (AccessNotYetEffective, UnsettledError) as error:
        found.warnings.append(f"what runs in {request.cluster.name} could not be looked at: {error}")
        return list(of_cluster.unseen(request, target)) if isinstance(error, AccessNotYetEffective) else []


def _file_system(wanted: Wanted, target: Target) -> "FileSystemDescriptionTypeDef | None":
    """The recorded one, else the one that a run that never ended well has made; none of another account."""
    if wanted.request.lender:
        return None
    efs = target.client("efs")
    if wanted.file_system_id:
        return file_system.find_by_id(wanted.file_system_id, efs)
    return file_system.find(wanted.request, efs)


def _tags(described: Any) -> dict[str, str]:
    """Of what EC2, EFS or CloudFormation describes."""
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}


def _is_ours(request: Request, tags: Mapping[str, str]) -> bool:
    return tags.get(OWNER_TAG) == request.cluster.name
