"""Makes moto's EC2 refuse what AWS refuses: deleting what is in use; and lets NAT gateways take their time."""

from collections.abc import Iterable
from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupBackend
from moto.ec2.models.subnets import Subnet, SubnetBackend

from local.aws.interfaces import Cloud

_delete_security_group = SecurityGroupBackend.delete_security_group
_delete_subnet = SubnetBackend.delete_subnet
_create_nat_gateway = NatGatewayBackend.create_nat_gateway
_delete_nat_gateway = NatGatewayBackend.delete_nat_gateway


def install(cloud: Cloud) -> None:
    """Patches the backend, so that CloudFormation meets the same rules as the API."""

    def create_nat_gateway(self: EC2Backend, *args: Any, **kwargs: Any) -> NatGateway:
        gateway = _create_nat_gateway(self, *args, **kwargs)
        gateway.state = "pending"

        def finish() -> None:
            if gateway.state == "pending":
                gateway.state = "available"

        cloud.clock.later("NAT gateway", finish)
        return gateway

    for patch in (delete_security_group, delete_subnet, create_nat_gateway, delete_nat_gateway):
        setattr(EC2Backend, patch.__name__, patch)


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


def delete_subnet(self: EC2Backend, subnet_id: str) -> Subnet:
    """moto deletes a subnet in which interfaces still live."""
    if any(eni.subnet.id == subnet_id for eni in list(self.enis.values())):
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    return _delete_subnet(self, subnet_id)


def delete_nat_gateway(self: EC2Backend, nat_gateway_id: str) -> NatGateway:
    """moto keeps the interface of a deleted gateway, which would keep its subnet from being deleted."""
    gateway = _delete_nat_gateway(self, nat_gateway_id)
    self.enis.pop(gateway._eni.id, None)
    return gateway


def _groups(ec2: EC2Backend) -> Iterable[SecurityGroup]:
    return [group for groups in list(ec2.groups.values()) for group in list(groups.values())]


def _refers_to(other: SecurityGroup, group: SecurityGroup) -> bool:
    if other.id == group.id:
        return False
    rules = [*other.ingress_rules, *other.egress_rules]
    return any(rule.source_group.get("GroupId") == group.id for rule in rules)
