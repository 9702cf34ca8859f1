"""Who administers the cluster through the Kubernetes API: the provisioner's role and the people's roles asked for."""

from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation
from provisioner.request import OWNER_TAG, Request

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import AccessEntryTypeDef


def find(request: Request, principal_arn: str, eks: "EKSClient") -> "AccessEntryTypeDef | None":
    """The principal's access entry, None when absent."""
    try:
        return eks.describe_access_entry(clusterName=request.cluster.name, principalArn=principal_arn)["accessEntry"]
    except eks.exceptions.ResourceNotFoundException:
        return None


def ensure(request: Request, eks: "EKSClient", *, provisioner_role_arn: str, partition: str) -> Observation:
    """Converge one access entry with AmazonEKSClusterAdminPolicy per principal: facts {principal_arns}.

    PersistentVolumes, StorageClasses and CSIDrivers are cluster-scoped: no lesser access policy covers them.
    An entry somebody else made is used as it is when it suffices, never changed.
    Entries take seconds to become effective: the Kubernetes API may still answer 401 or 403 after this is ready.
    Idempotency key: the principal's ARN; associating a policy twice is one association.
    Raises: TerminalError OWNED_BY_ANOTHER.
    Source: EKS API, CreateAccessEntry, AssociateAccessPolicy; EKS User Guide, access policy permissions.
    """
    policy_arn = f"arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    principal_arns = list(dict.fromkeys([provisioner_role_arn, *request.cluster.admin_principal_arns]))
    for principal_arn in principal_arns:
        _ensure_administrator(request, principal_arn, policy_arn, eks)
    return Observation.ready_with(principal_arns=principal_arns)


def _ensure_administrator(request: Request, principal_arn: str, policy_arn: str, eks: "EKSClient") -> None:
    entry = find(request, principal_arn, eks) or _create(request, principal_arn, eks)
    if _is_administrator(request, principal_arn, policy_arn, eks):
        return
    if entry is not None and entry.get("tags", {}).get(OWNER_TAG) != request.cluster.name:
        raise TerminalError(
            ErrorReason.OWNED_BY_ANOTHER,
            f"the access entry of {principal_arn} was made by somebody else and lacks {policy_arn}",
            remedy="associate that policy with cluster scope, or delete the access entry",
        )
    eks.associate_access_policy(
        clusterName=request.cluster.name,
        principalArn=principal_arn,
        policyArn=policy_arn,
        accessScope={"type": "cluster"},
    )


def _create(request: Request, principal_arn: str, eks: "EKSClient") -> "AccessEntryTypeDef | None":
    try:
        return eks.create_access_entry(
            clusterName=request.cluster.name,
            principalArn=principal_arn,
            type="STANDARD",
            clientRequestToken=request.idempotency_token(f"access-entry {principal_arn}"),
            tags=request.owner_tags,
        )["accessEntry"]
    except eks.exceptions.ResourceInUseException:
        return find(request, principal_arn, eks)


def _is_administrator(request: Request, principal_arn: str, policy_arn: str, eks: "EKSClient") -> bool:
    pages = eks.get_paginator("list_associated_access_policies").paginate(
        clusterName=request.cluster.name, principalArn=principal_arn
    )
    return any(
        policy.get("policyArn") == policy_arn and policy.get("accessScope", {}).get("type") == "cluster"
        for page in pages
        for policy in page["associatedAccessPolicies"]
    )
