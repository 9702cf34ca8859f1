"""What only a network of our own, and only a request with an access point, can differ in."""

from typing import Any

import pytest

from provisioner.difference import Difference
from provisioner.errors import TerminalError
from provisioner.request import CreatedNetwork
from provisioner.resources import account
from tests.unit.inspection.world import World
from tests.unit.resources.aws_calls import alter, refuse
from tests.unit.resources.networks import make_with_nat, stack_becomes

STACK = "network stack eks-efs-provisioner-eks-example-network"
NAT_STACK = "network stack eks-efs-provisioner-eks-example-nat"
ACCESS_POINT = {"uid": 1000, "gid": 1000, "path": "/data"}


def only(world: World) -> Difference:
    (difference,) = world.differences()
    return difference


def set_status(world: World, status: str) -> None:
    stack_becomes(world.cloudformation, StackStatus=status)


def test_a_network_of_our_own_as_a_run_leaves_it_has_no_difference(created: World) -> None:
    assert created.differences() == []


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"])
def test_a_stack_that_is_complete_in_whatever_way_is_no_difference(status: str, created: World) -> None:
    set_status(created, status)
    assert created.differences() == []


@pytest.mark.parametrize(
    ("status", "repairable"),
    [
        ("UPDATE_IN_PROGRESS", True),
        ("DELETE_IN_PROGRESS", True),
        ("UPDATE_ROLLBACK_FAILED", False),
        ("ROLLBACK_COMPLETE", False),
    ],
)
def test_a_stack_under_way_is_waited_for_and_a_failed_one_is_for_people(
    status: str, repairable: bool, created: World
) -> None:
    set_status(created, status)
    difference = only(created)
    assert (difference.resource, difference.path, difference.actual) == (STACK, "status", status)
    assert difference.repairable == repairable


def test_of_a_stack_that_does_not_say_yet_where_its_network_is_only_that_is_told(created: World) -> None:
    stack_becomes(created.cloudformation, StackStatus="UPDATE_IN_PROGRESS", Outputs=[])
    assert (only(created).resource, only(created).path) == (STACK, "status")


def test_another_zone_layout_is_for_people_one_difference_per_parameter(created: World) -> None:
    created.parts["network"] = {"availability_zones": 2, "nat": "per_zone"}
    assert [(each.path, each.expected, each.actual, each.repairable) for each in created.differences()] == [
        ("parameters.ZoneCount", "2", "3", False),
        ("parameters.NatGateways", "per_zone", "single", False),
    ]
    assert {each.resource for each in created.differences()} == {STACK, NAT_STACK}
    with pytest.raises(TerminalError, match="ZoneCount"):
        created.provision()


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"])
def test_the_stack_with_the_nat_gateways_is_looked_at_like_the_networks(status: str, created: World) -> None:
    stack_becomes(created.cloudformation, "-nat", StackStatus=status)
    difference = only(created)
    assert (difference.resource, difference.path, difference.actual) == (NAT_STACK, "status", status)


@pytest.mark.parametrize(
    "lost", [{"StackStatus": "DELETE_COMPLETE"}, {"StackStatus": "ROLLBACK_COMPLETE", "Outputs": []}]
)
def test_nat_gateways_that_are_gone_or_never_came_to_stand_are_one_difference_that_a_run_mends(
    lost: dict[str, Any], created: World
) -> None:
    lead_nowhere(created)
    assert {each.path for each in created.differences()} == {"way_out"}
    stack_becomes(created.cloudformation, "-nat", **lost)
    difference = only(created)
    assert (difference.resource, difference.path, difference.repairable) == (NAT_STACK, "exists", True)
    assert account.look(created.request, created.target).problems == []


def lead_nowhere(world: World) -> None:
    """Every private subnet."""
    for table in world.ec2.describe_route_tables()["RouteTables"]:
        if any("NatGatewayId" in route for route in table["Routes"]):
            world.ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")


def test_a_network_of_an_earlier_version_with_its_nat_gateways_in_one_stack_has_no_difference(empty: World) -> None:
    wanted = empty.request.network
    assert isinstance(wanted, CreatedNetwork)
    make_with_nat(empty.request, wanted, empty.ec2, empty.cloudformation)
    empty.provision()
    assert [each["StackName"] for each in empty.cloudformation.describe_stacks()["Stacks"]] == [STACK.split()[-1]]
    assert empty.differences() == []
    empty.parts["network"] = {"nat": "per_zone"}
    difference = only(empty)
    assert (difference.resource, difference.path, difference.repairable) == (STACK, "parameters.NatGateways", False)
    empty.parts["network"] = {}
    lead_nowhere(empty)
    assert {each.path for each in empty.differences()} == {"way_out"}


def test_other_zones_than_those_named_are_for_people(created: World) -> None:
    actual = sorted(created.network.one_subnet_per_zone())
    created.parts["network"] = {"availability_zones": ["apne1-az3", *actual[1:]]}
    difference = only(created)
    assert (difference.resource, difference.path, difference.actual) == (STACK, "parameters.Zones", actual)
    assert not difference.repairable


