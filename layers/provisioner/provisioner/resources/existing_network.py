"""Somebody else's VPC: checked, never changed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation
from provisioner.request import ExistingNetwork
from provisioner.resources.vpc import UNSUPPORTED_ZONE_IDS, Network, dns_attributes, subnets_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import RouteTableTypeDef, SubnetTypeDef

# EKS refuses a subnet with fewer than 6 free addresses; one more for the mount target and one for a pod.
FEWEST_FREE_ADDRESSES = 8


def find(wanted: ExistingNetwork, ec2: "EC2Client") -> Network | None:
    """The wanted subnets as they are; None when the VPC does not exist."""
    # Filters, not ids: an unknown id is then an absence to report with the other problems, not an error code.
    if not ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [wanted.vpc_id]}])["Vpcs"]:
        return None
    return Network.from_subnets(wanted.vpc_id, subnets_of(wanted.private_subnet_ids, ec2))


def ensure(wanted: ExistingNetwork, ec2: "EC2Client") -> Observation:
    """Ready when the VPC suits EKS on Fargate with EFS; mutates nothing.

    Raises: TerminalError UNSUITABLE_NETWORK that lists every problem found.
    Source: EKS User Guide, VPC and subnet requirements; Fargate profile (private subnets only); EFS mount by DNS name.
    """
    network = find(wanted, ec2)
    problems = [f"{wanted.vpc_id} does not exist"] if network is None else _problems(wanted, ec2)
    if network is None or problems:
        raise TerminalError(
            ErrorReason.UNSUITABLE_NETWORK,
            "; ".join(problems),
            remedy="correct the VPC or name other subnets; an existing network is never changed",
        )
    return Observation.ready_with(**network.facts())


def _problems(wanted: ExistingNetwork, ec2: "EC2Client") -> list[str]:
    subnets = subnets_of(wanted.private_subnet_ids, ec2)
    return [
        *_missing_subnets(wanted, subnets),
        *_zone_problems(subnets),
        *(problem for subnet in subnets for problem in _subnet_problems(wanted, subnet)),
        *_public_subnets(wanted, subnets, ec2),
        *_dns_problems(wanted, ec2),
    ]


def _missing_subnets(wanted: ExistingNetwork, subnets: "Sequence[SubnetTypeDef]") -> list[str]:
    found = {subnet["SubnetId"] for subnet in subnets}
    return [f"{subnet_id} does not exist" for subnet_id in wanted.private_subnet_ids if subnet_id not in found]


def _zone_problems(subnets: "Sequence[SubnetTypeDef]") -> list[str]:
    zone_ids = {subnet["AvailabilityZoneId"] for subnet in subnets}
    if len(zone_ids) < 2:
        return [f"the subnets lie in {len(zone_ids)} availability zone(s), EKS wants at least 2"]
    return []


def _subnet_problems(wanted: ExistingNetwork, subnet: "SubnetTypeDef") -> list[str]:
    subnet_id, free = subnet["SubnetId"], subnet["AvailableIpAddressCount"]
    problems = []
    if subnet["VpcId"] != wanted.vpc_id:
        problems.append(f"{subnet_id} is in {subnet['VpcId']}, not in {wanted.vpc_id}")
    if subnet["AvailabilityZoneId"] in UNSUPPORTED_ZONE_IDS:
        problems.append(f"{subnet_id} is in zone {subnet['AvailabilityZoneId']}, which has no EKS or no Fargate")
    if free < FEWEST_FREE_ADDRESSES:
        problems.append(f"{subnet_id} has {free} free addresses, fewer than {FEWEST_FREE_ADDRESSES}")
    return problems


def _public_subnets(wanted: ExistingNetwork, subnets: "Sequence[SubnetTypeDef]", ec2: "EC2Client") -> list[str]:
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [wanted.vpc_id]}])["RouteTables"]
    return [
        f"{subnet['SubnetId']} is public: its route table routes to {gateway}"
        for subnet in subnets
        if subnet["VpcId"] == wanted.vpc_id and (gateway := _internet_gateway(subnet["SubnetId"], tables))
    ]


def _internet_gateway(subnet_id: str, tables: "Sequence[RouteTableTypeDef]") -> str | None:
    """The internet gateway that the subnet's own route table, else the VPC's main one, routes to."""
    associations = [(association, table) for table in tables for association in table["Associations"]]
    explicit = [table for association, table in associations if association.get("SubnetId") == subnet_id]
    main = [table for association, table in associations if association.get("Main")]
    for table in explicit or main:
        for route in table["Routes"]:
            if route.get("GatewayId", "").startswith("igw-"):
                return route["GatewayId"]
    return None


def _dns_problems(wanted: ExistingNetwork, ec2: "EC2Client") -> list[str]:
    attributes = dns_attributes(wanted.vpc_id, ec2) or {}
    return [
        f"{wanted.vpc_id} has {name} off, so that no EFS name resolves"
        for name, is_on in attributes.items()
        if not is_on
    ]
