"""Last step: the network, if it was made for the cluster."""

from provisioner.aws.session import Target
from provisioner.observation import Observation
from provisioner.removal.existing import Existing
from provisioner.request import ExistingNetwork, Request
from provisioner.resources import cluster, network_stack, network_stack_removal


def remove(request: Request, run: str, target: Target, existing: Existing | None) -> Observation:
    """Converge to no stack; a network that the request names is somebody's, and never changed.

    A roll-back leaves the stack that was `existing`; one that the run has made in its place is the run's.
    Raises: TerminalError OWNED_BY_ANOTHER, PROTECTED, UNUSABLE.
    """
    if isinstance(request.network, ExistingNetwork):
        return Observation.ready_with()
    ec2, cloudformation = target.client("ec2"), target.client("cloudformation")
    if existing is not None and existing.network_stack_id:
        stack = network_stack.find(request, cloudformation)
        if stack is None or stack.get("StackId") == existing.network_stack_id:
            return Observation.ready_with()
    is_cluster_gone = cluster.find(request, target.client("eks")) is None
    return network_stack_removal.remove(request, run, ec2, cloudformation, is_cluster_gone=is_cluster_gone)
