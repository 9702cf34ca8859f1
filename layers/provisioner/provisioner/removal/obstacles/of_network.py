"""What others have put into the VPC that goes with its cluster; of an existing VPC, what holds our group in it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from provisioner.fields import OWNER_TAG
from provisioner.removal.obstacles.model import Kind, Obstacle
from provisioner.request import Request

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_HOLDS: Final = "{vpc} does not go before it"
_VPC_GUIDE: Final = "VPC user guide, Delete your VPC; re:Post, Why can't I delete my VPC (DependencyViolation)"
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
    holds=_HOLDS,
    owner="whoever reaches a service of AWS or a partner from there",
    looked_at="DescribeVpcEndpoints",
    fix="aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {name}",
    source=_VPC_GUIDE,
)
PEERING = Kind(
    rule="vpc-peering",
    what="peering {name} connects {vpc} with {peer}",
    holds=_HOLDS,
    owner="the network team of either side",
    looked_at="DescribeVpcPeeringConnections",
    fix="aws ec2 delete-vpc-peering-connection --vpc-peering-connection-id {name}",
    source=_VPC_GUIDE,
)
VPN_GATEWAY = Kind(
    rule="vpn-gateway",
    what="virtual private gateway {name} is attached to {vpc}",
    holds=_HOLDS,
    owner="the network team",
    looked_at="DescribeVpnGateways",
    fix="aws ec2 detach-vpn-gateway --vpn-gateway-id {name} --vpc-id {vpc}",
    source=_VPC_GUIDE,
)
SECURITY_GROUP = Kind(
    rule="foreign-security-group",
    what="security group {name} ({group}) is in {vpc}",
    holds=_HOLDS,
    owner="whoever runs something in this VPC",
    looked_at="DescribeSecurityGroups",
    fix="remove what uses it, then: aws ec2 delete-security-group --group-id {name}",
    source=_VPC_GUIDE + "; kubernetes-sigs/aws-load-balancer-controller#2140; hashicorp/terraform-provider-aws#7780",
)
REFERENCE = Kind(
    rule="referencing-group",
    what="a rule of security group {name} ({group}) refers to our group {ours}",
    holds="EC2 does not delete a group that a rule refers to",
    owner="whoever made that rule",
    looked_at="DescribeSecurityGroups",
    fix="revoke the rules of {name} that refer to {ours}",
    source="EC2 API, DeleteSecurityGroup, DependencyViolation",
)
SUBNET = Kind(
    rule="foreign-subnet",
    what="subnet {name} in {vpc} was not made with it",
    holds=_HOLDS,
    owner="whoever extended this VPC",
    looked_at="DescribeSubnets",
    fix="aws ec2 delete-subnet --subnet-id {name}, when it is empty",
    source=_VPC_GUIDE,
)
INTERFACE = Kind(
    rule="foreign-network-interface",
    what="network interface {name} is in {subnet} of {vpc}",
    holds="neither the subnet nor the VPC goes before it",
    owner="whoever runs something in this VPC",
    looked_at="DescribeNetworkInterfaces",
    fix="remove what it belongs to; if that is gone, and it is available: "
    "aws ec2 delete-network-interface --network-interface-id {name}",
    source=_VPC_GUIDE + "; hashicorp/terraform-provider-aws#10329 (Lambda); aws/aws-cdk#12827",
)
GROUP_IN_USE = Kind(
    rule="group-in-use",
    what="network interface {name} uses our group {group}",
    holds="EC2 does not delete a group that is in use",
    owner="whoever attached it",
    looked_at="DescribeNetworkInterfaces",
    fix="give it another group: aws ec2 modify-network-interface-attribute --network-interface-id {name} --groups …",
    source="EC2 API, DeleteSecurityGroup, DependencyViolation",
)
KINDS = (*(GUARD_DUTY, VPC_ENDPOINT, PEERING, VPN_GATEWAY, SECURITY_GROUP, REFERENCE, SUBNET, INTERFACE, GROUP_IN_USE),)

_CONNECTED: Final = ("active", "pending-acceptance", "provisioning", "initiating-request")
# What services write into the description or the type of the interfaces that they make.
_OWNERS: Final[Mapping[str, str]] = {
    "ELB ": "a load balancer: delete it, or the Service or Ingress that it was made for",
    "AWS Lambda VPC ENI": "a Lambda function in this VPC; Lambda removes it up to 20 minutes after the function",
    "RDSNetworkInterface": "an RDS database",
    "AWS created network interface for directory": "AWS Directory Service",
    "Route 53 Resolver": "a Route 53 Resolver endpoint",
    "Network Interface for Transit Gateway Attachment": "a transit gateway attachment of the network team",
    "Interface for NAT Gateway": "a NAT gateway that was not made with the VPC",
    "EFS mount target": "a mount target of another file system",
    "ElastiCache": "an ElastiCache cluster",
    "arn:aws:ecs:": "an ECS task",
    "Amazon EKS ": "another EKS cluster",
}
_OWNERS_BY_TYPE: Final[Mapping[str, str]] = {
    "lambda": _OWNERS["AWS Lambda VPC ENI"],
    "transit_gateway": _OWNERS["Network Interface for Transit Gateway Attachment"],
    "network_load_balancer": _OWNERS["ELB "],
    "load_balancer": _OWNERS["ELB "],
    "gateway_load_balancer": _OWNERS["ELB "],
    "natGateway": _OWNERS["Interface for NAT Gateway"],
    "nat_gateway": _OWNERS["Interface for NAT Gateway"],
    "efs": _OWNERS["EFS mount target"],
}


@dataclass(frozen=True)
class Surroundings:
    """`vpc_goes`: it was made for the cluster; `group_id` is the mount targets' group; `cluster_group_id` EKS's own;
    `mount_target_interfaces` are those that go with the mount targets.
    """

    request: Request
    vpc_id: str
    vpc_goes: bool
    group_id: str | None
    cluster_group_id: str | None
    mount_target_interfaces: frozenset[str]


def look(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    """Raises: ClientError."""
    if around.group_id:
        yield from _references(around, around.group_id, ec2)
    if around.vpc_goes:
        yield from _endpoints(around, ec2)
        yield from _connections(around, ec2)
        yield from _groups(around, ec2)
        yield from _subnets(around, ec2)
    yield from _interfaces(around, ec2)


def _endpoints(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    for page in ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=_in_vpc(around)):
        for each in page["VpcEndpoints"]:
            if str(each.get("State")).lower() == "deleted" or _is_ours(around, each.get("Tags", [])):
                continue
            service = each.get("ServiceName", "")
            kind = GUARD_DUTY if "guardduty-data" in service else VPC_ENDPOINT
            saw = f"{each['VpcEndpointId']} leads to {service} and is {each.get('State')}"
            yield kind.found(saw, name=each["VpcEndpointId"], vpc=around.vpc_id)


def _connections(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    for side in ("requester", "accepter"):
        asked: Any = [{"Name": f"{side}-vpc-info.vpc-id", "Values": [around.vpc_id]}]
        for each in ec2.describe_vpc_peering_connections(Filters=asked)["VpcPeeringConnections"]:
            requester, accepter = (each.get(f"{name}VpcInfo", {}).get("VpcId") for name in ("Requester", "Accepter"))  # type: ignore[attr-defined]
            own, peer = (requester, accepter) if side == "requester" else (accepter, requester)
            status = each.get("Status", {}).get("Code")
            if own == around.vpc_id and status in _CONNECTED:
                name = each["VpcPeeringConnectionId"]
                yield PEERING.found(f"{name} is {status}", name=name, vpc=around.vpc_id, peer=str(peer))
    attached: Any = [{"Name": "attachment.vpc-id", "Values": [around.vpc_id]}]
    for gateway in ec2.describe_vpn_gateways(Filters=attached)["VpnGateways"]:
        states = [each.get("State") for each in gateway.get("VpcAttachments", []) if each.get("VpcId") == around.vpc_id]
        if "attached" in states or "attaching" in states:
            name = gateway["VpnGatewayId"]
            yield VPN_GATEWAY.found(f"{name} is {states[0]}", name=name, vpc=around.vpc_id)


def _groups(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    for page in ec2.get_paginator("describe_security_groups").paginate(Filters=_in_vpc(around)):
        for each in page["SecurityGroups"]:
            tags = _tags(each.get("Tags", []))
            is_clusters = tags.get("aws:eks:cluster-name") == around.request.cluster.name
            by_id = each["GroupId"] in (around.group_id, around.cluster_group_id)
            if each["GroupName"] == "default" or is_clusters or by_id or _is_ours(around, each.get("Tags", [])):
                continue
            saw = f"{each['GroupId']} is {each['GroupName']}: {each.get('Description', '')}"
            yield SECURITY_GROUP.found(
                saw,
                owner=_owner_of_group(each["GroupName"], tags),
                name=each["GroupId"],
                group=each["GroupName"],
                vpc=around.vpc_id,
            )


def _owner_of_group(name: str, tags: Mapping[str, str]) -> str | None:
    if name.startswith("GuardDutyManagedSecurityGroup") or tags.get("GuardDutyManaged") == "true":
        return "GuardDuty, which removes it with its endpoint"
    if "elbv2.k8s.aws/cluster" in tags or any(key.startswith("kubernetes.io/cluster/") for key in tags):
        return "a load balancer of a Service or an Ingress in a cluster, which was not removed with it"
    return None


def _references(around: Surroundings, group_id: str, ec2: "EC2Client") -> Iterator[Obstacle]:
    seen: set[str] = set()
    for direction in ("ip-permission.group-id", "egress.ip-permission.group-id"):
        asked: Any = [{"Name": direction, "Values": [group_id]}]
        for each in ec2.describe_security_groups(Filters=asked)["SecurityGroups"]:
            if each["GroupId"] not in seen | {group_id, around.cluster_group_id}:
                seen.add(each["GroupId"])
                saw = f"{each['GroupId']} has a rule for {group_id}"
                yield REFERENCE.found(saw, name=each["GroupId"], group=each["GroupName"], ours=group_id)


def _subnets(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    for page in ec2.get_paginator("describe_subnets").paginate(Filters=_in_vpc(around)):
        for each in page["Subnets"]:
            if not _is_ours(around, each.get("Tags", [])):
                name = each["SubnetId"]
                yield SUBNET.found(f"{name} has no tag {OWNER_TAG}", name=name, vpc=around.vpc_id)


def _interfaces(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    """In a VPC that stays, those that use our group."""
    groups = [] if around.vpc_goes else [around.group_id]
    if groups == [None]:
        return
    filters = _in_vpc(around) + ([{"Name": "group-id", "Values": groups}] if groups else [])
    ours = around.mount_target_interfaces | (_of_nat_gateways(around, ec2) if around.vpc_goes else set())
    for page in ec2.get_paginator("describe_network_interfaces").paginate(Filters=filters):
        for each in page["NetworkInterfaces"]:
            if each["NetworkInterfaceId"] in ours or _comes_with_the_cluster(around, each):
                continue
            name, said = each["NetworkInterfaceId"], each.get("Description") or "no description"
            owner = _owner_of(each)
            saw = f"{name} is {each.get('Status')}, type {each.get('InterfaceType', 'interface')}: {said}"
            if groups:
                yield GROUP_IN_USE.found(saw, owner=owner, name=name, group=str(around.group_id))
            else:
                yield INTERFACE.found(
                    saw,
                    owner=owner,
                    name=name,
                    subnet=each.get("SubnetId", ""),
                    vpc=around.vpc_id,
                )


def _comes_with_the_cluster(around: Surroundings, each: Mapping[str, Any]) -> bool:
    """Also those of endpoints, which are named themselves; Fargate's are told by the cluster's group alone."""
    said = each.get("Description", "")
    groups = {group["GroupId"] for group in each.get("Groups", [])}
    return (
        said == f"Amazon EKS {around.request.cluster.name}"
        or each.get("InterfaceType") in ("vpc_endpoint", "gateway_load_balancer_endpoint")
        or (around.cluster_group_id is not None and groups == {around.cluster_group_id} and _is_a_services(each))
        or _is_ours(around, each.get("TagSet", []))
    )


def _is_a_services(interface: Mapping[str, Any]) -> bool:
    """In use by a service of AWS. Source: EC2 API, NetworkInterfaceAttachment.InstanceOwnerId."""
    return str(interface.get("Attachment", {}).get("InstanceOwnerId", "")).startswith("amazon-")


def _of_nat_gateways(around: Surroundings, ec2: "EC2Client") -> set[str]:
    """Ids of the interfaces of those that go with the VPC."""
    pages = ec2.get_paginator("describe_nat_gateways").paginate(Filters=_in_vpc(around))
    ours = (each for page in pages for each in page["NatGateways"] if _is_ours(around, each.get("Tags", [])))
    return {address.get("NetworkInterfaceId", "") for each in ours for address in each.get("NatGatewayAddresses", [])}


def _owner_of(interface: Mapping[str, Any]) -> str | None:
    said = interface.get("Description", "")
    if instance := interface.get("Attachment", {}).get("InstanceId"):
        return f"EC2 instance {instance}"
    by_words = next((owner for start, owner in _OWNERS.items() if said.startswith(start)), None)
    return by_words or _OWNERS_BY_TYPE.get(interface.get("InterfaceType", ""))


def _is_ours(around: Surroundings, tags: Iterable[Any]) -> bool:
    """CloudFormation hands a stack's tags down to what it makes (user guide, "Resource tag")."""
    return _tags(tags).get(OWNER_TAG) == around.request.cluster.name


def _tags(tags: Iterable[Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _in_vpc(around: Surroundings) -> Any:
    return [{"Name": "vpc-id", "Values": [around.vpc_id]}]
