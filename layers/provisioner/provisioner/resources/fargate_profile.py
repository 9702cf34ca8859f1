"""The Fargate profile: which pods run on Fargate, and in which subnets. EKS can create one, but never change it."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Final

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Looks, Observation, Reason
from provisioner.request import Request
from provisioner.resources import given_roles, health, pods_access
from provisioner.resources.given_roles import GivenRole
from provisioner.resources.ownership import require_ours, unknown_state
from provisioner.resources.tags import ensure_eks_tags
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import FargateProfileTypeDef
    from mypy_boto3_iam import IAMClient

# EKS reserves names that begin with `eks-`. Further profiles are provisioner-2 and so on.
NAME = "provisioner"
# A creation takes 1 to 5 minutes.
LOOKS = Looks(earliest_ready=60, early=20, late=2)
POLL_SECONDS = 5
# Source: EKS API, CreateFargateProfile, selectors.
_SELECTORS_PER_PROFILE: Final = 5


def find_all(request: Request, eks: "EKSClient") -> "list[FargateProfileTypeDef]":
    """The profiles of these names, the first one first; none without a cluster."""
    pages = eks.get_paginator("list_fargate_profiles").paginate(clusterName=request.cluster.name)
    try:
        numbers = sorted(filter(None, (_number(name) for page in pages for name in page["fargateProfileNames"])))
    except eks.exceptions.ResourceNotFoundException:
        return []
    return [found for number in numbers if (found := _find(request, name_of(number), eks))]


def is_ours(name: str) -> bool:
    """Whether this application gives the name."""
    return _number(name) is not None


def name_of(number: int) -> str:
    return NAME if number == 1 else f"{NAME}-{number}"


def _number(name: str) -> int | None:
    match = re.fullmatch(rf"{NAME}(?:-([2-9]|[1-9][0-9]+))?", name)
    return int(match[1] or 1) if match else None


def _find(request: Request, name: str, eks: "EKSClient") -> "FargateProfileTypeDef | None":
    try:
        found = eks.describe_fargate_profile(clusterName=request.cluster.name, fargateProfileName=name)
    except eks.exceptions.ResourceNotFoundException:
        return None
    return found["fargateProfile"]


def ensure(
    request: Request, network: Network, eks: "EKSClient", iam: "IAMClient", *, role_arn: str, now: datetime
) -> Observation:
    """Converge profiles, which nodes can join, for default, kube-system and the volumes' namespaces: facts
    {fargate_profile}.

    A profile has five selectors at most and never gets another: what none of ours selects gets a further profile. One
    that selects more than is needed stays as it is, since its pods would stop with it.
    Idempotency key: the profiles' names. No token of the request's, which EKS would remember: what is made again
    after a removal must not be answered with what was there before.
    Raises: TerminalError OWNED_BY_ANOTHER, IMMUTABLE, UNUSABLE (CREATE_FAILED, with its health issues),
        UNSUITABLE_ACCOUNT (the role), QUOTA_EXCEEDED (10 profiles); UnsettledError when EKS refuses a role that is
        right by what IAM says.
    Source: EKS API, CreateFargateProfile, FargateProfile.status; one creation or deletion at a time per cluster.
    """
    profiles = find_all(request, eks)
    for profile in profiles:
        if under_way := _not_active(request, network, profile, role_arn, now):
            return under_way
        ensure_eks_tags(request, profile["fargateProfileArn"], profile.get("tags", {}), eks)
    if missing := unselected_namespaces(request, profiles):
        taken = {each["fargateProfileName"] for each in profiles}
        name = next(each for number in count(1) if (each := name_of(number)) not in taken)
        role = GivenRole.of_pods(role_arn)
        made = _create(request, network, eks, iam, role, name, missing[:_SELECTORS_PER_PROFILE])
        if made is None:
            return Observation.pending(Reason.WAITING_FOR_ANOTHER_PROFILE, retry_after_seconds=POLL_SECONDS)
        under_way = _not_active(request, network, made, role_arn, now)
        return under_way or Observation.pending(Reason.CREATING, retry_after_seconds=LOOKS.late, fargate_profile=name)
    if not pods_access.ensure(request, role_arn, eks, iam):
        return Observation.pending(Reason.ACCESS_NOT_YET_EFFECTIVE, retry_after_seconds=POLL_SECONDS)
    return Observation.ready_with(fargate_profile=NAME)


def _not_active(
    request: Request, network: Network, profile: "FargateProfileTypeDef", role_arn: str, now: datetime
) -> Observation | None:
    """What to wait for; None of one that is ACTIVE and as it has to be."""
    name = profile["fargateProfileName"]
    require_ours(request, profile.get("tags", {}), f"Fargate profile {name}")
    match profile["status"]:
        case "ACTIVE":
            _require_unchanged(network, profile, role_arn)
            return None
        case "CREATING":
            seconds = LOOKS.next_after(profile["createdAt"], now)
            return Observation.pending(Reason.CREATING, retry_after_seconds=seconds, fargate_profile=name)
        case "DELETING":
            return Observation.pending(Reason.DELETING, retry_after_seconds=POLL_SECONDS, fargate_profile=name)
        case "CREATE_FAILED" | "DELETE_FAILED" as status:
            issues = health.summary(profile.get("health", {}).get("issues", []))
            raise TerminalError(
                ErrorReason.UNUSABLE,
                f"Fargate profile {name} is {status}: {issues}",
                remedy="remove the cause, delete the profile and run again",
            )
        case unknown:
            raise unknown_state(f"Fargate profile {name}", unknown)


def namespaces(request: Request) -> list[str]:
    """What the profiles select."""
    return list(dict.fromkeys(["default", "kube-system", *(one.storage.namespace for one in request.of_each_volume)]))


def _create(
    request: Request,
    network: Network,
    eks: "EKSClient",
    iam: "IAMClient",
    role: GivenRole,
    name: str,
    selected: Sequence[str],
) -> "FargateProfileTypeDef | None":
    """The new profile, or the one another run made meanwhile; None while the cluster is busy with another one."""
    try:
        return eks.create_fargate_profile(
            fargateProfileName=name,
            clusterName=request.cluster.name,
            podExecutionRoleArn=role.arn,
            subnets=network.subnet_ids,
            selectors=[{"namespace": namespace} for namespace in selected],
            tags=request.owner_tags,
        )["fargateProfile"]
    except eks.exceptions.ResourceInUseException:
        return _find(request, name, eks)
    except eks.exceptions.InvalidParameterException as error:
        raise given_roles.refusal(error, role, iam) from error


def unselected_namespaces(request: Request, profiles: "Iterable[FargateProfileTypeDef]") -> list[str]:
    """What none of the profiles takes all pods of."""
    selectors = [selector for profile in profiles for selector in profile.get("selectors", [])]
    selected = {each["namespace"] for each in selectors if "namespace" in each and not each.get("labels")}
    return [namespace for namespace in namespaces(request) if namespace not in selected]


def unused_subnets(network: Network, profile: "FargateProfileTypeDef") -> list[str]:
    return [subnet_id for subnet_id in network.subnet_ids if subnet_id not in profile.get("subnets", [])]


def _require_unchanged(network: Network, profile: "FargateProfileTypeDef", role_arn: str) -> None:
    problems = [f"does not use the subnet {subnet_id}" for subnet_id in unused_subnets(network, profile)]
    if profile["podExecutionRoleArn"] != role_arn:
        problems.append(f"runs pods as {profile['podExecutionRoleArn']}, not {role_arn}")
    if problems:
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"Fargate profile {profile['fargateProfileName']} {', '.join(problems)}",
            remedy="delete the profile (its pods stop) and run again, or ask for what it covers",
        )
