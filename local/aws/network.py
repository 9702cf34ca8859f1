"""What the VPC would do with a packet or a request: questions asked of moto's live EC2 state."""

import contextlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.security_groups import SecurityGroup
from moto.ec2.models.subnets import Subnet

from local.aws import ec2_network, ec2_ways

OUTSIDE = "99.83.145.10"
"""Some address of the internet."""

HTTPS_PORT = 443
EPHEMERAL_PORT = 32768
"""Answers go to a port from here up. Source: Linux, ip_local_port_range."""


def backend(account_id: str, region: str) -> EC2Backend:
    """The EC2 of one account and region."""
    return ec2_backends[account_id][region]


def find_subnet(ec2: EC2Backend, subnet_id: str) -> Subnet | None:
    try:
        return ec2.get_subnet(subnet_id)
    except InvalidSubnetIdError:
        return None


def find_security_group(ec2: EC2Backend, group_id: str) -> SecurityGroup | None:
    return ec2.get_security_group_from_id(group_id)


def default_security_group(ec2: EC2Backend, vpc_id: str) -> SecurityGroup | None:
    return ec2.get_default_security_group(vpc_id)


def is_private(ec2: EC2Backend, subnet: Subnet) -> bool:
    """EKS's rule for Fargate: no route of the subnet's table leads straight to an internet gateway."""
    return not any(
        route.gateway is not None and str(route.gateway.id).startswith("igw-")
        for route in route_table(ec2, subnet).routes
    )


def route_table(ec2: EC2Backend, subnet: Subnet) -> RouteTable:
    """The subnet's own, else the VPC's main one."""
    tables = [table for table in list(ec2.route_tables.values()) if table.vpc_id == subnet.vpc_id]
    for table in tables:
        if any(association.get("SubnetId") == subnet.id for association in table.associations):
            return table
    return next(table for table in tables if table.main_association_id)


def create_interface(ec2: EC2Backend, subnet: Subnet, group_ids: list[str], description: str) -> NetworkInterface:
    """A network interface with a free address of the subnet. Raises NoFreeAddress."""
    try:
        address = subnet.get_available_subnet_ip(None)  # type: ignore[arg-type]
    except StopIteration:
        raise NoFreeAddress(subnet.id) from None
    return ec2.create_network_interface(subnet, [address], group_ids=group_ids, description=description)


NODE_DESCRIPTION = "Amazon EKS Fargate node"


def is_node_of(interface: NetworkInterface, cluster_security_group_id: str) -> bool:
    """Whether a pod on Fargate of that cluster has, or had just now, the interface."""
    groups = [group.id for group in interface.group_set]
    return interface.description == NODE_DESCRIPTION and cluster_security_group_id in groups


def delete_interface(ec2: EC2Backend, interface: NetworkInterface) -> None:
    """Removes an interface and frees its address."""
    if ec2.enis.pop(interface.id, None):
        interface.subnet.del_subnet_ip(interface.private_ip_address)


class NoFreeAddress(Exception):  # noqa: N818 - becomes the AWS error of the call that needed the address
    """Every address of the subnet is taken."""


def security_groups_admit(
    ec2: EC2Backend, target_group_ids: Iterable[str], port: int, source_address: str, source_group_ids: Iterable[str]
) -> bool:
    """Whether inbound rules of the target's groups let the source open tcp `port`."""
    sources = set(source_group_ids)
    for group_id in target_group_ids:
        group = find_security_group(ec2, group_id)
        for rule in group.ingress_rules if group else []:
            if _covers_port(rule.ip_protocol, rule.from_port, rule.to_port, port) and (
                _contains(rule.ip_range.get("CidrIp"), source_address) or rule.source_group.get("GroupId") in sources
            ):
                return True
    return False


def security_groups_let_out(
    ec2: EC2Backend, group_ids: Iterable[str], port: int, target_address: str, target_ids: Iterable[str] = ()
) -> bool:
    """Whether outbound rules of the source's groups let it reach tcp `port` of the target.

    `target_ids`: of the groups or the prefix list that the target is in.
    """
    targets = set(target_ids)
    return any(
        _covers_port(rule.ip_protocol, rule.from_port, rule.to_port, port)
        and (
            _contains(rule.ip_range.get("CidrIp"), target_address)
            or not targets.isdisjoint({rule.source_group.get("GroupId"), rule.prefix_list_id})
        )
        for group_id in group_ids
        for rule in getattr(find_security_group(ec2, group_id), "egress_rules", [])
    )


