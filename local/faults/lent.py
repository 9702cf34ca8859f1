"""Faults of a file system that another account lends: what its people, or the network's, take away."""

import json
from collections.abc import Callable
from typing import Any

from local.faults.fault import Act, Fault, before
from local.faults.lenders import lent
from local.faults.network import close_security_groups
from local.faults.peer import delete_peering, delete_routes, delete_routes_back, move_mount_targets
from local.faults.scene import Scene

NFS_PORT = 2049


def delete_mount_targets(scene: Scene) -> None:
    """Nothing has the address any more."""
    efs = scene.mounts_client("efs")
    for each in scene.mount_targets():
        efs.delete_mount_target(MountTargetId=each["MountTargetId"])
    scene.until(lambda: not scene.mount_targets())


def refuse_at_the_acl(scene: Scene) -> None:
    """The network ACL of the mount targets' subnets lets no NFS in."""
    scene.mounts_client("ec2").create_network_acl_entry(
        **acl_entry(scene),
        Protocol="6",
        PortRange={"From": NFS_PORT, "To": NFS_PORT},
        RuleAction="deny",
        CidrBlock="0.0.0.0/0",
    )


def acl_entry(scene: Scene) -> dict[str, Any]:
    of_vpc = [{"Name": "vpc-id", "Values": [scene.mounts_vpc_id]}]
    (acl,) = scene.mounts_client("ec2").describe_network_acls(Filters=of_vpc)["NetworkAcls"]
    return {"NetworkAclId": acl["NetworkAclId"], "RuleNumber": 1, "Egress": False}


def let_in_the_own_account_alone(scene: Scene) -> None:
    """A policy as the owner would write it for its own people; pods are nobody in particular."""
    efs, file_system_id = scene.mounts_client("efs"), scene.file_system_id
    (found,) = efs.describe_file_systems(FileSystemId=file_system_id)["FileSystems"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{scene.lender}:root"},
        "Action": "elasticfilesystem:Client*",
        "Resource": found["FileSystemArn"],
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    efs.put_file_system_policy(FileSystemId=file_system_id, Policy=document)


def _fault(name: str, description: str, rule: str, act: Act) -> Fault:
    return Fault(name, description, rule, before("Verify storage", act), world=lent)


_TAKEN_AWAY: tuple[tuple[str, str, str, Callable[[Scene], None]], ...] = (
    ("peering", "the peering with the lender's VPC was deleted", "peer-not-joined", delete_peering),
    ("route", "the pods' route table lost its route to the lender's VPC", "mount-target-unroutable", delete_routes),
    (
        "route-back",
        "the lender's route table lost its route back to the pods",
        "peer-route-back-missing",
        delete_routes_back,
    ),
    (
        "security-group",
        "the lender's security groups no longer admit the pods",
        "security-group-closed",
        close_security_groups,
    ),
    ("acl", "the lender's network ACL lets no NFS in", "network-acl-closed", refuse_at_the_acl),
    (
        "policy",
        "the lender's file-system policy lets its own account in alone",
        "file-system-policy-denies-mount",
        let_in_the_own_account_alone,
    ),
    (
        "address",
        "the lender's mount targets were made again, and none has the address that the volume mounts",
        "wrong-mount-target-address",
        move_mount_targets,
    ),
    (
        "mount-targets",
        "the lender's mount targets were deleted",
        "wrong-mount-target-address",
        delete_mount_targets,
    ),
)
FAULTS = tuple(_fault(f"lent-{name}", description, rule, act) for name, description, rule, act in _TAKEN_AWAY)
