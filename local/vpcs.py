"""VPCs of somebody's own, as a person makes them before a cluster comes: with a way out, peered, or behind a hub."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from local.aws.eks_profiles import ZONES_WITHOUT_FARGATE

PATIENCE_SECONDS = 300.0
EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class Vpc:
    """One private subnet per zone, all with one route table of their own."""

    vpc_id: str
    cidr: str
    subnet_ids: tuple[str, ...]
    table_id: str


def make(ec2: Any, cidr: str, zones: Sequence[str]) -> Vpc:
    """A VPC whose names resolve, with a /20 per zone from its second on: the first is left for what is public."""
    vpc_id = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ranges = list(IPv4Network(cidr).subnets(new_prefix=20))[1:]
    subnet_ids = []
    for zone, part in zip(zones, ranges, strict=False):
        made = ec2.create_subnet(VpcId=vpc_id, AvailabilityZone=zone, CidrBlock=str(part))["Subnet"]["SubnetId"]
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=made)
        subnet_ids.append(made)
    return Vpc(vpc_id, cidr, tuple(subnet_ids), table_id)


def give_way_out(ec2: Any, vpc: Vpc, zone: str) -> None:
    """A NAT gateway in a public subnet; returns when it is available."""
    public = next(IPv4Network(vpc.cidr).subnets(new_prefix=20))
    subnet_id = ec2.create_subnet(VpcId=vpc.vpc_id, AvailabilityZone=zone, CidrBlock=str(public))["Subnet"]["SubnetId"]
    gateway_id = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc.vpc_id)
    table_id = ec2.create_route_table(VpcId=vpc.vpc_id)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock=EVERYWHERE, GatewayId=gateway_id)
    ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat_id = ec2.create_nat_gateway(SubnetId=subnet_id, AllocationId=address)["NatGateway"]["NatGatewayId"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while ec2.describe_nat_gateways(NatGatewayIds=[nat_id])["NatGateways"][0]["State"] != "available":
        if time.monotonic() > deadline:
            raise TimeoutError(f"{nat_id} did not become available")
        time.sleep(0.05)
    ec2.create_route(RouteTableId=vpc.table_id, DestinationCidrBlock=EVERYWHERE, NatGatewayId=nat_id)


def peer(ec2: Any, one: Vpc, other: Vpc, theirs: Any = None) -> str:
    """An active peering, with routes on both sides; its id. `theirs` is EC2 of the account that has the other VPC."""
    theirs = theirs or ec2
    (owned,) = theirs.describe_vpcs(VpcIds=[other.vpc_id])["Vpcs"]
    ends = {"VpcId": one.vpc_id, "PeerVpcId": other.vpc_id, "PeerOwnerId": owned["OwnerId"]}
    peering_id: str = ec2.create_vpc_peering_connection(**ends)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    theirs.accept_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    _route(ec2, theirs, one, other, VpcPeeringConnectionId=peering_id)
    return peering_id


def join(ec2: Any, one: Vpc, other: Vpc, _theirs: Any = None) -> str:
    """A transit gateway with both attached in all their zones, and routes to it on both sides; its id.

    Both are of one account: the embedded cloud shares no transit gateway with another.
    """
    gateway_id: str = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    for vpc in (one, other):
        ec2.create_transit_gateway_vpc_attachment(
            TransitGatewayId=gateway_id, VpcId=vpc.vpc_id, SubnetIds=list(vpc.subnet_ids)
        )
    _route(ec2, ec2, one, other, TransitGatewayId=gateway_id)
    return gateway_id


def _route(ec2: Any, theirs: Any, one: Vpc, other: Vpc, **hop: str) -> None:
    for whose, here, there in ((ec2, one, other), (theirs, other, one)):
        whose.create_route(RouteTableId=here.table_id, DestinationCidrBlock=there.cidr, **hop)


def existing(cloud: Any) -> dict[str, Any]:
    """The part of a request for a cluster in a VPC that is there already, with a way out; it is made for it."""
    ec2 = cloud.client("ec2")
    zones = _zones(ec2)
    vpc = make(ec2, "10.40.0.0/16", zones)
    give_way_out(ec2, vpc, zones[0])
    return {"network": {"vpc_id": vpc.vpc_id, "private_subnet_ids": list(vpc.subnet_ids)}}


def peered(cloud: Any, link: Callable[..., str] = peer, theirs: Any = None) -> dict[str, Any]:
    """The parts of a request for a cluster in one VPC whose file system is in another; both are made for it.

    `theirs` is EC2 of the account that is to have the other one; the cluster's unless it is given.
    """
    ec2 = cloud.client("ec2")
    theirs = theirs or ec2
    zones = _zones(ec2)
    here, there = make(ec2, "10.40.0.0/16", zones), make(theirs, "10.50.0.0/16", zones)
    give_way_out(ec2, here, zones[0])
    link(ec2, here, there, theirs)
    return {
        "network": {"vpc_id": here.vpc_id, "private_subnet_ids": list(here.subnet_ids)},
        "file_system": {"peer": {"vpc_id": there.vpc_id, "subnet_ids": list(there.subnet_ids)}},
    }


def _zones(ec2: Any) -> list[str]:
    """The first two in which Fargate runs."""
    found = ec2.describe_availability_zones()["AvailabilityZones"]
    return [zone["ZoneName"] for zone in found if zone["ZoneId"] not in ZONES_WITHOUT_FARGATE][:2]
