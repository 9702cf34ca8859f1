"""What EC2 refuses to delete because something else still needs it, and what goes with what is deleted.

moto lacks: most of it. Messages are EC2's own, as seen in public issues of people who clean up (terraform#497,
cloud-nuke#345); that a VPC takes only its default group, default network ACL and main route table with it, and a
subnet its associations, is in the EC2 API reference, DeleteVpc and DeleteSubnet.
"""

from collections.abc import Iterable
from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_ip_addresses import ElasticAddress, ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.internet_gateways import InternetGatewayBackend
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import RouteBackend
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupBackend
from moto.ec2.models.subnets import Subnet, SubnetBackend
from moto.ec2.models.vpcs import VPC

_delete_security_group = SecurityGroupBackend.delete_security_group
_delete_subnet = SubnetBackend.delete_subnet
_delete_route_table = RouteBackend.delete_route_table
_detach_internet_gateway = InternetGatewayBackend.detach_internet_gateway
_release_address = ElasticAddressBackend.release_address
_disassociate_address = ElasticAddressBackend.disassociate_address


def install() -> None:
    """Patches the backend, so that CloudFormation meets the same rules as the API."""
    refusing = (
        delete_vpc,
        delete_subnet,
        delete_security_group,
        delete_route_table,
        detach_internet_gateway,
        release_address,
        disassociate_address,
    )
    for patch in refusing:
        setattr(EC2Backend, patch.__name__, patch)


def delete_vpc(self: EC2Backend, vpc_id: str) -> VPC:
    """moto asks about subnets, virtual private gateways and route tables only, and keeps the network ACLs."""
    vpc = self.get_vpc(vpc_id)
    if any(_dependencies(self, vpc)):
        raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    for table in [table for table in self.route_tables.values() if table.vpc_id == vpc_id]:
        del self.route_tables[table.id]
    for acl in [acl for acl in self.network_acls.values() if acl.vpc_id == vpc_id]:
        del self.network_acls[acl.id]
    self.groups.pop(vpc_id, None)
    if vpc.dhcp_options:
        vpc.dhcp_options.vpc = None
    return self.vpcs.pop(vpc_id)


def _dependencies(ec2: EC2Backend, vpc: VPC) -> Iterable[Any]:
    """Everything in the VPC that does not go with it."""
    yield from (subnet for zone in ec2.subnets.values() for subnet in zone.values() if subnet.vpc_id == vpc.id)
    yield from (group for group in ec2.groups.get(vpc.id, {}).values() if group.name != "default")
    yield from (acl for acl in ec2.network_acls.values() if acl.vpc_id == vpc.id and not acl.default)
    yield from (table for table in ec2.route_tables.values() if table.vpc_id == vpc.id and not _is_main(table))
    yield from (gateway for gateway in ec2.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc.id)
    yield from (gateway for gateway in ec2.egress_only_internet_gateways.values() if gateway.vpc_id == vpc.id)
    yield from (gateway for gateway in ec2.vpn_gateways.values() if _is_attached(gateway, vpc))
    yield from (endpoint for endpoint in ec2.vpc_end_points.values() if _lives_in(endpoint, vpc))
    yield from (peering for peering in ec2.vpc_pcxs.values() if _joins(peering, vpc))


def _is_attached(gateway: Any, vpc: VPC) -> bool:
    return vpc.id in gateway.attachments and gateway.attachments[vpc.id].state == "attached"


def _lives_in(endpoint: Any, vpc: VPC) -> bool:
    return bool(endpoint.vpc_id == vpc.id and endpoint.state != "deleted")


def _joins(peering: Any, vpc: VPC) -> bool:
    """Source: AWS re:Post, "Why am I getting a dependency error when I try to delete my Amazon VPC?"."""
    return vpc.id in (peering.vpc.id, peering.peer_vpc.id) and peering._status.code in ("pending-acceptance", "active")


def _is_main(table: Any) -> bool:
    return table.main_association_id is not None


def delete_subnet(self: EC2Backend, subnet_id: str) -> Subnet:
    """moto deletes a subnet in which interfaces still live, and keeps its associations."""
    if any(eni.subnet.id == subnet_id for eni in list(self.enis.values())):
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    deleted = _delete_subnet(self, subnet_id)
    for table in self.route_tables.values():
        for association in [key for key, associated in table._associations.items() if associated == subnet_id]:
            del table._associations[association]
    for acl in self.network_acls.values():
        for association in [key for key, associated in acl._associations.items() if associated.subnet_id == subnet_id]:
            del acl._associations[association]
    return deleted


