"""The network we create: one CloudFormation stack in the target account, from the template beside this file."""

from dataclasses import dataclass
from importlib.resources import files
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import CreatedNetwork, Request
from provisioner.resources.ownership import require_ours, unknown_state
from provisioner.resources.vpc import UNSUPPORTED_ZONE_IDS, Network, PrivateSubnet, dns_attributes, subnets_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import StackStatusType
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import AvailabilityZoneTypeDef, FilterTypeDef

POLL_SECONDS = 15
MOST_ZONES = 3
# Which field of a request decides a parameter of the template.
_FIELDS: Final = {
    "VpcCidr": "network.cidr",
    "ZoneCount": "network.availability_zones",
    "NatGateways": "network.nat",
    "PrivateSubnet1Cidr": "network.private_subnet_prefix_length",
}


def stack_name(cluster_name: str) -> str:
    """A stack name allows no underscore. Two clusters that then share a name are told apart by the owner tag."""
    return f"eks-efs-provisioner-{cluster_name.replace('_', '-')}-network"


def find(request: Request, cloudformation: "CloudFormationClient") -> "StackTypeDef | None":
    """The stack, None when absent."""
    try:
        stack = cloudformation.describe_stacks(StackName=stack_name(request.cluster.name))["Stacks"][0]
    except cloudformation.exceptions.ClientError as error:
        # DescribeStacks has no code of its own for absence, and a well-formed name leaves nothing else to validate.
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def existing(request: Request, ec2: "EC2Client", cloudformation: "CloudFormationClient") -> Network | None:
    """The network of an earlier run, once its stack is complete."""
    stack = find(request, cloudformation)
    if stack is None or not is_complete(stack["StackStatus"]):
        return None
    vpc_id, subnet_ids = outputs_of(stack)
    return Network.from_subnets(vpc_id, subnets_of(subnet_ids, ec2))


def ensure(
    request: Request, wanted: CreatedNetwork, run: str, ec2: "EC2Client", cloudformation: "CloudFormationClient"
) -> Observation:
    """Converge one VPC with a public and a private subnet per zone and NAT.

    Idempotency key: the stack's name; ClientRequestToken, from the request and the `run`, for retries. A stack that
    failed in this run ends it: CloudFormation has rolled it back, so that it costs nothing. One that failed in an
    earlier run is removed, and made again.
    Raises: TerminalError OWNED_BY_ANOTHER, IMMUTABLE, UNUSABLE (first failed resource and its reason),
        UNSUITABLE_NETWORK (too few zones).
    Source: CloudFormation API, CreateStack, StackStatus, StackEvent.
    """
    tokens = _Tokens.of(request, run)
    stack = find(request, cloudformation) or _create(request, wanted, tokens, ec2, cloudformation)
    if stack is None:
        return Observation.pending(Reason.CREATING, retry_after_seconds=POLL_SECONDS)
    require_ours(request, {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}, stack["StackName"])
    match stack["StackStatus"]:
        case "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE":
            return _ready(wanted, stack, ec2)
        case "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE":
            return _ready(wanted, stack, ec2)  # the network is as it was before somebody's update
        case "CREATE_IN_PROGRESS":
            return Observation.pending(Reason.CREATING, retry_after_seconds=POLL_SECONDS)
        case "UPDATE_IN_PROGRESS" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS":
            return Observation.pending(Reason.UPDATING, retry_after_seconds=POLL_SECONDS)
        case "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" | "IMPORT_IN_PROGRESS" | "IMPORT_ROLLBACK_IN_PROGRESS":
            return Observation.pending(Reason.UPDATING, retry_after_seconds=POLL_SECONDS)
        case "DELETE_IN_PROGRESS" | "DELETE_COMPLETE":
            return Observation.pending(Reason.DELETING, retry_after_seconds=POLL_SECONDS)
        case "CREATE_FAILED" | "ROLLBACK_IN_PROGRESS" | "ROLLBACK_FAILED" | "ROLLBACK_COMPLETE" | "DELETE_FAILED":
            return _remove_what_is_left(stack, tokens, cloudformation)
        case "UPDATE_FAILED" | "UPDATE_ROLLBACK_FAILED" | "IMPORT_ROLLBACK_FAILED" | "REVIEW_IN_PROGRESS":
            raise _failed(stack, cloudformation, remedy="finish or roll back the change made to the stack, run again")
        case unknown:
            raise unknown_state(stack["StackName"], unknown)


@dataclass(frozen=True)
class _Tokens:
    """By which CloudFormation, and the next run, recognise what this run has asked for."""

    create: str
    delete: str

    @classmethod
    def of(cls, request: Request, run: str) -> "_Tokens":
        return cls(*(request.idempotency_token(f"{verb} network {run}") for verb in ("create", "delete")))


def _create(
    request: Request,
    wanted: CreatedNetwork,
    tokens: _Tokens,
    ec2: "EC2Client",
    cloudformation: "CloudFormationClient",
) -> "StackTypeDef | None":
    """None after a creation; the stack when another run created it meanwhile."""
    parameters = parameters_for(wanted, zones_for(wanted, request.region, ec2))
    try:
        cloudformation.create_stack(
            StackName=stack_name(request.cluster.name),
            TemplateBody=files("provisioner.resources").joinpath("network.yaml").read_text(encoding="utf-8"),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Tags=[{"Key": key, "Value": value} for key, value in request.owner_tags.items()],
            ClientRequestToken=tokens.create,
        )
    except (
        cloudformation.exceptions.AlreadyExistsException,
        cloudformation.exceptions.TokenAlreadyExistsException,
    ):
        return find(request, cloudformation)
    return None


