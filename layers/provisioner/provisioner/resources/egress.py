"""How pods leave their VPC: the whole way is followed, as far as this account can see it.

A NAT gateway is worth what its own subnet's way is worth. Behind a transit gateway, a peering, a firewall or an
appliance lies what we do not see, and a NAT gateway of an account that shares its subnets is not shown to us: such a
way is neither open nor closed.
Source: VPC User Guide, "Configure route tables", "NAT gateways", "Network ACL rules", "Block public access to VPCs and
subnets".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, collapse_addresses
from typing import TYPE_CHECKING, Any, Final, Literal

from provisioner.resources.traffic import (
    EPHEMERAL_PORTS,
    HTTPS_PORT,
    acl_closes,
    names_prefix_list,
    ranges_of,
    uncovered,
)
from provisioner.resources.vpc import shared_by

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import (
        IpPermissionOutputTypeDef,
        NatGatewayTypeDef,
        NetworkAclTypeDef,
        RouteTableTypeDef,
        RouteTypeDef,
    )

EVERYWHERE: Final = "0.0.0.0/0"
_HTTPS: Final = (HTTPS_PORT, HTTPS_PORT)
# Source: VPC User Guide, "NAT gateway basics".
_NAT_PORTS: Final = (1024, 65535)
_NEXT_HOPS: Final = (
    *("NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "GatewayId", "NetworkInterfaceId", "InstanceId"),
    *("CarrierGatewayId", "LocalGatewayId", "CoreNetworkArn", "EgressOnlyInternetGatewayId"),
)


@dataclass(frozen=True)
class Way:
    """`why`: where it ends, or cannot be followed any further; `addresses`: the public ones that it is seen from."""

    is_: Literal["open", "closed", "unknown"]
    why: str = ""
    addresses: tuple[str, ...] = ()


class Egress:
    """Of one VPC; each thing is read once, and only when a way leads there."""

    def __init__(self, vpc_id: str, account_id: str, ec2: "EC2Client") -> None:
        self.vpc_id = vpc_id
        self._account_id = account_id
        self._ec2 = ec2

    def way_from(self, subnet_id: str, cidr: str) -> Way:
        """The way of HTTPS from a subnet of that CIDR to the internet, and of its answers back."""
        table = self.route_table_of(subnet_id)
        if table is None:
            return Way("closed", "it has no route table")
        table_id, default = table["RouteTableId"], _default_route(table)
        if default is None:
            if instead := _in_place_of_a_default(table):
                return Way("unknown", f"{table_id} has {instead} in place of a default route")
            return Way("closed", f"{table_id} has no default route")
        if default.get("State") == "blackhole":
            return Way("closed", f"the default route of {table_id} leads nowhere (blackhole)")
        hop = next_hop(default)
        if hop.startswith("igw-"):
            why = f"the default route of {table_id} leads to {hop}, where pods without a public address get no answer"
            return Way("closed", why)
        if not hop.startswith("nat-"):
            return Way("unknown", f"the default route of {table_id} leads to {hop}, behind which we do not see")
        return self._through(hop, table_id, subnet_id, cidr)

    def is_public(self, subnet_id: str) -> str | None:
        """The internet gateway that the subnet's table routes to."""
        table = self.route_table_of(subnet_id)
        hops = [next_hop(route) for route in (table or {}).get("Routes", [])]
        return next((hop for hop in hops if hop.startswith("igw-")), None)

    def route_table_of(self, subnet_id: str) -> "RouteTableTypeDef | None":
        """The subnet's own, else the VPC's main one."""
        associations = [(each, table) for table in self.route_tables for each in table["Associations"]]
        own = [table for each, table in associations if each.get("SubnetId") == subnet_id]
        main = [table for each, table in associations if each.get("Main")]
        return next(iter([*own, *main]), None)

    def route_table_id_of(self, subnet_id: str) -> str:
        return (self.route_table_of(subnet_id) or {}).get("RouteTableId", "")

    @cached_property
    def shared_by(self) -> str | None:
        """The account that shares subnets of the VPC with this one, and shows it neither NAT gateways nor endpoints.

        Source: VPC User Guide, "Responsibilities and permissions for owners and participants".
        """
        owners = (shared_by(self._account_id, table) for table in self.route_tables)
        return next(filter(None, owners), None)

    @cached_property
    def route_tables(self) -> "list[RouteTableTypeDef]":
        return self._ec2.describe_route_tables(Filters=self._in_vpc)["RouteTables"]

    def _through(self, nat_id: str, table_id: str, subnet_id: str, cidr: str) -> Way:
        there = f"the default route of {table_id} leads to {nat_id}"
        gateway = self._nat_gateways.get(nat_id)
        if gateway is None and self.shared_by:
            return Way("unknown", f"{there}, which account {self.shared_by} shows nobody that it shares subnets with")
        state = gateway.get("State") if gateway else "gone"
        if gateway is None or state != "available":
            return Way("closed", f"{there}, which is {state}")
        if gateway.get("VpcId", self.vpc_id) != self.vpc_id:
            return Way("unknown", f"{there} in another VPC")
        nat_subnet = gateway["SubnetId"]
        onward = self._onward(gateway, f"{there} in {nat_subnet}")
        if onward.is_ == "closed":
            return onward
        refused = self._acl_refusal(subnet_id, nat_subnet, cidr)
        return Way("closed", f"{there} in {nat_subnet}: {refused}") if refused else onward

    def _onward(self, gateway: "NatGatewayTypeDef", there: str) -> Way:
        """From the NAT gateway to the internet."""
        table = self.route_table_of(gateway["SubnetId"])
        default = _default_route(table) if table else None
        if table is None or default is None:
            name = table["RouteTableId"] if table else "none"
            if table is not None and (instead := _in_place_of_a_default(table)):
                return Way("unknown", f"{there}, whose route table {name} has {instead} in place of a default route")
            return Way("closed", f"{there}, whose route table {name} has no default route")
        hop, onward = next_hop(default), f"{there}, whose route table {table['RouteTableId']} leads to"
        if default.get("State") == "blackhole":
            return Way("closed", f"{onward} {hop} (blackhole)")
        if not hop.startswith("igw-"):
            return Way("unknown", f"{onward} {hop}, behind which we do not see")
        if gateway.get("ConnectivityType") == "private":
            return Way("closed", f"{there}, which is a private one: {hop} lets nothing of it out")
        if hop not in self._attached_gateways:
            return Way("closed", f"{onward} {hop}, which is not attached to {self.vpc_id}")
        if self._is_blocked(gateway["SubnetId"]):
            return Way("closed", f"{onward} {hop}: VPC Block Public Access of the account lets nothing through it")
        addresses = (each.get("PublicIp") for each in gateway.get("NatGatewayAddresses", []))
        return Way("open", addresses=tuple(filter(None, addresses)))

    def _acl_refusal(self, subnet_id: str, nat_subnet: str, cidr: str) -> str | None:
        """Network ACLs of both subnets, both ways; between pods and a NAT gateway in one subnet none is asked."""
        checks = [
            (nat_subnet, True, EVERYWHERE, _HTTPS),
            (nat_subnet, False, EVERYWHERE, _NAT_PORTS),
        ]
        if subnet_id != nat_subnet:
            checks += [
                (subnet_id, True, EVERYWHERE, _HTTPS),
                (nat_subnet, False, cidr, _HTTPS),
                (nat_subnet, True, cidr, EPHEMERAL_PORTS),
                (subnet_id, False, EVERYWHERE, EPHEMERAL_PORTS),
            ]
        for where, egress, to, ports in checks:
            acl = self._acls.get(where)
            if acl and (why := acl_closes(acl["Entries"], egress=egress, cidr=to, ports=ports)):
                way = "outbound to" if egress else "inbound from"
                return f"{acl['NetworkAclId']} of {where} lets no tcp {ports[0]}-{ports[1]} {way} {to}: {why}"
        return None

    @cached_property
    def _nat_gateways(self) -> "dict[str, NatGatewayTypeDef]":
        pages = self._ec2.get_paginator("describe_nat_gateways").paginate(Filters=self._in_vpc)
        return {gateway["NatGatewayId"]: gateway for page in pages for gateway in page["NatGateways"]}

    @cached_property
    def _attached_gateways(self) -> set[str]:
        attached: Any = [{"Name": "attachment.vpc-id", "Values": [self.vpc_id]}]
        found = self._ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]
        return {gateway["InternetGatewayId"] for gateway in found}

    @cached_property
    def _acls(self) -> "dict[str, NetworkAclTypeDef]":
        found = self._ec2.describe_network_acls(Filters=self._in_vpc)["NetworkAcls"]
        return {each["SubnetId"]: acl for acl in found for each in acl.get("Associations", []) if "SubnetId" in each}

    def _is_blocked(self, subnet_id: str) -> bool:
        """Only the bidirectional mode keeps a NAT gateway's traffic in; an exclusion lets a VPC or a subnet out."""
        mode, let_out = self._block_public_access
        return mode == "block-bidirectional" and not {self.vpc_id, subnet_id} & let_out

    @cached_property
    def _block_public_access(self) -> tuple[str, set[str]]:
        """The mode, and the ids of VPCs and subnets that are excluded from it."""
        options = self._ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]
        exclusions = self._ec2.describe_vpc_block_public_access_exclusions()["VpcBlockPublicAccessExclusions"]
        let_out = {
            each.get("ResourceArn", "").rpartition("/")[2]
            for each in exclusions
            if each.get("State") in ("create-complete", "update-complete")
        }
        return options.get("InternetGatewayBlockMode", "off"), let_out

    @property
    def _in_vpc(self) -> Any:
        return [{"Name": "vpc-id", "Values": [self.vpc_id]}]


