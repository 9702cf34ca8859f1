"""Nodes and functions get to a cluster's API as its endpoint's access, the CIDRs and the network on the way have it."""

import contextlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from moto.ec2.models import EC2Backend

from local.aws import eks_endpoint, network
from local.aws.eks_endpoint import LAMBDA_ADDRESSES
from local.aws.eks_state import Cluster, clusters_of
from local.aws.lambda_runtime import Archive, Function

EVERYWHERE, OFFICE = "0.0.0.0/0", "203.0.113.0/24"
PUBLIC, PRIVATE, BOTH = (True, False), (False, True), (True, True)
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


@dataclass
class Endpoint:
    """A cluster whose nodes and functions have a NAT gateway, and what a test changes about it."""

    parts: Any
    network: Any
    cluster: Cluster
    nat_address: str

    @property
    def ec2(self) -> EC2Backend:
        return network.backend(self.parts.account_id, self.parts.region)

    def is_(self, access: tuple[bool, bool], *cidrs: str) -> None:
        self.cluster.vpc_config |= {
            "endpointPublicAccess": access[0],
            "endpointPrivateAccess": access[1],
            "publicAccessCidrs": list(cidrs or (EVERYWHERE,)),
        }

    def admits_node(self) -> bool:
        subnet = network.find_subnet(self.ec2, self.network.private_subnets[0])
        assert subnet is not None
        interface = network.create_interface(self.ec2, subnet, [self.cluster.security_group_id], "node")
        return eks_endpoint.admits_node(self.cluster, interface)

    def admits_function(self, subnet_id: str = "", group_id: str = "") -> bool:
        assert self.cluster.control_plane is not None
        port = urlsplit(self.cluster.control_plane.url).port
        assert port is not None
        return eks_endpoint.admits_function(function(subnet_id, group_id), port)

    def group(self, vpc_id: str) -> str:
        made = self.parts.client("ec2").create_security_group(GroupName="functions", Description="f", VpcId=vpc_id)
        return str(made["GroupId"])

    def admit(self, **source: Any) -> None:
        self.parts.client("ec2").authorize_security_group_ingress(
            GroupId=self.cluster.security_group_id, IpPermissions=[{**HTTPS, **source}]
        )


def function(subnet_id: str = "", group_id: str = "") -> Function:
    return Function(
        name="apply-storage",
        arn="arn:aws:lambda:ap-northeast-1:123456789012:function:apply-storage",
        region="ap-northeast-1",
        role_arn="arn:aws:iam::123456789012:role/f",
        runtime="python3.13",
        handler="app.handler",
        memory_mib=128,
        timeout_seconds=30,
        environment=(),
        code=Archive(b"", ""),
        layers=(),
        log_group="/aws/lambda/apply-storage",
        subnet_ids=(subnet_id,) if subnet_id else (),
        security_group_ids=(group_id,) if group_id else (),
    )


