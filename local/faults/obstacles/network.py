"""Obstacles in the VPC: what others have in its subnets, its groups and its ways out."""

import ipaddress
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from local.aws import ec2_interfaces, network
from local.faults.obstacles.obstacle import Obstacle, Placed
from local.faults.scene import Scene

GONE_PATIENCE_SECONDS = 300.0


def last_subnet(scene: Scene) -> str:
    """The private subnet in which others have the least."""
    return str(scene.payload["network"]["private_subnets"][-1]["subnet_id"])


def file_system_group(scene: Scene) -> str:
    """The security group of the mount targets."""
    target = scene.mount_targets()[0]["MountTargetId"]
    groups = scene.client("efs").describe_mount_target_security_groups(MountTargetId=target)["SecurityGroups"]
    return str(groups[0])


def interface(scene: Scene) -> Placed:
    return _interface(scene, [])


def interface_in_our_group(scene: Scene) -> Placed:
    return _interface(scene, [file_system_group(scene)])


def interface_in_the_cluster_group(scene: Scene) -> Placed:
    return _interface(scene, [scene.cluster.security_group_id])


def _interface(scene: Scene, groups: list[str]) -> Placed:
    ec2 = scene.client("ec2")
    chosen: Mapping[str, Any] = {"Groups": groups} if groups else {}
    made = ec2.create_network_interface(SubnetId=last_subnet(scene), Description="appliance", **chosen)
    interface_id = made["NetworkInterface"]["NetworkInterfaceId"]
    return Placed((interface_id,), lambda: ec2.delete_network_interface(NetworkInterfaceId=interface_id))


def subnet(scene: Scene) -> Placed:
    made = foreign_subnet(scene)
    return Placed((made,), lambda: scene.client("ec2").delete_subnet(SubnetId=made))


def foreign_subnet(scene: Scene, zone: str | None = None) -> str:
    """Of the last addresses of the VPC that are free."""
    ec2 = scene.client("ec2")
    (vpc,) = ec2.describe_vpcs(VpcIds=[scene.vpc_id])["Vpcs"]
    taken = {subnet["CidrBlock"] for subnet in scene.subnets()}
    addresses = map(str, ipaddress.ip_network(vpc["CidrBlock"]).subnets(new_prefix=28))
    free = [each for each in addresses if each not in taken]
    placed: Mapping[str, Any] = {"AvailabilityZone": zone} if zone else {}
    return str(ec2.create_subnet(VpcId=scene.vpc_id, CidrBlock=free[-1], **placed)["Subnet"]["SubnetId"])


def referring_group(scene: Scene) -> Placed:
    ec2 = scene.client("ec2")
    made = ec2.create_security_group(GroupName="reports", Description="reports", VpcId=scene.vpc_id)["GroupId"]
    pairs = [{"GroupId": file_system_group(scene)}]
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": pairs}
    ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=[rule])
    return Placed((made,), lambda: ec2.delete_security_group(GroupId=made))


def route_table(scene: Scene) -> Placed:
    ec2 = scene.client("ec2")
    made = ec2.create_route_table(VpcId=scene.vpc_id)["RouteTable"]["RouteTableId"]
    return Placed((made,), lambda: ec2.delete_route_table(RouteTableId=made))


def network_acl(scene: Scene) -> Placed:
    ec2 = scene.client("ec2")
    made = ec2.create_network_acl(VpcId=scene.vpc_id)["NetworkAcl"]["NetworkAclId"]
    return Placed((made,), lambda: ec2.delete_network_acl(NetworkAclId=made))


def egress_only_gateway(scene: Scene) -> Placed:
    ec2, name = scene.client("ec2"), "EgressOnlyInternetGatewayId"
    made = ec2.create_egress_only_internet_gateway(VpcId=scene.vpc_id)["EgressOnlyInternetGateway"][name]
    return Placed((made,), lambda: ec2.delete_egress_only_internet_gateway(**{name: made}))


