"""The embedded EC2 keeps what is in use, and its NAT gateways take their time."""

from typing import Any

import pytest

from tests.local.aws.calls import code


@pytest.fixture
def ec2(parts: Any) -> Any:
    return parts.client("ec2")


@pytest.fixture
def group(ec2: Any, network: Any) -> str:
    made = ec2.create_security_group(GroupName="nfs", Description="nfs", VpcId=network.vpc_id)
    return str(made["GroupId"])


def test_a_security_group_an_interface_uses_is_not_deleted(ec2: Any, network: Any, group: str) -> None:
    made = ec2.create_network_interface(SubnetId=network.private_subnets[0], Groups=[group])
    assert code(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterface"]["NetworkInterfaceId"])
    ec2.delete_security_group(GroupId=group)
    assert code(ec2.describe_security_groups, GroupIds=[group]) == "InvalidGroup.NotFound"


def test_a_security_group_another_groups_rule_names_is_not_deleted(ec2: Any, network: Any, group: str) -> None:
    other = ec2.create_security_group(GroupName="o", Description="o", VpcId=network.vpc_id)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[rule])
    assert code(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    ec2.delete_security_group(GroupId=other)
    ec2.delete_security_group(GroupId=group)


def test_the_default_security_group_is_not_deleted(ec2: Any, network: Any) -> None:
    filters = [{"Name": "vpc-id", "Values": [network.vpc_id]}]
    default = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]
    assert code(ec2.delete_security_group, GroupId=default["GroupId"]) == "CannotDelete"


def test_a_subnet_with_an_interface_is_not_deleted(ec2: Any, network: Any) -> None:
    subnet = network.private_subnets[0]
    made = ec2.create_network_interface(SubnetId=subnet)
    assert code(ec2.delete_subnet, SubnetId=subnet) == "DependencyViolation"
    ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterface"]["NetworkInterfaceId"])
    ec2.delete_subnet(SubnetId=subnet)


def test_a_nat_gateway_is_pending_for_a_while_and_leaves_no_interface(parts: Any, ec2: Any, network: Any) -> None:
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=network.public_subnet, AllocationId=allocation)["NatGateway"]

    def state() -> str:
        described = ec2.describe_nat_gateways(NatGatewayIds=[made["NatGatewayId"]])["NatGateways"][0]
        return str(described["State"])

    assert (made["State"], state()) == ("pending", "pending")
    parts.clock.pass_time()
    assert state() == "available"
    ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    ec2.delete_subnet(SubnetId=network.public_subnet)


def test_the_dns_attributes_of_a_vpc_are_what_they_were_set_to(ec2: Any, network: Any) -> None:
    ec2.modify_vpc_attribute(VpcId=network.vpc_id, EnableDnsSupport={"Value": False})
    support = ec2.describe_vpc_attribute(VpcId=network.vpc_id, Attribute="enableDnsSupport")
    names = ec2.describe_vpc_attribute(VpcId=network.vpc_id, Attribute="enableDnsHostnames")
    assert support["EnableDnsSupport"] == {"Value": False}
    assert names["EnableDnsHostnames"] == {"Value": True}
