"""The VPC endpoints that Fargate needs where nothing leads out, and those that stand in its way where something does.

An interface endpoint with private DNS is met by everybody in the VPC, and a gateway endpoint by every subnet of its
route tables, whether or not there is another way.
Source: EKS User Guide, "Deploy private clusters with limited internet access"; ECR User Guide, "Amazon ECR interface
VPC endpoints (AWS PrivateLink)": layers come from S3; AWS PrivateLink guide, "Private DNS names".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from provisioner.regions import partition_of
from provisioner.request import Request
from provisioner.resources.endpoint_policy import permits
from provisioner.resources.traffic import HTTPS_PORT, names_prefix_list, uncovered

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import SecurityGroupTypeDef, VpcEndpointTypeDef

PULLING: Final = ("ecr.api", "ecr.dkr", "s3")
NEEDED: Final = (*PULLING, "sts")
_PRIVATE_ECR: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<repository>[^:@]+)"
)


@dataclass(frozen=True)
class Standing:
    """`absent`: requests go another way; `closed`: they end here; `denied`: by the policy; `doubtful`: perhaps so."""

    is_: Literal["absent", "closed", "denied", "doubtful", "open"]
    why: str = ""


@dataclass(frozen=True)
class VpcEndpoints:
    """Those of one VPC, as they are for the pods of the request."""

    request: Request
    endpoints: "Sequence[VpcEndpointTypeDef]"
    groups: "Mapping[str, SecurityGroupTypeDef]"

    def missing_for(self, cidr: str, route_table_id: str) -> list[str]:
        """Endpoints that a subnet without a way out needs, by their full names, each with what it lacks if it is there.

        `com.amazonaws.ap-northeast-1.ecr.api`, `com.amazonaws.ap-northeast-1.s3 (vpce-1 is not in rtb-1)`.
        """
        missing = self._told(NEEDED, ("absent", "closed", "denied"), cidr, route_table_id)
        return [f"com.amazonaws.{self.request.region}.{each}" for each in missing]

    def refusing(self, cidr: str, route_table_id: str) -> list[str]:
        """Services whose endpoints stand in the way of pulls from private ECR, CoreDNS's among them."""
        return self._told(PULLING, ("closed", "denied"), cidr, route_table_id)

    def doubtful(self, cidr: str, route_table_id: str) -> list[str]:
        """As `refusing`, where the endpoint's policy alone does not tell."""
        return self._told(PULLING, ("doubtful",), cidr, route_table_id)

    def standing(self, service: str, cidr: str, route_table_id: str) -> Standing:
        """What requests for a service from a subnet of that CIDR and route table meet."""
        found = [
            self._standing(each, service, cidr, route_table_id)
            for each in self.endpoints
            if each.get("ServiceName", "").endswith(f".{service}")
        ]
        on_the_way = [each for each in found if each.is_ != "absent"]
        return next(iter([*on_the_way, *reversed(found)]), Standing("absent"))

    def is_met_inside(self, service: str) -> bool:
        """Whether requests for the service end at an address of the VPC: those to a gateway endpoint do not."""
        return any(
            each.get("PrivateDnsEnabled")
            and each.get("VpcEndpointType") == "Interface"
            and each.get("ServiceName", "").endswith(f".{service}")
            for each in self.endpoints
        )

    def _told(self, services: Iterable[str], kinds: Sequence[str], cidr: str, route_table_id: str) -> list[str]:
        found = {service: self.standing(service, cidr, route_table_id) for service in services}
        return [service + (f" ({it.why})" if it.why else "") for service, it in found.items() if it.is_ in kinds]

    def _standing(self, endpoint: "VpcEndpointTypeDef", service: str, cidr: str, route_table_id: str) -> Standing:
        endpoint_id, state = endpoint.get("VpcEndpointId", ""), str(endpoint.get("State", ""))
        if state.lower() != "available":
            return Standing("absent", f"{endpoint_id} is {state}")
        if endpoint.get("VpcEndpointType") == "Gateway":
            if route_table_id not in endpoint.get("RouteTableIds", []):
                return Standing("absent", f"{endpoint_id} is not in {route_table_id}")
        elif not endpoint.get("PrivateDnsEnabled"):
            return Standing("absent", f"{endpoint_id} has private DNS off")
        else:
            ids = [group["GroupId"] for group in endpoint.get("Groups", []) if "GroupId" in group]
            rules = [rule for each in ids if each in self.groups for rule in self.groups[each].get("IpPermissions", [])]
            if uncovered(cidr, rules, HTTPS_PORT, from_group=self._pods_group):
                refuses = f"{', '.join(ids) or endpoint_id} does not admit tcp {HTTPS_PORT} from {cidr}"
                if names_prefix_list(rules, HTTPS_PORT):
                    return Standing("doubtful", f"{refuses}, unless a prefix list named there does")
                return Standing("closed", refuses)
        return self._judged(endpoint, service)

    @property
    def _pods_group(self) -> str | None:
        """The cluster security group, once there is one. Source: EKS User Guide, "View Amazon EKS security group
        requirements for clusters": its tag.
        """
        wanted = {"Key": "aws:eks:cluster-name", "Value": self.request.cluster.name}
        return next((group_id for group_id, group in self.groups.items() if wanted in group.get("Tags", [])), None)

    def _judged(self, endpoint: "VpcEndpointTypeDef", service: str) -> Standing:
        endpoint_id = endpoint.get("VpcEndpointId", "")
        for action, resource in self._asked(service):
            answer = permits(endpoint.get("PolicyDocument"), action, resource)
            on = f" on {resource}" if resource not in (None, "*") else ""
            if answer == "no":
                return Standing("denied", f"the policy of {endpoint_id} does not allow {action}{on}")
            if answer == "perhaps":
                return Standing("doubtful", f"the policy of {endpoint_id} allows {action}{on} on conditions only")
        return Standing("open")

    def _asked(self, service: str) -> list[tuple[str, str | None]]:
        """Actions and resources of a pull. Source: ECR User Guide, "Create the Amazon S3 gateway endpoint"."""
        region = self.request.region
        partition, private = partition_of(region), _PRIVATE_ECR.match(self.request.verification.image)
        match service:
            case "ecr.api":
                return [("ecr:GetAuthorizationToken", "*")]
            case "ecr.dkr":
                # Of CoreDNS's repository the account differs from region to region.
                repository = (
                    f"arn:{partition}:ecr:{private['region']}:{private['account']}:repository/{private['repository']}"
                    if private
                    else None
                )
                return [("ecr:BatchGetImage", repository), ("ecr:GetDownloadUrlForLayer", repository)]
            case "s3":
                return [("s3:GetObject", f"arn:{partition}:s3:::prod-{region}-starport-layer-bucket/*")]
            case _:
                return []


def of_vpc(request: Request, vpc_id: str, ec2: "EC2Client") -> VpcEndpoints:
    """Those of the VPC, and its security groups."""
    in_vpc: Any = [{"Name": "vpc-id", "Values": [vpc_id]}]
    pages = ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=in_vpc)
    endpoints = [endpoint for page in pages for endpoint in page["VpcEndpoints"]]
    groups = ec2.describe_security_groups(Filters=in_vpc)["SecurityGroups"] if endpoints else []
    return VpcEndpoints(request, endpoints, {group["GroupId"]: group for group in groups})


def is_private(image: str) -> bool:
    """Whether it is pulled from an account's own registry."""
    return _PRIVATE_ECR.match(image) is not None


def has_endpoint(image: str, region: str) -> bool:
    """Only private ECR of the same region has one: the public gallery and others' registries have none."""
    private = _PRIVATE_ECR.match(image)
    return private is not None and private["region"] == region