def delete_route_table(self: EC2Backend, route_table_id: str) -> None:
    """moto deletes the main table, which only its VPC takes along."""
    if _is_main(self.get_route_table(route_table_id)):
        raise DependencyViolationError(f"The routeTable '{route_table_id}' has dependencies and cannot be deleted.")
    _delete_route_table(self, route_table_id)


def delete_security_group(self: EC2Backend, name: str | None = None, group_id: str | None = None) -> None:
    """moto deletes a group that interfaces or other groups' rules still use."""
    group = self.get_security_group_by_name_or_id(group_id or name or "")
    if group is not None:
        if group.name == "default":
            raise EC2ClientError(
                "CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
            )
        attached = any(group.id == held.id for eni in list(self.enis.values()) for held in eni.group_set)
        if attached or any(_refers_to(other, group) for other in _groups(self)):
            raise DependencyViolationError(f"resource {group.id} has a dependent object")
    _delete_security_group(self, name=name, group_id=group_id)


def _groups(ec2: EC2Backend) -> Iterable[SecurityGroup]:
    return [group for groups in list(ec2.groups.values()) for group in list(groups.values())]


def _refers_to(other: SecurityGroup, group: SecurityGroup) -> bool:
    if other.id == group.id:
        return False
    rules = [*other.ingress_rules, *other.egress_rules]
    return any(rule.source_group.get("GroupId") == group.id for rule in rules)


def detach_internet_gateway(self: EC2Backend, internet_gateway_id: str, vpc_id: str) -> None:
    """moto detaches a gateway through which public addresses are reached."""
    attached = self.get_internet_gateway(internet_gateway_id).vpc
    if attached and attached.id == vpc_id and any(_has_public_address(eni, vpc_id) for eni in self.enis.values()):
        raise DependencyViolationError(
            f"Network {vpc_id} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway."
        )
    _detach_internet_gateway(self, internet_gateway_id, vpc_id)


def _has_public_address(interface: NetworkInterface, vpc_id: str) -> bool:
    return bool(interface.public_ip and interface.subnet.vpc_id == vpc_id)


def release_address(self: EC2Backend, address: str | None = None, allocation_id: str | None = None) -> None:
    """moto takes an address from whatever has it.

    Source: EC2 API reference, ReleaseAddress (InvalidIPAddress.InUse); of a NAT gateway, sno-for-100#5.
    """
    found = _address(self, address=address, allocation_id=allocation_id)
    _refuse_of_nat_gateway(self, found)
    if found.eni:
        raise EC2ClientError("InvalidIPAddress.InUse", f"Address {found.public_ip} is in use.")
    _release_address(self, address=address, allocation_id=allocation_id)


def disassociate_address(self: EC2Backend, address: str | None = None, association_id: str | None = None) -> None:
    """moto takes a NAT gateway's address away, whose interface is not its owner's to change."""
    _refuse_of_nat_gateway(self, _address(self, address=address, association_id=association_id))
    _disassociate_address(self, address=address, association_id=association_id)


def _address(
    ec2: EC2Backend, address: str | None = None, allocation_id: str | None = None, association_id: str | None = None
) -> ElasticAddress:
    """Raises: EC2ClientError InvalidAddress.NotFound, InvalidAllocationID.NotFound or InvalidAssociationID.NotFound."""
    if address:
        return ec2.address_by_ip([address])[0]
    if allocation_id:
        return ec2.address_by_allocation([allocation_id])[0]
    return ec2.address_by_association([association_id or ""])[0]


def _refuse_of_nat_gateway(ec2: EC2Backend, address: ElasticAddress) -> None:
    if any(gateway._eni is address.eni for gateway in ec2.nat_gateways.values()):
        raise EC2ClientError("AuthFailure", "You do not have permission to access the specified resource.")


def remove_nat_gateway(ec2: EC2Backend, gateway: NatGateway) -> None:
    """Its interface goes, and its address is the owner's again; moto keeps both."""
    for address in ec2.addresses:
        if address.eni is gateway._eni:
            _disassociate_address(ec2, address=address.public_ip)
    ec2.enis.pop(gateway._eni.id, None)
    gateway.state = "deleted"
