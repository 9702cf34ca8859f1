"""Whether everybody who was promised access to the Kubernetes API has it. Entries that others made are theirs."""

from typing import TYPE_CHECKING

from provisioner.difference import EXISTS, DriftKind, Inspected, Severity
from provisioner.request import Request
from provisioner.resources import cluster_access, principals
from provisioner.resources.ownership import ownership

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_iam import IAMClient

MISSING = DriftKind(
    resource="access entry of {principal}",
    path=EXISTS,
    severity=Severity.WARNING,
    meaning="The principal can no longer use the Kubernetes API: people are locked out, or this program is.",
    fix="a run makes the access entry of {principal} again, with its policy",
)
POLICY_MISSING = DriftKind(
    resource="access entry of {principal}",
    path="policies.{policy}",
    severity=Severity.WARNING,
    meaning="The principal is let in and may do nothing, or less than asked for.",
    fix="a run associates {policy} with {principal} again, with cluster scope",
)
POLICY_MISSING_AT_OTHERS = DriftKind(
    resource="access entry of {principal}",
    path="policies.{policy}",
    severity=Severity.WARNING,
    meaning="Somebody else made the access entry, and without the policy asked for; what is not ours is not changed.",
    fix="associate {policy} with {principal} by hand, or delete the access entry and start a run, which makes it",
    repairable=False,
)


MADE_AGAIN = DriftKind(
    resource="access entry of {principal}",
    path="principal",
    severity=Severity.WARNING,
    meaning="The role or user was deleted and made again: the access entry means the earlier one, and lets nobody in.",
    fix="a run deletes the access entry of {principal} and makes it again, with its policy",
)
MADE_AGAIN_AT_OTHERS = DriftKind(
    resource="access entry of {principal}",
    path="principal",
    severity=Severity.WARNING,
    meaning="The role or user was deleted and made again. Its access entry means the earlier one, and was made by "
    "somebody else; what is not ours is not changed.",
    fix="delete the access entry of {principal} and start a run, which makes it",
    repairable=False,
)
GONE = DriftKind(
    resource="access entry of {principal}",
    path="principal",
    severity=Severity.WARNING,
    meaning="The role or user was deleted, or has another path: nobody can be let in by its ARN.",
    fix="make {principal} again (the project's own roles by deploying accounts/target.yaml), or take it out of "
    "cluster.admin_principal_arns; then start a run",
    repairable=False,
)


def inspect_missing(principal_arn: str) -> Inspected:
    """Of a cluster that is not there: nobody has access to it."""
    return Inspected.of(f"access entry of {principal_arn}", [MISSING.missing(principal=principal_arn)])


def inspect(request: Request, principal_arn: str, policy_arn: str, eks: "EKSClient", iam: "IAMClient") -> Inspected:
    """The principal, its entry and its policies against what `ensure` makes; three reads."""
    resource, entry = f"access entry of {principal_arn}", cluster_access.find(request, principal_arn, eks)
    if entry is None:
        return inspect_missing(principal_arn)
    standing = principals.standing(request, entry, iam)
    if standing == "gone":
        return Inspected.of(resource, [GONE.found(expected="known", actual=standing, principal=principal_arn)])
    is_ours = cluster_access.is_ours(request, entry)
    if standing == "made again":
        kind = MADE_AGAIN if is_ours else MADE_AGAIN_AT_OTHERS
        return Inspected.of(resource, [kind.found(expected="known", actual=standing, principal=principal_arn)])
    differences = ownership(request, entry.get("tags", {}), resource) if is_ours else []
    if policy_arn in (cluster_access.policies_of(request, principal_arn, eks) or []):
        return Inspected.of(resource, differences)
    kind = POLICY_MISSING if is_ours else POLICY_MISSING_AT_OTHERS
    policy = policy_arn.rpartition("/")[2]
    missing = kind.found(expected="cluster", actual=None, principal=principal_arn, policy=policy)
    return Inspected.of(resource, [*differences, missing])
