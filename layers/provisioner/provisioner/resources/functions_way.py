"""Whether the functions that talk to Kubernetes come to a private endpoint: ways between two VPCs, and its group.

Only what is of the cluster's own account can be looked at.
Source: EKS User Guide, "Cluster API server endpoint": whoever is connected to the cluster's VPC gets to it.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason
from provisioner.request import Request
from provisioner.resources.functions_access import Functions
from provisioner.resources.peer_ways import PeerWays
from provisioner.resources.problem import Problem
from provisioner.resources.traffic import HTTPS_PORT, names_prefix_list, uncovered
from provisioner.resources.vpc import Network, subnets_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


@dataclass
class FunctionsWay:
    """`unseen`: what cannot be told from here, and may well be right."""

    problems: list[Problem] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def lacks(self, what: str, remedy: str) -> None:
        self.problems.append(Problem(ErrorReason.UNSUITABLE_NETWORK, what, remedy))


def look(
    request: Request, functions: Functions, network: Network | None, ec2: "EC2Client", *, group_id: str | None = None
) -> FunctionsWay:
    """What keeps the functions from the control plane's interfaces in `network`. Only reads.

    `network` None: it is yet to be made. `group_id`: the cluster security group, once there is one.
    """
    way = FunctionsWay()
    if request.cluster.endpoint_access != "private" or not functions.subnet_ids:
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
        if theirs.vpc_id != network.vpc_id:
            ways = PeerWays(theirs, network, request.account_id, ec2)
            for gap in ways.gaps:
                way.lacks(f"the functions do not reach a private endpoint: {gap.what}", gap.remedy)
            way.unseen += ways.unseen
        if group_id:
            _check_group(functions, theirs, group_id, ec2, way)
    return way


def _network_of(functions: Functions, ec2: "EC2Client") -> Network | None:
    subnets = subnets_of(functions.subnet_ids, ec2)
    return Network.from_subnets(subnets[0]["VpcId"], subnets) if subnets else None


def _check_group(functions: Functions, theirs: Network, group_id: str, ec2: "EC2Client", way: FunctionsWay) -> None:
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": [group_id]}])["SecurityGroups"]
    rules = [rule for group in groups for rule in group.get("IpPermissions", [])]
    cidrs = [subnet.cidr for subnet in theirs.private_subnets]
    for each in functions.security_group_ids:
        left = [part for cidr in cidrs for part in uncovered(cidr, rules, HTTPS_PORT, from_group=each)]
        if not left or names_prefix_list(rules, HTTPS_PORT):
            continue
        what = f"{group_id} admits neither {each}, which the functions have, nor {', '.join(left)} at tcp {HTTPS_PORT}"
        remedy = f"run again, which lets {group_id} admit {each} where their VPCs are peered, or let it admit them"
        way.lacks(what, f"{remedy} at tcp {HTTPS_PORT}")
