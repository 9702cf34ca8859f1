"""Stacks: a network such as the application creates, in one stack; failures, time, nesting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.aws.patches import cloudformation
from tests.local.aws.patches.conftest import Sandbox

NETWORK = Path(__file__).resolve().parents[3] / "unit" / "resources" / "network_with_nat.yaml"


def zones(count: int, nat: str) -> list[dict[str, str]]:
    values = {"VpcCidr": "10.0.0.0/16", "ZoneCount": str(count), "NatGateways": nat}
    for number in range(1, 4):
        values[f"PublicSubnet{number}Cidr"] = f"10.0.{number}.0/24"
        values[f"PrivateSubnet{number}Cidr"] = f"10.0.{number + 10}.0/24"
    for number, zone in enumerate(("a", "c", "d")[:count], 1):
        values[f"Zone{number}"] = f"ap-northeast-1{zone}"
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


@pytest.fixture
def stacks(aws: Sandbox) -> Iterator[Any]:
    client = aws.server.client("cloudformation")
    yield client
    for stack in client.describe_stacks()["Stacks"]:
        client.delete_stack(StackName=stack["StackId"])


def described(stacks: Any, name: str) -> Any:
    return stacks.describe_stacks(StackName=name)["Stacks"][0]


@pytest.mark.parametrize(("count", "nat", "gateways"), [(3, "single", 1), (2, "per_zone", 2), (3, "per_zone", 3)])
def test_the_network_template_works_with_its_conditions_tags_and_outputs(
    aws: Sandbox, stacks: Any, count: int, nat: str, gateways: int
) -> None:
    stacks.create_stack(
        StackName="network",
        TemplateBody=NETWORK.read_text(),
        Parameters=zones(count, nat),
        Tags=[{"Key": "eks-efs-provisioner/cluster", "Value": "one"}],
    )
    stack = described(stacks, "network")
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    owned = [{"Name": "tag:eks-efs-provisioner/cluster", "Values": ["one"]}]
    ec2 = aws.server.client("ec2")
    (vpc,) = ec2.describe_vpcs(Filters=owned)["Vpcs"]
    assert vpc["VpcId"] in {output["OutputValue"] for output in stack["Outputs"]}
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]]["Value"] is True
    assert len(ec2.describe_subnets(Filters=owned)["Subnets"]) == 2 * count
    found = ec2.describe_nat_gateways(Filters=owned)["NatGateways"]
    assert [gateway["State"] for gateway in found if gateway["State"] != "deleted"] == ["available"] * gateways
    assert len(ec2.describe_addresses(Filters=owned)["Addresses"]) == gateways
    assert len(ec2.describe_internet_gateways(Filters=owned)["InternetGateways"]) == 1
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["RouteTables"]
    through_nat = [table for table in tables if any("NatGatewayId" in route for route in table["Routes"])]
    assert sum(len(table["Associations"]) for table in through_nat) == count
    stacks.delete_stack(StackName="network")
    assert ec2.describe_vpcs(Filters=owned)["Vpcs"] == []
    assert ec2.describe_addresses(Filters=owned)["Addresses"] == []


def test_a_stack_is_in_progress_and_shows_no_outputs_for_as_long_as_it_takes(
    aws: Sandbox, stacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(cloudformation, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(aws.server, "stack_seconds", lambda _types: 30.0)
    stacks.create_stack(StackName="slow", TemplateBody=NETWORK.read_text(), Parameters=zones(2, "single"))
    now[0] += 29
    stack = described(stacks, "slow")
    assert (stack["StackStatus"], stack.get("Outputs", [])) == ("CREATE_IN_PROGRESS", [])
    now[0] += 2
    stack = described(stacks, "slow")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Outputs"]


def test_a_second_stack_of_that_name_already_exists(stacks: Any) -> None:
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    stacks.create_stack(StackName="twice", TemplateBody=body, ClientRequestToken="t")
    with pytest.raises(stacks.exceptions.AlreadyExistsException):
        stacks.create_stack(StackName="twice", TemplateBody=body, ClientRequestToken="t")
    with pytest.raises(stacks.exceptions.ClientError, match="No updates are to be performed"):
        stacks.update_stack(StackName="twice", TemplateBody=body)


def test_a_failing_resource_rolls_the_stack_back_and_says_why(aws: Sandbox, stacks: Any) -> None:
    template = {
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}},
            "Subnet": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "192.168.0.0/24"},
            },
        }
    }
    stacks.create_stack(StackName="bad", TemplateBody=json.dumps(template))
    stack = described(stacks, "bad")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    events = stacks.describe_stack_events(StackName="bad")["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert [event["LogicalResourceId"] for event in failed] == ["Subnet"]
    assert "192.168.0.0/24" in failed[0]["ResourceStatusReason"]
    cidrs = {vpc["CidrBlock"] for vpc in aws.server.client("ec2").describe_vpcs()["Vpcs"]}
    assert "10.9.0.0/16" not in cidrs


def test_a_nat_gateway_that_nothing_leads_out_of_fails_the_stack(aws: Sandbox, stacks: Any) -> None:
    template = {
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}},
            "Subnet": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.9.0.0/24"},
            },
            "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
            "Nat": {
                "Type": "AWS::EC2::NatGateway",
                "Properties": {
                    "SubnetId": {"Ref": "Subnet"},
                    "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]},
                },
            },
        }
    }
    stacks.create_stack(StackName="nowhere", TemplateBody=json.dumps(template))
    assert described(stacks, "nowhere")["StackStatus"] == "ROLLBACK_COMPLETE"
    events = stacks.describe_stack_events(StackName="nowhere")["StackEvents"]
    (failed,) = (event for event in events if event["ResourceStatus"] == "CREATE_FAILED")
    assert failed["LogicalResourceId"] == "Nat"
    assert failed["ResourceStatusReason"].endswith("has no Internet gateway attached")


def test_an_update_makes_and_removes_what_a_condition_now_says(aws: Sandbox, stacks: Any) -> None:
    template = {
        "Parameters": {"Loud": {"Type": "String", "Default": ""}},
        "Conditions": {"IsLoud": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Loud"}, ""]}]}},
        "Resources": {
            "Always": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": "mood", "Type": "String", "Value": {"Fn::If": ["IsLoud", "loud", "calm"]}},
            },
            "Bell": {"Type": "AWS::SNS::Topic", "Condition": "IsLoud", "Properties": {"TopicName": "bell"}},
        },
    }
    stacks.create_stack(StackName="moody", TemplateBody=json.dumps(template))
    for loud in ("yes", ""):
        parameters = [{"ParameterKey": "Loud", "ParameterValue": loud}]
        stacks.update_stack(StackName="moody", TemplateBody=json.dumps(template), Parameters=parameters)
        assert described(stacks, "moody")["StackStatus"] == "UPDATE_COMPLETE"
        topics = [topic["TopicArn"] for topic in aws.server.client("sns").list_topics()["Topics"]]
        assert any(topic.endswith(":bell") for topic in topics) is bool(loud)
        mood = aws.server.client("ssm").get_parameter(Name="mood")["Parameter"]["Value"]
        assert mood == ("loud" if loud else "calm")


def test_a_list_that_nobody_gives_is_a_list_by_default_too(aws: Sandbox, stacks: Any) -> None:
    rule = {"EventPattern": {"source": {"Ref": "Sources"}}, "Name": "of-a-list"}
    template = {
        "Parameters": {"Sources": {"Type": "CommaDelimitedList", "Default": "one,two"}},
        "Resources": {"Rule": {"Type": "AWS::Events::Rule", "Properties": rule}},
    }
    stacks.create_stack(StackName="a-list", TemplateBody=json.dumps(template))
    pattern = aws.server.client("events").describe_rule(Name="of-a-list")["EventPattern"]
    assert json.loads(pattern) == {"source": ["one", "two"]}


def test_an_unknown_resource_type_is_named_and_refused(stacks: Any) -> None:
    body = json.dumps({"Resources": {"X": {"Type": "AWS::Nothing::Here"}, "T": {"Type": "AWS::SNS::Topic"}}})
    with pytest.raises(stacks.exceptions.ClientError, match=r"Unrecognized resource types: \[AWS::Nothing::Here\]"):
        stacks.create_stack(StackName="unknown", TemplateBody=body)
    assert "unknown" not in {stack["StackName"] for stack in stacks.describe_stacks()["Stacks"]}


def test_a_nested_stack_gives_its_outputs_and_fails_its_parent(aws: Sandbox, stacks: Any) -> None:
    s3 = aws.server.client("s3")
    s3.create_bucket(Bucket="nested", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})

    def parent(child: dict[str, Any]) -> str:
        s3.put_object(Bucket="nested", Key="child.json", Body=json.dumps(child).encode())
        url = "https://s3.ap-northeast-1.amazonaws.com/nested/child.json"
        properties = {"TemplateURL": url, "Parameters": {"Name": "given"}}
        return json.dumps(
            {
                "Resources": {"Child": {"Type": "AWS::CloudFormation::Stack", "Properties": properties}},
                "Outputs": {"Topic": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Topic"]}}},
            }
        )

    parameters = {"Name": {"Type": "String"}}
    good = {
        "Parameters": parameters,
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}}}},
        "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}},
    }
    stacks.create_stack(StackName="parent", TemplateBody=parent(good))
    assert described(stacks, "parent")["Outputs"][0]["OutputValue"].endswith(":given")
    subnet = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": "vpc-none", "CidrBlock": "10.0.0.0/24"}}
    bad = {"Parameters": parameters, "Resources": {"Subnet": subnet}}
    stacks.create_stack(StackName="sad", TemplateBody=parent(bad).replace("Outputs.Topic", "Outputs.Nothing"))
    assert described(stacks, "sad")["StackStatus"] == "ROLLBACK_COMPLETE"
    events = stacks.describe_stack_events(StackName="sad")["StackEvents"]
    assert any("vpc-none" in event.get("ResourceStatusReason", "") for event in events)


def test_a_stack_that_cannot_be_deleted_says_so(aws: Sandbox, stacks: Any) -> None:
    template = {"Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.8.0.0/16"}}}}
    stacks.create_stack(StackName="stuck", TemplateBody=json.dumps(template))
    ec2 = aws.server.client("ec2")
    vpc = next(vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["CidrBlock"] == "10.8.0.0/16")
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.1.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpcId=vpc, VpnGatewayId=gateway)
    stacks.delete_stack(StackName="stuck")
    assert described(stacks, "stuck")["StackStatus"] == "DELETE_FAILED"
    ec2.detach_vpn_gateway(VpcId=vpc, VpnGatewayId=gateway)
    ec2.delete_subnet(SubnetId=subnet)
    stacks.delete_stack(StackName="stuck")
    assert "stuck" not in {stack["StackName"] for stack in stacks.describe_stacks()["Stacks"]}
