"""A stack's resources are made and removed with the rights of whoever asked: all that the registry names for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.aws.permissions import stacks
from local.aws.permissions.demand import Place
from local.aws.resource_schemas import Handler, resource_schema
from provisioner.request import CreatedNetwork
from provisioner.resources import network_stack
from tests.local.aws.patches.conftest import Sandbox
from tests.local.aws.patches.test_permissions import allow, deny, role_with
from tests.unit.resources.networks import WITH_NAT
from tools.templates import load_template

REGION = "ap-northeast-1"
NETWORK = WITH_NAT
TYPES = sorted({each["Type"] for each in load_template(NETWORK)["Resources"].values()})
VALUES = {
    **network_stack.parameters_for(CreatedNetwork(), [f"{REGION}{zone}" for zone in "acd"]),
    "NatGateways": "single",
}


class Stacks:
    """Of a role, whose statements change; each stack of a name of its own."""

    def __init__(self, aws: Sandbox) -> None:
        self.people = aws.server.client("iam")
        self.role = role_with(aws, allow("*"))
        self.own = aws.server.client("cloudformation", credentials=aws.server.assume_role(self.role, "tester"))
        self.administrator = aws.server.client("cloudformation")
        self.ec2 = aws.server.client("ec2")
        self.count = 0

    def may(self, *statements: dict[str, Any]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.people.put_role_policy(RoleName=self.role.rsplit("/", 1)[1], PolicyName="own", PolicyDocument=document)

    def made(self, body: str, **parameters: str) -> str:
        return self.made_with({}, body, **parameters)

    def made_with(self, tags: Mapping[str, str], body: str, **parameters: str) -> str:
        self.count += 1
        name = f"stack-{self.count}"
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        stack_tags = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.own.create_stack(StackName=name, TemplateBody=body, Parameters=given, Tags=stack_tags)
        return name

    def status(self, name: str) -> str:
        return str(self.administrator.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    def told(self, name: str, status: str) -> dict[str, str]:
        """Resource -> why, of the events with that status."""
        events = self.administrator.describe_stack_events(StackName=name)["StackEvents"]
        found = [event for event in events if event["ResourceStatus"] == status]
        return {event["LogicalResourceId"]: event.get("ResourceStatusReason", "") for event in found}

    def clear(self) -> None:
        for stack in self.administrator.describe_stacks()["Stacks"]:
            self.administrator.delete_stack(StackName=stack["StackName"])


@pytest.fixture
def own(aws: Sandbox) -> Iterator[Stacks]:
    made = Stacks(aws)
    yield made
    made.clear()


def network(own: Stacks) -> str:
    return own.made(NETWORK.read_text(encoding="utf-8"), **VALUES)


def permissions(*handlers: Handler) -> list[str]:
    return sorted({each for name in TYPES for each in resource_schema(name, REGION).permissions(*handlers)})


def test_without_any_one_permission_that_the_registry_names_the_network_is_not_made(own: Stacks) -> None:
    wanted = permissions("create", "read")
    assert {"ec2:DescribeVpnGateways", "ec2:CreateNatGateway", "ec2:ModifySubnetAttribute"} <= set(wanted)
    for permission in wanted:
        own.may(allow("*"), deny(permission))
        name = network(own)
        (why,) = own.told(name, "CREATE_FAILED").values()
        assert f"is not authorized to perform: {permission} on resource" in why
        own.clear()


def test_with_all_that_the_registry_names_and_no_more_it_is_made_and_removed(own: Stacks) -> None:
    own.may(allow([*permissions("create", "read", "delete"), "cloudformation:*"]))
    name = network(own)
    assert own.status(name) == "CREATE_COMPLETE"
    own.own.delete_stack(StackName=name)
    assert own.administrator.describe_stacks()["Stacks"] == []


def test_without_any_one_permission_that_the_registry_names_the_network_is_not_removed(own: Stacks) -> None:
    for permission in permissions("delete"):
        own.may(allow("*"))
        name = network(own)
        own.may(allow("*"), deny(permission))
        own.own.delete_stack(StackName=name)
        assert own.status(name) == "DELETE_FAILED", permission
        reasons = own.told(name, "DELETE_FAILED").values()
        assert any(f"is not authorized to perform: {permission} on resource" in why for why in reasons)
        own.clear()


@pytest.mark.parametrize("resource_type", ["AWS::SQS::Queue", "AWS::SNS::Topic"])
def test_the_registry_alone_says_what_another_resource_type_needs(resource_type: str, own: Stacks) -> None:
    body = json.dumps({"Resources": {"Other": {"Type": resource_type}}})
    wanted = resource_schema(resource_type, REGION).permissions("create", "read")
    assert wanted
    for permission in wanted:
        own.may(allow("*"), deny(permission))
        (why,) = own.told(own.made(body), "CREATE_FAILED").values()
        assert f"is not authorized to perform: {permission} on resource" in why
    own.may(allow([*wanted, "cloudformation:*"]))
    assert own.status(own.made(body)) == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("resource_type", "creating"),
    [("AWS::EC2::VPC", "ec2:CreateVpc"), ("AWS::EC2::InternetGateway", "ec2:CreateInternetGateway")],
)
def test_the_stack_s_tags_are_in_the_call_that_makes_what_can_have_them(
    resource_type: str, creating: str, own: Stacks
) -> None:
    body = json.dumps({"Resources": {"Made": {"Type": resource_type, "Properties": PROPERTIES.get(resource_type, {})}}})
    own.may(allow("*"), {**deny(creating), "Condition": {"Null": {"aws:RequestTag/cost-center": "true"}}})
    (why,) = own.told(own.made(body), "CREATE_FAILED").values()
    assert f"is not authorized to perform: {creating} on resource" in why
    assert own.status(own.made_with({"cost-center": "4711"}, body)) == "CREATE_COMPLETE"


PROPERTIES = {"AWS::EC2::VPC": {"CidrBlock": "10.0.0.0/16"}}


def role_of(**properties: Any) -> str:
    trust = {"Version": "2012-10-17", "Statement": []}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, **properties}}
    return json.dumps({"Resources": {"Made": role}})


def test_a_role_is_asked_for_with_its_path_and_its_boundary(own: Stacks, aws: Sandbox) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("*")]})
    boundary = own.people.create_policy(PolicyName="limit", PolicyDocument=document)["Policy"]["Arn"]
    elsewhere = {"Effect": "Deny", "Action": "iam:CreateRole", "NotResource": "arn:aws:iam::*:role/platform/acme-*"}
    without = {**deny("iam:CreateRole"), "Condition": {"StringNotEquals": {"iam:PermissionsBoundary": boundary}}}
    own.may(allow("*"), elsewhere, without)
    good = {"Path": "/platform/", "RoleName": "acme-made", "PermissionsBoundary": boundary}
    for wrong in ({"Path": "/"}, {"RoleName": "made"}):
        (why,) = own.told(own.made(role_of(**{**good, **wrong})), "CREATE_FAILED").values()
        assert "is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::" in why
    (why,) = own.told(own.made(role_of(Path="/platform/", RoleName="acme-made")), "CREATE_FAILED").values()
    assert "role/platform/acme-made with an explicit deny" in why
    assert own.status(own.made(role_of(**good))) == "CREATE_COMPLETE"


def test_a_boundary_that_is_not_there_is_refused(own: Stacks) -> None:
    own.may(allow("*"))
    missing = "arn:aws:iam::123456789012:policy/missing"
    (why,) = own.told(own.made(role_of(PermissionsBoundary=missing)), "CREATE_FAILED").values()
    assert f"Scope ARN: {missing} does not exist or is not attachable" in why


def test_a_type_that_the_registry_does_not_have_is_refused_loudly(own: Stacks) -> None:
    with pytest.raises(LookupError, match="AWS::EC2::Nothing is not in the CloudFormation registry"):
        list(stacks.demands(Place("111122223333", REGION), "create", "AWS::EC2::Nothing", {}))


def unfinished() -> str:
    """The network with a resource that cannot be made, after all the others."""
    template = load_template(NETWORK)
    last = {"Type": "AWS::EC2::Route", "DependsOn": sorted(template["Resources"]), "Properties": {}}
    last["Properties"] = {"RouteTableId": "rtb-missing", "DestinationCidrBlock": "10.9.0.0/16", "GatewayId": "igw-0"}
    return json.dumps({**template, "Resources": {**template["Resources"], "Last": last}})


def test_a_network_that_fails_is_rolled_back_with_the_caller_s_rights(own: Stacks) -> None:
    own.may(allow([*permissions("create", "read", "delete"), "cloudformation:*"]))
    addresses = len(own.ec2.describe_addresses()["Addresses"])
    name = own.made(unfinished(), **VALUES)
    assert own.status(name) == "ROLLBACK_COMPLETE"
    assert len(own.ec2.describe_addresses()["Addresses"]) == addresses
    assert set(own.told(name, "DELETE_COMPLETE")) == set(load_template(NETWORK)["Resources"]) - NOT_MADE


NOT_MADE = {"NatAddress2", "NatGateway2", "NatAddress3", "NatGateway3"}
"""With one NAT gateway for all zones."""


def test_without_the_right_to_remove_it_what_costs_is_left_and_the_roll_back_has_failed(own: Stacks) -> None:
    own.may(allow("*"), deny("ec2:DeleteNatGateway"))
    name = own.made(unfinished(), **VALUES)
    (stack,) = own.administrator.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "ROLLBACK_FAILED"
    assert stack["StackStatusReason"] == "The following resource(s) failed to delete: [NatGateway1]. "
    assert "is not authorized to perform: ec2:DeleteNatGateway" in own.told(name, "DELETE_FAILED")["NatGateway1"]
    removed = own.told(name, "DELETE_COMPLETE")
    assert {"PrivateRoute1", "PrivateSubnet3"} <= set(removed)
    assert not {"NatAddress1", "PublicSubnet1", "Vpc"} & set(removed)  # not even tried: it is still in them
    states = [each["State"] for each in own.ec2.describe_nat_gateways()["NatGateways"]]
    assert "available" in states


def test_events_have_the_token_of_the_request_that_made_them(own: Stacks) -> None:
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    own.own.create_stack(StackName="tokens", TemplateBody=body, ClientRequestToken="one")
    events = own.administrator.describe_stack_events(StackName="tokens")["StackEvents"]
    assert {event["ClientRequestToken"] for event in events} == {"one"}
