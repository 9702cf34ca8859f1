"""Whether Fargate's nodes can still join the cluster."""

from typing import TYPE_CHECKING

from provisioner.difference import EXISTS, DriftKind, Inspected, Severity
from provisioner.request import Request
from provisioner.resources import cluster_access, principals
from provisioner.resources.pods_access import ENTRY_TYPE

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_iam import IAMClient

MISSING = DriftKind(
    resource="access entry of {role}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="Fargate starts no pod any more: its nodes join through the pod execution role, which the cluster does not "
    "know.",
    fix="a run makes the access entry of {role} again; pods that became Pending meanwhile have to be deleted and made "
    "again",
)
MADE_AGAIN = DriftKind(
    resource="access entry of {role}",
    path="principal",
    severity=Severity.CRITICAL,
    meaning="The pod execution role was deleted and made again: the access entry means the earlier one, and Fargate "
    "starts no pod any more.",
    fix="a run deletes the access entry of {role} and makes it again; pods that became Pending meanwhile have to be "
    "deleted and made again",
)
GONE = DriftKind(
    resource="access entry of {role}",
    path="principal",
    severity=Severity.CRITICAL,
    meaning="The pod execution role was deleted: Fargate starts no pod any more.",
    fix="deploy accounts/target.yaml again, so that there is {role}, then start a run",
    repairable=False,
)
OTHER_TYPE = DriftKind(
    resource="access entry of {role}",
    path="type",
    severity=Severity.CRITICAL,
    meaning="The pod execution role's access entry is not one for Fargate's nodes: Fargate starts no pod any more.",
    fix="delete the access entry of {role}, then start a run, which makes it with the type {expected}",
    repairable=False,
)


def inspect(request: Request, role_arn: str, eks: "EKSClient", iam: "IAMClient") -> Inspected:
    """The entry against the one that EKS makes with the profile; two reads."""
    resource, entry = f"access entry of {role_arn}", cluster_access.find(request, role_arn, eks)
    if entry is None:
        return Inspected.of(resource, [MISSING.missing(role=role_arn)])
    if entry.get("type") != ENTRY_TYPE:
        return Inspected.of(resource, [OTHER_TYPE.found(expected=ENTRY_TYPE, actual=entry.get("type"), role=role_arn)])
    match principals.standing(request, entry, iam):
        case "made again":
            return Inspected.of(resource, [MADE_AGAIN.found(expected="known", actual="made again", role=role_arn)])
        case "gone":
            return Inspected.of(resource, [GONE.found(expected="known", actual="gone", role=role_arn)])
        case "known":
            return Inspected.of(resource, [])
