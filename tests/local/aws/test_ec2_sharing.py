"""What an account sees and does in a VPC whose subnets another account shares with it."""

from typing import Any

import pytest

from local.aws import ec2_sharing
from local.aws import network as live
from tests.local.aws.calls import code
from tests.local.aws.conftest import ACCOUNT, REGION

OWNER = "999988887777"


@pytest.fixture
def ec2(parts: Any) -> Any:
    return parts.client("ec2")


@pytest.fixture
def table_id(ec2: Any, network: Any) -> str:
    """Of the private subnets, with a NAT gateway and an endpoint, tagged as its owner tags."""
    allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat_id = ec2.create_nat_gateway(SubnetId=network.public_subnet, AllocationId=allocation)["NatGateway"][
        "NatGatewayId"
    ]
    made: str = ec2.create_route_table(VpcId=network.vpc_id)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=made, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat_id)
    for subnet_id in network.private_subnets:
        ec2.associate_route_table(RouteTableId=made, SubnetId=subnet_id)
    s3 = f"com.amazonaws.{REGION}.s3"
    ec2.create_vpc_endpoint(VpcId=network.vpc_id, VpcEndpointType="Gateway", ServiceName=s3, RouteTableIds=[made])
    ec2.create_tags(Resources=[network.vpc_id, *network.private_subnets], Tags=[{"Key": "team", "Value": "network"}])
    return made


@pytest.fixture
def shared(network: Any, table_id: str) -> Any:
    ec2_sharing.share(live.backend(ACCOUNT, REGION), network.vpc_id, OWNER, network.private_subnets)
    return network


def test_shared_subnets_with_their_routes_and_the_vpc_are_seen_under_the_owners_id_and_without_tags(
    ec2: Any, shared: Any, table_id: str
) -> None:
    here = [{"Name": "vpc-id", "Values": [shared.vpc_id]}]
    (vpc,), subnets = ec2.describe_vpcs(Filters=here)["Vpcs"], ec2.describe_subnets(Filters=here)["Subnets"]
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    assert {each["OwnerId"] for each in (vpc, *subnets, table)} == {OWNER}
    assert sorted(each["SubnetId"] for each in subnets) == sorted(shared.private_subnets)
    assert [each.get("Tags", []) for each in (vpc, *subnets)] == [[], [], []]
    assert {acl["OwnerId"] for acl in ec2.describe_network_acls(Filters=here)["NetworkAcls"]} == {OWNER}


def test_nat_gateways_endpoints_groups_and_interfaces_of_the_owner_are_not_seen(ec2: Any, shared: Any) -> None:
    here = [{"Name": "vpc-id", "Values": [shared.vpc_id]}]
    assert ec2.describe_nat_gateways(Filters=here)["NatGateways"] == []
    assert ec2.describe_vpc_endpoints(Filters=here)["VpcEndpoints"] == []
    assert ec2.describe_security_groups(Filters=here)["SecurityGroups"] == []
    assert ec2.describe_network_interfaces(Filters=here)["NetworkInterfaces"] == []


def test_what_is_the_owners_is_not_changed_and_groups_of_ones_own_are_made(
    ec2: Any, shared: Any, table_id: str
) -> None:
    route = {"RouteTableId": table_id, "DestinationCidrBlock": "10.9.0.0/16", "GatewayId": "igw-1"}
    assert code(ec2.create_route, **route) == "UnauthorizedOperation"
    subnet = {"VpcId": shared.vpc_id, "CidrBlock": "192.168.9.0/24"}
    assert code(ec2.create_subnet, **subnet) == "UnauthorizedOperation"
    off = {"VpcId": shared.vpc_id, "EnableDnsSupport": {"Value": False}}
    assert code(ec2.modify_vpc_attribute, **off) == "UnauthorizedOperation"
    group_id = ec2.create_security_group(GroupName="own", Description="own", VpcId=shared.vpc_id)["GroupId"]
    (group,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    assert group["OwnerId"] == ACCOUNT


def test_a_cluster_there_has_to_have_a_group_of_the_accounts_own(parts: Any, ec2: Any, shared: Any) -> None:
    eks, role = parts.client("eks"), parts.role("cluster", "eks.amazonaws.com")

    def refused(**config: Any) -> str:
        wanted = {"subnetIds": shared.private_subnets, **config}
        return code(eks.create_cluster, name="demo", roleArn=role, resourcesVpcConfig=wanted)

    default = live.default_security_group(live.backend(ACCOUNT, REGION), shared.vpc_id)
    assert default is not None
    assert (refused(), refused(securityGroupIds=[default.id])) == ("InvalidParameterException",) * 2
    own = ec2.create_security_group(GroupName="own", Description="own", VpcId=shared.vpc_id)["GroupId"]
    wanted = {"subnetIds": shared.private_subnets, "securityGroupIds": [own]}
    assert eks.create_cluster(name="demo", roleArn=role, resourcesVpcConfig=wanted)["cluster"]["status"] == "CREATING"