@dataclass(frozen=True)
class End:
    """One end of a connection."""

    subnet: Subnet
    address: str
    group_ids: tuple[str, ...]

    @classmethod
    def of(cls, interface: NetworkInterface) -> "End":
        groups = tuple(str(group.id) for group in interface.group_set)
        return cls(interface.subnet, str(interface.private_ip_address), groups)


def connects(ec2: EC2Backend, source: End, target: End, port: int) -> bool:
    """Whether one end opens tcp `port` of another: a way there and back, security groups of both, ACLs between them.

    `ec2` is the source's; the target may be another account's, whose own EC2 knows its routes, groups and ACLs.
    Through a transit gateway groups know each other by address, as its own default is; over a peering by name too.
    Source: VPC guide, "Security group rules", "Update your security groups to reference peer security groups"; EC2 API,
    TransitGatewayRequestOptions, SecurityGroupReferencingSupport.
    """
    theirs: EC2Backend = target.subnet.ec2_backend
    there = ec2_ways.way(ec2, route_table(ec2, source.subnet).routes, source.subnet, target.subnet, target.address)
    back = ec2_ways.way(theirs, route_table(theirs, target.subnet).routes, target.subnet, source.subnet, source.address)
    if there is None or back is None:
        return False
    by_name = "transit gateway" not in (there, back)
    return (
        security_groups_let_out(ec2, source.group_ids, port, target.address, target.group_ids if by_name else ())
        and security_groups_admit(theirs, target.group_ids, port, source.address, source.group_ids if by_name else ())
        and network_acls_let_through(ec2, source, target, port)
    )


def network_acls_let_through(ec2: EC2Backend, source: End, target: End, port: int) -> bool:
    """Whether the network ACLs let a connection to tcp `port`, and its answers, pass from subnet to subnet.

    Within a subnet they are never asked. Source: VPC guide, "Control subnet traffic with network access control lists".
    """
    if source.subnet.id == target.subnet.id:
        return True
    theirs: EC2Backend = target.subnet.ec2_backend
    return (
        _acl_allows(ec2, source.subnet, port, target.address, egress=True)
        and _acl_allows(theirs, target.subnet, port, source.address, egress=False)
        and _acl_allows(theirs, target.subnet, EPHEMERAL_PORT, source.address, egress=True)
        and _acl_allows(ec2, source.subnet, EPHEMERAL_PORT, target.address, egress=False)
    )


def _acl_allows(ec2: EC2Backend, subnet: Subnet, port: int, address: str, *, egress: bool) -> bool:
    """The first matching rule of that direction, by number, decides."""
    acls = [acl for acl in list(ec2.network_acls.values()) if acl.vpc_id == subnet.vpc_id]
    acl = next((a for a in acls if any(b.subnet_id == subnet.id for b in a.associations)), None)
    if acl is None:
        return True
    entries = [entry for entry in acl.network_acl_entries if (str(entry.egress).lower() == "true") == egress]
    for entry in sorted(entries, key=lambda e: int(e.rule_number)):
        protocol = {"6": "tcp"}.get(str(entry.protocol), str(entry.protocol))
        if _contains(entry.cidr_block, address) and _covers_port(
            protocol, entry.port_range_from, entry.port_range_to, port
        ):
            return bool(entry.rule_action == "allow")
    return False


