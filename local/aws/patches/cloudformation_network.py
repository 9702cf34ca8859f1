"""EC2 networks in stacks.

moto lacks: the DNS attributes of a VPC and MapPublicIpOnLaunch of a subnet in templates; Tags of gateways, tables and
addresses; deleting gateways, addresses, route tables, their associations and routes with the stack (it forgets them,
and then cannot delete the VPC, or make a route again in a table that stays).
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, arg-type, misc"

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.cloudformation.models import Stack
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_ip_addresses import ElasticAddress
from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import Route, RouteTable
from moto.ec2.models.subnets import Subnet, SubnetRouteTableAssociation
from moto.ec2.models.vpcs import VPC

from local.aws.ec2 import leads_out
from local.aws.ec2_removal import remove_nat_gateway
from local.aws.patches.cloudformation import ResourceFailedError
from local.aws.patches.cloudformation_removal import takes_time

if TYPE_CHECKING:
    from local.aws.server import AwsServer

VPC_ATTRIBUTES = {"EnableDnsSupport": "enable_dns_support", "EnableDnsHostnames": "enable_dns_hostnames"}


def install(server: AwsServer) -> None:
    _after_creation(VPC, _set_dns_attributes)
    _after_creation(Subnet, _set_public_addresses)
    _after_creation(SubnetRouteTableAssociation, _associate)
    for model in (InternetGateway, NatGateway, RouteTable, ElasticAddress):
        _after_creation(model, _add_tags)
    _after_creation(NatGateway, _stabilize)
    _delete_with(NatGateway, _delete_nat_gateway)
    NatGateway.begin_deletion = _begin_to_delete
    _delete_with(InternetGateway, _delete_internet_gateway)
    _delete_with(ElasticAddress, lambda backend, made: backend.release_address(allocation_id=made.allocation_id))
    _delete_with(Route, _delete_route)
    _delete_with(RouteTable, lambda backend, made: backend.delete_route_table(made.id))
    _delete_with(SubnetRouteTableAssociation, _disassociate)
    _tag_addresses()


def _after_creation(model: Any, change: Callable[[Any, Any, dict[str, Any]], None]) -> None:
    create = model.create_from_cloudformation_json.__func__

    def created(cls: Any, name: str, resource: Any, account_id: str, region: str, **options: Any) -> Any:
        made = create(cls, name, resource, account_id, region, **options)
        change(ec2_backends[account_id][region], made, resource["Properties"])
        return made

    model.create_from_cloudformation_json = classmethod(created)


def _delete_with(model: Any, delete: Callable[[Any, Any], Any]) -> None:
    def deleted(self: Any, account_id: str, region: str) -> None:
        delete(ec2_backends[account_id][region], self)

    model.delete = deleted


def _set_dns_attributes(backend: Any, vpc: Any, properties: dict[str, Any]) -> None:
    for name, attribute in VPC_ATTRIBUTES.items():
        if name in properties:
            backend.modify_vpc_attribute(vpc.id, attribute, properties[name] in (True, "true"))


def _set_public_addresses(backend: Any, subnet: Any, properties: dict[str, Any]) -> None:
    if "MapPublicIpOnLaunch" in properties:
        value = str(properties["MapPublicIpOnLaunch"] in (True, "true")).lower()
        backend.modify_subnet_attribute(subnet.id, "map_public_ip_on_launch", value)


def _add_tags(backend: Any, made: Any, properties: dict[str, Any]) -> None:
    for tag in properties.get("Tags", []):
        made.add_tag(tag["Key"], tag["Value"])


def _stabilize(backend: Any, gateway: Any, properties: dict[str, Any]) -> None:
    """Text: aws/aws-cdk#21404."""
    if not leads_out(gateway):
        backend.delete_nat_gateway(gateway.id)
        why = f"Network {gateway.vpc_id} has no Internet gateway attached"
        raise ResourceFailedError(
            f"NatGateway {gateway.id} is in state failed and hence failed to stabilize. Detailed failure message: {why}"
        )


def _begin_to_delete(self: Any) -> None:
    if self.state not in ("deleting", "deleted"):
        self.ec2_backend.delete_nat_gateway(self.id)


def _delete_nat_gateway(backend: Any, gateway: Any) -> None:
    """Returns when it is gone, which takes a minute."""
    if not takes_time():
        remove_nat_gateway(backend, gateway)
    while gateway.state != "deleted":
        time.sleep(0.01)


def _delete_internet_gateway(backend: Any, gateway: Any) -> None:
    if gateway.vpc:
        backend.detach_internet_gateway(gateway.id, gateway.vpc.id)
    backend.delete_internet_gateway(gateway.id)


def _delete_route(backend: Any, route: Any) -> None:
    """What is not there any more is deleted (CloudFormation CLI guide, "Resource type handler contract")."""
    with contextlib.suppress(EC2ClientError):
        backend.delete_route(route.route_table.id, route.destination_cidr_block)


def _associate(backend: Any, association: Any, properties: dict[str, Any]) -> None:
    """moto notes the association down without telling the route table."""
    backend.associate_route_table(association.route_table_id, subnet_id=association.subnet_id)


def _disassociate(backend: Any, association: Any) -> None:
    with contextlib.suppress(EC2ClientError):  # the table went first
        table = backend.get_route_table(association.route_table_id)
        for association_id, subnet_id in list(table._associations.items()):
            if subnet_id == association.subnet_id:
                backend.disassociate_route_table(association_id)


def _tag_addresses() -> None:
    """moto puts the stack's tags on the address's IP, where no API shows them, not on its allocation id."""
    create = Stack.create_resources

    def create_resources(self: Any) -> None:
        create(self)
        backend = ec2_backends[self.account_id][self.region_name]
        for made in list(self.resource_map._parsed_resources.values()):
            if isinstance(made, ElasticAddress) and made.allocation_id:
                backend.create_tags([made.allocation_id], self.resource_map.tags)

    Stack.create_resources = create_resources
