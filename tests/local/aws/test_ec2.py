"""The embedded EC2's NAT gateways take their time, and attributes of a VPC are what they were set to."""

import ipaddress
from typing import Any

import pytest

from tests.local.aws.calls import code


@pytest.fixture
def ec2(parts: Any) -> Any:
    return parts.client("ec2")


@pytest.fixture
def nat_gateway(ec2: Any, network: Any) -> dict[str, Any]:
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made: dict[str, Any] = ec2.create_nat_gateway(SubnetId=network.public_subnet, AllocationId=allocation)["NatGateway"]
    return {**made, "AllocationId": allocation}


def state(ec2: Any, nat_gateway: dict[str, Any]) -> str:
    described = ec2.describe_nat_gateways(NatGatewayIds=[nat_gateway["NatGatewayId"]])["NatGateways"][0]
    return str(described["State"])


def test_a_nat_gateway_is_pending_for_a_while(parts: Any, ec2: Any, nat_gateway: dict[str, Any]) -> None:
    assert (nat_gateway["State"], state(ec2, nat_gateway)) == ("pending", "pending")
    parts.clock.pass_time()
    assert state(ec2, nat_gateway) == "available"


def test_a_nat_gateway_without_an_internet_gateway_fails(parts: Any, ec2: Any, network: Any) -> None:
    attached = [{"Name": "attachment.vpc-id", "Values": [network.vpc_id]}]
    (gateway,) = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=network.vpc_id)
    public = ec2.create_nat_gateway(
        SubnetId=network.public_subnet, AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"]
    )
    private = ec2.create_nat_gateway(SubnetId=network.public_subnet, ConnectivityType="private")
    parts.clock.pass_time()
    assert [state(ec2, each["NatGateway"]) for each in (public, private)] == ["failed", "available"]


def test_a_deleted_nat_gateway_lets_go_of_its_address_and_subnet_after_a_while(
    parts: Any, ec2: Any, network: Any, nat_gateway: dict[str, Any]
) -> None:
    parts.clock.pass_time()
    ec2.delete_nat_gateway(NatGatewayId=nat_gateway["NatGatewayId"])
    assert state(ec2, nat_gateway) == "deleting"
    assert code(ec2.delete_subnet, SubnetId=network.public_subnet) == "DependencyViolation"
    assert code(ec2.release_address, AllocationId=nat_gateway["AllocationId"]) == "AuthFailure"
    parts.clock.pass_time()
    assert state(ec2, nat_gateway) == "deleted"
    ec2.release_address(AllocationId=nat_gateway["AllocationId"])
    ec2.delete_subnet(SubnetId=network.public_subnet)


def test_the_interface_of_a_nat_gateway_is_of_the_kind_that_ec2s_model_names(
    ec2: Any, nat_gateway: dict[str, Any]
) -> None:
    (address,) = nat_gateway["NatGatewayAddresses"]
    asked = {"NetworkInterfaceIds": [address["NetworkInterfaceId"]]}
    (interface,) = ec2.describe_network_interfaces(**asked)["NetworkInterfaces"]
    assert interface["InterfaceType"] == "natGateway"


def test_a_nat_gateway_that_is_not_there_cannot_be_deleted(ec2: Any) -> None:
    assert code(ec2.delete_nat_gateway, NatGatewayId="nat-0123456789abcdef0") == "NatGatewayNotFound"


def test_the_dns_attributes_of_a_vpc_are_what_they_were_set_to(ec2: Any, network: Any) -> None:
    ec2.modify_vpc_attribute(VpcId=network.vpc_id, EnableDnsSupport={"Value": False})
    support = ec2.describe_vpc_attribute(VpcId=network.vpc_id, Attribute="enableDnsSupport")
    names = ec2.describe_vpc_attribute(VpcId=network.vpc_id, Attribute="enableDnsHostnames")
    assert support["EnableDnsSupport"] == {"Value": False}
    assert names["EnableDnsHostnames"] == {"Value": True}


def test_a_security_group_is_not_named_as_ids_are(ec2: Any, network: Any) -> None:
    group = {"Description": "x", "VpcId": network.vpc_id}
    assert code(ec2.create_security_group, GroupName="sg-web-efs", **group) == "InvalidParameterValue"
    assert ec2.create_security_group(GroupName="web-sg-efs", **group)["GroupId"]


def test_a_rule_names_groups_of_another_vpc_only_over_an_active_peering(ec2: Any, network: Any) -> None:
    other = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    ours, theirs = (
        ec2.create_security_group(GroupName="web", Description="x", VpcId=vpc_id)["GroupId"]
        for vpc_id in (network.vpc_id, other)
    )
    pair = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": theirs}]}
    rule = {"GroupId": ours, "IpPermissions": [pair]}
    assert code(ec2.authorize_security_group_ingress, **rule) == "InvalidGroup.NotFound"
    peering = ec2.create_vpc_peering_connection(VpcId=network.vpc_id, PeerVpcId=other)["VpcPeeringConnection"]
    assert code(ec2.authorize_security_group_ingress, **rule) == "InvalidGroup.NotFound"
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering["VpcPeeringConnectionId"])
    ec2.authorize_security_group_ingress(**rule)


def test_an_elastic_address_is_a_public_one(ec2: Any) -> None:
    assert ipaddress.ip_address(ec2.allocate_address(Domain="vpc")["PublicIp"]).is_global


def test_peerings_are_told_of_the_vpcs_that_are_asked_for(ec2: Any) -> None:
    one, two, three = (ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in (50, 51, 52))
    made = [
        ec2.create_vpc_peering_connection(VpcId=one, PeerVpcId=peer)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
        for peer in (two, three)
    ]

    def told(**wanted: str) -> list[str]:
        filters = [{"Name": f"{side}-vpc-info.vpc-id", "Values": [vpc]} for side, vpc in wanted.items()]
        found = ec2.describe_vpc_peering_connections(Filters=filters)["VpcPeeringConnections"]
        return [each["VpcPeeringConnectionId"] for each in found]

    assert told(requester=one) == made
    assert told(accepter=three) == told(requester=one, accepter=three) == made[1:]
    assert told(accepter=one) == []
    unknown = [{"Name": "luck", "Values": ["much"]}]
    assert code(ec2.describe_vpc_peering_connections, Filters=unknown) == "InvalidParameterValue"
