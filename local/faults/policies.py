"""Faults of policies that take away what the roles' own allow: the organization's, and a boundary of the role."""

import json
from contextlib import suppress
from typing import Any

from moto.organizations.models import OrganizationsBackend, organizations_backends

from local.aws.hooks import Undo
from local.cloud import EmbeddedCloud
from local.faults.fault import Fault

MANAGEMENT_ACCOUNT = "888877776666"
REGION_DENIED_BY_THE_ORGANIZATION = "ap-northeast-3"
REGION_OUTSIDE_THE_BOUNDARY = "eu-south-1"
ROLE = "eks-efs-provisioner-provisioner"


def deny_region(cloud: EmbeddedCloud, _cluster_name: str | None) -> Undo:
    """The account is in an organization with a service control policy as Control Tower's region deny control makes it.

    Source: AWS Control Tower guide, "Region deny control applied to the OU": all but the governed regions.
    """
    organizations = organizations_backends[MANAGEMENT_ACCOUNT]["aws"]
    if organizations.org is None:
        organizations.create_organization(cloud.region, FeatureSet="ALL")
    account = _member(organizations, cloud.account_id)
    statement = {
        "Effect": "Deny",
        "Action": "eks:*",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": REGION_DENIED_BY_THE_ORGANIZATION}},
    }
    made = organizations.create_policy(
        Name="region-deny", Description="", Type="SERVICE_CONTROL_POLICY", Content=_document(statement)
    )
    account.attached_policies.append(organizations.get_policy_by_id(made["Policy"]["PolicySummary"]["Id"]))
    organizations_backends.master_accounts[cloud.account_id] = (MANAGEMENT_ACCOUNT, "aws")

    def undo() -> None:
        organizations_backends.master_accounts.pop(cloud.account_id, None)
        with suppress(ValueError):
            organizations.accounts.remove(account)

    return undo


def _member(organizations: OrganizationsBackend, account_id: str) -> Any:
    """The account itself, invited into the organization."""
    created = organizations.create_account(AccountName="hub", Email="hub@example.com")
    account = organizations.get_account_by_id(created["CreateAccountStatus"]["AccountId"])
    organizations_backends.master_accounts.pop(account.id)
    account.id = account_id
    return account


def bound(cloud: EmbeddedCloud, _cluster_name: str | None) -> Undo:
    """The security team puts its permissions boundary on every role: it has no EKS in some region."""
    iam = cloud.client("iam")
    everything_else = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": REGION_OUTSIDE_THE_BOUNDARY}},
    }
    without_eks = {"Effect": "Allow", "NotAction": "eks:*", "Resource": "*"}
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=_document(everything_else, without_eks))
    arn = boundary["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=ROLE, PermissionsBoundary=arn)

    def undo() -> None:
        iam.delete_role_permissions_boundary(RoleName=ROLE)
        iam.delete_policy(PolicyArn=arn)

    return undo


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


FAULTS = (
    Fault(
        "organization-denies",
        "a service control policy of the organization denies EKS in the region",
        "denied-by-policy",
        deny_region,
        request={"region": REGION_DENIED_BY_THE_ORGANIZATION},
    ),
    Fault(
        "permissions-boundary",
        "a permissions boundary on the provisioner's role leaves EKS out in the region",
        "denied-by-policy",
        bound,
        request={"region": REGION_OUTSIDE_THE_BOUNDARY},
    ),
)
