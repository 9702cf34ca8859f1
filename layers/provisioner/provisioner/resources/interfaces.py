"""Network interfaces that keep what they use from being removed; services that own them remove them late."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import NetworkInterfaceTypeDef


def find(name: str, value: str, ec2: "EC2Client") -> "list[NetworkInterfaceTypeDef]":
    """Those of which EC2's filter `name`, such as vpc-id or group-id, has that value."""
    pages = ec2.get_paginator("describe_network_interfaces").paginate(Filters=[{"Name": name, "Values": [value]}])
    return [each for page in pages for each in page["NetworkInterfaces"]]


def described(interface: "NetworkInterfaceTypeDef") -> str:
    """What tells people whose it is: services write their own name into its description."""
    said = interface.get("Description") or f"of {interface.get('RequesterId') or interface.get('OwnerId')}"
    return f"{interface['NetworkInterfaceId']} ({said})"
