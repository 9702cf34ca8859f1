"""What CloudFormation does as whoever creates a stack: each resource's create and read handlers.

Source: the `handlers` of the CloudFormation registry's resource schemas (describe-type), without what only properties
that our network does not set would need. Whether stack tags go into the creating call or into one of their own is not
documented, so both have to be allowed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.aws.permissions.demand import ApiCall, Context, Demand

CALLED_VIA: Context = {
    "aws:CalledVia": ("cloudformation.amazonaws.com",),
    "aws:CalledViaFirst": "cloudformation.amazonaws.com",
    "aws:CalledViaLast": "cloudformation.amazonaws.com",
    "aws:ViaAWSService": "true",
}
"""Source: IAM guide, "AWS global condition context keys"."""


@dataclass(frozen=True)
class Handler:
    """`create` and `delete` name the action and what it is done to: `kind/*`, or `kind/{Property}`."""

    create: Mapping[str, tuple[str, ...]]
    delete: Mapping[str, tuple[str, ...]]
    looks: tuple[str, ...]
    taggable: str | None = None
    if_set: Mapping[str, tuple[str, tuple[str, ...]]] | None = None


def look(*names: str) -> tuple[str, ...]:
    return tuple(f"ec2:Describe{name}" for name in names)


HANDLERS: dict[str, Handler] = {
    "AWS::EC2::VPC": Handler(
        create={"CreateVpc": ("vpc/*",)},
        delete={"DeleteVpc": ("vpc/*",)},
        looks=look("NetworkAcls", "SecurityGroups", "VpcEncryptionControls", "Vpcs"),
        taggable="vpc/*",
        if_set={
            "EnableDnsSupport": ("ModifyVpcAttribute", ("vpc/*",)),
            "EnableDnsHostnames": ("ModifyVpcAttribute", ("vpc/*",)),
            "CidrBlock": ("DescribeVpcAttribute", ("vpc/*",)),
        },
    ),
    "AWS::EC2::InternetGateway": Handler(
        create={"CreateInternetGateway": ("internet-gateway/*",)},
        delete={"DeleteInternetGateway": ("internet-gateway/*",)},
        looks=look("InternetGateways"),
        taggable="internet-gateway/*",
    ),
    "AWS::EC2::VPCGatewayAttachment": Handler(
        create={"AttachInternetGateway": ("internet-gateway/{InternetGatewayId}", "vpc/{VpcId}")},
        delete={"DetachInternetGateway": ("internet-gateway/{InternetGatewayId}", "vpc/{VpcId}")},
        looks=look("InternetGateways"),
    ),
    "AWS::EC2::RouteTable": Handler(
        create={"CreateRouteTable": ("route-table/*", "vpc/{VpcId}")},
        delete={"DeleteRouteTable": ("route-table/*",)},
        looks=look("RouteTables"),
        taggable="route-table/*",
    ),
    "AWS::EC2::Route": Handler(
        create={"CreateRoute": ("route-table/{RouteTableId}",)},
        delete={"DeleteRoute": ("route-table/{RouteTableId}",)},
        looks=look("RouteTables", "NetworkInterfaces"),
    ),
    "AWS::EC2::Subnet": Handler(
        create={"CreateSubnet": ("subnet/*", "vpc/{VpcId}")},
        delete={"DeleteSubnet": ("subnet/*",)},
        looks=look("Subnets", "NetworkAcls"),
        taggable="subnet/*",
        if_set={"MapPublicIpOnLaunch": ("ModifySubnetAttribute", ("subnet/*",))},
    ),
    "AWS::EC2::SubnetRouteTableAssociation": Handler(
        create={"AssociateRouteTable": ("route-table/{RouteTableId}", "subnet/{SubnetId}")},
        delete={"DisassociateRouteTable": ("route-table/{RouteTableId}", "subnet/{SubnetId}")},
        looks=look("Subnets", "RouteTables"),
    ),
    "AWS::EC2::EIP": Handler(
        create={"AllocateAddress": ("elastic-ip/*",)},
        delete={"ReleaseAddress": ("elastic-ip/*",)},
        looks=look("Addresses"),
        taggable="elastic-ip/*",
    ),
    "AWS::EC2::NatGateway": Handler(
        create={"CreateNatGateway": ("natgateway/*", "elastic-ip/{AllocationId}", "subnet/{SubnetId}")},
        delete={"DeleteNatGateway": ("natgateway/*",)},
        looks=look("NatGateways"),
        taggable="natgateway/*",
    ),
}


def creation_demands(call: ApiCall, resource_type: str, properties: Mapping[str, Any]) -> Iterator[Demand]:
    """Raises: LookupError for a type of which nobody has said what it needs."""
    handler = HANDLERS[resource_type]
    actions = dict(handler.create)
    for name, (action, resources) in (handler.if_set or {}).items():
        if name in properties:
            actions[action] = resources
    if handler.taggable:
        actions["CreateTags"] = (handler.taggable,)
    yield from _demands(call, actions, properties)
    yield from (Demand(action, "*", CALLED_VIA) for action in handler.looks)


def deletion_demands(call: ApiCall, resource_type: str, properties: Mapping[str, Any]) -> Iterator[Demand]:
    """Raises: LookupError."""
    yield from _demands(call, HANDLERS[resource_type].delete, properties)


def _demands(call: ApiCall, actions: Mapping[str, tuple[str, ...]], properties: Mapping[str, Any]) -> Iterator[Demand]:
    for action, resources in actions.items():
        for resource in resources:
            yield Demand(f"ec2:{action}", call.arn("ec2", resource.format_map(_Ids(properties))), CALLED_VIA)


class _Ids(dict[str, Any]):
    """Of a property that still refers to another resource, the id is not known."""

    def __missing__(self, name: str) -> str:
        return "*"

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        return value if isinstance(value, str) else "*"
