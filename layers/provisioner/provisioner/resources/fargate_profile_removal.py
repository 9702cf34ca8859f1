"""The Fargate profiles on their way out: their pods stop with them."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import health
from provisioner.resources.fargate_profile import find_all
from provisioner.resources.ownership import require_ours, unknown_state

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import FargateProfileTypeDef

POLL_SECONDS = 15
# Its pods stop first: EKS takes a minute at least, two as a rule.
FIRST_LOOK_SECONDS = 60
LATE_POLL_SECONDS = 2


def remove(request: Request, kept: Collection[str], eks: "EKSClient") -> Observation:
    """Converge to no profile of ours but those `kept`; others' are waited for while one of them is under way.

    Raises: TerminalError OWNED_BY_ANOTHER, UNUSABLE (DELETE_FAILED, with its health issues).
    Source: EKS API, DeleteFargateProfile: one at a time per cluster. Its model names no ResourceInUseException, which
    EKS answers all the same, also while the cluster is being updated (terraform#25059, terraform-aws-eks#2194).
    """
    profiles = [each for each in find_all(request, eks) if each["fargateProfileName"] not in kept]
    seen = (_remove(request, profile, eks) for profile in profiles)
    return next((each for each in seen if not each.ready), Observation.ready_with())


def _remove(request: Request, profile: "FargateProfileTypeDef", eks: "EKSClient") -> Observation:
    name = profile["fargateProfileName"]
    require_ours(request, profile.get("tags", {}), f"Fargate profile {name}")
    match profile["status"]:
        case "DELETING":
            return _pending(Reason.DELETING, name, LATE_POLL_SECONDS)
        case "CREATING":
            return _pending(Reason.CREATING, name)
        case "ACTIVE" | "CREATE_FAILED":
            return _delete(request, name, eks)
        case "DELETE_FAILED":
            issues = health.summary(profile.get("health", {}).get("issues", []))
            raise TerminalError(
                ErrorReason.UNUSABLE,
                f"Fargate profile {name} is DELETE_FAILED: {issues}",
                remedy="remove the cause, delete the profile and start again",
            )
        case unknown:
            raise unknown_state(f"Fargate profile {name}", unknown)


def _delete(request: Request, name: str, eks: "EKSClient") -> Observation:
    try:
        eks.delete_fargate_profile(clusterName=request.cluster.name, fargateProfileName=name)
    except eks.exceptions.ResourceNotFoundException:
        return Observation.ready_with()
    except eks.exceptions.ResourceInUseException:
        return _pending(Reason.WAITING_FOR_ANOTHER_PROFILE, name)
    return _pending(Reason.DELETING, name, FIRST_LOOK_SECONDS)


def _pending(reason: Reason, name: str, seconds: int = POLL_SECONDS) -> Observation:
    return Observation.pending(reason, retry_after_seconds=seconds, waiting_for=[f"Fargate profile {name}"])
