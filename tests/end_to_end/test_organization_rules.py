"""Many accounts of an organization that lets nobody make a role without its boundary and path, nor anything without its
tags: from the events about them to their clusters."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from local.aws.administrators import EVERYTHING
from local.aws.hooks import Call
from local.aws.permissions.reference import action
from local.cloud import ROOT, EmbeddedCloud
from local.faults.drift import CHANGES
from local.faults.scene import Scene
from tests.end_to_end.accounts import MANAGEMENT, Organization, forwarding, told
from tests.end_to_end.drifting import told_apart
from tests.end_to_end.records import Records
from tests.end_to_end.runs import Machine
from tests.end_to_end.test_provision import published

embedded_only = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
STACK = "acme-storage"
PATH, PREFIX, BOUNDARY = "/platform/", "acme", "platform/boundary"
TAG = "cost-center"
TYPES = ["ec2:ALL_SUPPORTED", "eks:ALL_SUPPORTED", "elasticfilesystem:ALL_SUPPORTED"]
CONTROL_TOWER = "control-tower-create-managed-account.json"
ORGANIZATIONS = "organizations-create-account-result.json"
OUTER = {
    "region": "eu-west-1",
    "tags": {TAG: "4711"},
    "storage": {"access_point": {"uid": 1000, "gid": 1000, "path": "/data"}},
    "verification": {"writers": 1, "lines_per_writer": 1},
}
INNER = {"region": "us-west-2"}
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
    """The app under such rules, in an account of the organization that is not the one that manages it.

    One unit is in the other; the inner one's defaults say a region, the outer one's say all else.
    """

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self.cloud = cloud
        self.organization = Organization(cloud)
        self.inner = self.organization.new_unit("inner", within=self.organization.unit)
        self._give_boundary(cloud.account_id)
        self._rule("roles", self.organization.root, roles_rule())
        self._rule("tags", self.organization.unit, tags_rule())
        self.tag_policy(
            self.organization.unit, {"tag_value": {"@@assign": ["47*"]}, "enforced_for": {"@@assign": TYPES}}
        )
        parameters = {
            "RolePrefix": PREFIX,
            "RolePath": PATH,
            "PermissionsBoundary": BOUNDARY,
            "ManagementAccountId": MANAGEMENT,
            "OrganizationalUnitIds": self.organization.unit,
        }
        self.outputs = cloud.deploy(stack_name=STACK, parameters=parameters)
        self.provision = Machine(cloud, self.outputs)
        self.records = Records(self.provision)
        self._default(self.organization.unit, OUTER)
        self._default(self.inner, INNER)
        self.stop_forwarding = forwarding(self.organization, cloud, cloud.region)

    def new_account(self, name: str, unit: str | None = None, *, tags: Mapping[str, str] | None = None) -> str:
        """In the unit, where the StackSet gives it its roles; without a unit it stays in the root, and has none."""
        account_id = self.organization.new_account(
            name, unit=unit, before_its_unit=lambda made: self._prepare(made, tags or {})
        )
        return account_id

    def _prepare(self, account_id: str, tags: Mapping[str, str]) -> None:
        self._give_boundary(account_id)
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.organization.client("organizations").tag_resource(ResourceId=account_id, Tags=pairs)

    def _give_boundary(self, account_id: str) -> None:
        """As the security team does, in an account that has nothing yet."""
        path, _, name = BOUNDARY.rpartition("/")
        self.organization.client("iam", account_id).create_policy(
            Path=f"/{path}/", PolicyName=name, PolicyDocument=json.dumps(EVERYTHING)
        )

    def _rule(self, name: str, target: str, statements: list[dict[str, Any]]) -> None:
        content = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self._attach("SERVICE_CONTROL_POLICY", name, target, content)

    def tag_policy(self, target: str, operators: dict[str, Any]) -> None:
        self._attach("TAG_POLICY", f"values for {target}", target, json.dumps({"tags": {TAG: operators}}))

    def _attach(self, policy_type: str, name: str, target: str, content: str) -> None:
        organizations = self.organization.client("organizations")
        made = organizations.create_policy(Name=name, Description=name, Type=policy_type, Content=content)
        organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=target)

    def _default(self, unit: str, values: dict[str, Any]) -> None:
        name = f"{self.outputs['DefaultsParameterName']}/{unit}"
        self.cloud.client("ssm").put_parameter(Name=name, Value=json.dumps(values), Type="String")

    def tell(self, sample: str, account_id: str, unit: str = "ou-none-00000000") -> str:
        """The execution that an event on the management account's bus starts here."""
        before = set(self.provision.executions())
        told(self.cloud.region, sample, account_id, unit)
        (arn,) = set(self.provision.executions()) - before
        return arn

    def roles_come_at_attempt(self, number: int, account_id: str, come: Callable[[], None]) -> Callable[[], None]:
        """Before the attempt with that number, from 0, of the first state that becomes a role of the account."""
        attempts = itertools.count()

        def before(call: Call) -> None:
            if "-CheckAccountFunction-" in call.path and account_id in call.body and next(attempts) == number:
                come()

        return self.cloud.server.hooks.before("lambda:Invoke", before)


@contextmanager
def told_alone(cloud: EmbeddedCloud) -> Iterator[None]:
    """No other stack hears of accounts meanwhile."""
    events = cloud.client("events")
    others = [
        rule["Name"]
        for rule in events.list_rules()["Rules"]
        if rule["State"] == "ENABLED" and not rule["Name"].startswith(STACK) and "Account" in rule["Name"]
    ]
    for name in others:
        events.disable_rule(Name=name)
    yield
    for name in others:
        events.enable_rule(Name=name)


