"""The IAM roles and users behind ARNs. Who is given access keeps it by a unique id, which no ARN shows.

A role or user that is deleted and made again under its ARN is another one, and is not let in where the first one was.
Source: IAM guide, "IAM identifiers"; EKS API, AccessEntry.principalArn; aws/containers-roadmap#2441.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from provisioner.request import Request

if TYPE_CHECKING:
    from mypy_boto3_eks.type_defs import AccessEntryTypeDef
    from mypy_boto3_iam import IAMClient

Standing = Literal["known", "made again", "gone"]
"""What became of an access entry's principal since the entry was made; of another account's it counts as known."""


@dataclass(frozen=True)
class Principal:
    """`made_at` is a whole second, as IAM tells it."""

    arn: str
    made_at: datetime


def is_of_account(request: Request, principal_arn: str) -> bool:
    """Whether IAM of the request's account can tell of it."""
    return principal_arn.split(":")[4] == request.account_id


def find(principal_arn: str, iam: "IAMClient") -> Principal | None:
    """The role or user of that name, which is unique in an account whatever its path; None when absent.

    Its ARN is another one than asked for when the path is. Source: IAM API, GetRole, GetUser.
    """
    name = principal_arn.rsplit("/", 1)[-1]
    try:
        if ":user/" in principal_arn:
            user = iam.get_user(UserName=name)["User"]
            return Principal(user["Arn"], user["CreateDate"])
        role = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    return Principal(role["Arn"], role["CreateDate"])


def standing(request: Request, entry: "AccessEntryTypeDef", iam: "IAMClient") -> Standing:
    """Whether the access entry still means its principal: one that is younger than the entry is another one."""
    principal_arn = entry["principalArn"]
    if not is_of_account(request, principal_arn):
        return "known"
    principal = find(principal_arn, iam)
    if principal is None or principal.arn != principal_arn:
        return "gone"
    return "made again" if entry["createdAt"] < principal.made_at else "known"
