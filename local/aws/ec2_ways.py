"""The way of a packet from one VPC to another: over a peering, or through a transit gateway.

moto keeps routes, peerings, attachments and the tables of transit gateways, and asks none of them; its routes are
active whatever becomes of what they lead to.
Source: VPC guide, "Route priority" and "Routing to a VPC peering connection"; VPC Peering guide, "VPC peering
connection lifecycle"; Transit Gateways guide, "Availability Zones", "Routing".
"""

import ipaddress
from collections.abc import Iterable
from typing import Any, Literal

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.route_tables import Route
from moto.ec2.models.subnets import Subnet
from moto.ec2.responses.vpc_peering_connections import VPCPeeringConnections

_SIDES = {"requester-vpc-info.vpc-id": "vpc", "accepter-vpc-info.vpc-id": "peer_vpc"}
Way = Literal["local", "peering", "transit gateway"]


def way(ec2: EC2Backend, routes: Iterable[Route], source: Subnet, target: Subnet, address: str) -> Way | None:
    """How a packet from a subnet with these routes comes to the address in the target's VPC; None when it does not."""
    if source.vpc_id == target.vpc_id:
        return "local"
    route = _most_specific(routes, address)
    if route is None or route.state != "active":
        return None
    if route.vpc_pcx is not None:
        joined = {route.vpc_pcx.vpc.id, route.vpc_pcx.peer_vpc.id}
        return "peering" if joined == {source.vpc_id, target.vpc_id} else None
    if route.transit_gateway is not None:
        gateway_id = route.transit_gateway.id
        return "transit gateway" if _passes(ec2, gateway_id, source, target.vpc_id, address) else None
    return None


def install() -> None:
    def state(self: Route) -> str:
        """Of a route whose next hop is gone, or not there yet."""
        if self.vpc_pcx is not None and self.vpc_pcx._status.code != "active":
            return "blackhole"
        gateway = self.transit_gateway
        return "blackhole" if gateway is not None and gateway.state != "available" else "active"

    Route.state = property(state)  # type: ignore[method-assign, assignment]
    setattr(EC2Backend, "search_transit_gateway_routes", _searched)  # noqa: B010
    setattr(VPCPeeringConnections, "describe_vpc_peering_connections", _described_peerings)  # noqa: B010


def _described_peerings(self: VPCPeeringConnections) -> ActionResult:
    """Those of the VPCs asked for; moto knows no filters of theirs and tells of all."""
    found = self.ec2_backend.describe_vpc_peering_connections(self._get_param("VpcPeeringConnectionIds", []))
    for name, values in self._filters_from_querystring().items():
        if name not in _SIDES:
            raise EC2ClientError("InvalidParameterValue", f"The filter '{name}' is invalid")
        found = [each for each in found if getattr(each, _SIDES[name]).id in values]
    return ActionResult({"VpcPeeringConnections": found})


def propagate(ec2: EC2Backend, attachment: Any) -> None:
    """A gateway has the ranges of what is attached in its default table, unless told otherwise."""
    gateway = ec2.transit_gateways[attachment.transit_gateway_id]
    if gateway.options.get("DefaultRouteTablePropagation") == "enable":
        ec2.set_route_table_propagation(attachment.id, gateway.default_route_table.id)


_search = EC2Backend.search_transit_gateway_routes


def _searched(
    self: EC2Backend, transit_gateway_route_table_id: str, filters: Any, max_results: int | None = None
) -> Any:
    """Also what is propagated; each with a list of attachments, of which moto makes one that is lost in the answer."""
    table = self.transit_gateways_route_tables[transit_gateway_route_table_id]
    static, table.routes = table.routes, {**_propagated(self, table), **table.routes}
    try:
        found = _search(self, transit_gateway_route_table_id, filters, max_results)
        return [{**each, "transitGatewayAttachments": _listed(each)} for each in found]
    finally:
        table.routes = static


def _listed(route: Any) -> list[Any]:
    attachment = route.get("transitGatewayAttachments")
    return [attachment] if attachment else []


def _propagated(ec2: EC2Backend, table: Any) -> dict[str, dict[str, Any]]:
    """As moto keeps those of a person: destination -> route; static ones of the same destination come before them."""
    found: dict[str, dict[str, Any]] = {}
    for each in table.route_table_propagation:
        if each.resourceType != "vpc" or each.transitGatewayAttachmentId not in ec2.transit_gateway_attachments:
            continue
        for association in ec2.get_vpc(each.resourceId).get_cidr_block_association_set(ipv6=False):
            destination = association["cidr_block"]
            found[destination] = {
                "destinationCidrBlock": destination,
                "prefixListId": None,
                "state": "active",
                "type": "propagated",
                "transitGatewayAttachments": {
                    "resourceId": each.resourceId,
                    "resourceType": "vpc",
                    "transitGatewayAttachmentId": each.transitGatewayAttachmentId,
                },
            }
    return found


def _most_specific(routes: Iterable[Any], address: str) -> Any:
    there = ipaddress.ip_address(address)
    matching = [
        (ipaddress.ip_network(route.destination_cidr_block), route) for route in routes if route.destination_cidr_block
    ]
    return max(
        ((network.prefixlen, route) for network, route in matching if there in network),
        key=lambda each: each[0],
        default=(0, None),
    )[1]


def _passes(ec2: EC2Backend, gateway_id: str, source: Subnet, target_vpc_id: str, address: str) -> bool:
    """The gateway is reached from zones in which its attachment has a subnet; the table of that attachment decides."""
    attached = {
        each.resource_id: each
        for each in list(ec2.transit_gateway_attachments.values())
        if each.transit_gateway_id == gateway_id and each.resource_type == "vpc" and each.state == "available"
    }
    here: Any = attached.get(source.vpc_id)
    there: Any = attached.get(target_vpc_id)
    if here is None or there is None:
        return False
    zones = {ec2.get_subnet(subnet_id).availability_zone for subnet_id in here.subnet_ids}
    if source.availability_zone not in zones:
        return False
    for table in list(ec2.transit_gateways_route_tables.values()):
        if here.id in table.route_table_associations and table.state == "available":
            return _leads(ec2, table, there, address)
    return False


def _leads(ec2: EC2Backend, table: Any, attachment: Any, address: str) -> bool:
    """Whether the most specific route of the gateway's table leads to that attachment."""
    there = ipaddress.ip_address(address)
    routes = {
        ipaddress.ip_network(destination): route
        for destination, route in {**_propagated(ec2, table), **table.routes}.items()
        if there in ipaddress.ip_network(destination)
    }
    if not routes:
        return False
    route = routes[max(routes, key=lambda network: network.prefixlen)]
    to = (route.get("transitGatewayAttachments") or {}).get("transitGatewayAttachmentId")
    return bool(route["state"] == "active" and to == attachment.id)
