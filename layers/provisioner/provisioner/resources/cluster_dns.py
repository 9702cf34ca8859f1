"""CoreDNS as a managed add-on that runs on Fargate."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import fargate_profile, health
from provisioner.resources.ownership import require_ours, unknown_state

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import AddonTypeDef

NAME = "coredns"
CONFIGURATION = {"computeType": "Fargate"}
POLL_SECONDS = 15
# Its pods wait for a Fargate profile and then a minute for their nodes; beyond this the health issues are the news.
LONGEST_DEGRADED = timedelta(minutes=15)


def find(request: Request, eks: "EKSClient") -> "AddonTypeDef | None":
    """The add-on, None when absent."""
    try:
        return eks.describe_addon(clusterName=request.cluster.name, addonName=NAME)["addon"]
    except eks.exceptions.ResourceNotFoundException:
        return None


def ensure(request: Request, eks: "EKSClient", *, now: datetime) -> Observation:
    """Converge the coredns add-on, configured for Fargate: facts {addon}.

    Idempotency key: the add-on's name. No token of the request's, which EKS would remember: what is made again
    after a removal must not be answered with what was there before.
    Raises: TerminalError OWNED_BY_ANOTHER, UNUSABLE (failed, or DEGRADED for too long, with its health issues).
    Source: EKS API, CreateAddon, Addon.status; EKS User Guide, CoreDNS on Fargate (computeType).
    """
    addon = find(request, eks) or _create(request, eks)
    if addon is None:
        return Observation.pending(Reason.CREATING, retry_after_seconds=POLL_SECONDS)
    require_ours(request, addon.get("tags", {}), f"add-on {NAME}")
    match addon["status"]:
        case "ACTIVE" | "DEGRADED" if not is_configured(addon):
            return _update(request, addon, eks)
        case "ACTIVE":
            return Observation.ready_with(addon=NAME)
        case "DEGRADED":
            if now - _could_run_since(request, addon, eks) > LONGEST_DEGRADED:
                raise _unusable(addon, remedy="check that a Fargate profile selects kube-system, then run again")
            return _pending(Reason.WAITING_FOR_FARGATE_PROFILE)
        case "CREATING":
            return _pending(Reason.CREATING)
        case "UPDATING":
            return _pending(Reason.UPDATING)
        case "DELETING":
            return _pending(Reason.DELETING)
        case "CREATE_FAILED" | "DELETE_FAILED":
            raise _unusable(addon, remedy="remove the cause, delete the add-on and run again")
        case "UPDATE_FAILED":
            raise _unusable(addon, remedy="remove the cause, update the add-on by hand and run again")
        case unknown:
            raise unknown_state(f"add-on {NAME}", unknown)


def _create(request: Request, eks: "EKSClient") -> "AddonTypeDef | None":
    try:
        return eks.create_addon(
            clusterName=request.cluster.name,
            addonName=NAME,
            configurationValues=json.dumps(CONFIGURATION),
            resolveConflicts="OVERWRITE",
            tags=request.owner_tags,
        )["addon"]
    except eks.exceptions.ResourceInUseException:
        return find(request, eks)


def _update(request: Request, addon: "AddonTypeDef", eks: "EKSClient") -> Observation:
    with suppress(eks.exceptions.ResourceInUseException):  # another update is under way; the next look decides
        eks.update_addon(
            clusterName=request.cluster.name,
            addonName=NAME,
            configurationValues=json.dumps({**configuration_of(addon), **CONFIGURATION}),
            resolveConflicts="OVERWRITE",
        )
    return _pending(Reason.UPDATING)


def _could_run_since(request: Request, addon: "AddonTypeDef", eks: "EKSClient") -> datetime:
    """Its last change, or that of the profile that takes its pods: one made again is waited for like the first."""
    profile = fargate_profile.find(request, eks)
    return max(addon["modifiedAt"], profile["createdAt"]) if profile else addon["modifiedAt"]


def configuration_of(addon: "AddonTypeDef") -> dict[str, Any]:
    values: dict[str, Any] = json.loads(addon.get("configurationValues") or "{}")
    return values


def is_configured(addon: "AddonTypeDef") -> bool:
    """Other keys are somebody's tuning and stay."""
    return CONFIGURATION.items() <= configuration_of(addon).items()


def _pending(reason: Reason) -> Observation:
    return Observation.pending(reason, retry_after_seconds=POLL_SECONDS, addon=NAME)


def _unusable(addon: "AddonTypeDef", *, remedy: str) -> TerminalError:
    issues = health.summary(addon.get("health", {}).get("issues", []))
    return TerminalError(ErrorReason.UNUSABLE, f"add-on {NAME} is {addon['status']}: {issues}", remedy=remedy)
