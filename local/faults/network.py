"""Faults of the network between pods, mount targets and registries."""

from collections.abc import Mapping
from typing import Any

from local.aws import registries
from local.aws.eks_endpoint import LAMBDA_ADDRESSES
from local.aws.hooks import Undo
from local.cloud import EmbeddedCloud
from local.faults.fault import Act, Fault, before
from local.faults.interception import intercept
from local.faults.scene import Scene

NFS_PORT = 2049
EVERYWHERE = "0.0.0.0/0"
BLOCKED_REGION = "us-east-2"
"""No other fault strikes there."""


def close_security_groups(scene: Scene) -> None:
    """Somebody tidies up: no inbound rule for 2049 is left at the mount targets."""
    efs, ec2 = scene.mounts_client("efs"), scene.mounts_client("ec2")
    for target in scene.mount_targets():
        groups = efs.describe_mount_target_security_groups(MountTargetId=target["MountTargetId"])["SecurityGroups"]
        for group in ec2.describe_security_groups(GroupIds=groups)["SecurityGroups"]:
            rules = [rule for rule in group["IpPermissions"] if rule.get("FromPort") == NFS_PORT]
            if rules:
                ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=rules)


def close_pod_egress(scene: Scene) -> None:
    """The cluster security group, which pods on Fargate have, only lets HTTPS out."""
    ec2, group_id = scene.client("ec2"), scene.cluster.security_group_id
    (group,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=group["IpPermissionsEgress"])
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=[https])


def put_mount_targets_behind_an_acl(scene: Scene) -> bool | None:
    """Mount targets are there already, in subnets of their own whose network ACL keeps NFS out.

    Within one subnet no ACL is asked, so pods and mount targets must be apart for one to matter.
    """
    ec2, efs = scene.client("ec2"), scene.client("efs")
    private = {subnet["subnet_id"] for subnet in scene.payload["network"]["private_subnets"]}
    filters = [{"Name": "vpc-id", "Values": [scene.payload["network"]["vpc_id"]]}]
    others = [s for s in ec2.describe_subnets(Filters=filters)["Subnets"] if s["SubnetId"] not in private]
    acl_id = ec2.create_network_acl(VpcId=scene.payload["network"]["vpc_id"])["NetworkAcl"]["NetworkAclId"]
    _add_rules(ec2, acl_id)
    associations = {
        association["SubnetId"]: association["NetworkAclAssociationId"]
        for acl in ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
        for association in acl["Associations"]
    }
    for subnet in others:
        ec2.replace_network_acl_association(AssociationId=associations[subnet["SubnetId"]], NetworkAclId=acl_id)
        efs.create_mount_target(FileSystemId=scene.file_system_id, SubnetId=subnet["SubnetId"])
    return None


