"""The VPC endpoints that Fargate needs where nothing leads out.

Source: EKS User Guide, "Deploy private clusters with limited internet access"; ECR User Guide, "Amazon ECR interface
VPC endpoints (AWS PrivateLink)": layers come from S3.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from provisioner.request import ExistingNetwork, Request
from provisioner.resources.traffic import uncovered

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import SecurityGroupTypeDef, VpcEndpointTypeDef

NEEDED: Final = ("ecr.api", "ecr.dkr", "s3", "sts")
_HTTPS: Final = 443
_PRIVATE_ECR: Final = re.compile(r"\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/")


@dataclass(frozen=True)
class VpcEndpoints:
    endpoints: "Sequence[VpcEndpointTypeDef]"
    groups: "Mapping[str, SecurityGroupTypeDef]"

    def missing_for(self, cidr: str, route_table_id: str) -> list[str]:
        """Services that a subnet of that CIDR and route table does not reach, each with what its endpoint lacks."""
        found = {service: self._why_not(service, cidr, route_table_id) for service in NEEDED}
        return [service + (f" ({why})" if why else "") for service, why in found.items() if why is not None]

    def _why_not(self, service: str, cidr: str, route_table_id: str) -> str | None:
        """None when one of its endpoints serves; else why the last one does not."""
        why: str | None = ""
        for endpoint in self.endpoints:
            if endpoint.get("ServiceName", "").endswith(f".{service}"):
                why = self._lacks(endpoint, cidr, route_table_id)
                if why is None:
                    return None
        return why

    def _lacks(self, endpoint: "VpcEndpointTypeDef", cidr: str, route_table_id: str) -> str | None:
        endpoint_id, state = endpoint.get("VpcEndpointId", ""), endpoint.get("State", "")
        if str(state).lower() != "available":
            return f"{endpoint_id} is {state}"
        if endpoint.get("VpcEndpointType") == "Gateway":
            is_routed = route_table_id in endpoint.get("RouteTableIds", [])
            return None if is_routed else f"{endpoint_id} is not in {route_table_id}"
        if not endpoint.get("PrivateDnsEnabled"):
            return f"{endpoint_id} has private DNS off"
        ids = [group["GroupId"] for group in endpoint.get("Groups", []) if "GroupId" in group]
        permissions = [
            rule for each in ids if each in self.groups for rule in self.groups[each].get("IpPermissions", [])
        ]
        if uncovered(cidr, permissions, _HTTPS):
            return f"{', '.join(ids) or endpoint_id} does not admit tcp 443 from {cidr}"
        return None


def of_vpc(request: Request, ec2: "EC2Client") -> VpcEndpoints:
    """Those of the request's own VPC, and their security groups."""
    vpc_id = request.network.vpc_id if isinstance(request.network, ExistingNetwork) else ""
    in_vpc: Any = [{"Name": "vpc-id", "Values": [vpc_id]}]
    pages = ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=in_vpc)
    endpoints = [endpoint for page in pages for endpoint in page["VpcEndpoints"]]
    groups = ec2.describe_security_groups(Filters=in_vpc)["SecurityGroups"] if endpoints else []
    return VpcEndpoints(endpoints, {group["GroupId"]: group for group in groups})


def has_endpoint(image: str, region: str) -> bool:
    """Only private ECR of the same region has one: the public gallery and others' registries have none."""
    private = _PRIVATE_ECR.match(image)
    return private is not None and private["region"] == region
