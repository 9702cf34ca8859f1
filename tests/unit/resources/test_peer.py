"""A file system in another VPC: what is between it and the pods, told before anything is made."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import vpcs
from provisioner.errors import ErrorReason, TerminalError
from provisioner.request import PeerRequest
from provisioner.resources import peer, peer_drift
from provisioner.resources.vpc import Network, subnets_of
from tests.unit.resources.aws_calls import Calls, alter, refuse
from tests.unit.resources.samples import ACCOUNT_ID, request_for
from tests.unit.resources.test_networks_page import OF_A_LENDER, OF_A_PEER, PAGE, quoted

ZONES = ("ap-northeast-1a", "ap-northeast-1c")


@dataclass
class Two:
    """The pods' VPC and the mount targets'."""

    ec2: Any
    here: vpcs.Vpc
    there: vpcs.Vpc
    link_id: str

    @property
    def pods(self) -> Network:
        return Network.from_subnets(self.here.vpc_id, subnets_of(self.here.subnet_ids, self.ec2))

    def asked(self, **changes: Any) -> PeerRequest:
        return PeerRequest.model_validate(
            {"vpc_id": self.there.vpc_id, "subnet_ids": list(self.there.subnet_ids), **changes}
        )

    def check(self, **changes: Any) -> tuple[list[str], list[str]]:
        """What is wrong, each with its remedy, and what is warned of."""
        problems, warnings = peer.check(request_for(), self.asked(**changes), self.pods, self.ec2)
        assert {each.reason for each in problems} <= {ErrorReason.UNSUITABLE_NETWORK}
        return [f"{each.what} -> {each.remedy}" for each in problems], warnings

    def drift(self) -> set[tuple[str, Any]]:
        found = peer_drift.inspect(self.asked(), self.pods, ACCOUNT_ID, self.ec2)
        return {(each.path, each.actual) for inspected in found for each in inspected.differences}


@pytest.fixture
def two(ec2: Any) -> Two:
    here, there = vpcs.make(ec2, "10.40.0.0/16", ZONES), vpcs.make(ec2, "10.50.0.0/16", ZONES)
    return Two(ec2, here, there, vpcs.peer(ec2, here, there))


@pytest.fixture
def behind(ec2: Any) -> Two:
    """Behind a transit gateway; moto's tables know nothing of what is propagated to them."""
    here, there = vpcs.make(ec2, "10.40.0.0/16", ZONES), vpcs.make(ec2, "10.50.0.0/16", ZONES)
    made = Two(ec2, here, there, vpcs.join(ec2, here, there))
    alter(ec2, "SearchTransitGatewayRoutes", lambda parsed: parsed.update(Routes=[to(here), to(there)]))
    return made


def to(vpc: vpcs.Vpc, state: str = "active") -> dict[str, Any]:
    attached = [{"ResourceId": vpc.vpc_id, "ResourceType": "vpc"}]
    return {"DestinationCidrBlock": vpc.cidr, "State": state, "TransitGatewayAttachments": attached}


def test_a_peered_vpc_with_routes_on_both_sides_suits_and_is_never_changed(two: Two) -> None:
    calls = Calls(two.ec2)
    assert two.check() == ([], [])
    assert two.drift() == set()
    assert calls.mutating == []


def test_a_vpc_behind_a_transit_gateway_suits(behind: Two) -> None:
    assert behind.check() == ([], [])
    assert behind.drift() == set()


def test_a_route_that_is_missing_is_named_with_its_table_and_what_to_route_to(two: Two) -> None:
    two.ec2.delete_route(RouteTableId=two.here.table_id, DestinationCidrBlock=two.there.cidr)
    (problem,) = two.check()[0]
    assert f"{two.here.table_id} of {two.here.vpc_id} has no way to 10.50.32.0/20, 10.50.16.0/20" in problem
    assert problem.endswith(f"route 10.50.32.0/20, 10.50.16.0/20 to {two.link_id} in {two.here.table_id}")
    assert two.drift() == {(f"routes.{two.here.table_id}", "no way")}


def test_a_route_back_that_is_missing_is_told_apart(two: Two) -> None:
    two.ec2.delete_route(RouteTableId=two.there.table_id, DestinationCidrBlock=two.here.cidr)
    assert f"{two.there.table_id} of {two.there.vpc_id} has no way to 10.40.32.0/20, 10.40.16.0/20" in two.check()[0][0]
    assert two.drift() == {(f"routes back.{two.there.table_id}", "no way")}


