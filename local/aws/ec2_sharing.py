"""VPCs whose subnets another account shares through RAM, as they are for an account that takes part.

It sees the VPC, the shared subnets, their routes, network ACLs, internet gateways and DHCP options, all with the
owner's id and without the owner's tags; not the owner's security groups, interfaces, NAT gateways and VPC endpoints
(that of endpoints nothing can be seen is our reading: AWS only says that the owner makes them). What is the owner's it
does not change; security groups and interfaces of its own it makes.
Source: VPC guide, "Responsibilities and permissions for owners and participants".
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from moto.core.responses import BaseResponse
from moto.core.utils import camelcase_to_underscores
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.security_groups import SecurityGroup
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC
from moto.ec2.responses import EC2Response

_SHARED = "_shared"
_LOOKING = ("Describe", "Get", "Search")
_OF_ONES_OWN = frozenset({"CreateSecurityGroup", "CreateNetworkInterface", "RunInstances"})
"""What whoever takes part makes in a VPC and subnet of the owner's."""


@dataclass(frozen=True)
class Shared:
    """`theirs` are the ids of all in the VPC that was there before it was shared."""

    owner_id: str
    subnet_ids: frozenset[str]
    theirs: frozenset[str]


_subnets, _groups = EC2Backend.describe_subnets, EC2Backend.describe_security_groups
_interfaces, _endpoints = EC2Backend.get_all_network_interfaces, EC2Backend.describe_vpc_endpoints
_nat_gateways = NatGatewayBackend.describe_nat_gateways


def share(ec2: EC2Backend, vpc_id: str, owner_id: str, subnet_ids: Collection[str]) -> None:
    """As if that account had made the VPC and what is in it, and shared those subnets with the account of `ec2`."""
    groups = [each.id for each in ec2.groups.get(vpc_id, {}).values()]
    interfaces = [each.id for each in list(ec2.enis.values()) if each.subnet.vpc_id == vpc_id]
    tables = [each.id for each in list(ec2.route_tables.values()) if each.vpc_id == vpc_id]
    acls = [each for each in list(ec2.network_acls.values()) if each.vpc_id == vpc_id]
    subnets = [each.id for each in ec2.describe_subnets(filters={"vpc-id": [vpc_id]})]
    theirs = frozenset({vpc_id, *groups, *interfaces, *tables, *(each.id for each in acls), *subnets})
    for acl in acls:
        acl.owner_id = owner_id
    for each in theirs:
        ec2.tags.pop(each, None)
    setattr(ec2, _SHARED, {**_shared(ec2), vpc_id: Shared(owner_id, frozenset(subnet_ids), theirs)})


def owner_of(ec2: EC2Backend, resource_id: str) -> str:
    """The account that the resource is of: the owner's, if it is one of those that are shared."""
    found = (each.owner_id for each in _shared(ec2).values() if resource_id in each.theirs)
    return next(found, ec2.account_id)


def install() -> None:
    def seen_subnets(self: EC2Backend, *args: Any, **kwargs: Any) -> list[Subnet]:
        hidden = {each for of in _shared(self).values() for each in of.theirs - of.subnet_ids}
        return [each for each in _subnets(self, *args, **kwargs) if each.id not in hidden]

    def ones_own(original: Any) -> Any:
        def seen(self: EC2Backend, *args: Any, **kwargs: Any) -> list[Any]:
            found: list[Any] = original(self, *args, **kwargs)
            return [each for each in found if owner_of(self, each.id) == self.account_id]

        return seen

    def of_ones_own_vpcs(original: Any) -> Any:
        def seen(self: EC2Backend, *args: Any, **kwargs: Any) -> list[Any]:
            found: list[Any] = original(self, *args, **kwargs)
            return [each for each in found if each.vpc_id not in _shared(self)]

        return seen

    def owner_id(self: Any) -> str:
        return owner_of(self.ec2_backend, self.id)

    def call_action(self: EC2Response) -> Any:
        """moto answers with what the operation raises: this one request's is replaced."""
        if _shared(self.ec2_backend) and _is_the_owners_to_do(self):
            setattr(self, camelcase_to_underscores(self._get_action()), _refuse)
        return BaseResponse.call_action(self)

    for owner, name, patch in (
        (EC2Backend, "describe_subnets", seen_subnets),
        (EC2Backend, "describe_security_groups", ones_own(_groups)),
        (EC2Backend, "get_all_network_interfaces", ones_own(_interfaces)),
        (EC2Backend, "describe_vpc_endpoints", of_ones_own_vpcs(_endpoints)),
        (NatGatewayBackend, "describe_nat_gateways", of_ones_own_vpcs(_nat_gateways)),
        (VPC, "owner_id", property(owner_id)),
        (Subnet, "owner_id", property(owner_id)),
        (RouteTable, "owner_id", property(owner_id)),
        (EC2Response, "call_action", call_action),
    ):
        setattr(owner, name, patch)


def is_anothers(ec2: EC2Backend, group: SecurityGroup) -> bool:
    """Nobody uses a group of another account's, unless that is shared too, which none here is."""
    return owner_of(ec2, str(group.id)) != ec2.account_id


def _shared(ec2: EC2Backend) -> dict[str, Shared]:
    found: dict[str, Shared] = getattr(ec2, _SHARED, {})
    return found


def _is_the_owners_to_do(response: EC2Response) -> bool:
    action = response._get_action()
    if action.startswith(_LOOKING) or action in _OF_ONES_OWN:
        return False
    theirs = {each for of in _shared(response.ec2_backend).values() for each in of.theirs}
    return any(value in theirs for values in (response.querystring or {}).values() for value in values)


def _refuse() -> None:
    """The code is EC2's for what one has no right to."""
    raise EC2ClientError("UnauthorizedOperation", "You are not authorized to perform this operation.")
