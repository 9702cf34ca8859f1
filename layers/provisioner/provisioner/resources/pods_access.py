"""The access entry through which Fargate's nodes join: EKS makes it with the profile, for the pod execution role.

Without it, or when the role was made again since, Fargate starts no pod through the profile: "Pod execution role is not
found in auth config".
Source: EKS user guide, "Create access entries", FARGATE_LINUX; terraform-aws-modules/terraform-aws-eks#2912, #2972.
"""

from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.request import Request
from provisioner.resources import cluster_access, principals

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_iam import IAMClient

ENTRY_TYPE = "FARGATE_LINUX"


def ensure(request: Request, role_arn: str, eks: "EKSClient", iam: "IAMClient") -> bool:
    """Converge the role's access entry; whether it was there as it has to be, for a new one takes seconds to be known.

    EKS's own entry is replaced when the role was made again since: nobody else can have a use for it.
    Idempotency key: the role's ARN. Raises: TerminalError IMMUTABLE, of an entry of another type.
    """
    entry = cluster_access.find(request, role_arn, eks)
    if entry is not None and entry.get("type") != ENTRY_TYPE:
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"the access entry of {role_arn} is of type {entry.get('type')}, and Fargate needs {ENTRY_TYPE}",
            remedy="delete the access entry and start again",
        )
    if entry is not None and principals.standing(request, entry, iam) != "made again":
        return True
    if entry is not None:
        cluster_access.remove(request, role_arn, eks)
    cluster_access.create(request, role_arn, ENTRY_TYPE, eks, iam)
    return False