def test_a_more_specific_route_that_leads_elsewhere_is_named(two: Two) -> None:
    gateway_id = two.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    two.ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=two.here.vpc_id)
    two.ec2.create_route(RouteTableId=two.here.table_id, DestinationCidrBlock="10.50.32.0/20", GatewayId=gateway_id)
    assert f"has no way to 10.50.32.0/20 of {two.there.vpc_id}: they go to {gateway_id}" in two.check()[0][0]


def test_a_peering_that_is_gone_is_named_once_for_both_sides(two: Two) -> None:
    two.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=two.link_id)
    (problem,) = two.check()[0]
    assert problem.startswith(f"peering {two.link_id} of {two.here.vpc_id} and {two.there.vpc_id} is deleted")
    assert {path for path, _ in two.drift()} == {f"link.{two.link_id}"}


def test_a_peering_that_nobody_has_accepted_is_to_be_accepted(two: Two) -> None:
    pending = {"Code": "pending-acceptance"}
    alter(
        two.ec2,
        "DescribeVpcPeeringConnections",
        lambda parsed: [each.update(Status=pending) for each in parsed["VpcPeeringConnections"]],
    )
    assert two.check()[0][0].endswith(f"-> accept {two.link_id}")


def test_two_vpcs_that_nothing_joins_are_told_how_to_be(ec2: Any) -> None:
    here, there = vpcs.make(ec2, "10.40.0.0/16", ZONES), vpcs.make(ec2, "10.50.0.0/16", ZONES)
    problems = Two(ec2, here, there, "").check()[0]
    assert any(f"peer {here.vpc_id} with {there.vpc_id}, or attach both to one transit gateway" in p for p in problems)


def test_a_vpc_that_left_the_transit_gateway_is_named(behind: Two) -> None:
    of_it = [{"Name": "vpc-id", "Values": [behind.there.vpc_id]}]
    (left,) = behind.ec2.describe_transit_gateway_vpc_attachments(Filters=of_it)["TransitGatewayVpcAttachments"]
    behind.ec2.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=left["TransitGatewayAttachmentId"])
    assert behind.check()[0] == [
        f"transit gateway {behind.link_id}: {behind.there.vpc_id} is not attached to it -> "
        f"attach {behind.there.vpc_id} to {behind.link_id}"
    ]


def _in_one_zone(parsed: dict[str, Any]) -> None:
    for each in parsed["TransitGatewayVpcAttachments"]:
        each["SubnetIds"] = each["SubnetIds"][:1]


def test_a_zone_in_which_the_transit_gateway_has_no_subnet_is_named(behind: Two) -> None:
    alter(behind.ec2, "DescribeTransitGatewayVpcAttachments", _in_one_zone)
    said = behind.check()[0]
    assert len(said) == 2, "one for either side"
    assert said[0].endswith(
        f"has no subnet of {behind.here.vpc_id} in apne1-az1 -> add a subnet in apne1-az1 to its attachment"
    )


@pytest.mark.parametrize("state", ["blackhole", None])
def test_the_table_of_a_transit_gateway_decides(state: str | None, ec2: Any) -> None:
    here, there = vpcs.make(ec2, "10.40.0.0/16", ZONES), vpcs.make(ec2, "10.50.0.0/16", ZONES)
    behind = Two(ec2, here, there, vpcs.join(ec2, here, there))
    routes = [to(here), *([to(there, state)] if state else [])]
    alter(ec2, "SearchTransitGatewayRoutes", lambda parsed: parsed.update(Routes=routes))
    assert all(f"has no route to 10.50.{i}.0/20" in said for i, said in zip((32, 16), behind.check()[0], strict=True))


def test_the_tables_of_another_accounts_transit_gateway_are_a_warning_and_not_asked_for(behind: Two) -> None:
    def keep(parsed: dict[str, Any]) -> None:
        for each in parsed["TransitGatewayAttachments"]:
            each.pop("Association")
            each["TransitGatewayOwnerId"] = "999988887777"

    alter(behind.ec2, "DescribeTransitGatewayAttachments", keep)
    calls = Calls(behind.ec2)
    problems, warnings = behind.check()
    assert problems == []
    assert f"whether the tables of transit gateway {behind.link_id} of account 999988887777 let" in warnings[0]
    assert "SearchTransitGatewayRoutes" not in calls.names