def way_of_group(group_id: str, permissions: "Iterable[IpPermissionOutputTypeDef]") -> Way:
    """Whether a security group with these outbound rules lets HTTPS out to the internet."""
    rules = list(permissions)
    if names_prefix_list(rules, HTTPS_PORT):
        return Way("unknown", f"{group_id} lets tcp {HTTPS_PORT} out to a prefix list, which we do not see")
    left = uncovered(EVERYWHERE, rules, HTTPS_PORT)
    if not left:
        return Way("open")
    if all(range_.is_private for range_ in ranges_of(rules, HTTPS_PORT)):
        return Way("closed", f"{group_id} lets no tcp {HTTPS_PORT} out to the internet")
    return Way("unknown", f"{group_id} lets tcp {HTTPS_PORT} out to some addresses only")


def covers(cidrs: Iterable[str], wanted: str) -> bool:
    """Whether the ranges together have every address of `wanted`."""
    merged = collapse_addresses(IPv4Network(each, strict=False) for each in cidrs)
    return any(IPv4Network(wanted).subnet_of(each) for each in merged)


def _default_route(table: "RouteTableTypeDef") -> "RouteTypeDef | None":
    return next((route for route in table["Routes"] if route.get("DestinationCidrBlock") == EVERYWHERE), None)


def _in_place_of_a_default(table: "RouteTableTypeDef") -> str:
    """What may lead everywhere too: prefix lists, whose ranges we do not see, but those of gateway endpoints."""
    ranges = [each["DestinationCidrBlock"] for each in table["Routes"] if "DestinationCidrBlock" in each]
    if covers(ranges, EVERYWHERE):
        return "several routes"
    listed = [each for each in table["Routes"] if "DestinationPrefixListId" in each]
    names = [each["DestinationPrefixListId"] for each in listed if not next_hop(each).startswith("vpce-")]
    return f"routes to prefix lists ({', '.join(names)})" if names else ""


def next_hop(route: "RouteTypeDef") -> str:
    return next((str(route[name]) for name in _NEXT_HOPS if route.get(name)), "nothing we know")
