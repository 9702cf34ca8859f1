"""The network of a cluster: created by us as a CloudFormation stack, or somebody's VPC that we only check."""

from typing import TYPE_CHECKING

from provisioner.observation import Observation
from provisioner.request import ExistingNetwork, Request
from provisioner.resources import existing_network, network_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ec2 import EC2Client


def ensure(request: Request, run: str, ec2: "EC2Client", cloudformation: "CloudFormationClient") -> Observation:
    """Converge the network that the request describes: facts {vpc_id, private_subnets}. `run` names the execution.

    Raises: TerminalError UNSUITABLE_NETWORK, IMMUTABLE, OWNED_BY_ANOTHER, UNUSABLE.
    """
    if isinstance(request.network, ExistingNetwork):
        return existing_network.ensure(request.network, ec2)
    return network_stack.ensure(request, request.network, run, ec2, cloudformation)


def find_vpc_id(request: Request, cloudformation: "CloudFormationClient") -> str | None:
    """The VPC that the request names or its stack has made; None when there is none (yet, or any more)."""
    if isinstance(request.network, ExistingNetwork):
        return request.network.vpc_id
    stack = network_stack.find(request, cloudformation)
    return network_stack.outputs_of(stack)[0] or None if stack else None


def find_mounts_vpc_id(request: Request, cloudformation: "CloudFormationClient") -> str | None:
    """The VPC of the mount targets: the peer, or the cluster's own as `find_vpc_id` has it."""
    if request.file_system.peer:
        return request.file_system.peer.vpc_id
    return find_vpc_id(request, cloudformation)
