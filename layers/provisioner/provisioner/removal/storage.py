"""First step: the storage objects leave the cluster, if there is one that can still be asked."""

from provisioner.aws.session import Target
from provisioner.errors import ErrorReason, TerminalError
from provisioner.kubernetes import storage_removal
from provisioner.kubernetes.client import api_of
from provisioner.observation import Observation
from provisioner.removal.existing import Existing
from provisioner.request import Request
from provisioner.resources import cluster_access, cluster_removal


def remove(request: Request, target: Target, existing: Existing | None) -> Observation:
    """Converge to no object of ours in the cluster; ready as well when there is no cluster that answers.

    Raises: TerminalError OWNED_BY_ANOTHER (the cluster), PROTECTED, ACCESS_DENIED (an earlier version of this
        application made the cluster, and lets no remover in); RetryableError, UnsettledError.
    """
    eks = target.client("eks")
    found = cluster_removal.find_ours(request, eks)
    if found is None or found["status"] not in ("ACTIVE", "UPDATING"):
        return Observation.ready_with()
    if existing is None:
        cluster_removal.require_removable(request, found, eks)
    elif existing.objects is None:
        return Observation.ready_with()  # nobody knows what was there before
    if not _may_enter(request, target):
        return Observation.ready_with()
    return storage_removal.remove(request, api_of(target, found), (existing.objects or []) if existing else [])


def _may_enter(request: Request, target: Target) -> bool:
    """False where the provisioner has not been in either: its access entry is made after the remover's."""
    eks, remover = target.client("eks"), target.role_arn("remover")
    if cluster_access.find(request, remover, eks):
        return True
    if not cluster_access.find(request, target.role_arn("provisioner"), eks):
        return False
    raise TerminalError(
        ErrorReason.ACCESS_DENIED,
        f"cluster {request.cluster.name} has no access entry for {remover}",
        remedy="start a run for the cluster, which makes the entry, then remove the cluster",
    )