def nat_gateway(scene: Scene) -> Placed:
    ec2 = scene.client("ec2")
    made = ec2.create_nat_gateway(SubnetId=last_subnet(scene), ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    ids = {"NatGatewayIds": [made]}

    def has_become(state: str) -> bool:
        return all(each["State"] == state for each in ec2.describe_nat_gateways(**ids)["NatGateways"])

    def remove() -> None:
        ec2.delete_nat_gateway(NatGatewayId=made)
        scene.until(lambda: has_become("deleted"), patience_seconds=GONE_PATIENCE_SECONDS)

    scene.until(lambda: has_become("available"))
    return Placed((made,), remove)


def peering(scene: Scene) -> Placed:
    ec2 = scene.client("ec2")
    other = ec2.create_vpc(CidrBlock="172.31.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_vpc_peering_connection(VpcId=other, PeerVpcId=scene.vpc_id)["VpcPeeringConnection"]
    peering_id = made["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering_id)

    def remove() -> None:
        ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
        ec2.delete_vpc(VpcId=other)

    return Placed((peering_id,), remove)


def guardduty(scene: Scene) -> Placed:
    """Runtime Monitoring puts an endpoint and its group into the VPC of a cluster, unasked."""
    ec2, name = scene.client("ec2"), f"GuardDutyManagedSecurityGroup-{scene.vpc_id}"
    tags = [{"Key": "GuardDutyManaged", "Value": "true"}]
    group = ec2.create_security_group(
        GroupName=name,
        Description="Associated with VPC endpoint created by GuardDuty",
        VpcId=scene.vpc_id,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=scene.vpc_id,
        ServiceName=f"com.amazonaws.{scene.region}.guardduty-data",
        VpcEndpointType="Interface",
        SubnetIds=[last_subnet(scene)],
        SecurityGroupIds=[group],
        PrivateDnsEnabled=True,
        TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": tags}],
    )["VpcEndpoint"]["VpcEndpointId"]

    def remove() -> None:
        assert not ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])["Unsuccessful"], endpoint  # noqa: S101
        delete_group(scene, group)

    return Placed((endpoint, group), remove)


def load_balancer(scene: Scene) -> Placed:
    """What a Service of type LoadBalancer leaves behind: a balancer, its group, and a rule in the cluster's group."""
    ec2, balancers, own = scene.client("ec2"), scene.client("elbv2"), scene.cluster.security_group_id
    owned = {"Key": f"kubernetes.io/cluster/{scene.cluster_name}", "Value": "owned"}
    service = {"Key": "kubernetes.io/service-name", "Value": "default/web"}
    name = uuid4().hex
    group = ec2.create_security_group(
        GroupName=f"k8s-elb-a{name[:31]}",
        Description=f"Security group for Kubernetes ELB a{name[:31]} (default/web)",
        VpcId=scene.vpc_id,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": [owned]}],
    )["GroupId"]
    rule = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=own, IpPermissions=[rule])
    made = balancers.create_load_balancer(
        Name=f"a{name[:31]}",
        Type="network",
        Scheme="internet-facing",
        Subnets=[last_subnet(scene)],
        SecurityGroups=[group],
        Tags=[owned, service],
    )["LoadBalancers"][0]["LoadBalancerArn"]

    def remove() -> None:
        balancers.delete_load_balancer(LoadBalancerArn=made)
        if ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": [own]}])["SecurityGroups"]:
            ec2.revoke_security_group_ingress(GroupId=own, IpPermissions=[rule])
        delete_group(scene, group)

    return Placed((made, group), remove)


def function_interface(scene: Scene) -> Placed:
    """Of a function that is gone: Lambda deletes it when it gets round to it, and nobody else may."""
    ec2 = network.backend(scene.cluster.account_id, scene.region)
    place = network.find_subnet(ec2, last_subnet(scene))
    assert place is not None, "our subnet is there"  # noqa: S101
    made = network.create_interface(ec2, place, [], f"AWS Lambda VPC ENI-report-{uuid4()}")
    ec2_interfaces.hold(made, kind="lambda")
    return Placed((made.id,), lambda: network.delete_interface(ec2, ec2.get_network_interface(made.id)))


def transit_gateway(scene: Scene) -> Placed:
    ec2 = scene.client("ec2")
    gateway = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    made = ec2.create_transit_gateway_vpc_attachment(
        TransitGatewayId=gateway, VpcId=scene.vpc_id, SubnetIds=[last_subnet(scene)]
    )["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]

    def remove() -> None:
        ec2.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=made)
        ec2.delete_transit_gateway(TransitGatewayId=gateway)

    return Placed((made,), remove)


