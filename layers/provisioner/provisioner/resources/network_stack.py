"""The network we create: one CloudFormation stack in the target account, from the template beside this file."""

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation
from provisioner.request import CreatedNetwork, Request
from provisioner.resources import stack
from provisioner.resources.vpc import UNSUPPORTED_ZONE_IDS, Network, PrivateSubnet, dns_attributes, subnets_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import AvailabilityZoneTypeDef, FilterTypeDef

# A VPC with its subnets takes about 22 s.
FIRST_LOOK_SECONDS = 15
POLL_SECONDS = 1
MOST_ZONES = 3
NAT_GATEWAYS: Final = "NatGateways"
# Which field of a request decides a parameter of the template.
_FIELDS: Final = {
    "VpcCidr": "network.cidr",
    "ZoneCount": "network.availability_zones",
    NAT_GATEWAYS: "network.nat",
    "PrivateSubnet1Cidr": "network.private_subnet_prefix_length",
}


def stack_name(cluster_name: str) -> str:
    """A stack name allows no underscore. Two clusters that then share a name are told apart by the owner tag."""
    return f"eks-efs-provisioner-{cluster_name.replace('_', '-')}-network"


def find(request: Request, cloudformation: "CloudFormationClient") -> "StackTypeDef | None":
    """The stack, None when absent."""
    return stack.find(stack_name(request.cluster.name), cloudformation)


def existing(request: Request, ec2: "EC2Client", cloudformation: "CloudFormationClient") -> Network | None:
    """The network of an earlier run, once its stack is complete."""
    found = find(request, cloudformation)
    if found is None or not stack.is_complete(found["StackStatus"]):
        return None
    vpc_id, subnet_ids = outputs_of(found)
    return Network.from_subnets(vpc_id, subnets_of(subnet_ids, ec2))


def ensure(
    request: Request, wanted: CreatedNetwork, run: str, ec2: "EC2Client", cloudformation: "CloudFormationClient"
) -> Observation:
    """Converge one VPC with a public and a private subnet per zone, without what leads out of it: a cluster and mount
    targets need no more.

    As `stack.ensure`. Raises: its errors; TerminalError IMMUTABLE, UNSUITABLE_NETWORK (too few zones).
    """
    one = stack.WantedStack(
        stack_name(request.cluster.name),
        "network",
        "network.yaml",
        lambda: parameters_for(wanted, zones_for(wanted, request.region, ec2)),
        FIRST_LOOK_SECONDS,
        POLL_SECONDS,
    )
    found = stack.ensure(request, one, run, cloudformation)
    return found if isinstance(found, Observation) else _ready(wanted, found, ec2)


def planned(wanted: CreatedNetwork, region: str, ec2: "EC2Client") -> Network:
    """The network before it exists: zones and CIDRs, no ids."""
    zones = _zones(wanted, region, ec2)
    parameters = parameters_for(wanted, [zone["ZoneName"] for zone in zones])
    cidrs = [parameters[f"PrivateSubnet{index + 1}Cidr"] for index in range(len(zones))]
    subnets = [
        PrivateSubnet("", zone["ZoneName"], zone["ZoneId"], cidr) for zone, cidr in zip(zones, cidrs, strict=True)
    ]
    return Network("", tuple(subnets))


def zones_for(wanted: CreatedNetwork, region: str, ec2: "EC2Client") -> list[str]:
    """Names of the first zones, by zone id, in which EKS and Fargate run: the same ones in every account."""
    return [zone["ZoneName"] for zone in _zones(wanted, region, ec2)]


def _zones(wanted: CreatedNetwork, region: str, ec2: "EC2Client") -> "list[AvailabilityZoneTypeDef]":
    filters: list[FilterTypeDef] = [{"Name": "opt-in-status", "Values": ["opt-in-not-required"]}]
    zones = ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"]
    usable = sorted((zone for zone in zones if _usable(zone)), key=lambda zone: zone["ZoneId"])
    usable_ids = [zone["ZoneId"] for zone in usable]
    if unusable := [zone_id for zone_id in wanted.zone_ids if zone_id not in usable_ids]:
        raise TerminalError(
            ErrorReason.UNSUITABLE_NETWORK,
            f"network.availability_zones names {', '.join(unusable)}, which {region} does not have, or not with "
            "EKS and Fargate",
            remedy=f"name zones among {', '.join(usable_ids)}",
        )
    if len(usable) < wanted.zone_count:
        raise TerminalError(
            ErrorReason.UNSUITABLE_NETWORK,
            f"{region} has {len(usable)} zones with EKS and Fargate, {wanted.zone_count} are asked for",
            remedy="set network.availability_zones to 2 or choose another region",
        )
    if wanted.zone_ids:
        return [zone for zone in usable if zone["ZoneId"] in wanted.zone_ids]
    return usable[: wanted.zone_count]


