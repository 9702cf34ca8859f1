"""A way out that was broken after the proof is told, with where it ends; what cannot be told is no difference."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from provisioner.difference import Difference, drift
from provisioner.errors import TerminalError
from provisioner.inspection.infrastructure import infrastructure
from tests.unit.inspection.world import World
from tests.unit.resources.aws_calls import alter
from tests.unit.resources.networks import SomebodysVpc

PRIVATE_IMAGE = {"image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/mirror/busybox:1.37"}
COMPANY = ["10.1.2.3"]


@pytest.fixture
def vpc(empty: World) -> SomebodysVpc:
    return SomebodysVpc.made(empty.ec2)


@pytest.fixture
def world(empty: World, vpc: SomebodysVpc) -> World:
    empty.parts["network"] = vpc.asked
    empty.provision()
    assert empty.differences() == []
    return empty


OWNER = "999988887777"


def shared(vpc: SomebodysVpc) -> None:
    """Seen by an account that another one shares its subnets with."""
    alter(vpc.ec2, "DescribeRouteTables", lambda answer: [each.update(OwnerId=OWNER) for each in answer["RouteTables"]])
    alter(vpc.ec2, "DescribeNatGateways", lambda answer: answer.update(NatGateways=[]))
    alter(vpc.ec2, "DescribeVpcEndpoints", lambda answer: answer.update(VpcEndpoints=[]))


def test_what_the_owner_of_shared_subnets_does_not_show_is_no_difference(world: World, vpc: SomebodysVpc) -> None:
    shared(vpc)
    assert world.differences() == []
    vpc.lead(vpc.table_id)
    assert {each.path for each in world.differences()} == {"way_out"}  # no endpoint leads to a public registry
    world.parts["verification"] = PRIVATE_IMAGE
    assert world.differences() == []


def lead_nowhere(vpc: SomebodysVpc) -> None:
    vpc.lead(vpc.table_id)


def lead_to_the_internet_gateway(vpc: SomebodysVpc) -> None:
    vpc.lead(vpc.table_id, GatewayId=vpc.gateway_id)


def remove_the_nat_gateway(vpc: SomebodysVpc) -> None:
    vpc.ec2.delete_nat_gateway(NatGatewayId=vpc.nat_id)


def cut_the_nat_gateway_off(vpc: SomebodysVpc) -> None:
    vpc.lead(vpc.public_table_id)


def refuse_answers(vpc: SomebodysVpc) -> None:
    vpc.deny(vpc.public_subnet_id, egress=False, ports=(1024, 65535))


def block_public_access(vpc: SomebodysVpc) -> None:
    blocked = {"VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": "block-bidirectional"}}
    alter(vpc.ec2, "DescribeVpcBlockPublicAccessOptions", lambda answer: answer.update(blocked))


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lead_nowhere, "has no default route"),
        (lead_to_the_internet_gateway, "where pods without a public address get no answer"),
        (remove_the_nat_gateway, "which is"),
        (cut_the_nat_gateway_off, "whose route table"),
        (refuse_answers, "lets no tcp 1024-65535 inbound"),
        (block_public_access, "VPC Block Public Access of the account lets nothing through"),
    ],
)
def test_a_way_out_that_was_broken_is_told_with_where_it_ends(
    break_it: Callable[[SomebodysVpc], None], told: str, world: World, vpc: SomebodysVpc
) -> None:
    break_it(vpc)
    differences = world.differences()
    assert [each.resource for each in differences] == [f"subnet {each}" for each in world.network.subnet_ids]
    assert {(each.path, each.severity, each.repairable) for each in differences} == {("way_out", "critical", False)}
    for each in differences:
        assert told in each.actual
        assert each.actual in each.fix
    with pytest.raises(TerminalError):
        world.provision()


def test_a_way_behind_which_we_do_not_see_is_no_difference(world: World, vpc: SomebodysVpc) -> None:
    gateway_id = vpc.ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    vpc.lead(vpc.table_id, TransitGatewayId=gateway_id)
    assert world.differences() == []


def endpoint(vpc: SomebodysVpc, service: str, **statement: Any) -> str:
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **statement}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    where: dict[str, Any] = {"VpcEndpointType": "Gateway", "RouteTableIds": [vpc.table_id]}
    if service != "s3":
        group = vpc.ec2.create_security_group(GroupName=service, Description="e", VpcId=vpc.vpc_id)["GroupId"]
        https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
        vpc.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[https])
        where = {"VpcEndpointType": "Interface", "SubnetIds": vpc.subnet_ids, "SecurityGroupIds": [group]}
        where["PrivateDnsEnabled"] = True
    made = vpc.ec2.create_vpc_endpoint(
        VpcId=vpc.vpc_id, ServiceName=f"com.amazonaws.ap-northeast-1.{service}", PolicyDocument=policy, **where
    )
    return str(made["VpcEndpoint"]["VpcEndpointId"])


def test_an_isolated_network_is_as_it_is_to_be_until_one_of_its_endpoints_is_gone(
    empty: World, vpc: SomebodysVpc
) -> None:
    vpc.lead(vpc.table_id)
    endpoints = {service: endpoint(vpc, service) for service in ("ecr.api", "ecr.dkr", "s3", "sts")}
    empty.parts |= {"network": vpc.asked, "verification": PRIVATE_IMAGE}
    empty.provision()
    assert empty.differences() == []
    vpc.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoints["ecr.api"]])
    differences = empty.differences()
    assert [each.path for each in differences] == ["way_out", "way_out"]
    assert (
        "and not the VPC endpoints that take its place: com.amazonaws.ap-northeast-1.ecr.api" in differences[0].actual
    )


def test_an_endpoint_that_came_into_the_way_of_pulls_is_told(world: World, vpc: SomebodysVpc) -> None:
    made = endpoint(vpc, "s3", Resource="arn:aws:s3:::the-teams-bucket/*")
    first, _ = world.differences()
    assert (first.path, first.severity, first.repairable) == ("vpc_endpoints", "critical", False)
    assert f"s3 (the policy of {made} does not allow s3:GetObject on arn:aws:s3:::prod-" in first.actual


def resolvers(world: World, proven: list[str] | None) -> list[Difference]:
    return drift(infrastructure(world.request, world.target, proven_resolvers=proven).inspected)


def name_own_resolvers(vpc: SomebodysVpc) -> None:
    configuration = [{"Key": "domain-name-servers", "Values": COMPANY}]
    options = vpc.ec2.create_dhcp_options(DhcpConfigurations=configuration)["DhcpOptions"]["DhcpOptionsId"]
    vpc.ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=vpc.vpc_id)


def test_other_resolvers_than_those_of_the_proof_are_told_where_those_were_noted(
    world: World, vpc: SomebodysVpc
) -> None:
    assert resolvers(world, COMPANY) == []  # the VPC's own, which know EFS
    name_own_resolvers(vpc)
    assert resolvers(world, None) == resolvers(world, COMPANY) == []
    (difference,) = resolvers(world, [])
    assert (difference.resource, difference.path) == (f"VPC {vpc.vpc_id}", "dhcp_options.domain_name_servers")
    assert (difference.expected, difference.actual, difference.severity) == (
        ["AmazonProvidedDNS"],
        COMPANY,
        "warning",
    )


def test_in_a_network_of_our_own_a_closed_way_is_told_and_refused_by_the_next_run(created: World) -> None:
    (table,) = {
        each["RouteTableId"]
        for each in created.ec2.describe_route_tables()["RouteTables"]
        if any(association.get("SubnetId") == created.network.subnet_ids[0] for association in each["Associations"])
    }
    created.ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    (difference,) = created.differences()
    assert (difference.resource, difference.path) == (f"subnet {created.network.subnet_ids[0]}", "way_out")
    with pytest.raises(TerminalError, match="has no default route"):
        created.provision()
