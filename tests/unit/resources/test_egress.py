"""A way out is followed to its end, and is not told to be closed where the end cannot be seen."""

from typing import Any

import pytest

from provisioner.resources.egress import Egress, Way
from tests.unit.resources.aws_calls import alter
from tests.unit.resources.networks import SomebodysVpc
from tests.unit.resources.samples import ACCOUNT_ID


@pytest.fixture
def vpc(ec2: Any) -> SomebodysVpc:
    return SomebodysVpc.made(ec2)


def way(vpc: SomebodysVpc) -> Way:
    return Egress(vpc.vpc_id, ACCOUNT_ID, vpc.ec2).way_from(vpc.subnet_ids[1], "10.0.2.0/24")


def test_through_a_nat_gateway_that_reaches_the_internet_it_is_open_and_its_address_known(
    vpc: SomebodysVpc,
) -> None:
    assert way(vpc) == Way("open", addresses=(vpc.nat_address,))


@pytest.mark.parametrize("table", ["table_id", "public_table_id"])
def test_without_a_default_route_at_either_end_it_is_closed(table: str, vpc: SomebodysVpc) -> None:
    vpc.lead(getattr(vpc, table))
    assert way(vpc).is_ == "closed"
    assert f"{getattr(vpc, table)} has no default route" in way(vpc).why


@pytest.mark.parametrize("table", ["table_id", "public_table_id"])
@pytest.mark.parametrize(("hop", "is_"), [("tgw-0123", "unknown"), ("vpce-0123", "closed")])
def test_a_prefix_list_may_lead_everywhere_and_that_of_a_gateway_endpoint_does_not(
    hop: str, is_: str, table: str, vpc: SomebodysVpc
) -> None:
    vpc.lead(getattr(vpc, table))
    next_hop = {"GatewayId": hop} if hop.startswith("vpce") else {"TransitGatewayId": hop}

    def add(answer: Any) -> None:
        for each in answer["RouteTables"]:
            if each["RouteTableId"] == getattr(vpc, table):
                each["Routes"].append({"DestinationPrefixListId": "pl-0123", "State": "active", **next_hop})

    alter(vpc.ec2, "DescribeRouteTables", add)
    assert (way(vpc).is_, "pl-0123" in way(vpc).why) == (is_, is_ == "unknown")


def test_a_gateway_that_is_not_attached_closes_it(vpc: SomebodysVpc) -> None:
    vpc.ec2.detach_internet_gateway(InternetGatewayId=vpc.gateway_id, VpcId=vpc.vpc_id)
    assert (way(vpc).is_, f"{vpc.gateway_id}, which is not attached" in way(vpc).why) == ("closed", True)


def test_a_nat_gateway_that_does_not_work_closes_it(vpc: SomebodysVpc) -> None:
    alter(vpc.ec2, "DescribeNatGateways", lambda answer: answer["NatGateways"][0].update(State="failed"))
    assert way(vpc).why.endswith(f"leads to {vpc.nat_id}, which is failed")


def test_a_private_nat_gateway_reaches_no_internet_gateway(vpc: SomebodysVpc) -> None:
    alter(vpc.ec2, "DescribeNatGateways", lambda answer: answer["NatGateways"][0].update(ConnectivityType="private"))
    assert (way(vpc).is_, "which is a private one" in way(vpc).why) == ("closed", True)


@pytest.mark.parametrize("table", ["table_id", "public_table_id"])
def test_behind_a_transit_gateway_nothing_is_seen(table: str, vpc: SomebodysVpc) -> None:
    transit = vpc.ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    vpc.lead(getattr(vpc, table), TransitGatewayId=transit)
    assert (way(vpc).is_, f"leads to {transit}, behind which we do not see" in way(vpc).why) == ("unknown", True)


@pytest.mark.parametrize(
    ("where", "egress", "ports"),
    [
        ("pods", True, (443, 443)),
        ("pods", False, (1024, 65535)),
        ("nat", False, (443, 443)),
        ("nat", False, (1024, 65535)),
        ("nat", True, (1024, 65535)),
    ],
)
def test_a_network_acl_that_closes_any_part_of_the_way_is_named(
    where: str, egress: bool, ports: tuple[int, int], vpc: SomebodysVpc
) -> None:
    subnet_id = vpc.subnet_ids[1] if where == "pods" else vpc.public_subnet_id
    vpc.deny(subnet_id, egress=egress, ports=ports)
    assert (way(vpc).is_, f"of {subnet_id} lets no tcp" in way(vpc).why) == ("closed", True)


def test_what_a_network_acl_allows_within_the_vpc_opens_no_way_out_of_it(vpc: SomebodysVpc) -> None:
    vpc.deny(vpc.public_subnet_id, egress=False, ports=(1024, 65535))
    filters = [{"Name": "association.subnet-id", "Values": [vpc.public_subnet_id]}]
    (acl,) = vpc.ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
    local = {"Egress": False, "Protocol": "-1", "CidrBlock": "10.0.0.0/16", "RuleAction": "allow", "RuleNumber": 10}
    vpc.ec2.create_network_acl_entry(NetworkAclId=acl["NetworkAclId"], **local)
    assert way(vpc).is_ == "closed"


def test_a_network_acl_that_bans_some_addresses_closes_nothing(vpc: SomebodysVpc) -> None:
    vpc.deny(vpc.public_subnet_id, egress=True, ports=(443, 443), cidr="198.51.100.0/24")
    assert way(vpc).is_ == "open"


@pytest.mark.parametrize(
    ("mode", "excluded", "expected"),
    [
        ("block-bidirectional", None, "closed"),
        ("block-ingress", None, "open"),
        ("block-bidirectional", "vpc", "open"),
        ("block-bidirectional", "subnet", "open"),
    ],
)
def test_block_public_access_closes_it_unless_the_vpc_or_the_nat_gateways_subnet_is_excluded(
    mode: str, excluded: str | None, expected: str, vpc: SomebodysVpc
) -> None:
    resource = {"vpc": vpc.vpc_id, "subnet": vpc.public_subnet_id}.get(excluded or "", "other")
    exclusion = {"ResourceArn": f"arn:aws:ec2:r:1:{excluded}/{resource}", "State": "create-complete"}
    options = "VpcBlockPublicAccessOptions"
    alter(
        vpc.ec2,
        "DescribeVpcBlockPublicAccessOptions",
        lambda answer: answer.update({options: {"InternetGatewayBlockMode": mode}}),
    )
    alter(
        vpc.ec2,
        "DescribeVpcBlockPublicAccessExclusions",
        lambda answer: answer.update(VpcBlockPublicAccessExclusions=[exclusion]),
    )
    assert way(vpc).is_ == expected
