"""Whether the functions that talk to Kubernetes come to a private endpoint: ways between two VPCs, and its group.

Only what is of the cluster's own account can be looked at.
Source: EKS User Guide, "Cluster API server endpoint": whoever is connected to the cluster's VPC gets to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason
from provisioner.request import Request
from provisioner.resources.functions_access import Functions
from provisioner.resources.peer_ways import Gap, PeerWays
from provisioner.resources.problem import Problem
from provisioner.resources.traffic import HTTPS_PORT, names_prefix_list, uncovered
from provisioner.resources.vpc import Network, subnets_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_eks.type_defs import ClusterTypeDef


@dataclass(frozen=True)
class KeptOut:
    """A group of the functions that the cluster security group does not admit, nor all of their addresses.

    `is_for_a_run`: it can be named there, within the VPC and over a peering, so that a run names it.
    """

    by: str
    group_id: str
    cidrs: tuple[str, ...]
    is_for_a_run: bool

    @property
    def what(self) -> str:
        kept_out = f"neither {self.group_id}, which the functions have, nor {', '.join(self.cidrs)}"
        return f"{self.by} admits {kept_out} at tcp {HTTPS_PORT}"

    @property
    def remedy(self) -> str:
        if self.is_for_a_run:
            return f"run again, which lets {self.by} admit {self.group_id}"
        return f"let {self.by} admit {', '.join(self.cidrs)} at tcp {HTTPS_PORT}"


@dataclass
class FunctionsWay:
    """`unseen`: what cannot be told from here, and may well be right."""

    gaps: list[Gap] = field(default_factory=list)
    kept_out: list[KeptOut] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[Problem]:
        lacking = [(f"the functions do not reach a private endpoint: {gap.what}", gap.remedy) for gap in self.gaps]
        kept_out = [(each.what, each.remedy) for each in self.kept_out]
        return [Problem(ErrorReason.UNSUITABLE_NETWORK, what, remedy) for what, remedy in (*lacking, *kept_out)]


def of_cluster(request: Request, functions: Functions, cluster: "ClusterTypeDef", ec2: "EC2Client") -> FunctionsWay:
    """As `look`, to a cluster that is there, by its own subnets and group. Only reads."""
    if not _is_asked_for(request, functions):
        return FunctionsWay()
    config = cluster["resourcesVpcConfig"]
    there = Network.from_subnets(config.get("vpcId", "unknown"), subnets_of(config.get("subnetIds", []), ec2))
    return look(request, functions, there, ec2, group_id=config.get("clusterSecurityGroupId"))


def look(
    request: Request, functions: Functions, network: Network | None, ec2: "EC2Client", *, group_id: str | None = None
) -> FunctionsWay:
    """What keeps the functions from the control plane's interfaces in `network`. Only reads.

    `network` None: it is yet to be made. `group_id`: the cluster security group, once there is one.
    """
    way = FunctionsWay()
    if not _is_asked_for(request, functions):
        return way
    theirs = _network_of(functions, ec2)
    if theirs is None:
        listed = ", ".join(functions.subnet_ids)
        way.unseen.append(
            f"whether the functions reach a private endpoint cannot be told: their subnets ({listed}) are not seen in "
            f"{request.account_id}, {request.region}"
        )
    elif network is None:
        way.unseen.append(
            f"the network of {request.cluster.name} is yet to be made and not joined with {theirs.vpc_id}, where the "
            "functions are: the run will end before the storage, to go on once the two are peered"
        )
    else:
        is_near = theirs.vpc_id == network.vpc_id
        if not is_near:
            ways = PeerWays(theirs, network, request.account_id, ec2)
            way.gaps += ways.gaps
            way.unseen += ways.unseen
            is_near = ways.are_peered
        if group_id:
            way.kept_out += _kept_out(functions, theirs, group_id, ec2, is_for_a_run=is_near)
    return way


def _is_asked_for(request: Request, functions: Functions) -> bool:
    return request.cluster.endpoint_access == "private" and bool(functions.subnet_ids)


def _network_of(functions: Functions, ec2: "EC2Client") -> Network | None:
    subnets = subnets_of(functions.subnet_ids, ec2)
    return Network.from_subnets(subnets[0]["VpcId"], subnets) if subnets else None


def _kept_out(
    functions: Functions, theirs: Network, group_id: str, ec2: "EC2Client", *, is_for_a_run: bool
) -> Iterator[KeptOut]:
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": [group_id]}])["SecurityGroups"]
    rules = [rule for group in groups for rule in group.get("IpPermissions", [])]
    cidrs = [subnet.cidr for subnet in theirs.private_subnets]
    for each in functions.security_group_ids:
        left = [part for cidr in cidrs for part in uncovered(cidr, rules, HTTPS_PORT, from_group=each)]
        if left and not names_prefix_list(rules, HTTPS_PORT):
            yield KeptOut(group_id, each, tuple(left), is_for_a_run)
