"""The ways between pods and mount targets in two VPCs: routes on both sides, and what joins the VPCs.

Source: VPC guide, "Route priority"; VPC Peering guide, "Update your route tables for a VPC peering connection";
Transit Gateways guide, "Amazon VPC attachments" (zones), "Transit gateway route tables".
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, Literal

from provisioner.resources.egress import Egress, next_hop
from provisioner.resources.vpc import Network, PrivateSubnet, subnets_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import RouteTypeDef, VpcPeeringConnectionTypeDef


@dataclass(frozen=True)
class Gap:
    """What a packet does not get past: a route table of either side, or what joins the two VPCs.

    `lacks` are the ranges for which a route table has no way; `link` is what it should lead to, if that is known.
    """

    kind: Literal["route", "route back", "link"]
    resource: str
    what: str
    remedy: str
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """What an account sees of EC2: its own route tables, and what it has attached to a transit gateway."""

    account_id: str
    ec2: "EC2Client"


class PeerWays:
    """From every subnet of the pods to every subnet of the mount targets, and back.

    `lender` is the account of the mount targets' VPC where that is not the pods' account.
    """

    def __init__(
        self, pods: Network, mounts: Network, account_id: str, ec2: "EC2Client", lender: View | None = None
    ) -> None:
        self._pods, self._mounts, self._lender = pods, mounts, lender
        self._views = {pods.vpc_id: View(account_id, ec2), mounts.vpc_id: lender or View(account_id, ec2)}
        self._egress = {vpc_id: Egress(vpc_id, view.account_id, view.ec2) for vpc_id, view in self._views.items()}
        self.unseen: list[str] = []
        """What cannot be followed from here, and may well be right."""

    @cached_property
    def gaps(self) -> list[Gap]:
        """Each once, the pods' side first."""
        found = [*self._one_way(self._pods, self._mounts), *self._one_way(self._mounts, self._pods)]
        if found and not any(each.kind == "link" for each in found) and not self._links:
            found.append(self._not_joined())
        return list(dict.fromkeys(found))

    @property
    def are_peered(self) -> bool:
        """Whether an active peering joins the two."""
        return any(each.startswith("pcx-") for each in self._links)

    def _one_way(self, here: Network, there: Network) -> Iterator[Gap]:
        lacking: dict[str, dict[str, str]] = {}
        """Route table id -> range -> why it does not lead there."""
        for subnet in here.private_subnets:
            table = self._egress[here.vpc_id].route_table_of(subnet.subnet_id)
            table_id = table["RouteTableId"] if table else "none"
            for target in there.private_subnets:
                route = _most_specific(table["Routes"] if table else [], target.cidr)
                outcome = self._led(route, subnet, here, there, target)
                if isinstance(outcome, Gap):
                    yield outcome
                elif outcome:
                    lacking.setdefault(table_id, {})[target.cidr] = outcome
        for table_id, whys in lacking.items():
            yield self._without_route(table_id, whys, here, there)

    def _without_route(self, table_id: str, whys: dict[str, str], here: Network, there: Network) -> Gap:
        ranges, why = ", ".join(whys), "; ".join(dict.fromkeys(whys.values()))
        to = next(iter(self._links), "what joins the two VPCs")
        return Gap(
            "route" if here is self._pods else "route back",
            table_id,
            f"{table_id} of {here.vpc_id} has no way to {ranges} of {there.vpc_id}: {why}",
            f"route {ranges} to {to} in {table_id}{self._whose(here)}",
            tuple(whys),
        )

    def _led(
        self, route: "RouteTypeDef | None", subnet: PrivateSubnet, here: Network, there: Network, target: PrivateSubnet
    ) -> "Gap | str | None":
        """The link that is broken, why the route is none, or None when the other VPC is reached."""
        if route is None:
            return "no route has them"
        hop = next_hop(route)
        if hop.startswith("pcx-"):
            return self._over_peering(hop, here, there)
        if hop.startswith("tgw-"):
            return self._through_gateway(hop, subnet, here, there, target)
        if hop.startswith(("nat-", "igw-", "eigw-", "local")):
            return f"they go to {hop}"
        if route.get("State") == "blackhole":
            return f"they go to {hop}, which leads nowhere (blackhole)"
        self._cannot_see(f"whether {hop}, to which {subnet.subnet_id} sends {target.cidr}, leads to {there.vpc_id}")
        return None

    def _over_peering(self, hop: str, here: Network, there: Network) -> "Gap | str | None":
        peering = self._peerings.get(hop)
        status = peering.get("Status", {}).get("Code", "gone") if peering else "gone"
        if peering is not None and _vpcs(peering) != {here.vpc_id, there.vpc_id}:
            return f"they go to {hop}, which does not join the two"
        if status == "active":
            return None
        accepter = f" in account {peering['AccepterVpcInfo'].get('OwnerId')}" if peering and self._lender else ""
        accept = f"accept {hop}{accepter}"
        remedy = accept if status == "pending-acceptance" else "peer the two anew and route to that peering"
        what = f"peering {hop} of {self._pods.vpc_id} and {self._mounts.vpc_id} is {status}"
        return Gap("link", hop, what, remedy)

    def _through_gateway(
        self, hop: str, subnet: PrivateSubnet, here: Network, there: Network, target: PrivateSubnet
    ) -> "Gap | None":
        attachments = self._attachments.get(hop, {})
        for network in (here, there):
            attachment = attachments.get(network.vpc_id)
            state = attachment["State"] if attachment else "not attached to it"
            if state != "available":
                what = f"transit gateway {hop}: {network.vpc_id} is {state}"
                return Gap("link", hop, what, f"attach {network.vpc_id} to {hop}{self._whose(network)}")
        attachment = attachments[here.vpc_id]
        if subnet.availability_zone_id not in self._zones_of(attachment):
            what = f"transit gateway {hop} has no subnet of {here.vpc_id} in {subnet.availability_zone_id}"
            remedy = f"add a subnet in {subnet.availability_zone_id} to its attachment{self._whose(here)}"
            return Gap("link", hop, what, remedy)
        return self._by_its_table(hop, attachment, here, there, target)

    def _by_its_table(
        self, hop: str, attachment: Any, here: Network, there: Network, target: PrivateSubnet
    ) -> "Gap | None":
        """A gateway's tables are its owner's alone to see."""
        attachment_id = attachment["TransitGatewayAttachmentId"]
        owner = self._attached(attachment_id, self._views[here.vpc_id])["TransitGatewayOwnerId"]
        view = next((each for each in self._views.values() if each.account_id == owner), None)
        if view is None:
            tables = f"the tables of transit gateway {hop} of account {owner}"
            self._cannot_see(f"whether {tables} let {here.vpc_id} reach {there.vpc_id}")
            return None
        table_id = self._attached(attachment_id, view).get("Association", {}).get("TransitGatewayRouteTableId")
        routes = _routes_of(table_id, view) if table_id else []
        route = _most_specific(routes, target.cidr)
        to = [each.get("ResourceId") for each in (route or {}).get("TransitGatewayAttachments", [])]
        if route is not None and route.get("State") == "active" and there.vpc_id in to:
            return None
        where = table_id or "no table"
        what = f"transit gateway {hop}: {where} of {here.vpc_id} has no route to {target.cidr} of {there.vpc_id}"
        return Gap("link", hop, what, f"propagate {there.vpc_id} to the table of {here.vpc_id} in {hop}")

    def _whose(self, network: Network) -> str:
        """Who has to do it, where two accounts have something to do."""
        return f" in account {self._views[network.vpc_id].account_id}" if self._lender else ""

    def _cannot_see(self, what: str) -> None:
        if (said := f"{what} cannot be told") not in self.unseen:
            self.unseen.append(said)

    def _not_joined(self) -> Gap:
        one, other = self._pods.vpc_id, self._mounts.vpc_id
        return Gap(
            "link",
            other,
            f"no active peering joins {one} and {other}, and no transit gateway has both",
            f"peer {one} with {other}, or attach both to one transit gateway",
        )

    @cached_property
    def _links(self) -> list[str]:
        """Active peerings of the two, and transit gateways to which both are attached."""
        both = {self._pods.vpc_id, self._mounts.vpc_id}
        peerings = [
            peering_id
            for peering_id, each in self._peerings.items()
            if _vpcs(each) == both and each.get("Status", {}).get("Code") == "active"
        ]
        return [*peerings, *(hop for hop, attached in self._attachments.items() if both <= attached.keys())]

    @cached_property
    def _peerings(self) -> "dict[str, VpcPeeringConnectionTypeDef]":
        """Those of the two VPCs, also such as have just been deleted; either account is told of them."""
        found, ec2 = {}, self._views[self._pods.vpc_id].ec2
        for side in ("requester-vpc-info.vpc-id", "accepter-vpc-info.vpc-id"):
            of_side: Any = [{"Name": side, "Values": [self._pods.vpc_id, self._mounts.vpc_id]}]
            for each in ec2.describe_vpc_peering_connections(Filters=of_side)["VpcPeeringConnections"]:
                found[each["VpcPeeringConnectionId"]] = each
        return found

    @cached_property
    def _attachments(self) -> dict[str, dict[str, Any]]:
        """Transit gateway id -> VPC id -> its attachment, which the account of the VPC is told of."""
        both: Any = [{"Name": "vpc-id", "Values": [self._pods.vpc_id, self._mounts.vpc_id]}]
        found: dict[str, dict[str, Any]] = {}
        for view in {view.account_id: view for view in self._views.values()}.values():
            for page in view.ec2.get_paginator("describe_transit_gateway_vpc_attachments").paginate(Filters=both):
                for each in page["TransitGatewayVpcAttachments"]:
                    if each["State"] not in ("deleted", "deleting", "rejected", "failed"):
                        found.setdefault(each["TransitGatewayId"], {})[each["VpcId"]] = each
        return found

    def _zones_of(self, attachment: Any) -> set[str]:
        ec2 = self._views[attachment["VpcId"]].ec2
        return {subnet["AvailabilityZoneId"] for subnet in subnets_of(attachment["SubnetIds"], ec2)}

    def _attached(self, attachment_id: str, view: View) -> Any:
        answer = view.ec2.describe_transit_gateway_attachments(TransitGatewayAttachmentIds=[attachment_id])
        (found,) = answer["TransitGatewayAttachments"]
        return found


def _routes_of(table_id: str, view: View) -> list[Any]:
    wanted: Any = [{"Name": "state", "Values": ["active", "blackhole"]}]
    answer = view.ec2.search_transit_gateway_routes(TransitGatewayRouteTableId=table_id, Filters=wanted)
    return list(answer["Routes"])


def _vpcs(peering: "VpcPeeringConnectionTypeDef") -> set[str | None]:
    return {peering.get(side, {}).get("VpcId") for side in ("RequesterVpcInfo", "AccepterVpcInfo")}  # type: ignore[attr-defined]


def _most_specific(routes: Iterable[Any], wanted: str) -> Any:
    """The route that takes all of a range; one that takes a part of it away is not looked for."""
    ranges = [(IPv4Network(each["DestinationCidrBlock"]), each) for each in routes if each.get("DestinationCidrBlock")]
    fitting = [(taken.prefixlen, each) for taken, each in ranges if IPv4Network(wanted).subnet_of(taken)]
    return max(fitting, key=lambda each: each[0])[1] if fitting else None
