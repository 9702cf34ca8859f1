"""The cluster on its way out; with it go its access entries, add-ons and all that lives in Kubernetes."""

from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import fargate_profile
from provisioner.resources.cluster import find
from provisioner.resources.ownership import require_ours, unknown_state

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import ClusterTypeDef

POLL_SECONDS = 20
# EKS takes two minutes at least, three as a rule; each poll later than it has to be is waited for by everybody.
FIRST_LOOK_SECONDS = 120
LATE_POLL_SECONDS = 2


def find_ours(request: Request, eks: "EKSClient") -> "ClusterTypeDef | None":
    """The cluster, None when absent. Raises: TerminalError OWNED_BY_ANOTHER."""
    found = find(request, eks)
    if found is not None:
        require_ours(request, found.get("tags", {}), f"cluster {found['name']}")
    return found


def require_removable(request: Request, found: "ClusterTypeDef", eks: "EKSClient") -> None:
    """To be asked before anything of the cluster is removed: what EKS would refuse is told while all is there.

    Raises: TerminalError PROTECTED (deletion protection), OWNED_BY_ANOTHER (Fargate profiles and node groups of others,
        which keep a cluster from being deleted and are theirs to remove).
    Source: EKS API, DeleteCluster, Cluster.deletionProtection.
    """
    name = found["name"]
    if found.get("deletionProtection"):
        raise TerminalError(
            ErrorReason.PROTECTED,
            f"cluster {name} has deletion protection",
            remedy=f"switch it off (aws eks update-cluster-config --name {name} --no-deletion-protection), start again",
        )
    if others := _others(request, eks):
        raise TerminalError(
            ErrorReason.OWNED_BY_ANOTHER,
            f"cluster {name} has {', '.join(others)}, which this application did not make",
            remedy="let who made them remove them, then start again",
        )


def remove(request: Request, eks: "EKSClient") -> Observation:
    """Converge to no cluster. Asked for once its Fargate profile is gone.

    Raises: TerminalError OWNED_BY_ANOTHER, PROTECTED.
    Source: EKS API, DeleteCluster: ResourceInUseException while it is created or changed, or has profiles.
    """
    found = find_ours(request, eks)
    if found is None:
        return Observation.ready_with()
    match found["status"]:
        case "CREATING" | "PENDING":
            return _pending(request, Reason.CREATING)
        case "UPDATING":
            return _pending(request, Reason.UPDATING)
        case "DELETING":
            return _pending(request, Reason.DELETING, LATE_POLL_SECONDS)
        case "ACTIVE" | "FAILED":
            require_removable(request, found, eks)
            try:
                eks.delete_cluster(name=request.cluster.name)
            except eks.exceptions.ResourceInUseException:
                return _pending(request, Reason.UPDATING)  # an update that an ACTIVE status does not show (eksctl#8514)
            except eks.exceptions.ResourceNotFoundException:
                return Observation.ready_with()
            return _pending(request, Reason.DELETING, FIRST_LOOK_SECONDS)
        case unknown:
            raise unknown_state(f"cluster {found['name']}", unknown)


def _others(request: Request, eks: "EKSClient") -> list[str]:
    name = request.cluster.name
    try:
        profiles = [
            each
            for page in eks.get_paginator("list_fargate_profiles").paginate(clusterName=name)
            for each in page["fargateProfileNames"]
            if not fargate_profile.is_ours(each)
        ]
        groups = [
            each
            for page in eks.get_paginator("list_nodegroups").paginate(clusterName=name)
            for each in page["nodegroups"]
        ]
    except eks.exceptions.ResourceNotFoundException:
        return []  # the cluster has just gone
    return [f"the Fargate profile {each}" for each in profiles] + [f"the node group {each}" for each in groups]


def _pending(request: Request, reason: Reason, seconds: int = POLL_SECONDS) -> Observation:
    waiting_for = [f"cluster {request.cluster.name}"]
    return Observation.pending(reason, retry_after_seconds=seconds, waiting_for=waiting_for)
