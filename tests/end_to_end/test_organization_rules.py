"""An organization that lets nobody make a role without its boundary and path, nor anything without its tags."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws.permissions.reference import action
from local.cloud import EmbeddedCloud
from tests.end_to_end.accounts import MANAGEMENT, Organization
from tests.end_to_end.runs import Machine

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
STACK = "acme-storage"
PATH, PREFIX, BOUNDARY = "/platform/", "acme", "platform/boundary"
TAG = "cost-center"
QUICK = {"verification": {"writers": 1, "lines_per_writer": 1}}
MAKING = (
    "cloudformation:CreateStack",
    "ec2:AllocateAddress",
    "ec2:CreateInternetGateway",
    "ec2:CreateNatGateway",
    "ec2:CreateRouteTable",
    "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet",
    "ec2:CreateVpc",
    "eks:CreateAccessEntry",
    "eks:CreateAddon",
    "eks:CreateCluster",
    "eks:CreateFargateProfile",
    "elasticfilesystem:CreateAccessPoint",
    "elasticfilesystem:CreateFileSystem",
)
"""All that a run makes and that can have tags. EFS makes a mount target's network interface without any, and EKS a
control plane's log group."""


def roles_rule() -> list[dict[str, Any]]:
    """The role of pods has no path: Fargate takes none that has one."""
    return [
        {
            "Effect": "Deny",
            "Action": "iam:CreateRole",
            "Resource": "*",
            "Condition": {"StringNotLike": {"iam:PermissionsBoundary": f"arn:aws:iam::*:policy/{BOUNDARY}"}},
        },
        {
            "Effect": "Deny",
            "Action": ["iam:CreateRole", "iam:CreatePolicy"],
            "NotResource": [
                f"arn:aws:iam::*:*{PATH}{PREFIX}-*",
                f"arn:aws:iam::*:role/{PREFIX}-fargate-pods",
                f"arn:aws:iam::*:policy/{BOUNDARY}",
            ],
        },
    ]


def tags_rule() -> list[dict[str, Any]]:
    """A statement for each action, on what it makes. Source: EC2 guide, "Control access using tags"."""
    return [
        {
            "Effect": "Deny",
            "Action": name,
            "Resource": [
                target.type.arn_of()
                for target in action(name).targets
                if action(name).supports(f"aws:RequestTag/{TAG}", target)
            ]
            or "*",
            "Condition": {"Null": {f"aws:RequestTag/{TAG}": "true"}},
        }
        for name in MAKING
    ]


class Hub:
    """The app under such rules, in an account of the organization that is not the one that manages it."""

    def __init__(self, cloud: EmbeddedCloud, organization: Organization) -> None:
        self.organization = organization
        give_boundary(organization, cloud.account_id)
        for name, target, statements in (
            ("roles", organization.root, roles_rule()),
            ("tags", organization.unit, tags_rule()),
        ):
            organizations = organization.client("organizations")
            content = json.dumps({"Version": "2012-10-17", "Statement": statements})
            made = organizations.create_policy(
                Name=name, Description=name, Type="SERVICE_CONTROL_POLICY", Content=content
            )
            organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=target)
        parameters = {
            "RolePrefix": PREFIX,
            "RolePath": PATH,
            "PermissionsBoundary": BOUNDARY,
            "NewAccountTrigger": "DISABLED",
            "ManagementAccountId": MANAGEMENT,
            "OrganizationalUnitIds": organization.unit,
            "DefaultRequest": json.dumps(QUICK),
        }
        self.outputs = cloud.deploy(stack_name=STACK, parameters=parameters)
        self.provision = Machine(cloud, self.outputs)


def give_boundary(organization: Organization, account_id: str) -> None:
    """As the security team does, in an account that has nothing yet."""
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    path, _, name = BOUNDARY.rpartition("/")
    organization.client("iam", account_id).create_policy(
        Path=f"/{path}/", PolicyName=name, PolicyDocument=json.dumps(everything)
    )


@pytest.fixture(scope="module")
def hub(cloud: EmbeddedCloud) -> Iterator[Hub]:
    organization = Organization(cloud)
    yield Hub(cloud, organization)
    organization.dissolve()


@pytest.fixture(scope="module")
def account_id(hub: Hub) -> str:
    return hub.organization.new_account("target", before_its_unit=lambda made: give_boundary(hub.organization, made))


def test_every_role_of_the_hub_and_of_the_target_account_is_as_the_organization_demands(
    hub: Hub, account_id: str
) -> None:
    for owner, least in ((hub.provision.cloud.account_id, 40), (account_id, 5)):
        roles = hub.organization.client("iam", owner).list_roles(MaxItems=1000)["Roles"]
        ours = [role for role in roles if role["RoleName"].startswith(PREFIX)]
        assert len(ours) >= least
        assert {role["Path"] for role in ours if "fargate-pods" not in role["RoleName"]} == {PATH}


def test_without_the_tag_nothing_is_made_and_the_cause_is_named(hub: Hub, account_id: str) -> None:
    run = hub.provision.run({"account_id": account_id, "cluster": {"name": "untagged"}})
    assert run.status == "FAILED"
    assert "with an explicit deny in a service control policy" in run.cause


def test_with_the_tag_everything_has_it_in_its_creating_call_and_is_checked_and_removed(
    hub: Hub, account_id: str
) -> None:
    cloud = hub.provision.cloud
    before = len(cloud.server.authoriser.audit)
    request = {
        "account_id": account_id,
        "tags": {TAG: "4711"},
        "storage": {"access_point": {"uid": 1000, "gid": 1000, "path": "/data"}},
    }
    run = hub.provision.run(request)
    assert (run.status, run.cause) == ("SUCCEEDED", "")
    asked = [each for each in list(cloud.server.authoriser.audit)[before:] if each.action in MAKING]
    tagged = {each.action for each in asked if each.context.get(f"aws:RequestTag/{TAG}") == "4711"}
    assert tagged == set(MAKING)
    which = {"account_id": account_id, "cluster_name": "eks-example"}
    checked = Machine(cloud, hub.outputs, "Reverify").run(which)
    assert (checked.status, checked.output["drift"]) == ("SUCCEEDED", [])
    removed = Machine(cloud, hub.outputs, "Teardown").run(which)
    assert (removed.status, removed.cause) == ("SUCCEEDED", "")