def instance(scene: Scene) -> Placed:
    ec2 = scene.client("ec2")
    interface = {"DeviceIndex": 0, "SubnetId": last_subnet(scene), "DeleteOnTermination": True}
    image = "ami-0123456789abcdef0"
    (made,) = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, NetworkInterfaces=[interface])["Instances"]
    return Placed((made["InstanceId"],), lambda: ec2.terminate_instances(InstanceIds=[made["InstanceId"]]))


def resolver_endpoint(scene: Scene) -> Placed:
    """Both of its addresses are in one subnet, which Route 53 allows."""
    ec2, resolver = scene.client("ec2"), scene.client("route53resolver")
    group = ec2.create_security_group(GroupName="resolver", Description="resolver", VpcId=scene.vpc_id)["GroupId"]
    made = resolver.create_resolver_endpoint(
        CreatorRequestId=uuid4().hex,
        SecurityGroupIds=[group],
        Direction="OUTBOUND",
        IpAddresses=[{"SubnetId": last_subnet(scene)}] * 2,
    )["ResolverEndpoint"]["Id"]

    def remove() -> None:
        resolver.delete_resolver_endpoint(ResolverEndpointId=made)
        delete_group(scene, group)

    return Placed((made, group), remove)


def delete_group(scene: Scene, group_id: str) -> None:
    """Once the interfaces that had it are gone."""

    def is_deleted() -> bool:
        try:
            scene.client("ec2").delete_security_group(GroupId=group_id)
        except ClientError as error:
            if error.response["Error"]["Code"] != "DependencyViolation":
                raise
            return False
        return True

    scene.until(is_deleted, patience_seconds=GONE_PATIENCE_SECONDS)


OBSTACLES = (
    Obstacle("interface", "somebody's interface in a private subnet", "network", "eksctl#7589", interface),
    Obstacle(
        "interface-in-our-group",
        "somebody's interface has the mount targets' security group",
        "security group",
        "pulumi-eks#1226",
        interface_in_our_group,
    ),
    Obstacle(
        "interface-in-the-cluster-group",
        "somebody's interface has the cluster security group, which EKS then leaves behind",
        "network",
        "terraform-provider-aws#11473",
        interface_in_the_cluster_group,
    ),
    Obstacle("subnet", "somebody's subnet in the VPC", "network", "AWS re:Post, dependency error of a VPC", subnet),
    Obstacle(
        "referring-group",
        "a rule of somebody's security group names the mount targets' group",
        "security group",
        "EC2 API, DeleteSecurityGroup",
        referring_group,
    ),
    Obstacle("route-table", "somebody's route table in the VPC", "network", "EC2 API, DeleteVpc", route_table),
    Obstacle("network-acl", "somebody's network ACL in the VPC", "network", "EC2 API, DeleteVpc", network_acl),
    Obstacle(
        "egress-only-gateway",
        "an egress-only internet gateway of the VPC",
        "network",
        "VPC guide, Delete your VPC",
        egress_only_gateway,
    ),
    Obstacle(
        "nat-gateway",
        "somebody's NAT gateway in a private subnet",
        "network",
        "AWS re:Post, dependency error of a VPC",
        nat_gateway,
    ),
    Obstacle("peering", "the VPC is peered", "network", "AWS re:Post, dependency error of a VPC", peering),
    Obstacle(
        "guardduty",
        "GuardDuty's endpoint and group in the VPC",
        "network",
        "terraform-provider-aws#46747",
        guardduty,
    ),
    Obstacle(
        "load-balancer",
        "a load balancer and its group, of a Service in the cluster",
        "network",
        "eksctl#103, cluster-api-provider-aws#773, platform-ref-aws#196",
        load_balancer,
    ),
    Obstacle(
        "function-interface",
        "Lambda's interface in a private subnet",
        "network",
        "terraform-provider-aws#10329",
        function_interface,
    ),
    Obstacle(
        "transit-gateway",
        "the VPC is attached to a transit gateway",
        "network",
        "terraform-provider-aws#7320, #42003",
        transit_gateway,
    ),
    Obstacle("instance", "an EC2 instance in a private subnet", "network", "VPC guide, Delete your VPC", instance),
    Obstacle(
        "resolver-endpoint",
        "an endpoint of Route 53 Resolver in a private subnet",
        "network",
        "VPC guide, Delete your VPC (requester-managed interfaces)",
        resolver_endpoint,
    ),
)
