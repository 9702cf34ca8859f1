"""The embedded EC2 keeps what something else still needs, in the words of AWS, and takes along what goes with it."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.calls import code


@pytest.fixture
def ec2(parts: Any) -> Any:
    return parts.client("ec2")


@pytest.fixture
def vpc_id(ec2: Any) -> str:
    return str(ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


@pytest.fixture
def group(ec2: Any, network: Any) -> str:
    made = ec2.create_security_group(GroupName="nfs", Description="nfs", VpcId=network.vpc_id)
    return str(made["GroupId"])


def in_vpc(vpc_id: str) -> dict[str, Any]:
    return {"Filters": [{"Name": "vpc-id", "Values": [vpc_id]}]}


def test_a_vpc_takes_its_default_group_acl_and_main_route_table_with_it(ec2: Any, vpc_id: str) -> None:
    describers = {
        "SecurityGroups": ec2.describe_security_groups,
        "NetworkAcls": ec2.describe_network_acls,
        "RouteTables": ec2.describe_route_tables,
    }
    assert {name: len(describe(**in_vpc(vpc_id))[name]) for name, describe in describers.items()} == {
        "SecurityGroups": 1,
        "NetworkAcls": 1,
        "RouteTables": 1,
    }
    ec2.delete_vpc(VpcId=vpc_id)
    assert code(ec2.describe_vpcs, VpcIds=[vpc_id]) == "InvalidVpcID.NotFound"
    assert code(ec2.delete_vpc, VpcId=vpc_id) == "InvalidVpcID.NotFound"
    assert {name: describe(**in_vpc(vpc_id))[name] for name, describe in describers.items()} == {
        "SecurityGroups": [],
        "NetworkAcls": [],
        "RouteTables": [],
    }


Undo = Callable[[], Any]


def subnet(ec2: Any, vpc_id: str) -> Undo:
    made = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    return lambda: ec2.delete_subnet(SubnetId=made)


def security_group(ec2: Any, vpc_id: str) -> Undo:
    made = ec2.create_security_group(GroupName="other", Description="other", VpcId=vpc_id)["GroupId"]
    return lambda: ec2.delete_security_group(GroupId=made)


def route_table(ec2: Any, vpc_id: str) -> Undo:
    made = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    return lambda: ec2.delete_route_table(RouteTableId=made)


def network_acl(ec2: Any, vpc_id: str) -> Undo:
    made = ec2.create_network_acl(VpcId=vpc_id)["NetworkAcl"]["NetworkAclId"]
    return lambda: ec2.delete_network_acl(NetworkAclId=made)


def internet_gateway(ec2: Any, vpc_id: str) -> Undo:
    made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc_id)
    return lambda: ec2.detach_internet_gateway(InternetGatewayId=made, VpcId=vpc_id)


def egress_only_internet_gateway(ec2: Any, vpc_id: str) -> Undo:
    made = ec2.create_egress_only_internet_gateway(VpcId=vpc_id)["EgressOnlyInternetGateway"]
    gateway = made["EgressOnlyInternetGatewayId"]
    return lambda: ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=gateway)


def vpn_gateway(ec2: Any, vpc_id: str) -> Undo:
    made = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpnGatewayId=made, VpcId=vpc_id)
    return lambda: ec2.detach_vpn_gateway(VpnGatewayId=made, VpcId=vpc_id)


def endpoint(ec2: Any, vpc_id: str) -> Undo:
    service = "com.amazonaws.ap-northeast-1.s3"
    made = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=service, VpcEndpointType="Gateway")["VpcEndpoint"]
    return lambda: ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])


def peering(ec2: Any, vpc_id: str) -> Undo:
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_vpc_peering_connection(VpcId=other, PeerVpcId=vpc_id)["VpcPeeringConnection"]
    peering_id = made["VpcPeeringConnectionId"]
    return lambda: ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering_id)


@pytest.mark.parametrize(
    "dependency",
    [
        peering,
        subnet,
        security_group,
        route_table,
        network_acl,
        internet_gateway,
        egress_only_internet_gateway,
        vpn_gateway,
        endpoint,
    ],
)
def test_a_vpc_with_anything_else_in_it_is_not_deleted(
    ec2: Any, vpc_id: str, dependency: Callable[[Any, str], Undo]
) -> None:
    undo = dependency(ec2, vpc_id)
    with pytest.raises(ClientError) as refused:
        ec2.delete_vpc(VpcId=vpc_id)
    assert refused.value.response["Error"] == {
        "Code": "DependencyViolation",
        "Message": f"The vpc '{vpc_id}' has dependencies and cannot be deleted.",
    }
    undo()
    ec2.delete_vpc(VpcId=vpc_id)


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
    default = ec2.describe_security_groups(**in_vpc(network.vpc_id))["SecurityGroups"][0]
    assert code(ec2.delete_security_group, GroupId=default["GroupId"]) == "CannotDelete"


def test_the_main_route_table_is_not_deleted(ec2: Any, vpc_id: str) -> None:
    (main,) = ec2.describe_route_tables(**in_vpc(vpc_id))["RouteTables"]
    assert code(ec2.delete_route_table, RouteTableId=main["RouteTableId"]) == "DependencyViolation"


def test_a_subnet_with_an_interface_is_not_deleted(ec2: Any, network: Any) -> None:
    subnet = network.private_subnets[0]
    made = ec2.create_network_interface(SubnetId=subnet)
    assert code(ec2.delete_subnet, SubnetId=subnet) == "DependencyViolation"
    ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterface"]["NetworkInterfaceId"])
    ec2.delete_subnet(SubnetId=subnet)


def test_a_subnet_takes_its_associations_with_it(ec2: Any, network: Any) -> None:
    by_subnet = [{"Name": "association.subnet-id", "Values": [network.public_subnet]}]
    (table,) = ec2.describe_route_tables(Filters=by_subnet)["RouteTables"]
    assert code(ec2.delete_route_table, RouteTableId=table["RouteTableId"]) == "DependencyViolation"
    ec2.delete_subnet(SubnetId=network.public_subnet)
    ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    (acl,) = ec2.describe_network_acls(**in_vpc(network.vpc_id))["NetworkAcls"]
    assert {held["SubnetId"] for held in acl["Associations"]} == set(network.private_subnets)


def test_an_address_in_use_is_not_released_nor_is_the_gateway_detached_that_it_is_reached_through(
    ec2: Any, network: Any
) -> None:
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_network_interface(SubnetId=network.public_subnet)["NetworkInterface"]["NetworkInterfaceId"]
    association = ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=made)["AssociationId"]
    attached = [{"Name": "attachment.vpc-id", "Values": [network.vpc_id]}]
    (gateway,) = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]
    detaching = {"InternetGatewayId": gateway["InternetGatewayId"], "VpcId": network.vpc_id}
    assert code(ec2.release_address, AllocationId=allocation) == "InvalidIPAddress.InUse"
    assert code(ec2.detach_internet_gateway, **detaching) == "DependencyViolation"
    ec2.disassociate_address(AssociationId=association)
    ec2.release_address(AllocationId=allocation)
    ec2.detach_internet_gateway(**detaching)


def test_the_address_of_a_nat_gateway_is_not_its_owners_to_take_away(ec2: Any, network: Any) -> None:
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=network.public_subnet, AllocationId=allocation)
    (address,) = ec2.describe_addresses(AllocationIds=[allocation])["Addresses"]
    assert code(ec2.disassociate_address, AssociationId=address["AssociationId"]) == "AuthFailure"
    assert code(ec2.release_address, AllocationId=allocation) == "AuthFailure"
