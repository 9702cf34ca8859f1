"""First step: the storage objects leave the cluster, if there is one that can still be asked."""

from provisioner.aws.session import Target
from provisioner.kubernetes import storage_removal
from provisioner.kubernetes.client import api_of
from provisioner.observation import Observation
from provisioner.removal.existing import Existing
from provisioner.request import Request
from provisioner.resources import cluster_access, cluster_removal


def remove(request: Request, target: Target, existing: Existing | None) -> Observation:
    """Converge to no object of ours in the cluster; ready as well when no cluster answers, or lets the remover in.

    Raises: TerminalError OWNED_BY_ANOTHER (the cluster), PROTECTED; RetryableError, UnsettledError.
    """
    eks = target.client("eks")
    found = cluster_removal.find_ours(request, eks)
    if found is None or found["status"] not in ("ACTIVE", "UPDATING"):
        return Observation.ready_with()
    if existing is None:
        cluster_removal.require_removable(request, found, eks)
    elif existing.objects is None:
        return Observation.ready_with()  # nobody knows what was there before
    if cluster_access.find(request, target.role_arn("remover"), eks) is None:
        # An earlier version has made the cluster. What was ours goes with it; others' was looked for by the inspector.
        # No run has made objects before this entry, which it makes first.
        return Observation.ready_with()
    return storage_removal.remove(request, api_of(target, found), (existing.objects or []) if existing else [])
