"""Whether everybody who was promised access to the Kubernetes API has it. Entries that others made are theirs."""

from typing import TYPE_CHECKING

from provisioner.difference import EXISTS, DriftKind, Inspected, Severity
from provisioner.request import Request
from provisioner.resources import cluster_access

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient

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


def inspect_missing(principal_arn: str) -> Inspected:
    """Of a cluster that is not there: nobody has access to it."""
    return Inspected.of(f"access entry of {principal_arn}", [MISSING.missing(principal=principal_arn)])


def inspect(request: Request, principal_arn: str, policy_arn: str, eks: "EKSClient") -> Inspected:
    """The principal's policies against the one that `ensure` associates; one read, and one more when it is missing."""
    associated = cluster_access.policies_of(request, principal_arn, eks)
    if associated is None:
        return inspect_missing(principal_arn)
    resource = f"access entry of {principal_arn}"
    if policy_arn in associated:
        return Inspected.of(resource, [])
    entry = cluster_access.find(request, principal_arn, eks)
    kind = POLICY_MISSING if entry and cluster_access.is_ours(request, entry) else POLICY_MISSING_AT_OTHERS
    policy = policy_arn.rpartition("/")[2]
    return Inspected.of(resource, [kind.found(expected="cluster", actual=None, principal=principal_arn, policy=policy)])
