"""What others have put into the VPC that goes with its cluster; of an existing VPC, what holds our group in it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from provisioner.fields import OWNER_TAG
from provisioner.removal.obstacles import of_connections
from provisioner.removal.obstacles.model import Kind, Obstacle
from provisioner.removal.obstacles.surroundings import HOLDS, VPC_GUIDE, Surroundings, in_vpc, is_ours, tags_of
from provisioner.resources import interfaces

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import SecurityGroupTypeDef

SECURITY_GROUP = Kind(
    rule="foreign-security-group",
    what="security group {name} ({group}) is in {vpc}",
    holds=HOLDS,
    owner="whoever runs something in this VPC",
    looked_at="DescribeSecurityGroups",
    fix="remove what uses it, then: aws ec2 delete-security-group --group-id {name}",
    source=VPC_GUIDE + "; kubernetes-sigs/aws-load-balancer-controller#2140; "
    "hashicorp/terraform-provider-aws#7780, #11473 (the cluster's own group)",
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
    holds=HOLDS,
    owner="whoever extended this VPC",
    looked_at="DescribeSubnets",
    fix="aws ec2 delete-subnet --subnet-id {name}, when it is empty",
    source=VPC_GUIDE,
)
ROUTE_TABLE = Kind(
    rule="foreign-route-table",
    what="route table {name} in {vpc} was not made with it",
    holds=HOLDS,
    owner="whoever extended this VPC",
    looked_at="DescribeRouteTables",
    fix="take it off its subnets, then: aws ec2 delete-route-table --route-table-id {name}",
    source=VPC_GUIDE,
)
NETWORK_ACL = Kind(
    rule="foreign-network-acl",
    what="network ACL {name} in {vpc} was not made with it",
    holds=HOLDS,
    owner="whoever secures this VPC",
    looked_at="DescribeNetworkAcls",
    fix="give its subnets the default one back, then: aws ec2 delete-network-acl --network-acl-id {name}",
    source=VPC_GUIDE,
)
INTERFACE = Kind(
    rule="foreign-network-interface",
    what="network interface {name} is in {subnet} of {vpc}",
    holds="neither the subnet nor the VPC goes before it",
    owner="whoever runs something in this VPC",
    looked_at="DescribeNetworkInterfaces",
    fix="remove what it belongs to; if that is gone, and it is available: "
    "aws ec2 delete-network-interface --network-interface-id {name}",
    source=VPC_GUIDE + "; hashicorp/terraform-provider-aws#10329 (Lambda); aws/aws-cdk#12827",
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
KINDS = (SECURITY_GROUP, REFERENCE, SUBNET, ROUTE_TABLE, NETWORK_ACL, INTERFACE, GROUP_IN_USE)

_CLUSTERS_GROUP_TAG: Final = "aws:eks:cluster-name"
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


def look(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    """Raises: ClientError."""
    if around.group_id:
        yield from _references(around, around.group_id, ec2)
    if around.vpc_goes:
        yield from of_connections.look(around, ec2)
        yield from _groups(around, ec2)
        yield from _subnets(around, ec2)
        yield from _tables_and_acls(around, ec2)
    yield from _interfaces(around, ec2)


def _groups(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    for page in ec2.get_paginator("describe_security_groups").paginate(Filters=in_vpc(around)):
        for each in page["SecurityGroups"]:
            tags = tags_of(each.get("Tags", []))
            is_expected = each["GroupId"] in (around.group_id, around.cluster_group_id) or _goes_with_eks(
                around, each, ec2
            )
            if each["GroupName"] == "default" or is_expected or is_ours(around, each.get("Tags", [])):
                continue
            saw = f"{each['GroupId']} is {each['GroupName']}: {each.get('Description', '')}"
            yield SECURITY_GROUP.found(
                saw,
                owner=_owner_of_group(each["GroupName"], tags),
                name=each["GroupId"],
                group=each["GroupName"],
                vpc=around.vpc_id,
            )


def _goes_with_eks(around: Surroundings, group: "SecurityGroupTypeDef", ec2: "EC2Client") -> bool:
    """The cluster's own group goes with it, or with the last interface that has it; afterwards EKS has forgotten it."""
    if tags_of(group.get("Tags", [])).get(_CLUSTERS_GROUP_TAG) != around.request.cluster.name:
        return False
    return around.cluster_group_id is not None or bool(interfaces.find("group-id", group["GroupId"], ec2))


