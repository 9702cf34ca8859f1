"""Whether the project's roles in an account still have the permissions boundary that an organization demands."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioner.aws.session import Target
from provisioner.difference import DriftKind, Inspected, Severity

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

BOUNDARY = DriftKind(
    resource="role {role}",
    path="permissionsBoundary",
    severity=Severity.WARNING,
    meaning="A role of this application has not the permissions boundary that the stack's PermissionsBoundary names: "
    "it may do more than the organization lets it, or less than it has to.",
    fix="deploy accounts/target.yaml again, or give {role} the boundary {expected} by hand",
    repairable=False,
)


def inspect(target: Target) -> list[Inspected]:
    """The roles without it; none where no boundary is demanded. A read each. Source: IAM API, Role."""
    wanted = target.boundary_arn
    return list(_without(wanted, target, target.client("iam"))) if wanted else []


def _without(wanted: str, target: Target, iam: "IAMClient") -> Iterator[Inspected]:
    for purpose in ("provisioner", "inspector", "remover", "cluster", "fargate-pods"):
        arn = target.role_arn(purpose)
        try:
            role = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]
        except iam.exceptions.NoSuchEntityException:  # whoever needs it tells
            continue
        actual = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        if actual != wanted:
            yield Inspected.of(f"role {arn}", [BOUNDARY.found(expected=wanted, actual=actual, role=arn)])
