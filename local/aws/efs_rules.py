"""What EFS refuses beyond what its model says (models/), one function per rule. Source: EFS API reference."""

import ipaddress
import json
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.subnets import Subnet
from moto.efs.models import FileSystem

from local.aws import network
from local.aws.policies import as_list
from local.aws.refusals import refusal

MAX_SECURITY_GROUPS = 5


def check_throughput(mode: str | None, provisioned_mibps: float | None, performance_mode: str | None) -> None:
    if (mode == "provisioned") != (provisioned_mibps is not None):
        raise refusal("BadRequest", "ProvisionedThroughputInMibps goes with, and only with, ThroughputMode provisioned")
    if mode == "elastic" and performance_mode == "maxIO":
        raise refusal("BadRequest", "Elastic throughput is not available with performance mode maxIO")


def check_security_groups(ec2: EC2Backend, vpc_id: str, group_ids: list[str] | None) -> None:
    if len(group_ids or []) > MAX_SECURITY_GROUPS:
        raise refusal("SecurityGroupLimitExceeded", "at most five security groups per mount target")
    for group_id in group_ids or []:
        group = network.find_security_group(ec2, group_id)
        if group is None or group.vpc_id != vpc_id:
            raise refusal("SecurityGroupNotFound", f"The SecurityGroup ID '{group_id}' does not exist")


def check_one_vpc_one_zone(file_system: FileSystem, subnet: Subnet) -> None:
    """All mount targets of a file system are in one VPC, one per Availability Zone."""
    targets = list(file_system.iter_mount_targets())
    if any(target.vpc_id != subnet.vpc_id for target in targets):
        raise refusal(
            "MountTargetConflict",
            "requested subnet for new mount target is not in the same VPC as existing mount targets",
        )
    if any(target.availability_zone_name == subnet.availability_zone for target in targets):
        raise refusal("MountTargetConflict", "mount target already exists in this AZ")
    if file_system.availability_zone_name not in (None, "", subnet.availability_zone):
        raise refusal("AvailabilityZonesMismatch", "a One Zone file system has its mount target in its own zone")


def check_address(ec2: EC2Backend, subnet: Subnet, address: str | None) -> None:
    if address is None:
        if subnet.available_ip_address_count < 1:
            raise refusal("NoFreeAddressesInSubnet", f"The subnet {subnet.id} has no free addresses")
        return
    if ipaddress.ip_address(address) not in ipaddress.ip_network(subnet.cidr_block):
        raise refusal("BadRequest", "Address does not fall within the subnet's address range")
    if any(eni.subnet.id == subnet.id and eni.private_ip_address == address for eni in list(ec2.enis.values())):
        raise refusal("IpAddressInUse", f"address {address} is already in use")


def check_policy(text: Any, file_system_arn: str) -> None:
    """A file-system policy is JSON, names principals, and can only speak of this file system."""
    try:
        document = json.loads(text)
        statements = as_list(document["Statement"])
        well_formed = bool(statements) and all(_is_statement(statement, file_system_arn) for statement in statements)
    except (ValueError, TypeError, KeyError):
        well_formed = False
    if not well_formed:
        raise refusal("InvalidPolicyException", "Policy is malformed")


def _is_statement(statement: dict[str, Any], file_system_arn: str) -> bool:
    if statement.get("Effect") not in ("Allow", "Deny") or "Principal" not in statement:
        return False
    actions = as_list(statement.get("Action", statement.get("NotAction", [])))
    known = all(str(action) == "*" or str(action).lower().startswith("elasticfilesystem:") for action in actions)
    return bool(actions) and known and all(r in ("*", file_system_arn) for r in as_list(statement.get("Resource", "*")))


def check_lifecycle_policies(policies: list[dict[str, str]]) -> None:
    """One transition per object; an empty list switches lifecycle management off."""
    names = [name for policy in policies for name in policy]
    if any(len(policy) != 1 for policy in policies) or len(names) != len(set(names)):
        raise refusal("BadRequest", "One or more LifecyclePolicy objects specified are malformed.")
