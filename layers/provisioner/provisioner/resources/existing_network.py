"""Somebody else's VPC: checked before anything is created, never changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation
from provisioner.request import ExistingNetwork, Request
from provisioner.resources import vpc_endpoints
from provisioner.resources.egress import Egress, Way, covers
from provisioner.resources.problem import Problem
from provisioner.resources.vpc import (
    UNSUPPORTED_ZONE_IDS,
    Network,
    dns_attributes,
    own_resolvers,
    shared_by,
    subnets_of,
)

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import SubnetTypeDef, VpcTypeDef

# EKS refuses a subnet with fewer than 6 free addresses; one more for the mount target and one for a pod.
FEWEST_FREE_ADDRESSES = 8
_REMEDY: Final = "correct the VPC or name other subnets; an existing network is never changed"


@dataclass
class Checked:
    """`warnings` are what cannot be told from here and may well be right."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, what: str, remedy: str = _REMEDY) -> None:
        self.problems.append(Problem(ErrorReason.UNSUITABLE_NETWORK, what, remedy))


def find(wanted: ExistingNetwork, ec2: "EC2Client") -> Network | None:
    """The wanted subnets as they are; None when the VPC does not exist."""
    # Filters, not ids: an unknown id is then an absence to report with the other problems, not an error code.
    if not ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [wanted.vpc_id]}])["Vpcs"]:
        return None
    return Network.from_subnets(wanted.vpc_id, subnets_of(wanted.private_subnet_ids, ec2))


def ensure(wanted: ExistingNetwork, ec2: "EC2Client") -> Observation:
    """Ready when VPC and subnets are there, which is all that is left to see once `check` found nothing.

    Facts besides the network's: `resolvers`, those in place of the VPC's own, with which the cluster is to be proven.
    Raises: TerminalError UNSUITABLE_NETWORK that lists what is gone.
    """
    network = find(wanted, ec2)
    missing = [f"{wanted.vpc_id} does not exist"] if network is None else _missing(wanted, network.subnet_ids, None)
    if network is None or missing:
        raise TerminalError(ErrorReason.UNSUITABLE_NETWORK, "; ".join(missing), remedy=_REMEDY)
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [wanted.vpc_id]}])["Vpcs"]
    return Observation.ready_with(**network.facts(), resolvers=own_resolvers(vpc, ec2))


def check(request: Request, wanted: ExistingNetwork, ec2: "EC2Client") -> Checked:
    """Everything that keeps the VPC from serving EKS on Fargate with EFS. Only reads.

    Source: EKS User Guide, VPC and subnet requirements; Fargate profile (private subnets only); EFS mount by DNS name;
    VPC User Guide, "Responsibilities and permissions for owners and participants": of a VPC that another account
    shares, all that is judged is seen but its NAT gateways and endpoints.
    """
    checked = Checked()
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [wanted.vpc_id]}])["Vpcs"]
    if not vpcs:
        checked.add(f"{wanted.vpc_id} does not exist")
        return checked
    subnets = subnets_of(wanted.private_subnet_ids, ec2)
    egress = Egress(wanted.vpc_id, request.account_id, ec2)
    owner = shared_by(request.account_id, vpcs[0])
    whats = [
        *_missing(wanted, [subnet["SubnetId"] for subnet in subnets], owner),
        *_zone_problems(subnets, ec2),
        *(problem for subnet in subnets for problem in _subnet_problems(wanted, subnet)),
    ]
    for what in whats:
        checked.add(what)
    _check_services(request, vpcs[0], checked)
    _check_dns(vpcs[0], ec2, checked)
    _check_ways_out(request, [each for each in subnets if _is_usable(wanted, each)], egress, checked, ec2)
    return checked


def _missing(wanted: ExistingNetwork, found: Sequence[str], owner: str | None) -> list[str]:
    or_not_shared = f", or account {owner} does not share it" if owner else ""
    return [
        f"{subnet_id} does not exist{or_not_shared}"
        for subnet_id in wanted.private_subnet_ids
        if subnet_id not in found
    ]


def _zone_problems(subnets: "Sequence[SubnetTypeDef]", ec2: "EC2Client") -> Iterator[str]:
    """EKS and Fargate are in availability zones alone. Source: EC2 API, AvailabilityZone.ZoneType."""
    zone_ids = {subnet["AvailabilityZoneId"] for subnet in subnets}
    zones = ec2.describe_availability_zones(AllAvailabilityZones=True)["AvailabilityZones"]
    kinds = {zone["ZoneId"]: zone.get("ZoneType", "availability-zone") for zone in zones}
    for subnet in subnets:
        kind = kinds.get(subnet["AvailabilityZoneId"], "availability-zone")
        if kind != "availability-zone":
            yield f"{subnet['SubnetId']} is in the {kind} {subnet['AvailabilityZone']}, where there is no Fargate"
            zone_ids.discard(subnet["AvailabilityZoneId"])
    if len(zone_ids) < 2:
        yield f"the subnets lie in {len(zone_ids)} availability zone(s), EKS wants at least 2"


def _subnet_problems(wanted: ExistingNetwork, subnet: "SubnetTypeDef") -> Iterator[str]:
    subnet_id, free = subnet["SubnetId"], subnet["AvailableIpAddressCount"]
    if subnet["VpcId"] != wanted.vpc_id:
        yield f"{subnet_id} is in {subnet['VpcId']}, not in {wanted.vpc_id}"
    if subnet["AvailabilityZoneId"] in UNSUPPORTED_ZONE_IDS:
        yield f"{subnet_id} is in zone {subnet['AvailabilityZoneId']}, which has no EKS or no Fargate"
    if subnet.get("OutpostArn"):
        yield f"{subnet_id} is on the Outpost {subnet['OutpostArn']}, where there is no Fargate"
    if not subnet.get("CidrBlock"):
        yield f"{subnet_id} has no IPv4 addresses, which the cluster's pods and mount targets have"
    elif free < FEWEST_FREE_ADDRESSES:
        yield f"{subnet_id} has {free} free addresses, fewer than {FEWEST_FREE_ADDRESSES}"


