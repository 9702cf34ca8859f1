"""What leads from the VPC to elsewhere: endpoints, peerings, gateways."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from provisioner.removal.obstacles.model import Kind, Obstacle
from provisioner.removal.obstacles.surroundings import HOLDS, VPC_GUIDE, Surroundings, in_vpc, is_ours

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

GUARD_DUTY = Kind(
    rule="guardduty-endpoint",
    what="GuardDuty has its VPC endpoint {name} in {vpc}",
    holds="neither the VPC nor the endpoint's group goes before it",
    owner="the account's or the organization's GuardDuty (Runtime Monitoring), which may make it again",
    looked_at="DescribeVpcEndpoints",
    fix="exclude the VPC or switch Runtime Monitoring's agent management off, then: "
    "aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {name}",
    source="GuardDuty user guide, Runtime Monitoring, clean up; aws-ia/terraform-aws-eks-blueprints#1778",
)
VPC_ENDPOINT = Kind(
    rule="vpc-endpoint",
    what="VPC endpoint {name} is in {vpc}",
    holds=HOLDS,
    owner="whoever reaches a service of AWS or a partner from there",
    looked_at="DescribeVpcEndpoints",
    fix="aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {name}",
    source=VPC_GUIDE,
)
PEERING = Kind(
    rule="vpc-peering",
    what="peering {name} connects {vpc} with {peer}",
    holds=HOLDS,
    owner="the network team of either side",
    looked_at="DescribeVpcPeeringConnections",
    fix="aws ec2 delete-vpc-peering-connection --vpc-peering-connection-id {name}",
    source=VPC_GUIDE,
)
VPN_GATEWAY = Kind(
    rule="vpn-gateway",
    what="virtual private gateway {name} is attached to {vpc}",
    holds=HOLDS,
    owner="the network team",
    looked_at="DescribeVpnGateways",
    fix="aws ec2 detach-vpn-gateway --vpn-gateway-id {name} --vpc-id {vpc}",
    source=VPC_GUIDE,
)
EGRESS_ONLY_GATEWAY = Kind(
    rule="egress-only-gateway",
    what="egress-only internet gateway {name} is attached to {vpc}",
    holds=HOLDS,
    owner="the network team",
    looked_at="DescribeEgressOnlyInternetGateways",
    fix="aws ec2 delete-egress-only-internet-gateway --egress-only-internet-gateway-id {name}",
    source=VPC_GUIDE,
)
KINDS = (GUARD_DUTY, VPC_ENDPOINT, PEERING, VPN_GATEWAY, EGRESS_ONLY_GATEWAY)

_CONNECTED: Final = ("active", "pending-acceptance", "provisioning", "initiating-request")


def look(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    """Raises: ClientError."""
    yield from _endpoints(around, ec2)
    yield from _peerings(around, ec2)
    yield from _gateways(around, ec2)


def _endpoints(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    for page in ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=in_vpc(around)):
        for each in page["VpcEndpoints"]:
            if str(each.get("State")).lower() == "deleted" or is_ours(around, each.get("Tags", [])):
                continue
            service = each.get("ServiceName", "")
            kind = GUARD_DUTY if "guardduty-data" in service else VPC_ENDPOINT
            saw = f"{each['VpcEndpointId']} leads to {service} and is {each.get('State')}"
            yield kind.found(saw, name=each["VpcEndpointId"], vpc=around.vpc_id)


def _peerings(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    for side in ("requester", "accepter"):
        asked: Any = [{"Name": f"{side}-vpc-info.vpc-id", "Values": [around.vpc_id]}]
        for each in ec2.describe_vpc_peering_connections(Filters=asked)["VpcPeeringConnections"]:
            requester, accepter = (each.get(f"{name}VpcInfo", {}).get("VpcId") for name in ("Requester", "Accepter"))  # type: ignore[attr-defined]
            own, peer = (requester, accepter) if side == "requester" else (accepter, requester)
            status = each.get("Status", {}).get("Code")
            if own == around.vpc_id and status in _CONNECTED:
                name = each["VpcPeeringConnectionId"]
                yield PEERING.found(f"{name} is {status}", name=name, vpc=around.vpc_id, peer=str(peer))


def _gateways(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    attached: Any = [{"Name": "attachment.vpc-id", "Values": [around.vpc_id]}]
    for gateway in ec2.describe_vpn_gateways(Filters=attached)["VpnGateways"]:
        states = [each.get("State") for each in gateway.get("VpcAttachments", []) if each.get("VpcId") == around.vpc_id]
        if "attached" in states or "attaching" in states:
            name = gateway["VpnGatewayId"]
            yield VPN_GATEWAY.found(f"{name} is {states[0]}", name=name, vpc=around.vpc_id)
    for page in ec2.get_paginator("describe_egress_only_internet_gateways").paginate():
        for egress in page["EgressOnlyInternetGateways"]:
            if around.vpc_id in {attachment.get("VpcId") for attachment in egress.get("Attachments", [])}:
                name = egress["EgressOnlyInternetGatewayId"]
                yield EGRESS_ONLY_GATEWAY.found(f"{name} is attached to {around.vpc_id}", name=name, vpc=around.vpc_id)
