"""The Fargate profile on its way out: its pods stop with it."""

from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import health
from provisioner.resources.fargate_profile import NAME, find
from provisioner.resources.ownership import require_ours, unknown_state

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient

POLL_SECONDS = 15
# Its pods stop first: EKS takes a minute at least, two as a rule.
FIRST_LOOK_SECONDS = 60
LATE_POLL_SECONDS = 2


def remove(request: Request, eks: "EKSClient") -> Observation:
    """Converge to no profile of ours; others' are not touched, but waited for while one of them is under way.

    Raises: TerminalError OWNED_BY_ANOTHER, UNUSABLE (DELETE_FAILED, with its health issues).
    Source: EKS API, DeleteFargateProfile: one at a time per cluster. Its model names no ResourceInUseException, which
    EKS answers all the same, also while the cluster is being updated (terraform#25059, terraform-aws-eks#2194).
    """
    profile = find(request, eks)
    if profile is None:
        return Observation.ready_with()
    require_ours(request, profile.get("tags", {}), f"Fargate profile {NAME}")
    match profile["status"]:
        case "DELETING":
            return _pending(Reason.DELETING, LATE_POLL_SECONDS)
        case "CREATING":
            return _pending(Reason.CREATING)
        case "ACTIVE" | "CREATE_FAILED":
            return _delete(request, eks)
        case "DELETE_FAILED":
            issues = health.summary(profile.get("health", {}).get("issues", []))
            raise TerminalError(
                ErrorReason.UNUSABLE,
                f"Fargate profile {NAME} is DELETE_FAILED: {issues}",
                remedy="remove the cause, delete the profile and start again",
            )
        case unknown:
            raise unknown_state(f"Fargate profile {NAME}", unknown)


def _delete(request: Request, eks: "EKSClient") -> Observation:
    try:
        eks.delete_fargate_profile(clusterName=request.cluster.name, fargateProfileName=NAME)
    except eks.exceptions.ResourceNotFoundException:
        return Observation.ready_with()
    except eks.exceptions.ResourceInUseException:
        return _pending(Reason.WAITING_FOR_ANOTHER_PROFILE)
    return _pending(Reason.DELETING, FIRST_LOOK_SECONDS)


def _pending(reason: Reason, seconds: int = POLL_SECONDS) -> Observation:
    return Observation.pending(reason, retry_after_seconds=seconds, waiting_for=[f"Fargate profile {NAME}"])
