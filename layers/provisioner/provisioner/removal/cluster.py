"""Second step: the cluster with all that EKS runs for it."""

from provisioner.aws.session import Target
from provisioner.observation import Observation
from provisioner.removal.existing import Existing
from provisioner.removal.steps import in_order, together
from provisioner.request import Request
from provisioner.resources import (
    cluster_access_removal,
    cluster_dns_removal,
    cluster_logs_removal,
    cluster_removal,
    fargate_profile_removal,
)


def remove(request: Request, target: Target, existing: Existing | None, *, delete_logs: bool) -> Observation:
    """Converge to no cluster, and to no log group of its control plane where that is asked for.

    A roll-back leaves what was `existing`, and takes the log group of a cluster that it removes.
    Raises: TerminalError OWNED_BY_ANOTHER, PROTECTED, UNUSABLE.
    """
    eks, logs = target.client("eks"), target.client("logs")
    before = existing or Existing()
    found = cluster_removal.find_ours(request, eks)
    if found is not None and before.cluster is None:
        cluster_removal.require_removable(request, found, eks)
    gone = Observation.ready_with

    def parts() -> Observation:
        return together(
            lambda: gone() if before.addon else cluster_dns_removal.remove(request, eks),
            lambda: fargate_profile_removal.remove(request, before.fargate_profiles, eks),
        )

    if before.cluster is not None:
        entries = {"pods_role_arn": target.role_arn("fargate-pods"), "last": target.role_arn("remover")}
        return in_order(parts, lambda: cluster_access_removal.remove(request, before.access_entries, eks, **entries))
    is_logs_end = delete_logs or (existing is not None and existing.log_group is None)
    return in_order(
        parts,
        lambda: cluster_removal.remove(request, eks),
        lambda: cluster_logs_removal.remove(request, logs) if is_logs_end else gone(),
    )