def _owner_of_group(name: str, tags: Mapping[str, str]) -> str | None:
    if name.startswith("GuardDutyManagedSecurityGroup") or tags.get("GuardDutyManaged") == "true":
        return "GuardDuty, which removes it with its endpoint"
    if _CLUSTERS_GROUP_TAG in tags:
        return f"EKS, for the cluster {tags[_CLUSTERS_GROUP_TAG]}; it has left the group behind if that is gone"
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
    for page in ec2.get_paginator("describe_subnets").paginate(Filters=in_vpc(around)):
        for each in page["Subnets"]:
            if not is_ours(around, each.get("Tags", [])):
                name = each["SubnetId"]
                yield SUBNET.found(f"{name} has no tag {OWNER_TAG}", name=name, vpc=around.vpc_id)


def _tables_and_acls(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    """But those that every VPC has, and takes with it."""
    for tables in ec2.get_paginator("describe_route_tables").paginate(Filters=in_vpc(around)):
        for table in tables["RouteTables"]:
            is_main = any(association.get("Main") for association in table.get("Associations", []))
            if not is_main and not is_ours(around, table.get("Tags", [])):
                name = table["RouteTableId"]
                yield ROUTE_TABLE.found(f"{name} has no tag {OWNER_TAG}", name=name, vpc=around.vpc_id)
    for acls in ec2.get_paginator("describe_network_acls").paginate(Filters=in_vpc(around)):
        for acl in acls["NetworkAcls"]:
            if not acl.get("IsDefault") and not is_ours(around, acl.get("Tags", [])):
                name = acl["NetworkAclId"]
                yield NETWORK_ACL.found(f"{name} has no tag {OWNER_TAG}", name=name, vpc=around.vpc_id)


def _interfaces(around: Surroundings, ec2: "EC2Client") -> Iterator[Obstacle]:
    """In a VPC that stays, those that use our group."""
    groups = [] if around.vpc_goes else [around.group_id]
    if groups == [None]:
        return
    filters = in_vpc(around) + ([{"Name": "group-id", "Values": groups}] if groups else [])
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
        or is_ours(around, each.get("TagSet", []))
    )


def _is_a_services(interface: Mapping[str, Any]) -> bool:
    """In use by a service of AWS. Source: EC2 API, NetworkInterfaceAttachment.InstanceOwnerId."""
    return str(interface.get("Attachment", {}).get("InstanceOwnerId", "")).startswith("amazon-")


def _of_nat_gateways(around: Surroundings, ec2: "EC2Client") -> set[str]:
    """Ids of the interfaces of those that go with the VPC."""
    pages = ec2.get_paginator("describe_nat_gateways").paginate(Filters=in_vpc(around))
    ours = (each for page in pages for each in page["NatGateways"] if is_ours(around, each.get("Tags", [])))
    return {address.get("NetworkInterfaceId", "") for each in ours for address in each.get("NatGatewayAddresses", [])}


def _owner_of(interface: Mapping[str, Any]) -> str | None:
    said = interface.get("Description", "")
    if instance := interface.get("Attachment", {}).get("InstanceId"):
        return f"EC2 instance {instance}"
    by_words = next((owner for start, owner in _OWNERS.items() if said.startswith(start)), None)
    return by_words or _OWNERS_BY_TYPE.get(interface.get("InterfaceType", ""))