def public_address(ec2: EC2Backend, subnet: Subnet, group_ids: Iterable[str]) -> str | None:
    """The address from which HTTPS of these groups comes out of the subnet; None when it, or its answers, do not.

    It leaves through a NAT gateway, which has to work, and its own subnet to have a route to an internet gateway that
    is attached to the VPC and not blocked; the groups, and the network ACLs of both subnets, have to let it pass.
    """
    gateway = _default_route(ec2, subnet).get("nat_gateway")
    if gateway is None or ec2.nat_gateways[gateway.id].state != "available":
        return None
    nat_subnet = ec2.get_subnet(gateway.subnet_id)
    onward = _default_route(ec2, nat_subnet).get("gateway")
    if onward is None or gateway.connectivity_type == "private":
        return None
    attached = getattr(onward, "vpc", None)
    if attached is None or attached.id != subnet.vpc_id or ec2_network.blocks_gateways(ec2, nat_subnet):
        return None
    source = End(subnet, str(subnet.cidr.network_address + 4), tuple(group_ids))
    if not lets_out(ec2, source) or not _acls_let_out(ec2, source, nat_subnet):
        return None
    return next((str(each["publicIp"]) for each in gateway.address_set if each.get("publicIp")), None)


def lets_out(ec2: EC2Backend, source: End, *, prefix_list_id: str | None = None) -> bool:
    """Whether security groups and the network ACL of its own subnet let HTTPS to public addresses out, and back in.

    `prefix_list_id`: of those addresses, if they have one.
    """
    return (
        security_groups_let_out(ec2, source.group_ids, HTTPS_PORT, OUTSIDE, [prefix_list_id] if prefix_list_id else [])
        and _acl_allows(ec2, source.subnet, HTTPS_PORT, OUTSIDE, egress=True)
        and _acl_allows(ec2, source.subnet, EPHEMERAL_PORT, OUTSIDE, egress=False)
    )


def _acls_let_out(ec2: EC2Backend, source: End, nat_subnet: Subnet) -> bool:
    """The NAT gateway's network ACL, there and back; within one subnet it is not asked about who is behind it."""
    passes = _acl_allows(ec2, nat_subnet, HTTPS_PORT, OUTSIDE, egress=True) and _acl_allows(
        ec2, nat_subnet, EPHEMERAL_PORT, OUTSIDE, egress=False
    )
    if nat_subnet.id == source.subnet.id:
        return passes
    return (
        passes
        and _acl_allows(ec2, nat_subnet, HTTPS_PORT, source.address, egress=False)
        and _acl_allows(ec2, nat_subnet, EPHEMERAL_PORT, source.address, egress=True)
    )


def resolves_private_names(ec2: EC2Backend, vpc_id: str) -> bool:
    """Whether the VPC's own resolver is asked, and answers for private hosted zones and names of EFS.

    Source: VPC guide, "DNS attributes for your VPC", "DHCP option sets in Amazon VPC".
    """
    vpc = ec2.get_vpc(vpc_id)
    attributes = (vpc.enable_dns_support, vpc.enable_dns_hostnames)
    return all(str(each).lower() == "true" for each in attributes) and not ec2_network.own_resolvers(ec2, vpc_id)


def is_peered(ec2: EC2Backend, subnet: Subnet, address: str, vpc_id: str) -> bool:
    """Whether a route of the subnet's table leads to that address over an active peering with that VPC."""
    for route in route_table(ec2, subnet).routes:
        peering = route.vpc_pcx
        if peering is not None and _contains(route.destination_cidr_block, address):
            return peering._status.code == "active" and vpc_id in (peering.vpc.id, peering.peer_vpc.id)
    return False


def _default_route(ec2: EC2Backend, subnet: Subnet) -> dict[str, Any]:
    """Where the subnet's table sends 0.0.0.0/0; nothing when it has no such route."""
    for route in route_table(ec2, subnet).routes:
        if route.destination_cidr_block == "0.0.0.0/0":
            return vars(route)
    return {}


def _covers_port(protocol: str | None, first: Any, last: Any, port: int) -> bool:
    if protocol == "-1":
        return True
    return protocol == "tcp" and first is not None and last is not None and int(first) <= port <= int(last)


def _contains(cidr: str | None, address: str) -> bool:
    return cidr is not None and ipaddress.ip_address(address) in ipaddress.ip_network(cidr, strict=False)


def delete_group_if_free(ec2: EC2Backend, group_id: str) -> None:
    """Removes a security group as EKS removes its own: left behind when something still uses it."""
    with contextlib.suppress(ServiceException):
        ec2.delete_security_group(group_id=group_id)
