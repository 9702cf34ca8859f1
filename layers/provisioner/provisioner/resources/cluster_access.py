"""Who reaches the Kubernetes API: the provisioner's and remover's roles and people to administer it, the inspector's
role to look."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from provisioner.aws.errors import boundary_error
from provisioner.errors import ErrorReason, TerminalError, UnsettledError
from provisioner.observation import Observation
from provisioner.request import OWNER_TAG, Request
from provisioner.resources import principals
from provisioner.resources.tags import ensure_eks_tags

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import AccessEntryTypeDef
    from mypy_boto3_iam import IAMClient


def find(request: Request, principal_arn: str, eks: "EKSClient") -> "AccessEntryTypeDef | None":
    """The principal's access entry, None when absent."""
    try:
        return eks.describe_access_entry(clusterName=request.cluster.name, principalArn=principal_arn)["accessEntry"]
    except eks.exceptions.ResourceNotFoundException:
        return None


def wanted_policies(
    request: Request, *, provisioner_role_arn: str, inspector_role_arn: str, remover_role_arn: str, partition: str
) -> dict[str, str]:
    """Principal's ARN -> the ARN of the access policy that it is to have, with cluster scope.

    PersistentVolumes, StorageClasses and CSIDrivers are cluster-scoped: no lesser policies cover them. The remover's
    comes first: where the provisioner has been in, the remover can go in.
    Source: EKS User Guide, "Review access policy permissions".
    """
    policies = f"arn:{partition}:eks::aws:cluster-access-policy/"
    administrators = dict.fromkeys(request.cluster.admin_principal_arns, f"{policies}AmazonEKSClusterAdminPolicy")
    return {
        remover_role_arn: f"{policies}AmazonEKSClusterAdminPolicy",
        provisioner_role_arn: f"{policies}AmazonEKSClusterAdminPolicy",
        inspector_role_arn: f"{policies}AmazonEKSAdminViewPolicy",
        **administrators,
    }


def ensure(request: Request, wanted: Mapping[str, str], eks: "EKSClient", iam: "IAMClient") -> Observation:
    """Converge one access entry with its policy per principal of `wanted_policies`: facts {principal_arns}.

    An entry somebody else made is used as it is when it suffices, never changed. One of ours whose principal was made
    again since is made again too. Entries take seconds to become effective: the Kubernetes API may still answer 401 or
    403 after this is ready.
    Idempotency key: the principal's ARN; associating a policy twice is one association.
    Raises: TerminalError OWNED_BY_ANOTHER, UNSUITABLE_ACCOUNT (no such principal); UnsettledError when EKS does not
        know a principal that IAM knows, or that is another account's.
    Source: EKS API, CreateAccessEntry, AssociateAccessPolicy, DeleteAccessEntry.
    """
    for principal_arn, policy_arn in wanted.items():
        _ensure_policy(request, principal_arn, policy_arn, eks, iam)
    return Observation.ready_with(principal_arns=list(wanted))


def _ensure_policy(request: Request, principal_arn: str, policy_arn: str, eks: "EKSClient", iam: "IAMClient") -> None:
    entry = find(request, principal_arn, eks)
    if entry is not None and principals.standing(request, entry, iam) == "made again":
        if not is_ours(request, entry):
            raise TerminalError(
                ErrorReason.OWNED_BY_ANOTHER,
                f"the access entry of {principal_arn} was made by somebody else, and for an earlier principal of that "
                "ARN",
                remedy="delete the access entry and start again",
            )
        remove(request, principal_arn, eks)
        entry = None
    entry = entry or create(request, principal_arn, "STANDARD", eks, iam)
    if entry is not None and is_ours(request, entry):
        ensure_eks_tags(request, entry["accessEntryArn"], entry.get("tags", {}), eks)
    if policy_arn in (policies_of(request, principal_arn, eks) or []):
        return
    if entry is not None and not is_ours(request, entry):
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


def is_ours(request: Request, entry: "AccessEntryTypeDef") -> bool:
    return entry.get("tags", {}).get(OWNER_TAG) == request.cluster.name


def create(
    request: Request, principal_arn: str, entry_type: str, eks: "EKSClient", iam: "IAMClient"
) -> "AccessEntryTypeDef | None":
    """The new entry, or the one another run made meanwhile.

    Without a token of the request's: EKS remembers one, and an entry that is made again must not be answered with the
    one before. Two entries of one principal there cannot be.
    """
    try:
        return eks.create_access_entry(
            clusterName=request.cluster.name, principalArn=principal_arn, type=entry_type, tags=request.owner_tags
        )["accessEntry"]
    except eks.exceptions.ResourceInUseException:
        return find(request, principal_arn, eks)
    except eks.exceptions.InvalidParameterException as error:
        raise _refused(request, principal_arn, error, iam) from error


def _refused(
    request: Request, principal_arn: str, error: ClientError, iam: "IAMClient"
) -> UnsettledError | TerminalError:
    """EKS knows no such principal: IAM may not have spread it yet, unless it says that there is none.

    Source: terraform-aws-modules/terraform-aws-eks#2969 (invalid principal).
    """
    subject = boundary_error(error, "CreateAccessEntry").subject
    principal = principals.find(principal_arn, iam) if principals.is_of_account(request, principal_arn) else None
    if principals.is_of_account(request, principal_arn) and (principal is None or principal.arn != principal_arn):
        return TerminalError(
            ErrorReason.UNSUITABLE_ACCOUNT,
            f"{subject}; {principal_arn} does not exist" + (f", {principal.arn} does" if principal else ""),
            remedy="make it, or leave it out of cluster.admin_principal_arns, and start again",
        )
    return UnsettledError(
        ErrorReason.NOT_YET_CONSISTENT,
        f"{subject}; the principal is {principal_arn}",
        remedy="the same call is made again for some minutes, in which IAM spreads a new principal; if it stays so, "
        "see that the principal exists under that ARN, and start again",
    )


def remove(request: Request, principal_arn: str, eks: "EKSClient") -> None:
    """It is gone afterwards, whoever deleted it."""
    with suppress(eks.exceptions.ResourceNotFoundException):
        eks.delete_access_entry(clusterName=request.cluster.name, principalArn=principal_arn)


def policies_of(request: Request, principal_arn: str, eks: "EKSClient") -> list[str] | None:
    """ARNs of the policies that the principal has with cluster scope; None without an access entry."""
    pages = eks.get_paginator("list_associated_access_policies").paginate(
        clusterName=request.cluster.name, principalArn=principal_arn
    )
    try:
        associated = [policy for page in pages for policy in page["associatedAccessPolicies"]]
    except eks.exceptions.ResourceNotFoundException:
        return None
    return [policy["policyArn"] for policy in associated if policy.get("accessScope", {}).get("type") == "cluster"]
