"""Last step: the network, if it was made for the cluster."""

from provisioner.aws.session import Target
from provisioner.observation import Observation
from provisioner.removal.existing import Existing
from provisioner.request import ExistingNetwork, Request
from provisioner.resources import cluster, network_stack_removal


def remove(request: Request, run: str, target: Target, existing: Existing | None) -> Observation:
    """Converge to no stacks; a network that the request names is somebody's, and never changed.

    A roll-back leaves those that were `existing`; one that the run has made in such a one's place is the run's.
    Raises: TerminalError OWNED_BY_ANOTHER, PROTECTED, UNUSABLE.
    """
    if isinstance(request.network, ExistingNetwork):
        return Observation.ready_with()
    ec2, cloudformation = target.client("ec2"), target.client("cloudformation")
    but = (existing.network_stack_id, existing.nat_stack_id) if existing is not None else ()
    is_cluster_gone = cluster.find(request, target.client("eks")) is None
    return network_stack_removal.remove(request, run, ec2, cloudformation, is_cluster_gone=is_cluster_gone, but=but)
