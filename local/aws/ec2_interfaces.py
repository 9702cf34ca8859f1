"""Network interfaces that services of AWS have in subnets: not to be deleted by hand, and gone later than their owner.

moto lacks: what an interface belongs to; the interfaces of load balancers and of transit gateway attachments; refusing
to delete or detach one in use.
Source: EC2 API, NetworkInterface, NetworkInterfaceAttachment; EC2 guide, "Requester-managed network interfaces"; texts:
cloud-nuke#431 (in use), boto3#2218 (ela-attach).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.responses import EC2Response
from moto.ec2.utils import random_public_ip
from moto.elbv2.models import ELBv2Backend
from moto.route53resolver.models import ResolverEndpoint

from local.aws import ec2_ways, network, vpc_endpoints
from local.aws.interfaces import Cloud

AWS, LOAD_BALANCING = "amazon-aws", "amazon-elb"
_HOLDER = "_holder"

_attachment: Any = vars(NetworkInterface)["attachment"].fget
_delete_by_hand, _detach_by_hand = EC2Response.delete_network_interface, EC2Response.detach_network_interface
_attach_gateway = EC2Backend.create_transit_gateway_vpc_attachment
_detach_gateway = EC2Backend.delete_transit_gateway_vpc_attachment
_create_load_balancer, _delete_load_balancer = ELBv2Backend.create_load_balancer, ELBv2Backend.delete_load_balancer
_create_resolver_interfaces = ResolverEndpoint.create_eni


@dataclass(frozen=True)
class Holder:
    """The attachment of an interface to something that is no instance of the account, as EC2 describes it."""

    attachment_id: str
    instance_owner_id: str
    status: str = "attached"
    delete_on_termination: bool = False
    device_index: int = 1


def hold(
    interface: NetworkInterface,
    *,
    description: str | None = None,
    kind: str = "interface",
    requester: str = AWS,
    requester_managed: bool = True,
) -> NetworkInterface:
    """From now on the interface is in use by a service."""
    interface.status, interface.interface_type = "in-use", kind
    interface.requester_managed, interface.requester_id = requester_managed, requester
    if description is not None:
        interface.description = description
    setattr(interface, _HOLDER, Holder(f"ela-attach-{interface.id.removeprefix('eni-')}", requester))
    return interface


def let_go(cloud: Cloud, ec2: EC2Backend, what: str, interfaces: Iterable[NetworkInterface]) -> None:
    """The interfaces go once the named thing has taken its time."""
    going = list(interfaces)

    def finish() -> None:
        for interface in going:
            network.delete_interface(ec2, interface)

    cloud.clock.later(what, finish)


def install(cloud: Cloud) -> None:
    """Patches what people call, and not what services do with their own."""

    def create_endpoint(self: EC2Backend, vpc_id: str, service_name: str, *args: Any, **kwargs: Any) -> Any:
        made = vpc_endpoints.create_vpc_endpoint(self, vpc_id, service_name, *args, **kwargs)
        for interface in map(self.get_network_interface, made.network_interface_ids):
            hold(interface, kind="vpc_endpoint")
        return made

    def delete_endpoints(self: EC2Backend, vpce_ids: list[str] | None = None) -> None:
        for endpoint_id in vpce_ids or []:
            endpoint: Any = self.vpc_end_points.get(endpoint_id)
            if endpoint is None or not endpoint.network_interface_ids:
                vpc_endpoints.delete_vpc_endpoints(self, [endpoint_id])
                continue
            endpoint.state = "deleting"
            cloud.clock.later("VPC endpoint deletion", lambda each=endpoint_id: _remove_endpoint(self, each))  # type: ignore[misc]

    def attach_gateway(
        self: EC2Backend, transit_gateway_id: str, vpc_id: str, subnet_ids: list[str], *args: Any, **kwargs: Any
    ) -> Any:
        made = _attach_gateway(self, transit_gateway_id, vpc_id, subnet_ids, *args, **kwargs)
        ec2_ways.propagate(self, made)
        for subnet_id in subnet_ids:
            interface = network.create_interface(self, self.get_subnet(subnet_id), [], _of_attachment(made.id))
            hold(interface, kind="transit_gateway")
        return made

    def detach_gateway(self: EC2Backend, transit_gateway_attachment_id: str) -> Any:
        detached = _detach_gateway(self, transit_gateway_attachment_id)
        own = _described(self, _of_attachment(transit_gateway_attachment_id))
        let_go(cloud, self, "transit gateway attachment deletion", own)
        return detached

    def create_load_balancer(self: ELBv2Backend, *args: Any, **kwargs: Any) -> Any:
        made = _create_load_balancer(self, *args, **kwargs)
        for subnet in made.subnets:
            interface = network.create_interface(self.ec2_backend, subnet, made.security_groups, _of_balancer(made.arn))
            kind = "network_load_balancer" if made.type == "network" else "interface"
            hold(interface, kind=kind, requester=LOAD_BALANCING)
            interface.public_ip = None if made.scheme == "internal" else random_public_ip()
        return made

    def delete_load_balancer(self: ELBv2Backend, arn: str) -> None:
        _delete_load_balancer(self, arn)
        let_go(cloud, self.ec2_backend, "load balancer interface", _described(self.ec2_backend, _of_balancer(arn)))

    def create_resolver_interfaces(self: ResolverEndpoint) -> list[str]:
        made = _create_resolver_interfaces(self)
        for interface in map(self.ec2_backend.get_network_interface, made):
            hold(interface)
        return made

    def delete_resolver_interfaces(self: ResolverEndpoint) -> None:
        own = [self.ec2_backend.get_network_interface(each) for each in self.eni_ids]
        let_go(cloud, self.ec2_backend, "resolver endpoint deletion", own)

    for owner, name, patch in (
        (NetworkInterface, "attachment", property(_held_or_attached)),
        (EC2Response, "delete_network_interface", _refuse_to_delete),
        (EC2Response, "detach_network_interface", _refuse_to_detach),
        (EC2Backend, "create_vpc_endpoint", create_endpoint),
        (EC2Backend, "delete_vpc_endpoints", delete_endpoints),
        (EC2Backend, "create_transit_gateway_vpc_attachment", attach_gateway),
        (EC2Backend, "delete_transit_gateway_vpc_attachment", detach_gateway),
        (ELBv2Backend, "create_load_balancer", create_load_balancer),
        (ELBv2Backend, "delete_load_balancer", delete_load_balancer),
        (ResolverEndpoint, "create_eni", create_resolver_interfaces),
        (ResolverEndpoint, "delete_eni", delete_resolver_interfaces),
    ):
        setattr(owner, name, patch)


def _held_or_attached(self: NetworkInterface) -> Any:
    return getattr(self, _HOLDER, None) or _attachment(self)


def _refuse_to_delete(self: EC2Response) -> ActionResult:
    interface = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
    if interface.status == "in-use" or interface.attachment is not None:
        raise EC2ClientError("InvalidParameterValue", f"Network interface '{interface.id}' is currently in use.")
    return _delete_by_hand(self)


def _refuse_to_detach(self: EC2Response) -> ActionResult:
    if str(self._get_param("AttachmentId")).startswith("ela-attach-"):
        raise EC2ClientError("OperationNotPermitted", "You are not allowed to manage 'ela-attach' attachments.")
    return _detach_by_hand(self)


def _remove_endpoint(ec2: EC2Backend, endpoint_id: str) -> None:
    vpc_endpoints.delete_vpc_endpoints(ec2, [endpoint_id])
    ec2.vpc_end_points.pop(endpoint_id, None)


def _of_attachment(attachment_id: str) -> str:
    return f"Network Interface for Transit Gateway Attachment {attachment_id}"


def _of_balancer(arn: str) -> str:
    return f"ELB {arn.partition('loadbalancer/')[2]}"


def _described(ec2: EC2Backend, description: str) -> list[NetworkInterface]:
    return [interface for interface in list(ec2.enis.values()) if interface.description == description]
