"""Stacks go as CloudFormation's do: in their time and order, held by what is used, protected or exported."""

import json
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.patches import cloudformation_delete_stack, cloudformation_removal
from local.clock import CONSISTENCY_SECONDS
from local.cloud import EmbeddedCloud

NETWORK = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
    "Gateway": {"Type": "AWS::EC2::InternetGateway", "Properties": {}},
    "Attachment": {
        "Type": "AWS::EC2::VPCGatewayAttachment",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}},
    },
    "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}},
    "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}, "DependsOn": "Attachment"},
    "Nat": {
        "Type": "AWS::EC2::NatGateway",
        "Properties": {"AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]}, "SubnetId": {"Ref": "Subnet"}},
    },
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def stacks(cloud: EmbeddedCloud) -> Any:
    return cloud.client("cloudformation")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Deletions go on only when this is set."""
    go_on = threading.Event()
    monkeypatch.setattr(cloudformation_delete_stack, "time", SimpleNamespace(sleep=lambda _: go_on.wait(300)))
    yield go_on
    go_on.set()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudformation_removal, "PATIENCE_SECONDS", 100_000.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudformation_removal, "PATIENCE_SECONDS", 0.0)


def create(stacks: Any, name: str, resources: dict[str, Any], **template: Any) -> dict[str, str]:
    """Physical ids by name, once the stack is there."""
    stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources, **template}))
    assert state(stacks, name)["StackStatus"] == "CREATE_COMPLETE"
    found = stacks.describe_stack_resources(StackName=name)["StackResources"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}


def state(stacks: Any, name: str) -> dict[str, Any]:
    """Of the stack when nothing goes on; a deleted one by its id."""
    end = time.monotonic() + 300
    while (found := stacks.describe_stacks(StackName=name)["Stacks"][0])["StackStatus"].endswith("IN_PROGRESS"):
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return dict(found)


def told(stacks: Any, name: str) -> list[tuple[str, str]]:
    """Resources and states of the deletion, in order."""
    events = stacks.describe_stack_events(StackName=name)["StackEvents"][::-1]
    pairs = [(each["LogicalResourceId"], each["ResourceStatus"]) for each in events]
    return [(resource, status) for resource, status in pairs if status.startswith("DELETE")]


def test_a_stack_goes_in_the_order_of_its_dependencies(stacks: Any, held: threading.Event) -> None:
    create(stacks, "network", NETWORK)
    stack_id = stacks.describe_stacks(StackName="network")["Stacks"][0]["StackId"]
    stacks.delete_stack(StackName="network")
    assert stacks.describe_stacks(StackName="network")["Stacks"][0]["StackStatus"] == "DELETE_IN_PROGRESS"
    stacks.delete_stack(StackName="network")
    held.set()
    assert state(stacks, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    order = [resource for resource, _ in told(stacks, stack_id)]
    assert order == ["network", "Nat", "Address", "Subnet", "Attachment", "Gateway", "Vpc", "network"]
    with pytest.raises(ClientError, match="does not exist"):
        stacks.describe_stacks(StackName="network")


def test_a_nat_gateway_is_gone_when_its_stack_is(
    cloud: EmbeddedCloud, stacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONSISTENCY_SECONDS, "NAT gateway deletion", 0.4)
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.0.0/24")["Subnet"]["SubnetId"]
    way_out = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=way_out, VpcId=vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    properties = {"AllocationId": address, "SubnetId": subnet}
    made = create(stacks, "gateway", {"Nat": {"Type": "AWS::EC2::NatGateway", "Properties": properties}})
    stack_id = stacks.describe_stacks(StackName="gateway")["Stacks"][0]["StackId"]
    stacks.delete_stack(StackName="gateway")
    assert state(stacks, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    (gateway,) = ec2.describe_nat_gateways(NatGatewayIds=[made["Nat"]])["NatGateways"]
    assert gateway["State"] == "deleted"


@pytest.mark.parametrize("is_there", [True, False], ids=["", "which somebody has removed"])
def test_a_route_goes_with_its_stack_out_of_a_table_that_stays(
    cloud: EmbeddedCloud, stacks: Any, is_there: bool
) -> None:
    ec2, everywhere = cloud.client("ec2"), "0.0.0.0/0"
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    properties = {"RouteTableId": table, "DestinationCidrBlock": everywhere, "GatewayId": gateway}
    create(stacks, "route", {"Route": {"Type": "AWS::EC2::Route", "Properties": properties}})
    stack_id = stacks.describe_stacks(StackName="route")["Stacks"][0]["StackId"]
    if not is_there:
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock=everywhere)
    stacks.delete_stack(StackName="route")
    assert state(stacks, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert [each["DestinationCidrBlock"] for each in found["Routes"]] == ["10.8.0.0/16"]


def test_what_goes_late_is_waited_for(cloud: EmbeddedCloud, stacks: Any, patient: None) -> None:
    made = create(stacks, "late", {name: NETWORK[name] for name in ("Vpc", "Subnet")})
    stack_id = stacks.describe_stacks(StackName="late")["Stacks"][0]["StackId"]
    ec2 = cloud.client("ec2")
    interface = ec2.create_network_interface(SubnetId=made["Subnet"])["NetworkInterface"]["NetworkInterfaceId"]
    stacks.delete_stack(StackName="late")
    time.sleep(cloud.clock.waited(10))
    assert stacks.describe_stacks(StackName="late")["Stacks"][0]["StackStatus"] == "DELETE_IN_PROGRESS"
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    assert state(stacks, stack_id)["StackStatus"] == "DELETE_COMPLETE"


def test_what_stays_in_use_fails_the_deletion_and_may_then_be_retained(
    cloud: EmbeddedCloud, stacks: Any, impatient: None
) -> None:
    made = create(stacks, "held", {name: NETWORK[name] for name in ("Vpc", "Subnet")})
    stack_id = stacks.describe_stacks(StackName="held")["Stacks"][0]["StackId"]
    ec2 = cloud.client("ec2")
    ec2.create_network_interface(SubnetId=made["Subnet"])
    with pytest.raises(ClientError) as refused:
        stacks.delete_stack(StackName="held", RetainResources=["Subnet"])
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    stacks.delete_stack(StackName="held")
    failed = state(stacks, "held")
    assert (failed["StackStatus"], failed["StackStatusReason"]) == (
        "DELETE_FAILED",
        "The following resource(s) failed to delete: [Subnet]. ",
    )
    events = stacks.describe_stack_events(StackName="held")["StackEvents"]
    (reason,) = [
        event["ResourceStatusReason"]
        for event in events
        if (event["ResourceStatus"], event["LogicalResourceId"]) == ("DELETE_FAILED", "Subnet")
    ]
    said = f"The subnet '{made['Subnet']}' has dependencies and cannot be deleted. (Service: Ec2, Status Code: 400"
    assert reason.startswith(f'Resource handler returned message: "{said}')
    stacks.delete_stack(StackName="held", RetainResources=["Subnet"])
    assert state(stacks, "held")["StackStatusReason"] == "The following resource(s) failed to delete: [Vpc]. "
    stacks.delete_stack(StackName="held", RetainResources=["Vpc"])
    assert state(stacks, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert len(ec2.describe_vpcs(VpcIds=[made["Vpc"]])["Vpcs"]) == 1


def test_a_protected_stack_is_not_deleted_until_the_protection_is_off(stacks: Any) -> None:
    template = json.dumps({"Resources": {"Gateway": NETWORK["Gateway"]}})
    stacks.create_stack(StackName="safe", TemplateBody=template, EnableTerminationProtection=True)
    stack = state(stacks, "safe")
    assert stack["EnableTerminationProtection"] is True
    with pytest.raises(ClientError) as refused:
        stacks.delete_stack(StackName="safe")
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert refused.value.response["Error"]["Message"] == (
        "Stack [safe] cannot be deleted while TerminationProtection is enabled"
    )
    stacks.update_termination_protection(StackName="safe", EnableTerminationProtection=False)
    stacks.delete_stack(StackName="safe")
    assert state(stacks, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_an_export_that_another_stack_imports_keeps_its_stack(stacks: Any) -> None:
    gateway = {"Gateway": NETWORK["Gateway"]}
    exported = {"Gateway": {"Value": {"Ref": "Gateway"}, "Export": {"Name": "gateway"}}}
    create(stacks, "exporting", gateway, Outputs=exported)
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::ImportValue": "gateway"}}}
    create(stacks, "importing", {"Topic": topic})
    stacks.delete_stack(StackName="exporting")
    assert state(stacks, "exporting")["StackStatus"] == "CREATE_COMPLETE"
    newest = stacks.describe_stack_events(StackName="exporting")["StackEvents"][0]
    assert newest["ResourceStatusReason"] == "Export gateway cannot be deleted as it is in use by importing"
    for name in ("importing", "exporting"):
        stack_id = state(stacks, name)["StackId"]
        stacks.delete_stack(StackName=name)
        assert state(stacks, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert stacks.list_exports()["Exports"] == []