@pytest.fixture
def endpoint(parts: Any, network: Any, cluster: Any) -> Endpoint:
    ec2 = parts.client("ec2")
    address = ec2.allocate_address(Domain="vpc")
    made = ec2.create_nat_gateway(SubnetId=network.public_subnet, AllocationId=address["AllocationId"])
    parts.clock.pass_time()
    table = ec2.create_route_table(VpcId=network.vpc_id)["RouteTable"]["RouteTableId"]
    gateway_id = made["NatGateway"]["NatGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=EVERYWHERE, NatGatewayId=gateway_id)
    for subnet in network.private_subnets:
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    found = clusters_of(parts.account_id, parts.region)[cluster["name"]]
    return Endpoint(parts, network, found, address["PublicIp"])


@pytest.mark.parametrize("access", [PUBLIC, PRIVATE, BOTH])
def test_nodes_reach_an_endpoint_that_keeps_nobody_out(access: tuple[bool, bool], endpoint: Endpoint) -> None:
    endpoint.is_(access)
    assert endpoint.admits_node()


def test_nodes_come_to_a_public_endpoint_from_the_nat_gateways_address(endpoint: Endpoint) -> None:
    endpoint.is_(PUBLIC, OFFICE)
    assert not endpoint.admits_node()
    endpoint.is_(PUBLIC, OFFICE, f"{endpoint.nat_address}/32")
    assert endpoint.admits_node()


def test_nodes_come_to_the_private_endpoint_whatever_the_cidrs_while_its_name_resolves(endpoint: Endpoint) -> None:
    endpoint.is_(BOTH, OFFICE)
    assert endpoint.admits_node()
    endpoint.parts.client("ec2").modify_vpc_attribute(
        VpcId=endpoint.network.vpc_id, EnableDnsHostnames={"Value": False}
    )
    assert not endpoint.admits_node()
    endpoint.is_(PRIVATE)
    assert endpoint.admits_node()


@pytest.mark.parametrize(("access", "is_open"), [(PUBLIC, False), (BOTH, True), (PRIVATE, True)])
def test_without_a_way_out_only_private_access_lets_nodes_in(
    access: tuple[bool, bool], is_open: bool, endpoint: Endpoint
) -> None:
    endpoint.is_(access)
    (gateway,) = endpoint.ec2.nat_gateways.values()
    endpoint.parts.client("ec2").delete_nat_gateway(NatGatewayId=gateway.id)
    assert endpoint.admits_node() is is_open


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_nodes_need_the_cluster_security_group_both_ways(direction: str, endpoint: Endpoint) -> None:
    ec2, group_id = endpoint.parts.client("ec2"), endpoint.cluster.security_group_id
    (group,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    permissions = group["IpPermissions" if direction == "ingress" else "IpPermissionsEgress"]
    getattr(ec2, f"revoke_security_group_{direction}")(GroupId=group_id, IpPermissions=permissions)
    endpoint.is_(BOTH)
    assert not endpoint.admits_node()
    endpoint.is_(PUBLIC)
    assert endpoint.admits_node() is (direction == "ingress")
    rule = {**HTTPS, "UserIdGroupPairs": [{"GroupId": group_id}]}
    getattr(ec2, f"authorize_security_group_{direction}")(GroupId=group_id, IpPermissions=[rule])
    endpoint.is_(BOTH)
    assert endpoint.admits_node()


def test_functions_outside_a_vpc_come_from_any_address_of_aws(endpoint: Endpoint) -> None:
    endpoint.is_(BOTH)
    assert endpoint.admits_function()
    endpoint.is_(BOTH, OFFICE, f"{LAMBDA_ADDRESSES[0]}/32")
    assert not endpoint.admits_function()
    endpoint.is_(PRIVATE)
    assert not endpoint.admits_function()


def test_functions_in_the_clusters_vpc_come_to_the_private_endpoint(endpoint: Endpoint) -> None:
    group_id = endpoint.group(endpoint.network.vpc_id)
    place = (endpoint.network.private_subnets[0], group_id)
    endpoint.is_(PRIVATE)
    assert not endpoint.admits_function(*place)
    endpoint.admit(UserIdGroupPairs=[{"GroupId": group_id}])
    assert endpoint.admits_function(*place)
    endpoint.is_(PUBLIC, OFFICE)
    assert not endpoint.admits_function(*place)
    endpoint.is_(PUBLIC, f"{endpoint.nat_address}/32")
    assert endpoint.admits_function(*place)


def test_functions_in_a_peered_vpc_need_the_routes_there_and_back_and_the_clusters_group(endpoint: Endpoint) -> None:
    ec2 = endpoint.parts.client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.5.1.0/24")["Subnet"]["SubnetId"]
    place = (subnet_id, endpoint.group(vpc_id))
    endpoint.admit(IpRanges=[{"CidrIp": "10.5.0.0/16"}])
    endpoint.is_(PRIVATE)
    assert not endpoint.admits_function(*place)
    peering = ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=endpoint.network.vpc_id)
    peering_id = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["RouteTables"][0]
    ec2.create_route(
        RouteTableId=table["RouteTableId"], DestinationCidrBlock="192.168.0.0/16", VpcPeeringConnectionId=peering_id
    )
    assert not endpoint.admits_function(*place)
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    assert not endpoint.admits_function(*place)
    back = {"DestinationCidrBlock": "10.5.0.0/16", "VpcPeeringConnectionId": peering_id}
    for subnet_id in endpoint.network.private_subnets:
        subnet = network.find_subnet(endpoint.ec2, subnet_id)
        assert subnet is not None
        with contextlib.suppress(ClientError):  # both may have one table
            ec2.create_route(RouteTableId=network.route_table(endpoint.ec2, subnet).id, **back)
    assert endpoint.admits_function(*place)
    endpoint.is_(BOTH, OFFICE)  # its name then leads a peered VPC to the public endpoint
    assert not endpoint.admits_function(*place)


def test_what_is_no_clusters_api_is_not_kept_from_functions(endpoint: Endpoint) -> None:
    endpoint.is_(PRIVATE)
    assert eks_endpoint.admits_function(function(), 9)
