"""The coredns add-on on its way out: its pods go with it."""

from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import health
from provisioner.resources.cluster_dns import NAME, find
from provisioner.resources.ownership import require_ours, unknown_state

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import AddonTypeDef

POLL_SECONDS = 10


def remove(request: Request, eks: "EKSClient") -> Observation:
    """Converge to no add-on.

    Raises: TerminalError OWNED_BY_ANOTHER, UNUSABLE (DELETE_FAILED, with its health issues).
    Source: EKS API, DeleteAddon, Addon.status.
    """
    addon = find(request, eks)
    if addon is None:
        return Observation.ready_with()
    require_ours(request, addon.get("tags", {}), f"add-on {NAME}")
    match addon["status"]:
        case "DELETING":
            return _pending(Reason.DELETING)
        case "CREATING":
            return _pending(Reason.CREATING)
        case "UPDATING":
            return _pending(Reason.UPDATING)
        case "ACTIVE" | "DEGRADED" | "CREATE_FAILED" | "UPDATE_FAILED":
            return _delete(request, eks)
        case "DELETE_FAILED":
            raise _stuck(addon)
        case unknown:
            raise unknown_state(f"add-on {NAME}", unknown)


def _delete(request: Request, eks: "EKSClient") -> Observation:
    try:
        eks.delete_addon(clusterName=request.cluster.name, addonName=NAME)
    except eks.exceptions.ResourceNotFoundException:
        return Observation.ready_with()
    return _pending(Reason.DELETING)


def _stuck(addon: "AddonTypeDef") -> TerminalError:
    issues = health.summary(addon.get("health", {}).get("issues", []))
    return TerminalError(
        ErrorReason.UNUSABLE,
        f"add-on {NAME} is DELETE_FAILED: {issues}",
        remedy="remove the cause, delete the add-on and start again",
    )


def _pending(reason: Reason) -> Observation:
    return Observation.pending(reason, retry_after_seconds=POLL_SECONDS, waiting_for=[f"add-on {NAME}"])
