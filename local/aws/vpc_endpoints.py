"""The way of a request from a VPC to a service of AWS: through VPC endpoints and their policies, or the internet.

Source: AWS PrivateLink guide, "Access AWS services through AWS PrivateLink" (private DNS names lead to the endpoint,
and nowhere else), "Control access to VPC endpoints using endpoint policies"; "Gateway endpoints for Amazon S3".
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from moto.ec2.models import EC2Backend
from moto.ec2.models.vpcs import VPCEndPoint

from local.aws import network
from local.aws.network import HTTPS_PORT, End

Policy = Mapping[str, Any]

_create, _delete = EC2Backend.create_vpc_endpoint, EC2Backend.delete_vpc_endpoints


class NoWay(Exception):  # noqa: N818 - what the caller makes of it is the error
    """A request does not get there. `address`: that of the endpoint to which the service's name leads, if it does."""

    def __init__(self, address: str | None = None) -> None:
        super().__init__(address)
        self.address = address


def policies_on_the_way(ec2: EC2Backend, source: End, service: str) -> list[Policy]:
    """Those of the endpoints that a request to the service ("ecr.dkr") passes. Raises NoWay."""
    endpoints = list(_of_service(ec2, source, service))
    named = [each for each in endpoints if each.private_dns_enabled and _is_interface(each)]
    if named and network.resolves_private_names(ec2, str(source.subnet.vpc_id)):
        interfaces = [ec2.enis[each] for each in named[0].network_interface_ids]
        if not any(network.connects(ec2, source, End.of(each), HTTPS_PORT) for each in interfaces):
            raise NoWay(str(interfaces[0].private_ip_address))
        return [_policy(named[0])]
    routed = network.route_table(ec2, source.subnet).id
    gateways = [each for each in endpoints if routed in (each.route_table_ids or [])]
    if gateways:
        if not network.lets_out(ec2, source, prefix_list_id=gateways[0].destination_prefix_list_id):
            raise NoWay
        return [_policy(each) for each in gateways]
    if network.public_address(ec2, source.subnet, source.group_ids) is None:
        raise NoWay
    return []


def _of_service(ec2: EC2Backend, source: End, service: str) -> Iterator[VPCEndPoint]:
    for endpoint in list(ec2.vpc_end_points.values()):
        is_available = str(endpoint.state).lower() == "available"
        if endpoint.vpc_id == source.subnet.vpc_id and endpoint.service_name.endswith(f".{service}") and is_available:
            yield endpoint


def _is_interface(endpoint: VPCEndPoint) -> bool:
    return str(endpoint.vpc_endpoint_type).lower() == "interface"


def _policy(endpoint: VPCEndPoint) -> Policy:
    document: Policy = json.loads(endpoint.policy_document)
    return document


def create_vpc_endpoint(self: EC2Backend, vpc_id: str, service_name: str, *args: Any, **kwargs: Any) -> VPCEndPoint:
    """An interface endpoint has addresses of its subnets, where moto takes any, and its groups: by default the VPC's.

    Source: EC2 API, CreateVpcEndpoint.
    """
    endpoint: Any = _create(self, vpc_id, service_name, *args, **kwargs)
    if _is_interface(endpoint):
        default = network.default_security_group(self, vpc_id)
        endpoint.security_group_ids = endpoint.security_group_ids or [default.id if default else ""]
        for interface_id in endpoint.network_interface_ids:
            del self.enis[interface_id]
        subnets = [self.get_subnet(subnet_id) for subnet_id in endpoint.subnet_ids or []]
        described = f"VPC Endpoint Interface {endpoint.id}"
        made = [network.create_interface(self, each, endpoint.security_group_ids, described) for each in subnets]
        endpoint.network_interface_ids = [each.id for each in made]
    return cast(VPCEndPoint, endpoint)


def delete_vpc_endpoints(self: EC2Backend, vpce_ids: list[str] | None = None) -> None:
    """Their addresses are free again."""
    for endpoint in [self.vpc_end_points[each] for each in vpce_ids or [] if each in self.vpc_end_points]:
        for interface in [self.enis[each] for each in endpoint.network_interface_ids if each in self.enis]:
            network.delete_interface(self, interface)
    _delete(self, vpce_ids)
