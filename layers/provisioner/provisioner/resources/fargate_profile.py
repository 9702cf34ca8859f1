"""The Fargate profile: which pods run on Fargate, and in which subnets. EKS can create one, but never change it."""

from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import given_roles, health, pods_access
from provisioner.resources.given_roles import GivenRole
from provisioner.resources.ownership import require_ours, unknown_state
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import FargateProfileTypeDef
    from mypy_boto3_iam import IAMClient

# EKS reserves names that begin with `eks-`.
NAME = "provisioner"
POLL_SECONDS = 15


def find(request: Request, eks: "EKSClient") -> "FargateProfileTypeDef | None":
    """The profile, None when absent."""
    try:
        found = eks.describe_fargate_profile(clusterName=request.cluster.name, fargateProfileName=NAME)
    except eks.exceptions.ResourceNotFoundException:
        return None
    return found["fargateProfile"]


def ensure(request: Request, network: Network, eks: "EKSClient", iam: "IAMClient", *, role_arn: str) -> Observation:
    """Converge one profile for default, kube-system and the storage namespace, which nodes can join: facts
    {fargate_profile}.

    Idempotency key: the profile's name. No token of the request's, which EKS would remember: what is made again
    after a removal must not be answered with what was there before.
    Raises: TerminalError OWNED_BY_ANOTHER, IMMUTABLE, UNUSABLE (CREATE_FAILED, with its health issues),
        UNSUITABLE_ACCOUNT (the role); UnsettledError when EKS refuses a role that is right by what IAM says.
    Source: EKS API, CreateFargateProfile, FargateProfile.status; one creation or deletion at a time per cluster.
    """
    profile = find(request, eks) or _create(request, network, eks, iam, GivenRole.of_pods(role_arn))
    if profile is None:
        return Observation.pending(Reason.WAITING_FOR_ANOTHER_PROFILE, retry_after_seconds=POLL_SECONDS)
    require_ours(request, profile.get("tags", {}), f"Fargate profile {NAME}")
    match profile["status"]:
        case "ACTIVE":
            _require_unchanged(request, network, profile, role_arn)
            if not pods_access.ensure(request, role_arn, eks, iam):
                return Observation.pending(Reason.ACCESS_NOT_YET_EFFECTIVE, retry_after_seconds=POLL_SECONDS)
            return Observation.ready_with(fargate_profile=NAME)
        case "CREATING":
            return Observation.pending(Reason.CREATING, retry_after_seconds=POLL_SECONDS, fargate_profile=NAME)
        case "DELETING":
            return Observation.pending(Reason.DELETING, retry_after_seconds=POLL_SECONDS, fargate_profile=NAME)
        case "CREATE_FAILED" | "DELETE_FAILED" as status:
            issues = health.summary(profile.get("health", {}).get("issues", []))
            raise TerminalError(
                ErrorReason.UNUSABLE,
                f"Fargate profile {NAME} is {status}: {issues}",
                remedy="remove the cause, delete the profile and run again",
            )
        case unknown:
            raise unknown_state(f"Fargate profile {NAME}", unknown)


def namespaces(request: Request) -> list[str]:
    """What the profile selects: three selectors at most, EKS allows five."""
    return list(dict.fromkeys(["default", "kube-system", request.storage.namespace]))


def _create(
    request: Request, network: Network, eks: "EKSClient", iam: "IAMClient", role: GivenRole
) -> "FargateProfileTypeDef | None":
    """The new profile, or the one another run made meanwhile; None while the cluster is busy with another one."""
    try:
        return eks.create_fargate_profile(
            fargateProfileName=NAME,
            clusterName=request.cluster.name,
            podExecutionRoleArn=role.arn,
            subnets=network.subnet_ids,
            selectors=[{"namespace": namespace} for namespace in namespaces(request)],
            tags=request.owner_tags,
        )["fargateProfile"]
    except eks.exceptions.ResourceInUseException:
        return find(request, eks)
    except eks.exceptions.InvalidParameterException as error:
        raise given_roles.refusal(error, role, iam) from error


def unselected_namespaces(request: Request, profile: "FargateProfileTypeDef") -> list[str]:
    """What the profile does not take all pods of."""
    selected = {s["namespace"] for s in profile.get("selectors", []) if "namespace" in s and not s.get("labels")}
    return [namespace for namespace in namespaces(request) if namespace not in selected]


def unused_subnets(network: Network, profile: "FargateProfileTypeDef") -> list[str]:
    return [subnet_id for subnet_id in network.subnet_ids if subnet_id not in profile.get("subnets", [])]


def _require_unchanged(request: Request, network: Network, profile: "FargateProfileTypeDef", role_arn: str) -> None:
    problems = [f"does not select the namespace {each}" for each in unselected_namespaces(request, profile)]
    problems += [f"does not use the subnet {subnet_id}" for subnet_id in unused_subnets(network, profile)]
    if profile["podExecutionRoleArn"] != role_arn:
        problems.append(f"runs pods as {profile['podExecutionRoleArn']}, not {role_arn}")
    if problems:
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"Fargate profile {NAME} {', '.join(problems)}",
            remedy="delete the profile (its pods stop) and run again, or ask for what it covers",
        )
