"""The roles that services are given: EKS the cluster's, Fargate that of its pods.

For some minutes a service may know nothing of a role that was made, mended or given its policy a moment ago; nor of
EKS's own role, which an account's first cluster makes. It refuses all of that, and every other parameter that is
wrong, with one code. So IAM is asked: what is wrong there is wrong, what is right there may not have been spread yet.
Sources: terraform-aws-modules/terraform-aws-eks#2406, crossplane-contrib/provider-aws#218; the refusals that
terraform-provider-aws repeats (eks/cluster.go, eks/fargate_profile.go).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from provisioner.aws.errors import boundary_error
from provisioner.errors import ErrorReason, TerminalError, UnsettledError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

_DEPLOY = "deploy the present accounts/target.yaml in the account"
_AGAIN = "the same call is made again for some minutes, in which IAM spreads what was changed; if it stays so, "


@dataclass(frozen=True)
class GivenRole:
    """A role, the service that is to assume it, and the policy of AWS's that the service wants it to have."""

    arn: str
    service: str
    policy_arn: str | None = None

    @classmethod
    def of_cluster(cls, arn: str) -> "GivenRole":
        """Source: EKS user guide, "Amazon EKS cluster IAM role"."""
        return cls(arn, "eks.amazonaws.com", f"arn:{arn.split(':')[1]}:iam::aws:policy/AmazonEKSClusterPolicy")

    @classmethod
    def of_pods(cls, arn: str) -> "GivenRole":
        """Source: EKS user guide, "Amazon EKS Pod execution IAM role"."""
        return cls(arn, "eks-fargate-pods.amazonaws.com")

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]

    def fault(self, iam: "IAMClient") -> str | None:
        """What is wrong with it by what IAM says; None when it is right. Source: IAM API, GetRole."""
        try:
            role = iam.get_role(RoleName=self.name)["Role"]
        except iam.exceptions.NoSuchEntityException:
            return f"role {self.arn} does not exist"
        if not _lets_in(role["AssumeRolePolicyDocument"], self.service):
            return f"role {self.arn} does not let {self.service} assume it"
        if self.policy_arn and self.policy_arn not in _attached(self.name, iam):
            return f"role {self.arn} does not have {self.policy_arn}"
        return None


def refusal(error: ClientError, role: GivenRole, iam: "IAMClient") -> UnsettledError | TerminalError:
    """The error to raise when a service took a request with the role for wrong: final when IAM says why."""
    subject = boundary_error(error, error.operation_name).subject
    if fault := role.fault(iam):
        return TerminalError(ErrorReason.UNSUITABLE_ACCOUNT, f"{subject}; {fault}", remedy=f"{_DEPLOY} and run again")
    return UnsettledError(
        ErrorReason.NOT_YET_CONSISTENT,
        f"{subject}; by what IAM says, {role.arn} is right",
        remedy=f"{_AGAIN}correct what AWS names, then start again",
    )


def _attached(role_name: str, iam: "IAMClient") -> set[str]:
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role_name)
    return {policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]}


def _lets_in(trust: Any, service: str) -> bool:
    """Whether a statement allows the service to assume the role; its conditions are not looked into."""
    return any(
        statement["Effect"] == "Allow"
        and service in _listed(statement.get("Principal", {}), "Service")
        and not {"sts:AssumeRole", "sts:*", "*"}.isdisjoint(_listed(statement, "Action"))
        for statement in _all(trust.get("Statement", []))
    )


def _listed(holder: Any, name: str) -> list[str]:
    return _all(holder.get(name, [])) if isinstance(holder, Mapping) else []


def _all(value: Any) -> list[Any]:
    """A policy may have one in place of a list of them."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else [value]