def _add_rules(ec2: Any, acl_id: str) -> None:
    everything = {"Protocol": "-1", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow", "RuleNumber": 200}
    nfs = {"Protocol": "6", "CidrBlock": "0.0.0.0/0", "RuleAction": "deny", "RuleNumber": 100}
    ports = {"From": NFS_PORT, "To": NFS_PORT}
    ec2.create_network_acl_entry(NetworkAclId=acl_id, Egress=False, PortRange=ports, **nfs)
    for egress in (False, True):
        ec2.create_network_acl_entry(NetworkAclId=acl_id, Egress=egress, **everything)


def switch_dns_names_off(scene: Scene) -> None:
    scene.client("ec2").modify_vpc_attribute(VpcId=scene.vpc_id, EnableDnsHostnames={"Value": False})


def remove_default_routes(scene: Scene) -> None:
    """The private route tables lose their way to the NAT gateway."""
    ec2 = scene.client("ec2")
    filters = [{"Name": "vpc-id", "Values": [scene.vpc_id]}]
    for table in ec2.describe_route_tables(Filters=filters)["RouteTables"]:
        if any("NatGatewayId" in route for route in table["Routes"]):
            ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")


def _default_routes(scene: Scene, hop: str) -> list[str]:
    """Route tables of the VPC whose default route has that next hop."""
    filters = [{"Name": "vpc-id", "Values": [scene.vpc_id]}]
    tables = scene.client("ec2").describe_route_tables(Filters=filters)["RouteTables"]
    return [each["RouteTableId"] for each in tables if any(_leads_to(route, hop) for route in each["Routes"])]


def _leads_to(route: Mapping[str, Any], hop: str) -> bool:
    return route.get("DestinationCidrBlock") == EVERYWHERE and str(route.get(hop, "local")) != "local"


def cut_the_nat_gateway_off(scene: Scene) -> None:
    """It goes on being available; the route table of its own subnet leads nowhere."""
    for table_id in _default_routes(scene, "GatewayId"):
        scene.client("ec2").delete_route(RouteTableId=table_id, DestinationCidrBlock=EVERYWHERE)


def refuse_answers_at_the_nat_gateway(scene: Scene) -> None:
    """The network ACL of the VPC lets nothing in from outside at the ports that a NAT gateway uses."""
    ec2, filters = scene.client("ec2"), [{"Name": "vpc-id", "Values": [scene.vpc_id]}]
    for acl in ec2.describe_network_acls(Filters=filters)["NetworkAcls"]:
        local = {"Protocol": "-1", "CidrBlock": "192.168.0.0/16", "RuleAction": "allow", "RuleNumber": 80}
        outside = {"Protocol": "6", "CidrBlock": EVERYWHERE, "RuleAction": "deny", "RuleNumber": 90}
        ec2.create_network_acl_entry(NetworkAclId=acl["NetworkAclId"], Egress=False, **local)
        ports = {"From": 1024, "To": 65535}
        ec2.create_network_acl_entry(NetworkAclId=acl["NetworkAclId"], Egress=False, PortRange=ports, **outside)


def lead_to_a_transit_gateway(scene: Scene) -> None:
    """The way out is another team's now, and ends there."""
    ec2 = scene.client("ec2")
    gateway_id = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    for table_id in _default_routes(scene, "NatGatewayId"):
        ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock=EVERYWHERE)
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock=EVERYWHERE, TransitGatewayId=gateway_id)


def narrow_the_endpoint(*cidrs: str) -> Act:
    """Somebody lets only these in at the public endpoint; whoever comes to the private one still gets in."""

    def narrow(scene: Scene) -> None:
        scene.client("eks").update_cluster_config(
            name=scene.cluster_name, resourcesVpcConfig={"publicAccessCidrs": list(cidrs)}
        )
        scene.until(lambda: scene.cluster.status == "ACTIVE")

    return narrow


def keep_pods_in_the_vpc(scene: Scene) -> None:
    """The cluster security group, which pods on Fargate have, lets nothing out of the VPC."""
    ec2, group_id = scene.client("ec2"), scene.cluster.security_group_id
    (group,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=group["IpPermissionsEgress"])
    inside = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "192.168.0.0/16"}]}
    ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=[inside])


def name_own_resolvers(scene: Scene) -> None:
    """The company's resolvers, which know nothing of EFS."""
    ec2 = scene.client("ec2")
    configuration = [{"Key": "domain-name-servers", "Values": ["10.1.2.3"]}]
    options = ec2.create_dhcp_options(DhcpConfigurations=configuration)["DhcpOptions"]["DhcpOptionsId"]
    ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=scene.vpc_id)


def block_public_access(cloud: EmbeddedCloud, cluster_name: str | None) -> Undo:
    """Somebody turns VPC Block Public Access on, for the whole region."""
    ec2 = cloud.server.client("ec2", region=BLOCKED_REGION)

    def block(_: Scene) -> None:
        ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="block-bidirectional")

    disarm = before("Verify storage", block)(cloud, cluster_name)

    def undo() -> None:
        disarm()
        ec2.modify_vpc_block_public_access_options(InternetGatewayBlockMode="off")

    return undo