def test_the_tables_of_a_transit_gateway_of_ones_own_that_may_not_be_looked_at_are_told_as_such(behind: Two) -> None:
    refuse(behind.ec2, "SearchTransitGatewayRoutes", "UnauthorizedOperation")
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        behind.check()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: {"vpc_id": "vpc-00000000000000000"}, "vpc-00000000000000000, which does not exist"),
        (lambda _: {"subnet_ids": ["subnet-00000000000000000"]}, "subnet-00000000000000000, which does not exist"),
        (lambda two: {"subnet_ids": list(two.here.subnet_ids)}, "not in vpc-"),
        (lambda two: {"vpc_id": two.here.vpc_id, "subnet_ids": list(two.here.subnet_ids)}, "the cluster's own"),
    ],
)
def test_a_peer_that_is_no_such_thing_is_refused_by_name(change: Callable[[Two], Any], said: str, two: Two) -> None:
    assert said in two.check(**change(two))[0][0]


def test_subnets_of_another_account_or_without_a_free_address_are_refused(two: Two) -> None:
    alter(
        two.ec2,
        "DescribeSubnets",
        lambda parsed: [each.update(OwnerId="999988887777", AvailableIpAddressCount=0) for each in parsed["Subnets"]],
    )
    said = " ".join(two.check()[0])
    assert "belongs to account 999988887777" in said
    assert "has no free address for a mount target" in said


def test_a_zone_of_pods_without_a_mount_target_is_a_warning(two: Two) -> None:
    problems, warnings = two.check(subnet_ids=[two.there.subnet_ids[0]])
    assert problems == []
    assert "no subnet in apne1-az1: pods there mount across zones, which is billed" in warnings[0]


def test_a_network_that_is_yet_to_be_made_cannot_be_peered(two: Two) -> None:
    ((problem,), _) = peer.check(request_for(), two.asked(), None, two.ec2)
    assert "is yet to be made, and nothing is peered with it" in problem.what


def test_a_subnet_of_the_peer_that_is_gone_is_told_and_ends_a_run(two: Two) -> None:
    two.ec2.delete_subnet(SubnetId=two.there.subnet_ids[0])
    assert two.drift() == {("exists", False)}
    request = request_for(file_system={"peer": two.asked().model_dump()})
    with pytest.raises(TerminalError, match=f"{two.there.subnet_ids[0]}, which does not exist"):
        peer.network_of(request, two.pods, two.ec2)


def test_pods_in_a_vpc_that_another_account_shares_get_no_peer(two: Two) -> None:
    def share(parsed: dict[str, Any]) -> None:
        for each in parsed["Vpcs"]:
            each["OwnerId"] = "999988887777" if each["VpcId"] == two.here.vpc_id else ACCOUNT_ID

    alter(two.ec2, "DescribeVpcs", share)
    (problem,) = two.check()[0]
    assert f"account 999988887777 shares {two.here.vpc_id}, and only it sees what that VPC is joined with" in problem


def test_what_the_page_quotes_is_what_is_told(two: Two, behind: Two) -> None:
    said = [*two.check(subnet_ids=["subnet-00000000000000000"])[0], *two.check(subnet_ids=[two.there.subnet_ids[0]])[1]]
    said += [each.what for each in peer.check(request_for(), two.asked(), None, two.ec2)[0]]
    two.ec2.delete_route(RouteTableId=two.here.table_id, DestinationCidrBlock=two.there.cidr)
    said += two.check(subnet_ids=[two.there.subnet_ids[0]])[0]
    two.ec2.create_route(
        RouteTableId=two.here.table_id, DestinationCidrBlock=two.there.cidr, VpcPeeringConnectionId=two.link_id
    )
    two.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=two.link_id)
    said += two.check()[0]

    # What a client's answers were altered to, they stay.
    alter(behind.ec2, "SearchTransitGatewayRoutes", lambda parsed: parsed.update(Routes=[]))
    said += behind.check(subnet_ids=[behind.there.subnet_ids[0]])[0]
    alter(behind.ec2, "DescribeTransitGatewayVpcAttachments", _in_one_zone)
    said += behind.check()[0]
    alter(behind.ec2, "DescribeTransitGatewayVpcAttachments", lambda p: p["TransitGatewayVpcAttachments"].pop())
    said += behind.check()[0]
    alter(behind.ec2, "DescribeVpcs", lambda parsed: [each.update(OwnerId="999988887777") for each in parsed["Vpcs"]])
    said += behind.check()[0]

    told = re.sub(r"\b(subnet|vpc|rtb|pcx|tgw)-[0-9a-f]{8,}", r"\1-…", "; ".join(said)).replace("999988887777", "…")
    section = PAGE.partition(OF_A_PEER)[2].partition(OF_A_LENDER)[0]
    assert len(quoted(section)) >= 9
    assert [each for each in quoted(section) if each.removeprefix("… ") not in told] == []
