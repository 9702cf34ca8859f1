"""CoreDNS as a managed add-on that runs on Fargate."""

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import fargate_profile, health
from provisioner.resources.ownership import require_ours, unknown_state
from provisioner.resources.tags import ensure_eks_tags

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import AddonTypeDef, FargateProfileTypeDef

NAME = "coredns"
CONFIGURATION = {"computeType": "Fargate"}
POLL_SECONDS = 15
# In the pods' annotations: when the profile was made that they are there for.
MADE_FOR = "eks-efs-provisioner/fargate-profile-made-at"
# Its pods wait for a Fargate profile and then a minute for their nodes; beyond this the health issues are the news.
LONGEST_DEGRADED = timedelta(minutes=9)


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
    Source: EKS API, CreateAddon, Addon.status; EKS User Guide, CoreDNS on Fargate (computeType), "Get started with AWS
    Fargate for your cluster" (pods from before the profile).
    """
    addon = find(request, eks) or _create(request, eks)
    if addon is None:
        return Observation.pending(Reason.CREATING, retry_after_seconds=POLL_SECONDS)
    require_ours(request, addon.get("tags", {}), f"add-on {NAME}")
    if addon["status"] in ("ACTIVE", "DEGRADED"):
        ensure_eks_tags(request, addon["addonArn"], addon.get("tags", {}), eks)
    match addon["status"]:
        case "ACTIVE" | "DEGRADED" if not is_configured(addon):
            return _update(request, addon, eks)
        case "ACTIVE":
            return Observation.ready_with(addon=NAME)
        case "DEGRADED":
            return _run_its_pods(request, addon, eks, now)
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


def _update(request: Request, addon: "AddonTypeDef", eks: "EKSClient", **changes: Any) -> Observation:
    with suppress(eks.exceptions.ResourceInUseException):  # another update is under way; the next look decides
        eks.update_addon(
            clusterName=request.cluster.name,
            addonName=NAME,
            configurationValues=json.dumps({**configuration_of(addon), **CONFIGURATION, **changes}),
            resolveConflicts="OVERWRITE",
        )
    return _pending(Reason.UPDATING)


def _run_its_pods(request: Request, addon: "AddonTypeDef", eks: "EKSClient", now: datetime) -> Observation:
    """Waits for them; those from before the profile, whom Fargate never takes, are replaced, once for each profile.

    Another annotation makes other pods, as `kubectl rollout restart` does.
    """
    profile = profile_of(request, fargate_profile.find_all(request, eks))
    if profile and are_from_before(profile, addon):
        annotations = configuration_of(addon).get("podAnnotations", {})
        return _update(request, addon, eks, podAnnotations={**annotations, **_made_for(profile)})
    could_run_since = max(addon["modifiedAt"], profile["createdAt"]) if profile else addon["modifiedAt"]
    if now - could_run_since > LONGEST_DEGRADED:
        raise _unusable(addon, remedy="check that a Fargate profile selects kube-system, then run again")
    return _pending(Reason.WAITING_FOR_FARGATE_PROFILE)


def profile_of(request: Request, profiles: Iterable["FargateProfileTypeDef"]) -> "FargateProfileTypeDef | None":
    """That which takes the add-on's pods; the first of several."""
    taking = [each for each in profiles if "kube-system" not in fargate_profile.unselected_namespaces(request, [each])]
    return min(taking, key=lambda each: each["createdAt"], default=None)


def are_from_before(profile: "FargateProfileTypeDef", addon: "AddonTypeDef") -> bool:
    """Whether the add-on's pods may be older than the profile, and have not been replaced for it.

    By the add-on's creation: what else changes `modifiedAt` nobody says.
    """
    if profile["status"] != "ACTIVE" or profile["createdAt"] <= addon["createdAt"]:
        return False
    return not _made_for(profile).items() <= configuration_of(addon).get("podAnnotations", {}).items()


def _made_for(profile: "FargateProfileTypeDef") -> dict[str, str]:
    return {MADE_FOR: profile["createdAt"].isoformat()}


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
