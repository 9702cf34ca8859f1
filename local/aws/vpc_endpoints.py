"""The way of a request from a VPC to a service of AWS: through VPC endpoints and their policies, or the internet.

Source: AWS PrivateLink guide, "Access AWS services through AWS PrivateLink" (private DNS names lead to the endpoint,
and nowhere else), "Control access to VPC endpoints using endpoint policies"; "Gateway endpoints for Amazon S3".
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.vpcs import VPCEndPoint

from local.aws import network
from local.aws.network import HTTPS_PORT, End

Policy = Mapping[str, Any]

_create = EC2Backend.create_vpc_endpoint


def policies_on_the_way(ec2: EC2Backend, source: End, service: str) -> list[Policy] | None:
    """Those of the endpoints that a request to the service ("ecr.dkr") passes; None when it does not get there."""
    endpoints = list(_of_service(ec2, source, service))
    named = [each for each in endpoints if each.private_dns_enabled and _is_interface(each)]
    if named and network.resolves_private_names(ec2, str(source.subnet.vpc_id)):
        reached = [each for each in named if _is_reached(ec2, source, each)]
        return [_policy(each) for each in reached[:1]] or None
    routed = network.route_table(ec2, source.subnet).id
    gateways = [each for each in endpoints if routed in (each.route_table_ids or [])]
    if gateways:
        return [_policy(each) for each in gateways] if network.lets_out(ec2, source) else None
    return [] if network.public_address(ec2, source.subnet, source.group_ids) is not None else None


def _of_service(ec2: EC2Backend, source: End, service: str) -> Iterator[VPCEndPoint]:
    for endpoint in list(ec2.vpc_end_points.values()):
        is_available = str(endpoint.state).lower() == "available"
        if endpoint.vpc_id == source.subnet.vpc_id and endpoint.service_name.endswith(f".{service}") and is_available:
            yield endpoint


def _is_interface(endpoint: VPCEndPoint) -> bool:
    return str(endpoint.vpc_endpoint_type).lower() == "interface"


def _is_reached(ec2: EC2Backend, source: End, endpoint: VPCEndPoint) -> bool:
    groups = tuple(endpoint.security_group_ids or ())
    subnets = [ec2.get_subnet(subnet_id) for subnet_id in endpoint.subnet_ids or []]
    ends = [End(each, str(each.cidr.network_address + 6), groups) for each in subnets]
    return any(network.connects(ec2, source, end, HTTPS_PORT) for end in ends)


def _policy(endpoint: VPCEndPoint) -> Policy:
    document: Policy = json.loads(endpoint.policy_document)
    return document


def create_vpc_endpoint(self: EC2Backend, vpc_id: str, service_name: str, *args: Any, **kwargs: Any) -> VPCEndPoint:
    """An interface endpoint without a group gets the VPC's default one. Source: EC2 API, CreateVpcEndpoint."""
    endpoint: Any = _create(self, vpc_id, service_name, *args, **kwargs)
    if _is_interface(endpoint) and not endpoint.security_group_ids:
        endpoint.security_group_ids = [network.default_security_group(self, vpc_id).id]  # type: ignore[union-attr]
    return endpoint  # type: ignore[no-any-return]