def _is_usable(wanted: ExistingNetwork, subnet: "SubnetTypeDef") -> bool:
    return subnet["VpcId"] == wanted.vpc_id and bool(subnet.get("CidrBlock"))


def _check_services(request: Request, vpc: "VpcTypeDef", checked: Checked) -> None:
    """Source: EKS API, KubernetesNetworkConfigRequest: the range overlaps with none of the VPC's."""
    services = request.cluster.service_ipv4_cidr
    for association in vpc.get("CidrBlockAssociationSet", []) if services else []:
        cidr, state = association.get("CidrBlock", ""), association.get("CidrBlockState", {}).get("State")
        if state == "associated" and IPv4Network(cidr).overlaps(IPv4Network(services)):
            checked.add(
                f"cluster.service_ipv4_cidr {services} overlaps with {cidr} of {vpc['VpcId']}",
                "choose another range for Services, or null for EKS's own choice",
            )


def _check_dns(vpc: "VpcTypeDef", ec2: "EC2Client", checked: Checked) -> None:
    for name, is_on in (dns_attributes(vpc["VpcId"], ec2) or {}).items():
        if not is_on:
            checked.add(f"{vpc['VpcId']} has {name} off, so that no EFS name resolves")
    if resolvers := own_resolvers(vpc, ec2):
        checked.warnings.append(
            f"the DHCP options of {vpc['VpcId']} name resolvers of their own ({', '.join(resolvers)}): if they do not "
            "ask the VPC's resolver for names of EFS, no pod finds the file system"
        )


def _check_ways_out(
    request: Request, subnets: "Sequence[SubnetTypeDef]", egress: Egress, checked: Checked, ec2: "EC2Client"
) -> None:
    if not subnets:
        return
    endpoints = vpc_endpoints.of_vpc(request, egress.vpc_id, ec2)
    isolated = []
    for subnet in subnets:
        subnet_id, cidr = subnet["SubnetId"], subnet["CidrBlock"]
        if gateway := egress.is_public(subnet_id):
            checked.add(f"{subnet_id} is public: its route table routes to {gateway}")
            continue
        way, table_id = egress.way_from(subnet_id, cidr), egress.route_table_id_of(subnet_id)
        if way.is_ == "closed":
            isolated.append(subnet_id)
            _check_isolation(subnet_id, way, endpoints.missing_for(cidr, table_id), egress.shared_by, checked)
        else:
            if way.is_ == "unknown":
                checked.warnings.append(f"whether pods in {subnet_id} reach their registry cannot be told: {way.why}")
            _check_what_is_on_the_way(subnet_id, endpoints.refusing(cidr, table_id), checked)
        if doubtful := endpoints.doubtful(cidr, table_id):
            what = ", ".join(doubtful)
            checked.warnings.append(f"whether pods in {subnet_id} pull from private ECR cannot be told: {what}")
        _check_endpoint(request, subnet_id, way, checked)
    image, where = request.verification.image, ", ".join(isolated)
    if isolated and not vpc_endpoints.has_endpoint(image, request.region):
        checked.add(
            f"verification.image {image} cannot be pulled from {where}: no VPC endpoint leads to its registry",
            f"mirror it to a private ECR repository in {request.region} and name that one",
        )


def _check_isolation(subnet_id: str, way: Way, missing: Sequence[str], owner: str | None, checked: Checked) -> None:
    """Without a way out, endpoints in the VPC have to have all that Fargate needs."""
    lacking = ", ".join(missing)
    if owner:
        checked.warnings.append(
            f"{subnet_id} has no way out ({way.why}); whether its VPC has the VPC endpoints that Fargate needs "
            f"({lacking}) only account {owner} sees, which shares the subnet"
        )
    elif missing:
        checked.add(
            f"{subnet_id} has no way out ({way.why}) and not the VPC endpoints that Fargate needs: {lacking}",
            "give the subnet a route to a NAT gateway that works, or the VPC those endpoints",
        )


def _check_what_is_on_the_way(subnet_id: str, refusing: Sequence[str], checked: Checked) -> None:
    """Pulls from private ECR, of which CoreDNS's image comes, meet the VPC's endpoints whatever else leads out."""
    if refusing:
        checked.add(
            f"VPC endpoints keep pods in {subnet_id} from private ECR, from which CoreDNS comes: {', '.join(refusing)}",
            "let these endpoints' security groups and policies let pulls through, or remove the endpoints",
        )


def _check_endpoint(request: Request, subnet_id: str, way: Way, checked: Checked) -> None:
    """A node comes to a public endpoint by its way out, and from there is one of many."""
    cluster = request.cluster
    if cluster.endpoint_access != "public":
        return
    remedy = "set cluster.endpoint_access to public_and_private, with which nodes need no way out to their cluster"
    if way.is_ == "closed":
        checked.add(f"pods in {subnet_id} do not reach the cluster's public endpoint: {way.why}", remedy)
    for address in way.addresses:
        if not covers(cluster.public_access_cidrs, f"{address}/32"):
            cidrs = ", ".join(cluster.public_access_cidrs)
            checked.add(
                f"pods in {subnet_id} come from {address}, which cluster.public_access_cidrs ({cidrs}) keep out", remedy
            )
