"""The mount targets' network when that is not the pods' own: another VPC, never changed but for our group.

Peering, transit gateway and routes are two teams' to make; what is missing of them is told before anything is created.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from provisioner.errors import ErrorReason, TerminalError
from provisioner.request import PeerRequest, Request
from provisioner.resources.peer_ways import PeerWays, View
from provisioner.resources.problem import Problem
from provisioner.resources.vpc import Network, shared_by, subnets_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import SubnetTypeDef, VpcTypeDef

_REMEDY: Final = "correct file_system.peer, or the VPC that it names, which is never changed"


def vpc_id_of(request: Request, pods_vpc_id: str) -> str:
    """The VPC in which the mount targets and their security group are."""
    peer = request.file_system.peer
    return peer.vpc_id if peer else pods_vpc_id


def network_of(request: Request, pods: Network, ec2: "EC2Client") -> Network:
    """Where the mount targets are: the peer's subnets, or the pods' own network.

    Raises: TerminalError UNSUITABLE_NETWORK for a peer without one of its subnets.
    """
    peer = request.file_system.peer
    if peer is None:
        return pods
    network = find(peer, ec2)
    if missing := _missing(peer, network):
        raise TerminalError(ErrorReason.UNSUITABLE_NETWORK, "; ".join(missing), remedy=_REMEDY)
    return network


def find(peer: PeerRequest, ec2: "EC2Client") -> Network:
    """The peer's subnets as far as they are there."""
    return Network.from_subnets(peer.vpc_id, subnets_of(peer.subnet_ids, ec2))


def check(
    request: Request, peer: PeerRequest, pods: Network | None, ec2: "EC2Client", lender: View | None = None
) -> tuple[list[Problem], list[str]]:
    """Problems and warnings of the peer and of the ways to it. Only reads. `pods` None: their network is to be made.

    `lender`: the account that has the peer, where that is not the cluster's.
    Raises: ClientError. Source: EFS user guide, "Mounting EFS file systems from another AWS account or VPC".
    """
    there = lender or View(request.account_id, ec2)
    subnets = subnets_of(peer.subnet_ids, there.ec2)
    mounts = Network.from_subnets(peer.vpc_id, subnets)
    whats = [*_missing(peer, mounts), *(what for subnet in subnets for what in _unsuitable(request, peer, subnet))]
    vpcs = {vpc["VpcId"]: vpc for vpc in (*_vpcs(ec2, pods.vpc_id if pods else None), *_vpcs(there.ec2, peer.vpc_id))}
    if peer.vpc_id not in vpcs:
        whats = [f"file_system.peer.vpc_id is {peer.vpc_id}, which does not exist"]
    if lender:
        whats = [f"{what} in account {lender.account_id}" for what in whats]
    problems = [Problem(ErrorReason.UNSUITABLE_NETWORK, what, _REMEDY) for what in whats]
    if pods is None:
        what = f"the network of {request.cluster.name} is yet to be made, and nothing is peered with it"
        remedy = "name network.vpc_id and private_subnet_ids of a VPC that is peered with file_system.peer.vpc_id"
        return [*problems, Problem(ErrorReason.UNSUITABLE_NETWORK, what, remedy)], []
    if pods.vpc_id == peer.vpc_id:
        what = f"file_system.peer.vpc_id is {peer.vpc_id}, the cluster's own"
        return [Problem(ErrorReason.UNSUITABLE_NETWORK, what, "leave file_system.peer out")], []
    if pods.vpc_id in vpcs and (owner := shared_by(request.account_id, vpcs[pods.vpc_id])):
        what = f"account {owner} shares {pods.vpc_id}, and only it sees what that VPC is joined with"
        remedy = "leave file_system.peer out, or put the cluster into a VPC of the account's own"
        return [*problems, Problem(ErrorReason.UNSUITABLE_NETWORK, what, remedy)], []
    if problems:
        return problems, []
    ways = PeerWays(pods, mounts, request.account_id, ec2, lender)
    problems = [Problem(ErrorReason.UNSUITABLE_NETWORK, gap.what, gap.remedy) for gap in ways.gaps]
    return problems, [*ways.unseen, *_across_zones(pods, mounts)]


def _vpcs(ec2: "EC2Client", vpc_id: str | None) -> "list[VpcTypeDef]":
    return ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["Vpcs"] if vpc_id else []


def _missing(peer: PeerRequest, network: Network) -> list[str]:
    found = network.subnet_ids
    return [f"file_system.peer has {each}, which does not exist" for each in peer.subnet_ids if each not in found]


def _unsuitable(request: Request, peer: PeerRequest, subnet: "SubnetTypeDef") -> Iterator[str]:
    """Source: EFS API, CreateMountTarget."""
    account_id = request.lender or request.account_id
    subnet_id, owner = subnet["SubnetId"], subnet.get("OwnerId", account_id)
    if subnet["VpcId"] != peer.vpc_id:
        yield f"file_system.peer has {subnet_id}, which is in {subnet['VpcId']}, not in {peer.vpc_id}"
    if owner != account_id:
        yield f"file_system.peer has {subnet_id}, which belongs to account {owner}"
    if not subnet.get("CidrBlock"):
        yield f"file_system.peer has {subnet_id}, which has no IPv4 addresses"
    elif not subnet["AvailableIpAddressCount"] and not request.lender:
        yield f"file_system.peer has {subnet_id}, which has no free address for a mount target"


def _across_zones(pods: Network, mounts: Network) -> Sequence[str]:
    there = mounts.one_subnet_per_zone()
    zones = [zone for zone in pods.one_subnet_per_zone() if zone not in there]
    if not zones:
        return ()
    return [f"file_system.peer has no subnet in {', '.join(zones)}: pods there mount across zones, which is billed"]