def exhaust_docker_hub(cloud: EmbeddedCloud, cluster_name: str | None) -> Undo:
    """Docker Hub counts anonymous pulls by address, and everything behind one NAT gateway has the same."""
    added: list[tuple[str, str]] = []

    def exhaust(scene: Scene) -> None:
        added.append((scene.vpc_id, "registry-1.docker.io"))
        registries.EXHAUSTED.update(added)

    disarm = before("Verify storage", exhaust)(cloud, cluster_name)

    def undo() -> None:
        disarm()
        registries.EXHAUSTED.difference_update(added)

    return undo


FAULTS = (
    Fault(
        "security-group",
        "the mount targets' security groups no longer admit 2049",
        "security-group-closed",
        before("Verify storage", close_security_groups),
    ),
    Fault(
        "pod-egress",
        "the cluster security group lets only HTTPS out of the pods",
        "pod-egress-closed",
        before("Verify storage", close_pod_egress),
    ),
    Fault(
        "network-acl",
        "the mount targets are in other subnets, whose network ACL denies 2049",
        "network-acl-closed",
        before("Ensure mount targets", put_mount_targets_behind_an_acl),
    ),
    Fault(
        "dns-attributes",
        "enableDnsHostnames of the VPC is off",
        "dns-attributes-off",
        before("Verify storage", switch_dns_names_off),
    ),
    Fault(
        "no-nat",
        "the private subnets have no route to a NAT gateway, so no image can be pulled",
        "image-unreachable",
        before("Verify storage", remove_default_routes),
    ),
    Fault(
        "nat-without-internet",
        "the NAT gateway is available, and its own subnet has no route to the internet",
        "image-unreachable",
        before("Verify storage", cut_the_nat_gateway_off),
    ),
    Fault(
        "nat-acl",
        "the network ACL lets no answers back to the NAT gateway",
        "image-unreachable",
        before("Verify storage", refuse_answers_at_the_nat_gateway),
    ),
    Fault(
        "public-access-blocked",
        "VPC Block Public Access is on in the region",
        "image-unreachable",
        block_public_access,
        request={"region": BLOCKED_REGION},
    ),
    Fault(
        "transit-gateway",
        "the private subnets' way out leads to a transit gateway, behind which nothing answers",
        "image-unreachable",
        before("Verify storage", lead_to_a_transit_gateway),
        verdict="possible",
    ),
    Fault(
        "pods-kept-in-the-vpc",
        "the cluster security group lets nothing out of the VPC",
        "image-unreachable",
        before("Verify storage", keep_pods_in_the_vpc),
    ),
    Fault(
        "endpoint-narrowed",
        "the cluster's public endpoint only lets the office in, and the functions run outside a VPC",
        "cluster-endpoint-unreachable",
        before("Apply storage", narrow_the_endpoint("203.0.113.0/24")),
    ),
    Fault(
        "nodes-kept-out",
        "the cluster's only endpoint is public, and lets the functions in but not the NAT gateway's address",
        "nodes-not-joining",
        before("Verify storage", narrow_the_endpoint(*(f"{address}/32" for address in LAMBDA_ADDRESSES))),
        request={"cluster": {"endpoint_access": "public"}},
    ),
    Fault(
        "dhcp-options",
        "the VPC's DHCP options name resolvers that do not know EFS",
        "dns-resolver-of-its-own",
        before("Verify storage", name_own_resolvers),
        verdict="possible",
    ),
    Fault(
        "image-rate-limit",
        "Docker Hub answers 429: too many pulls from the NAT gateway's address",
        "image-rate-limited",
        exhaust_docker_hub,
        request={"verification": {"image": "docker.io/library/busybox:1.37"}},
    ),
    Fault(
        "wrong-image",
        "the verification's image does not exist",
        "image-not-found",
        lambda _cloud, _cluster: lambda: None,
        request={"verification": {"image": "public.ecr.aws/docker/library/busybox:no-such-tag"}},
    ),
    Fault(
        "tls-interception",
        "a proxy intercepts TLS between the functions and the cluster's API",
        "cluster-endpoint-untrusted",
        intercept,
    ),
)
