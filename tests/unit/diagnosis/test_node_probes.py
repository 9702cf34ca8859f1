"""Why nodes of Fargate do not join: what the endpoint, the way out or the cluster security group refuses is named."""

from typing import Any

import pytest

from tests.unit.diagnosis.looking import look
from tests.unit.diagnosis.world import World
from tests.unit.resources.samples import request_for

SAID = "Pod provisioning timed out (will retry) for pod: default/verification-1-writer"
PUBLIC = {"endpointPublicAccess": True, "endpointPrivateAccess": False}
BOTH = {"endpointPublicAccess": True, "endpointPrivateAccess": True}
PRIVATE = {"endpointPublicAccess": False, "endpointPrivateAccess": True}
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


def endpoint(world: World, access: dict[str, bool], *cidrs: str) -> None:
    world.cluster["resourcesVpcConfig"].update(access, publicAccessCidrs=list(cidrs or ("0.0.0.0/0",)))


def nat_address(world: World) -> str:
    (gateway,) = world.ec2.describe_nat_gateways(NatGatewayIds=[world.nat_gateway_id])["NatGateways"]
    return str(gateway["NatGatewayAddresses"][0]["PublicIp"])


def group(world: World) -> Any:
    return world.ec2.describe_security_groups(GroupIds=[world.cluster_group_id])["SecurityGroups"][0]


def close_egress(world: World) -> None:
    permissions = group(world)["IpPermissionsEgress"]
    world.ec2.revoke_security_group_egress(GroupId=world.cluster_group_id, IpPermissions=permissions)


def close_ingress(world: World) -> None:
    permissions = group(world)["IpPermissions"]
    world.ec2.revoke_security_group_ingress(GroupId=world.cluster_group_id, IpPermissions=permissions)


@pytest.mark.parametrize("access", [PUBLIC, BOTH, PRIVATE])
def test_of_an_endpoint_that_lets_nodes_in_only_fargates_own_words_remain(
    world: World, access: dict[str, bool]
) -> None:
    endpoint(world, access)
    assert look(world, "nodes-not-joining")[0].verdict == "refuted"
    finding, fix = look(world, "nodes-not-joining", SAID)
    assert (finding.verdict, finding.saw) == ("possible", "all that can be looked at is open")
    assert "eks-example" in fix


def test_a_public_endpoint_that_keeps_the_nat_gateway_out_is_set_as_asked_for_by_the_next_run(world: World) -> None:
    world.request = request_for(cluster={"endpoint_access": "public"})
    endpoint(world, PUBLIC, "203.0.113.0/24")
    finding, fix = look(world, "nodes-not-joining", SAID)
    assert finding.verdict == "proved"
    assert f"nodes come from {nat_address(world)}, which publicAccessCidrs (203.0.113.0/24) keep out" in finding.saw
    assert fix == "run again: publicAccessCidrs of eks-example is set as asked for"


def test_one_that_was_asked_for_has_to_be_asked_for_otherwise(world: World) -> None:
    world.request = request_for(cluster={"endpoint_access": "public", "public_access_cidrs": ["203.0.113.0/24"]})
    endpoint(world, PUBLIC, "203.0.113.0/24")
    finding, fix = look(world, "nodes-not-joining", SAID)
    assert (finding.verdict, fix.startswith("set cluster.endpoint_access to public_and_private")) == ("proved", True)


def test_a_public_endpoint_that_lets_the_nat_gateway_in_is_open(world: World) -> None:
    endpoint(world, PUBLIC, f"{nat_address(world)}/32")
    assert look(world, "nodes-not-joining")[0].verdict == "refuted"


@pytest.mark.parametrize("access", [PUBLIC, BOTH])
def test_without_a_way_out_nodes_join_by_private_access_alone(world: World, access: dict[str, bool]) -> None:
    endpoint(world, access)
    world.ec2.delete_route(RouteTableId=world.route_table_id, DestinationCidrBlock="0.0.0.0/0")
    finding, _ = look(world, "nodes-not-joining")
    assert finding.verdict == ("refuted" if access["endpointPrivateAccess"] else "proved")


def test_where_private_names_do_not_resolve_nodes_come_to_the_public_endpoint(world: World) -> None:
    endpoint(world, BOTH, "203.0.113.0/24")
    assert look(world, "nodes-not-joining")[0].verdict == "refuted"
    world.ec2.modify_vpc_attribute(VpcId=world.vpc_id, EnableDnsHostnames={"Value": False})
    assert look(world, "nodes-not-joining")[0].verdict == "proved"


def test_a_way_behind_which_we_do_not_see_is_possible(world: World) -> None:
    endpoint(world, PUBLIC)
    gateway_id = world.ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    world.ec2.delete_route(RouteTableId=world.route_table_id, DestinationCidrBlock="0.0.0.0/0")
    world.ec2.create_route(
        RouteTableId=world.route_table_id, DestinationCidrBlock="0.0.0.0/0", TransitGatewayId=gateway_id
    )
    finding, _ = look(world, "nodes-not-joining")
    assert (finding.verdict, gateway_id in finding.saw) == ("possible", True)


@pytest.mark.parametrize(
    ("close", "saw"),
    [(close_egress, "lets no tcp 443 out to itself"), (close_ingress, "admits no tcp 443 from itself")],
)
def test_a_closed_cluster_security_group_is_proved(world: World, close: Any, saw: str) -> None:
    endpoint(world, BOTH)
    close(world)
    finding, fix = look(world, "nodes-not-joining")
    assert (finding.verdict, finding.saw) == ("proved", f"{world.cluster_group_id} {saw}")
    assert world.cluster_group_id in fix


def test_https_within_the_vpc_is_enough_for_private_access_and_not_for_a_public_endpoint(world: World) -> None:
    close_egress(world)
    inside = {**HTTPS, "IpRanges": [{"CidrIp": "192.168.0.0/16"}]}
    world.ec2.authorize_security_group_egress(GroupId=world.cluster_group_id, IpPermissions=[inside])
    endpoint(world, BOTH)
    assert look(world, "nodes-not-joining")[0].verdict == "refuted"
    endpoint(world, PUBLIC)
    finding, _ = look(world, "nodes-not-joining")
    assert finding.verdict == "proved"
    assert finding.saw == f"{world.cluster_group_id} lets no tcp 443 out to the internet"
    assert look(world, "image-unreachable")[0].verdict == "proved"


def test_a_group_that_lets_https_out_to_some_of_the_internet_is_possible(world: World) -> None:
    close_egress(world)
    some = {**HTTPS, "IpRanges": [{"CidrIp": "192.168.0.0/16"}, {"CidrIp": "99.83.0.0/16"}]}
    world.ec2.authorize_security_group_egress(GroupId=world.cluster_group_id, IpPermissions=[some])
    finding, _ = look(world, "image-unreachable")
    assert finding.verdict == "possible"
    assert finding.saw == f"{world.cluster_group_id} lets tcp 443 out to some addresses only"
