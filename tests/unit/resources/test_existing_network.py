from dataclasses import dataclass
from typing import Any

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation
from provisioner.request import ExistingNetwork
from provisioner.resources import existing_network, network
from tests.unit.resources.aws_calls import Calls, alter
from tests.unit.resources.samples import request_for


@dataclass
class Vpc:
    """Somebody's VPC: two private subnets and a main route table, DNS attributes on."""

    ec2: Any
    vpc_id: str
    subnet_ids: list[str]

    def public_route(self, route_table_id: str) -> None:
        gateway_id = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=self.vpc_id)
        self.ec2.create_route(RouteTableId=route_table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)

    def main_route_table_id(self) -> str:
        filters = [{"Name": "vpc-id", "Values": [self.vpc_id]}, {"Name": "association.main", "Values": ["true"]}]
        route_table_id: str = self.ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
        return route_table_id

    def own_route_table(self, subnet_id: str) -> str:
        route_table_id: str = self.ec2.create_route_table(VpcId=self.vpc_id)["RouteTable"]["RouteTableId"]
        self.ec2.associate_route_table(RouteTableId=route_table_id, SubnetId=subnet_id)
        return route_table_id

    def ensure(self, *subnet_ids: str, vpc_id: str | None = None) -> Observation:
        wanted = {"vpc_id": vpc_id or self.vpc_id, "private_subnet_ids": list(subnet_ids or self.subnet_ids)}
        return network.ensure(request_for(network=wanted), "run", self.ec2, None)  # type: ignore[arg-type]

    def problems(self, *subnet_ids: str, vpc_id: str | None = None) -> str:
        with pytest.raises(TerminalError) as raised:
            self.ensure(*subnet_ids, vpc_id=vpc_id)
        assert raised.value.reason is ErrorReason.UNSUITABLE_NETWORK
        return raised.value.subject


def subnet(ec2: Any, vpc_id: str, zone: str, cidr: str) -> str:
    subnet_id: str = ec2.create_subnet(VpcId=vpc_id, AvailabilityZone=zone, CidrBlock=cidr)["Subnet"]["SubnetId"]
    return subnet_id


@pytest.fixture
def vpc(ec2: Any) -> Vpc:
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    zones = {"ap-northeast-1a": "10.0.1.0/24", "ap-northeast-1c": "10.0.2.0/24"}
    return Vpc(ec2, vpc_id, [subnet(ec2, vpc_id, zone, cidr) for zone, cidr in zones.items()])


def test_a_suitable_vpc_is_ready_and_described_by_zone_id(vpc: Vpc) -> None:
    observation = vpc.ensure()
    assert observation.ready
    assert observation.facts == {
        "vpc_id": vpc.vpc_id,
        "private_subnets": [
            {
                "subnet_id": vpc.subnet_ids[1],
                "availability_zone": "ap-northeast-1c",
                "availability_zone_id": "apne1-az1",
                "cidr": "10.0.2.0/24",
            },
            {
                "subnet_id": vpc.subnet_ids[0],
                "availability_zone": "ap-northeast-1a",
                "availability_zone_id": "apne1-az4",
                "cidr": "10.0.1.0/24",
            },
        ],
    }


def test_an_existing_vpc_is_never_changed(vpc: Vpc) -> None:
    calls = Calls(vpc.ec2)
    vpc.ensure()
    vpc.ec2.modify_vpc_attribute(VpcId=vpc.vpc_id, EnableDnsHostnames={"Value": False})
    vpc.problems()
    assert calls.mutating == ["ModifyVpcAttribute"]  # the test's own


def test_a_vpc_that_does_not_exist_is_named(vpc: Vpc) -> None:
    assert vpc.problems(vpc_id="vpc-00000000000000000") == "vpc-00000000000000000 does not exist"


def test_find_gives_none_for_a_vpc_that_does_not_exist(vpc: Vpc) -> None:
    absent = ExistingNetwork(vpc_id="vpc-00000000000000000", private_subnet_ids=vpc.subnet_ids)
    assert existing_network.find(absent, vpc.ec2) is None


def test_a_subnet_that_does_not_exist_is_named(vpc: Vpc) -> None:
    absent = "subnet-00000000000000000"
    assert vpc.problems(*vpc.subnet_ids, absent) == f"{absent} does not exist"


def test_one_zone_is_too_few(vpc: Vpc) -> None:
    neighbour = subnet(vpc.ec2, vpc.vpc_id, "ap-northeast-1a", "10.0.3.0/24")
    assert "1 availability zone(s)" in vpc.problems(vpc.subnet_ids[0], neighbour)


def test_a_subnet_of_another_vpc_is_named(vpc: Vpc) -> None:
    other_vpc_id = vpc.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    stranger = subnet(vpc.ec2, other_vpc_id, "ap-northeast-1d", "10.9.0.0/24")
    assert vpc.problems(*vpc.subnet_ids, stranger) == f"{stranger} is in {other_vpc_id}, not in {vpc.vpc_id}"


def test_a_subnet_public_through_the_main_route_table_is_named(vpc: Vpc) -> None:
    vpc.own_route_table(vpc.subnet_ids[0])
    vpc.public_route(vpc.main_route_table_id())
    problems = vpc.problems()
    assert f"{vpc.subnet_ids[1]} is public" in problems
    assert vpc.subnet_ids[0] not in problems


def test_a_subnet_public_through_its_own_route_table_is_named(vpc: Vpc) -> None:
    vpc.public_route(vpc.own_route_table(vpc.subnet_ids[0]))
    problems = vpc.problems()
    assert f"{vpc.subnet_ids[0]} is public" in problems
    assert vpc.subnet_ids[1] not in problems


@pytest.mark.parametrize("attribute", ["EnableDnsSupport", "EnableDnsHostnames"])
def test_dns_attributes_that_are_off_are_named(attribute: str, vpc: Vpc) -> None:
    vpc.ec2.modify_vpc_attribute(VpcId=vpc.vpc_id, **{attribute: {"Value": False}})
    assert attribute.removeprefix("Enable") in vpc.problems()


def test_too_few_free_addresses_are_named(vpc: Vpc) -> None:
    alter(vpc.ec2, "DescribeSubnets", lambda parsed: parsed["Subnets"][0].update(AvailableIpAddressCount=7))
    assert vpc.problems() == f"{vpc.subnet_ids[0]} has 7 free addresses, fewer than 8"


def test_a_zone_without_fargate_is_named(vpc: Vpc) -> None:
    alter(vpc.ec2, "DescribeSubnets", lambda parsed: parsed["Subnets"][0].update(AvailabilityZoneId="apne1-az3"))
    assert "zone apne1-az3" in vpc.problems()


def test_all_problems_are_listed_at_once(vpc: Vpc) -> None:
    vpc.public_route(vpc.main_route_table_id())
    vpc.ec2.modify_vpc_attribute(VpcId=vpc.vpc_id, EnableDnsHostnames={"Value": False})
    problems = vpc.problems(vpc.subnet_ids[0], "subnet-00000000000000000")
    for problem in ("does not exist", "availability zone(s)", "is public", "enableDnsHostnames"):
        assert problem in problems