def _usable(zone: "AvailabilityZoneTypeDef") -> bool:
    in_region = zone.get("ZoneType", "availability-zone") == "availability-zone"
    return in_region and zone["State"] == "available" and zone["ZoneId"] not in UNSUPPORTED_ZONE_IDS


def parameters_for(wanted: CreatedNetwork, zones: list[str]) -> dict[str, str]:
    """The template's parameters: zones, and the CIDRs of the subnets."""
    parameters = _immutable(wanted)
    for index, (public, private) in enumerate(_layout(wanted)):
        parameters[f"Zone{index + 1}"] = zones[index] if index < len(zones) else ""
        parameters[f"PublicSubnet{index + 1}Cidr"] = public
        parameters[f"PrivateSubnet{index + 1}Cidr"] = private
    return parameters


def _layout(wanted: CreatedNetwork) -> list[tuple[str, str]]:
    """Public and private CIDR per zone: eighths of the VPC, of which two are left free.

    Private subnets that are to be smaller begin where their eighth does; quarters leave one to all public subnets.
    """
    vpc = IPv4Network(wanted.cidr)
    length = wanted.private_subnet_prefix_length or vpc.prefixlen + 3
    if length < vpc.prefixlen + 3:
        quarters = list(vpc.subnets(prefixlen_diff=2))
        public, private = list(quarters[0].subnets(prefixlen_diff=2)), quarters[1:]
    else:
        eighths = list(vpc.subnets(prefixlen_diff=3))
        public, private = eighths, [next(each.subnets(new_prefix=length)) for each in eighths[MOST_ZONES:]]
    return [(str(public[index]), str(private[index])) for index in range(MOST_ZONES)]


def _immutable(wanted: CreatedNetwork) -> dict[str, str]:
    """What the request alone decides. Zone names are left out: a region's new zone must not break a running network."""
    return {
        "VpcCidr": wanted.cidr,
        "ZoneCount": str(wanted.zone_count),
        "PrivateSubnet1Cidr": _layout(wanted)[0][1],
    }


def _ready(wanted: CreatedNetwork, found: "StackTypeDef", ec2: "EC2Client") -> Observation:
    vpc_id, subnet_ids = outputs_of(found)
    network = Network.from_subnets(vpc_id, subnets_of(subnet_ids, ec2))
    changed = {f"{_FIELDS[key]} ({key})": values for key, values in changed_parameters(wanted, found).items()}
    if zones := changed_zones(wanted, network):
        changed["network.availability_zones"] = (", ".join(zones[0]), ", ".join(zones[1]))
    if changed:
        raise stack.immutable(found, changed)
    _ensure_dns(vpc_id, ec2)
    return Observation.ready_with(**network.facts())


def has_nat(found: "StackTypeDef") -> bool:
    """Whether its NAT gateways are in it, as they were in every network before they got a stack of their own."""
    return NAT_GATEWAYS in stack.parameters_of(found)


def changed_parameters(wanted: CreatedNetwork, found: "StackTypeDef") -> dict[str, tuple[str, str | None]]:
    """Parameter -> (asked for, actual), for those that the stack was made with otherwise."""
    actual, asked = stack.parameters_of(found), _immutable(wanted)
    if has_nat(found):
        asked[NAT_GATEWAYS] = wanted.nat
    changed = {key: (value, actual.get(key)) for key, value in asked.items() if actual.get(key) != value}
    if "VpcCidr" in changed:  # which moves every subnet
        changed.pop("PrivateSubnet1Cidr", None)
    return changed


def changed_zones(wanted: CreatedNetwork, network: Network) -> tuple[list[str], list[str]] | None:
    """Zone ids (asked for, actual) when those that are named are as many and yet others."""
    actual = sorted(network.one_subnet_per_zone())
    return (wanted.zone_ids, actual) if len(wanted.zone_ids) == len(actual) and wanted.zone_ids != actual else None


def outputs_of(found: "StackTypeDef") -> tuple[str, list[str]]:
    """The ids of the VPC and of its private subnets; empty before the stack is complete."""
    outputs = stack.outputs_of(found)
    return outputs.get("VpcId", ""), outputs.get("PrivateSubnetIds", "").split(",")


def _ensure_dns(vpc_id: str, ec2: "EC2Client") -> None:
    """The stack does not notice when somebody switches them off. Source: EC2 API, ModifyVpcAttribute, one per call."""
    attributes = dns_attributes(vpc_id, ec2) or {}
    if not attributes.get("enableDnsSupport", True):
        ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": True})
    if not attributes.get("enableDnsHostnames", True):
        ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
