"""What others have on the file system."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from provisioner.fields import OWNER_TAG
from provisioner.removal.obstacles.model import Kind, Obstacle
from provisioner.request import Request
from provisioner.resources import mount_targets
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient

MOUNT_TARGET = Kind(
    rule="foreign-mount-target",
    what="mount target {name} of {file_system} is in {subnet}, which is none of this cluster's subnets",
    holds="others mount the file system through it",
    owner="whoever shares the data from there",
    looked_at="DescribeMountTargets",
    fix="aws efs delete-mount-target --mount-target-id {name}, when nobody mounts through it any more",
    source="EFS API, DeleteFileSystem, FileSystemInUse",
)
ACCESS_POINT = Kind(
    rule="foreign-access-point",
    what="access point {name} of {file_system} was made by somebody else",
    holds="with the file system would go what others keep behind it",
    owner="whoever keeps data of their own there",
    looked_at="DescribeAccessPoints",
    fix="have its data saved, then: aws efs delete-access-point --access-point-id {name}; or keep the file system",
    source="EFS user guide, Deleting access points; kubernetes-sigs/aws-efs-csi-driver dynamic provisioning",
)
REPLICATION = Kind(
    rule="replication",
    what="{file_system} is the source or the destination of a replication ({name})",
    holds="EFS does not delete it before the replication",
    owner="whoever keeps a second copy of the data",
    looked_at="DescribeReplicationConfigurations",
    fix="aws efs delete-replication-configuration --source-file-system-id {source_id}; or keep the file system",
    source="EFS user guide, Replicating file systems; EFS API, DeleteFileSystem",
)
KINDS = (MOUNT_TARGET, ACCESS_POINT, REPLICATION)


def look(
    request: Request, network: Network | None, file_system_id: str, efs: "EFSClient", *, goes: bool
) -> Iterator[Obstacle]:
    """`goes`: the file system is to be deleted, not only its mount targets. Raises: ClientError."""
    ours = network.subnet_ids if network else []
    for each in mount_targets.find(file_system_id, efs).values():
        if each["SubnetId"] not in ours:
            saw = f"{each['MountTargetId']} is in {each['SubnetId']} of {each.get('VpcId')}"
            yield MOUNT_TARGET.found(
                saw, name=each["MountTargetId"], file_system=file_system_id, subnet=each["SubnetId"]
            )
    if goes:
        yield from _access_points(request, file_system_id, efs)
        yield from _replications(file_system_id, efs)


def _access_points(request: Request, file_system_id: str, efs: "EFSClient") -> Iterator[Obstacle]:
    for page in efs.get_paginator("describe_access_points").paginate(FileSystemId=file_system_id):
        for each in page["AccessPoints"]:
            tags: Mapping[str, str] = {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])}
            if tags.get(OWNER_TAG) != request.cluster.name:
                name = each["AccessPointId"]
                path = each.get("RootDirectory", {}).get("Path", "/")
                saw = f"{name} leads to {path}, and its tag {OWNER_TAG} is {tags.get(OWNER_TAG)}"
                yield ACCESS_POINT.found(saw, name=name, file_system=file_system_id)


def _replications(file_system_id: str, efs: "EFSClient") -> Iterator[Obstacle]:
    try:
        found = efs.describe_replication_configurations(FileSystemId=file_system_id)["Replications"]
    except efs.exceptions.ReplicationNotFound:
        return
    for each in found:
        source_id = each["SourceFileSystemId"]
        others = ", ".join(f"{to['FileSystemId']} in {to['Region']}, {to['Status']}" for to in each["Destinations"])
        yield REPLICATION.found(
            f"{source_id} is replicated to {others}",
            name=f"{source_id} to {others}",
            file_system=file_system_id,
            source_id=source_id,
        )