@pytest.mark.parametrize("attribute", ["EnableDnsSupport", "EnableDnsHostnames"])
def test_dns_attributes_of_a_vpc_of_our_own_are_switched_on_again(attribute: str, created: World) -> None:
    created.ec2.modify_vpc_attribute(VpcId=created.network.vpc_id, **{attribute: {"Value": False}})
    difference = only(created)
    assert difference.resource == f"VPC {created.network.vpc_id}"
    assert (difference.path, difference.repairable) == (attribute[0].lower() + attribute[1:], True)
    created.provision()
    assert created.differences() == []


def test_a_lost_stack_is_one_difference_without_what_was_in_the_network(created: World) -> None:
    refuse(created.cloudformation, "DescribeStacks", "ValidationError")
    difference = only(created)
    assert (difference.resource, difference.path, difference.repairable) == (STACK, "exists", False)


def test_a_lost_vpc_is_one_difference(world: World) -> None:
    world.parts["network"]["vpc_id"] = "vpc-00000000"
    difference = only(world)
    assert (difference.resource, difference.path, difference.repairable) == ("VPC vpc-00000000", "exists", False)


def test_a_lost_subnet_is_one_difference(world: World) -> None:
    world.parts["network"]["private_subnet_ids"].append("subnet-00000000")
    difference = only(world)
    assert (difference.resource, difference.path) == ("subnet subnet-00000000", "exists")
    assert not difference.repairable


def test_the_rule_of_a_lost_subnet_is_not_told_besides(created: World) -> None:
    lost = created.network.private_subnets[0].subnet_id
    alter(created.ec2, "DescribeSubnets", lambda parsed: without(parsed, lost))
    assert (only(created).resource, only(created).path) == (f"subnet {lost}", "exists")


def without(parsed: Any, subnet_id: str) -> None:
    parsed["Subnets"] = [subnet for subnet in parsed["Subnets"] if subnet["SubnetId"] != subnet_id]


def test_a_stack_without_our_tag_is_for_people(created: World) -> None:
    stack_becomes(created.cloudformation, Tags=[])
    difference = only(created)
    assert (difference.resource, difference.path) == (STACK, "tags.eks-efs-provisioner/cluster")


@pytest.fixture
def with_access_point(world: World) -> World:
    world.parts["storage"] = {
        "access_point": ACCESS_POINT,
        "persistent_volume": "efs-home",
        "claim": "efs-home",
    }
    world.provision()
    return world


def test_an_access_point_as_a_run_leaves_it_has_no_difference(with_access_point: World) -> None:
    assert with_access_point.differences() == []


def test_a_lost_access_point_is_for_people_since_the_volume_names_it(with_access_point: World) -> None:
    with_access_point.efs.delete_access_point(AccessPointId=with_access_point.access_point_id)
    difference = only(with_access_point)
    assert (difference.resource, difference.path) == ("access point of eks-example's volume efs-home", "exists")
    assert not difference.repairable
    with pytest.raises(TerminalError, match="efs-home"):
        with_access_point.provision()


@pytest.mark.parametrize(("field", "value"), [("uid", 1), ("gid", 2), ("path", "/other")])
def test_an_access_point_of_another_user_or_path_is_for_people(
    field: str, value: Any, with_access_point: World
) -> None:
    with_access_point.parts["storage"]["access_point"] = {**ACCESS_POINT, field: value}
    difference = only(with_access_point)
    assert (difference.path, difference.expected, difference.repairable) == (field, value, False)
    with pytest.raises(TerminalError):
        with_access_point.provision()


@pytest.mark.parametrize(("state", "repairable"), [("updating", True), ("creating", True), ("deleting", False)])
def test_an_access_point_under_way_is_told(state: str, repairable: bool, with_access_point: World) -> None:
    alter(
        with_access_point.efs,
        "DescribeAccessPoints",
        lambda parsed: parsed["AccessPoints"][0].update(LifeCycleState=state),
    )
    difference = only(with_access_point)
    assert (difference.path, difference.actual, difference.repairable) == ("status", state, repairable)


def test_mount_targets_in_another_network_are_told_once_and_for_people(world: World) -> None:
    for made in world.efs_backend.mount_targets_by_id.values():
        made.vpc_id = "vpc-2"
    difference = only(world)
    assert (difference.resource, difference.path) == (f"mount targets of {world.file_system_id}", "vpcId")
    assert (difference.expected, difference.actual) == (world.network.vpc_id, "vpc-2")
    assert not difference.repairable
    assert all(target_id in difference.fix for target_id in world.efs_backend.mount_targets_by_id)


def test_a_group_that_was_lost_is_made_again_and_attached(world: World) -> None:
    other = world.ec2.create_security_group(GroupName="other", Description="x", VpcId=world.network.vpc_id)["GroupId"]
    for made in world.efs_backend.mount_targets_by_id.values():
        world.efs.modify_mount_target_security_groups(MountTargetId=made.mount_target_id, SecurityGroups=[other])
    world.ec2.delete_security_group(GroupId=world.group_id)
    difference = only(world)
    assert (difference.resource, difference.path) == ("security group eks-example-efs", "exists")
    world.provision()
    assert world.differences() == []