def _remove_what_is_left(stack: "StackTypeDef", tokens: _Tokens, cloudformation: "CloudFormationClient") -> Observation:
    """Only of what never became a network, so that no cluster can be in it: such a stack has no outputs.

    Raises: TerminalError UNUSABLE when this run's creation or removal failed; when a network could not be deleted.
    """
    if stack.get("Outputs"):
        raise _failed(stack, cloudformation, remedy="remove what holds the resource, delete the stack, run again")
    if latest_token(stack, cloudformation) in (tokens.create, tokens.delete):
        raise _failed(stack, cloudformation, remedy="remove the cause and run again: the stack is made anew")
    if stack["StackStatus"] != "ROLLBACK_IN_PROGRESS":
        cloudformation.delete_stack(StackName=stack["StackName"], ClientRequestToken=tokens.delete)
    return Observation.pending(Reason.DELETING, retry_after_seconds=POLL_SECONDS)


def latest_token(stack: "StackTypeDef", cloudformation: "CloudFormationClient") -> str | None:
    """Of the latest operation on the stack: all of its events have it, the newest come first."""
    events = cloudformation.describe_stack_events(StackName=stack["StackName"])["StackEvents"]
    return events[0].get("ClientRequestToken") if events else None


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
        "NatGateways": wanted.nat,
        "PrivateSubnet1Cidr": _layout(wanted)[0][1],
    }


def _ready(wanted: CreatedNetwork, stack: "StackTypeDef", ec2: "EC2Client") -> Observation:
    vpc_id, subnet_ids = outputs_of(stack)
    network = Network.from_subnets(vpc_id, subnets_of(subnet_ids, ec2))
    changed = {f"{_FIELDS[key]} ({key})": values for key, values in changed_parameters(wanted, stack).items()}
    if zones := changed_zones(wanted, network):
        changed["network.availability_zones"] = (", ".join(zones[0]), ", ".join(zones[1]))
    if changed:
        differences = ", ".join(f"{key} is {actual}, asked for {asked}" for key, (asked, actual) in changed.items())
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"stack {stack['StackName']}: {differences}",
            remedy="ask for the network as it is, update the stack by hand, or choose another cluster name",
        )
    _ensure_dns(vpc_id, ec2)
    return Observation.ready_with(**network.facts())


def is_complete(status: "StackStatusType") -> bool:
    """Also after a rollback of somebody's update: the network is then as it was before."""
    return status.endswith("_COMPLETE") and status not in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE")


def changed_parameters(wanted: CreatedNetwork, stack: "StackTypeDef") -> dict[str, tuple[str, str | None]]:
    """Parameter -> (asked for, actual), for those that the stack was made with otherwise."""
    actual = {item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])}
    changed = {key: (value, actual.get(key)) for key, value in _immutable(wanted).items() if actual.get(key) != value}
    if "VpcCidr" in changed:  # which moves every subnet
        changed.pop("PrivateSubnet1Cidr", None)
    return changed


def changed_zones(wanted: CreatedNetwork, network: Network) -> tuple[list[str], list[str]] | None:
    """Zone ids (asked for, actual) when those that are named are as many and yet others."""
    actual = sorted(network.one_subnet_per_zone())
    return (wanted.zone_ids, actual) if len(wanted.zone_ids) == len(actual) and wanted.zone_ids != actual else None


def outputs_of(stack: "StackTypeDef") -> tuple[str, list[str]]:
    """The ids of the VPC and of its private subnets; empty before the stack is complete."""
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
    return outputs.get("VpcId", ""), outputs.get("PrivateSubnetIds", "").split(",")


def _ensure_dns(vpc_id: str, ec2: "EC2Client") -> None:
    """The stack does not notice when somebody switches them off. Source: EC2 API, ModifyVpcAttribute, one per call."""
    attributes = dns_attributes(vpc_id, ec2) or {}
    if not attributes.get("enableDnsSupport", True):
        ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": True})
    if not attributes.get("enableDnsHostnames", True):
        ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})


def _failed(stack: "StackTypeDef", cloudformation: "CloudFormationClient", *, remedy: str) -> TerminalError:
    cause = first_failure(stack, cloudformation) or stack.get("StackStatusReason", "no reason given")
    return TerminalError(
        ErrorReason.UNUSABLE, f"stack {stack['StackName']} is {stack['StackStatus']}: {cause}", remedy=remedy
    )


def first_failure(stack: "StackTypeDef", cloudformation: "CloudFormationClient") -> str | None:
    """The earliest failure of the latest operation, and the earliest of its roll-back: others are consequences."""
    failed = left_over = None
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack["StackName"])
    for event in (event for page in pages for event in page["StackEvents"]):  # newest first
        status = event.get("ResourceStatus", "")
        about_stack = event.get("PhysicalResourceId") == event.get("StackId")
        told = f"{event.get('LogicalResourceId')} {status}: {event.get('ResourceStatusReason', 'no reason given')}"
        if about_stack and status in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"}:
            break
        if status == "DELETE_FAILED" and not about_stack:
            left_over = told
        elif status.endswith("_FAILED") and not about_stack:
            failed = told
    return "; ".join(filter(None, (failed, left_over))) or None
