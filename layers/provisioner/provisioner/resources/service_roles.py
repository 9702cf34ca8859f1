"""The roles that EKS, Fargate and EFS make for themselves in an account, with the rights of who calls them first.

Source: EKS and EFS user guides, "Using service-linked roles"; IAM API, SimulatePrincipalPolicy, which counts the
account's service control policies, but for those with conditions, and the permissions boundary.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provisioner.errors import ErrorReason
from provisioner.resources import principals
from provisioner.resources.problem import Problem

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import EvaluationResultTypeDef

_MAKE: Final = "iam:CreateServiceLinkedRole"
_REMEDY: Final = (
    f"allow it {_MAKE}, or have an administrator make the role once: "
    "aws iam create-service-linked-role --aws-service-name SERVICE"
)


@dataclass(frozen=True)
class ServiceRole:
    service: str
    name: str

    def arn(self, partition: str, account_id: str) -> str:
        return f"arn:{partition}:iam::{account_id}:role/aws-service-role/{self.service}/{self.name}"


NEEDED: Final = (
    ServiceRole("eks.amazonaws.com", "AWSServiceRoleForAmazonEKS"),
    ServiceRole("eks-fargate.amazonaws.com", "AWSServiceRoleForAmazonEKSForFargate"),
    ServiceRole("elasticfilesystem.amazonaws.com", "AWSServiceRoleForAmazonElasticFileSystem"),
)


def problem(role: ServiceRole, provisioner_arn: str, iam: "IAMClient") -> Problem | None:
    """None where the role is there, or the provisioner's role may make it. Raises: ClientError."""
    _, partition, _, _, account_id, _ = provisioner_arn.split(":")
    arn = role.arn(partition, account_id)
    if principals.find(arn, iam) is not None:
        return None
    (result,) = iam.simulate_principal_policy(
        PolicySourceArn=provisioner_arn,
        ActionNames=[_MAKE],
        ResourceArns=[arn],
        ContextEntries=[
            {"ContextKeyName": "iam:AWSServiceName", "ContextKeyValues": [role.service], "ContextKeyType": "string"}
        ],
    )["EvaluationResults"]
    if result["EvalDecision"] == "allowed":
        return None
    what = f"{role.name} is missing, which {role.service} needs, and {provisioner_arn} may not make it: {_why(result)}"
    return Problem(ErrorReason.UNSUITABLE_ACCOUNT, what, _REMEDY)


def _why(result: "EvaluationResultTypeDef") -> str:
    if not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True):
        return "a service control policy does not let it"
    if not result.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary", True):
        return "its permissions boundary does not let it"
    return "its policies deny it" if result["EvalDecision"] == "explicitDeny" else "none of its policies allows it"
