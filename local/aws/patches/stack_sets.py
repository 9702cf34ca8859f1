"""AWS::CloudFormation::StackSet with permissions of the service: a stack in every account below organizational units.

moto lacks the type, and SERVICE_MANAGED stack sets altogether. Only what our template uses is known: one template, one
instance per account and region, and automatic deployment when an account is moved below one of the units.
Sources: CloudFormation user guide, "StackSets with service-managed permissions", "Register a delegated administrator";
API reference, DeploymentTargets and AutoDeployment.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import moto.organizations.models as organizations
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.utils import get_stack_from_s3_url

from local.aws import iam
from local.aws.patches.permissions import acting_as
from local.aws.patches.resource_types import define

if TYPE_CHECKING:
    from local.aws.server import AwsServer

STACK_SETS = "member.org.stacksets.cloudformation.amazonaws.com"


def install(server: AwsServer) -> None:
    stack_sets: list[Any] = []
    move_account = organizations.OrganizationsBackend.move_account

    def create(made: Any) -> None:
        _check(made)
        stack_sets.append(made)
        for account_id in _targets(made):
            _deploy(made, account_id)

    def move(self: Any, **request: Any) -> None:
        move_account(self, **request)
        for made in stack_sets:
            new = made.properties["AutoDeployment"]["Enabled"] and _organization(made.account_id) is self
            if new and request["AccountId"] in _targets(made):
                _deploy(made, request["AccountId"])

    define("AWS::CloudFormation::StackSet", "StackSetName", create, delete=stack_sets.remove)
    organizations.OrganizationsBackend.move_account = move
    known = organizations.FakeDelegatedAdministrator.SUPPORTED_SERVICES
    organizations.FakeDelegatedAdministrator.SUPPORTED_SERVICES = [*known, STACK_SETS]


def _check(made: Any) -> None:
    """Who may do this: the management account as itself, or a delegated administrator as that."""
    properties, organization = made.properties, _organization(made.account_id)
    if properties["PermissionModel"] != "SERVICE_MANAGED":
        raise NotImplementedError("the embedded cloud knows stack sets with service-managed permissions only")
    if organization is None:
        raise ValueError(f"account {made.account_id} is in no organization: trusted access is not enabled")
    own = organization.account_id == made.account_id
    delegated = any(
        admin.account.id == made.account_id and STACK_SETS in admin.services for admin in organization.admins
    )
    if not (own if properties["CallAs"] == "SELF" else delegated):
        raise ValueError(
            f"account {made.account_id} is not the management account nor a delegated administrator: "
            f"CallAs {properties['CallAs']} is refused"
        )


def _organization(account_id: str) -> Any:
    backends = organizations.organizations_backends
    master, partition = backends.master_accounts.get(account_id, (account_id, "aws"))
    backend = backends[master][partition]
    return backend if backend.org else None


def _targets(made: Any) -> list[str]:
    """Accounts below the units, without the management account, which such stack sets leave out, and those named."""
    organization = _organization(made.account_id)
    (group,) = made.properties["StackInstancesGroup"]
    wanted = group["DeploymentTargets"]
    left_out = {organization.account_id}
    match wanted.get("AccountFilterType", "NONE"):
        case "DIFFERENCE":
            left_out |= set(wanted["Accounts"])
        case "NONE":
            pass
        case other:
            raise NotImplementedError(f"the embedded cloud does not know the account filter {other}")
    units = list(wanted["OrganizationalUnitIds"])
    for unit in units:
        organization.validate_parent_id(unit)
        units += [child.id for child in organization.ou if child.parent_id == unit]
    return [each.id for each in organization.accounts if each.parent_id in units and each.id not in left_out]


def _deploy(made: Any, account_id: str) -> None:
    template = get_stack_from_s3_url(made.properties["TemplateURL"], account_id=made.account_id, partition="aws")
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in made.properties.get("Parameters", [])}
    (group,) = made.properties["StackInstancesGroup"]
    for region in group["Regions"]:
        backend = cloudformation_backends[account_id][region]
        prefix = f"StackSet-{made.name}-"
        if not any(stack.name.startswith(prefix) for stack in backend.stacks.values()):
            with acting_as(_executor(account_id)):
                backend.create_stack(name=f"{prefix}{uuid.uuid4()}", template=template, parameters=parameters)


def _executor(account_id: str) -> iam.Principal:
    """Who makes the stacks there: an administrator of the account, whom its service control policies hold for too.

    Source: CloudFormation guide, "Service-linked roles": AWSServiceRoleForCloudFormationStackSetsOrgMember makes a role
    for it.
    """
    root = f"arn:aws:iam::{account_id}:root"
    return iam.Principal(arn=root, iam_arn=root, account_id=account_id)
