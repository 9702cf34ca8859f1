"""Whether pods still get out of their subnets: to registries, and to the names of EFS.

What cannot be told from here is no difference: a network behind a transit gateway was proven as it is.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from provisioner.difference import Difference, DriftKind, Inspected, Severity
from provisioner.errors import ErrorReason
from provisioner.request import Request
from provisioner.resources import vpc_endpoints
from provisioner.resources.egress import Egress, Way
from provisioner.resources.problem import Problem
from provisioner.resources.vpc import Network, PrivateSubnet, own_resolvers

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

WAY_OUT_CLOSED = DriftKind(
    resource="subnet {subnet}",
    path="way_out",
    severity=Severity.CRITICAL,
    meaning="Nothing leads out of a private subnet any more, or nothing comes back: no new pod there gets its image. "
    "Followed through routes, NAT gateway, network ACLs and VPC Block Public Access, or to the VPC's endpoints.",
    fix="give {subnet} its way out again: {actual}; a run changes no routes, gateways, network ACLs or endpoints",
    repairable=False,
)
ENDPOINT_REFUSES = DriftKind(
    resource="subnet {subnet}",
    path="vpc_endpoints",
    severity=Severity.CRITICAL,
    meaning="A VPC endpoint stands in the way of pulls from private ECR, CoreDNS's image among them: its security "
    "group does not admit the pods, or its policy does not allow what they ask for.",
    fix="let these endpoints let pulls from {subnet} through, or remove them: {actual}",
    repairable=False,
)
RESOLVERS = DriftKind(
    resource="VPC {vpc}",
    path="dhcp_options.domain_name_servers",
    severity=Severity.WARNING,
    meaning="Pods ask other resolvers than when the cluster was proven. Those that do not ask the VPC's own for names "
    "of EFS keep every new pod from the file system.",
    fix="give {vpc} DHCP options with {expected} again, or let {actual} forward names of EFS to the VPC's resolver",
    repairable=False,
)

_AMAZON = ["AmazonProvidedDNS"]


def inspect(
    request: Request,
    network: Network,
    ec2: "EC2Client",
    *,
    proven_resolvers: Sequence[str] | None = (),
    leads_out: bool = True,
) -> list[Inspected]:
    """The subnets from which pods no longer get out, and the VPC when others answer its names. Only reads.

    `proven_resolvers`: those in place of the VPC's own when the cluster was proven; None where nobody noted them.
    `leads_out`: false where the way out is yet to be made, so that no subnet has lost it.
    """
    egress, subnets = Egress(network.vpc_id, request.account_id, ec2), network.private_subnets if leads_out else ()
    endpoints = vpc_endpoints.of_vpc(request, network.vpc_id, ec2)
    found = [Inspected.of(f"subnet {each.subnet_id}", _of_subnet(request, each, egress, endpoints)) for each in subnets]
    resolvers = [] if proven_resolvers is None else _of_names(network.vpc_id, proven_resolvers, ec2)
    return [each for each in (*found, Inspected.of(f"VPC {network.vpc_id}", resolvers)) if each.differences]


def problems(request: Request, network: Network, ec2: "EC2Client", *, leads_out: bool) -> list[Problem]:
    """What would end a run in a network of its own, whose ways out were closed since an earlier one."""
    return [
        Problem(ErrorReason.UNSUITABLE_NETWORK, f"{each.resource}: {each.actual}", each.fix)
        for one in inspect(request, network, ec2, leads_out=leads_out)
        for each in one.differences
        if each.severity is Severity.CRITICAL
    ]


def _of_subnet(
    request: Request, subnet: PrivateSubnet, egress: Egress, endpoints: vpc_endpoints.VpcEndpoints
) -> Iterable[Difference]:
    subnet_id, table_id = subnet.subnet_id, egress.route_table_id_of(subnet.subnet_id)
    way = egress.way_from(subnet_id, subnet.cidr)
    if way.is_ == "closed":
        missing = [] if egress.shared_by else endpoints.missing_for(subnet.cidr, table_id)
        if why := _lacking(request, way, missing):
            yield WAY_OUT_CLOSED.found(expected="open", actual=why, subnet=subnet_id)
    elif refusing := endpoints.refusing(subnet.cidr, table_id):
        yield ENDPOINT_REFUSES.found(expected="open", actual=", ".join(refusing), subnet=subnet_id)


def _lacking(request: Request, way: Way, missing: Sequence[str]) -> str:
    """Empty where the VPC's endpoints are all that pods need: a network without a way out may be meant to be so."""
    if not vpc_endpoints.has_endpoint(request.verification.image, request.region):
        return way.why
    return f"{way.why}, and not the VPC endpoints that take its place: {', '.join(missing)}" if missing else ""


def _of_names(vpc_id: str, proven: Sequence[str], ec2: "EC2Client") -> Iterable[Difference]:
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["Vpcs"]
    actual = own_resolvers(vpcs[0], ec2) if vpcs else list(proven)
    if actual and sorted(actual) != sorted(proven):
        yield RESOLVERS.found(expected=list(proven) or _AMAZON, actual=actual, vpc=vpc_id)