@pytest.fixture(scope="module")
def hub(cloud: EmbeddedCloud) -> Iterator[Hub]:
    with told_alone(cloud):
        made = Hub(cloud)
        yield made
        made.stop_forwarding()
        with cloud.server.instantly():
            cloud.client("cloudformation").delete_stack(StackName=STACK)
    made.organization.dissolve()


def role_paths(hub: Hub, account_id: str) -> list[str]:
    roles = hub.organization.client("iam", account_id).list_roles(MaxItems=1000)["Roles"]
    ours = [role for role in roles if role["RoleName"].startswith(PREFIX)]
    return [role["Path"] for role in ours if not role["RoleName"].endswith("fargate-pods")]


@embedded_only
def test_from_events_about_accounts_to_ready_events_in_two_units_and_two_regions(hub: Hub) -> None:
    """One account has no roles yet when its event comes, one is left out, and the organization's policies hold."""
    outer, inner, cloud = hub.organization.unit, hub.inner, hub.cloud
    seen = len(cloud.server.authoriser.audit)
    first = hub.new_account("first", outer)
    nested = hub.new_account("nested", inner)
    out = hub.new_account("out", inner, tags={"eks-efs-provisioner/left-out": "true"})
    late = hub.new_account("late", hub.organization.root)
    undo = hub.roles_come_at_attempt(2, late, lambda: hub.organization.move(late, outer))
    runs = {
        first: hub.tell(CONTROL_TOWER, first, outer),
        nested: hub.tell(ORGANIZATIONS, nested),
        late: hub.tell(CONTROL_TOWER, late, outer),
        out: hub.tell(ORGANIZATIONS, out),
    }
    ended = {account_id: hub.provision.wait(arn) for account_id, arn in runs.items()}
    undo()
    assert {(run.status, run.cause) for run in ended.values()} == {("SUCCEEDED", "")}
    left_out = ended.pop(out).output
    assert (left_out["status"], left_out["account_id"]) == ("LeftOut", out)
    assert left_out["because"] == f"account {out} has the tag eks-efs-provisioner/left-out = true"
    ready = {
        event["Detail"]["account_id"]: event["Detail"]
        for event in cloud.server.published_events
        if event["DetailType"] == "Storage Cluster Ready" and event["Detail"].get("execution_arn") in runs.values()
    }
    assert {account_id: detail["region"] for account_id, detail in ready.items()} == {
        first: OUTER["region"],
        nested: INNER["region"],
        late: OUTER["region"],
    }
    parameter = f"SSM parameter {hub.outputs['DefaultsParameterName']}"
    recorded = hub.records.request("eks-example", nested, INNER["region"])
    assert recorded["tags"] == {TAG: "4711"}
    assert recorded["from_defaults"][f"tags.{TAG}"] == f"{parameter}/{outer}"
    assert recorded["from_defaults"]["region"] == f"{parameter}/{inner}"
    of_a_unit = json.loads((ROOT / "events/account-of-a-unit.json").read_text())
    planned = hub.provision.run({**of_a_unit, "account_id": nested, "organizational_unit_id": inner})
    assert planned.output["summary"] == "no changes"
    asked = [each for each in list(cloud.server.authoriser.audit)[seen:] if each.action in MAKING]
    tagged = {each.action for each in asked if each.context.get(f"aws:RequestTag/{TAG}") == "4711"}
    assert tagged == set(MAKING)
    for account_id in (cloud.account_id, first, nested, late):
        assert set(role_paths(hub, account_id)) == {PATH}
    which = {"account_id": nested, "region": INNER["region"], "cluster_name": "eks-example"}
    checked = Machine(cloud, hub.outputs, "Reverify").run(which)
    assert (checked.status, checked.output["status"]) == ("SUCCEEDED", "Verified")
    change = CHANGES["boundary-taken-off"]
    undo = change.make(Scene(cloud, {"request": recorded}))
    drifted = Machine(cloud, hub.outputs, "Reverify").run(which)
    undo()
    assert told_apart([change], {}, drifted.output["drift"]) == {change.name: 1}
    removed = Machine(cloud, hub.outputs, "Teardown").run(which)
    assert (removed.status, removed.cause) == ("SUCCEEDED", "")


@embedded_only
def test_without_the_tag_nothing_is_made_and_the_cause_is_named(hub: Hub) -> None:
    account_id = hub.new_account("untagged", hub.organization.unit)
    run = hub.provision.run({"account_id": account_id, "cluster": {"name": "untagged"}})
    assert run.status == "FAILED"
    assert "with an explicit deny in a service control policy" in run.cause


@embedded_only
def test_a_value_that_the_tag_policy_does_not_allow_is_refused_and_named_with_the_field_that_gave_it(hub: Hub) -> None:
    """Enforced for the cluster alone here, whose network is there by then."""
    account_id = hub.new_account("mistagged", hub.organization.unit)
    hub.tag_policy(account_id, {"enforced_for": {"@@assign": ["eks:cluster"]}})
    run = hub.provision.run({"account_id": account_id, "cluster": {"name": "mistagged"}, "tags": {TAG: "0815"}})
    assert run.status == "FAILED"
    words = f"The tag policy does not allow the specified value for the following tag key: '{TAG}'"
    assert f"CreateCluster: InvalidParameterException ({words}" in run.cause
    (event,) = published(hub.cloud, "Storage Cluster Failed", run.arn)
    first = event["diagnosis"][0]
    assert (first["rule"], first["verdict"]) == ("tag-not-allowed", "proved")
    assert first["fix"].startswith(f"give tags.{TAG}, which is '0815', a value")
