"""Changes of the network: the stack, the VPC, its subnets, and the mount targets' security group."""

import json
from collections.abc import Callable
from typing import Any

from moto.cloudformation.models import cloudformation_backends

from local.aws import network
from local.aws.hooks import Undo
from local.faults.drift.change import Change, becomes, calls, final, gone, item
from local.faults.scene import OWNER_TAG, Scene

NFS = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049}
SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}


def stacks(scene: Scene) -> dict[str, Any]:
    found: dict[str, Any] = cloudformation_backends[str(scene.request["account_id"])][scene.region].stacks
    return found


def stack_id(scene: Scene, of: str = "network") -> str:
    name = f"eks-efs-provisioner-{scene.cluster_name}-{of}"
    return next(each for each, stack in stacks(scene).items() if stack.name == name)


def stack(scene: Scene) -> Any:
    return stacks(scene)[stack_id(scene)]


def stack_state(scene: Scene) -> dict[str, Any]:
    """Beneath what the embedded CloudFormation shows while a change takes its time."""
    found: dict[str, Any] = vars(stack(scene))
    return found


def nat_stack(scene: Scene) -> Any:
    return stacks(scene)[stack_id(scene, "nat")]


def delete_nat_stack(scene: Scene) -> Undo:
    client, made = scene.client("cloudformation"), nat_stack(scene)
    (told,) = client.describe_stacks(StackName=made.name)["Stacks"]
    client.delete_stack(StackName=made.name)
    scene.until(lambda: made.status == "DELETE_COMPLETE")

    def undo() -> None:
        body, parameters = made.template, told["Parameters"]
        client.create_stack(StackName=made.name, TemplateBody=body, Parameters=parameters, Tags=told["Tags"])
        scene.until(lambda: nat_stack(scene).status == "CREATE_COMPLETE")

    return undo


def ec2_state(scene: Scene) -> Any:
    return network.backend(str(scene.request["account_id"]), scene.region)


def first_subnet(scene: Scene) -> dict[str, Any]:
    found: dict[str, Any] = scene.payload["network"]["private_subnets"][0]
    return found


def group_id(scene: Scene) -> str:
    here = [{"Name": "vpc-id", "Values": [scene.mounts_vpc_id]}]
    ours = [{"Name": "group-name", "Values": [f"{scene.cluster_name}-efs"]}]
    (group,) = scene.client("ec2").describe_security_groups(Filters=here + ours)["SecurityGroups"]
    return str(group["GroupId"])


def dns(attribute: str, *, on: bool) -> Callable[[Scene], object]:
    return lambda scene: scene.client("ec2").modify_vpc_attribute(
        VpcId=scene.vpc_id, **{attribute[0].upper() + attribute[1:]: {"Value": on}}
    )


def nfs_from_first_subnet(scene: Scene) -> dict[str, Any]:
    return {**NFS, "IpRanges": [{"CidrIp": first_subnet(scene)["cidr"]}]}


def admit(rule: Callable[[Scene], dict[str, Any]]) -> Callable[[Scene], object]:
    return lambda scene: scene.client("ec2").authorize_security_group_ingress(
        GroupId=group_id(scene), IpPermissions=[rule(scene)]
    )


def revoke(rule: Callable[[Scene], dict[str, Any]]) -> Callable[[Scene], object]:
    return lambda scene: scene.client("ec2").revoke_security_group_ingress(
        GroupId=group_id(scene), IpPermissions=[rule(scene)]
    )


def first_table(scene: Scene) -> str:
    """Each private subnet has a route table of its own."""
    filters = [{"Name": "association.subnet-id", "Values": [first_subnet(scene)["subnet_id"]]}]
    (table,) = scene.client("ec2").describe_route_tables(Filters=filters)["RouteTables"]
    return str(table["RouteTableId"])


def lead_nowhere(scene: Scene) -> Undo:
    """The first private subnet loses its way to the NAT gateway."""
    ec2, table_id, everywhere = scene.client("ec2"), first_table(scene), "0.0.0.0/0"
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    (gateway_id,) = [route["NatGatewayId"] for route in table["Routes"] if "NatGatewayId" in route]
    ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock=everywhere)

    def undo() -> None:
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock=everywhere, NatGatewayId=gateway_id)

    return undo


def narrow_an_endpoint(scene: Scene) -> Undo:
    """The first private subnet comes to S3 over an endpoint whose policy knows the team's bucket only."""
    ec2 = scene.client("ec2")
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::the-teams-bucket/*"}
    made = ec2.create_vpc_endpoint(
        VpcEndpointType="Gateway",
        VpcId=scene.vpc_id,
        ServiceName=f"com.amazonaws.{scene.region}.s3",
        RouteTableIds=[first_table(scene)],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )

    def undo() -> None:
        ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpoint"]["VpcEndpointId"]])

    return undo


def name_own_resolvers(scene: Scene) -> Undo:
    """The company's resolvers answer in the VPC from now on."""
    ec2 = scene.client("ec2")
    before = ec2.describe_vpcs(VpcIds=[scene.vpc_id])["Vpcs"][0]["DhcpOptionsId"]
    configuration = [{"Key": "domain-name-servers", "Values": ["10.1.2.3"]}]
    options_id = ec2.create_dhcp_options(DhcpConfigurations=configuration)["DhcpOptions"]["DhcpOptionsId"]
    ec2.associate_dhcp_options(DhcpOptionsId=options_id, VpcId=scene.vpc_id)

    def undo() -> None:
        ec2.associate_dhcp_options(DhcpOptionsId=before, VpcId=scene.vpc_id)

    return undo


def of_cluster_group(direction: str, *rules: dict[str, Any]) -> Callable[[Scene], Undo]:
    """The cluster security group has these rules in place of those that EKS gave it."""

    def replace(scene: Scene) -> Undo:
        ec2, group = scene.client("ec2"), scene.cluster.security_group_id
        (described,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        before = described["IpPermissions" if direction == "ingress" else "IpPermissionsEgress"]
        to = [{**rule, **({} if "IpRanges" in rule else {"UserIdGroupPairs": [{"GroupId": group}]})} for rule in rules]
        authorize = getattr(ec2, f"authorize_security_group_{direction}")
        revoke = getattr(ec2, f"revoke_security_group_{direction}")
        revoke(GroupId=group, IpPermissions=before)
        authorize(GroupId=group, IpPermissions=to)

        def undo() -> None:
            revoke(GroupId=group, IpPermissions=to)
            authorize(GroupId=group, IpPermissions=before)

        return undo

    return replace


def remove_group(scene: Scene) -> None:
    """EC2 refuses while mount targets have it, so that they get the VPC's default group first."""
    ec2, efs = scene.client("ec2"), scene.client("efs")
    for target in scene.mount_targets():
        efs.modify_mount_target_security_groups(MountTargetId=target["MountTargetId"], SecurityGroups=[])
    ec2.delete_security_group(GroupId=group_id(scene))


def move_group(scene: Scene) -> None:
    """As somebody does who mistakes one VPC for another."""
    ec2 = scene.client("ec2")
    remove_group(scene)
    (other,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    pairs = [{"Key": key, "Value": value} for key, value in scene.tags.items()]
    tags = [{"ResourceType": "security-group", "Tags": pairs}]
    ec2.create_security_group(
        GroupName=f"{scene.cluster_name}-efs", Description="NFS", VpcId=other["VpcId"], TagSpecifications=tags
    )


def untag_group(scene: Scene) -> None:
    scene.client("ec2").delete_tags(Resources=[group_id(scene)], Tags=[{"Key": OWNER_TAG}])


def tag_group(scene: Scene) -> None:
    tags = [{"Key": OWNER_TAG, "Value": scene.cluster_name}]
    scene.client("ec2").create_tags(Resources=[group_id(scene)], Tags=tags)


STACK, VPC, GROUP = "network stack {stack}", "VPC {vpc}", "security group {group}"
NAT_STACK = "network stack {nat_stack}"

CHANGES = (
    Change(
        "stack-gone",
        "the network's stack was deleted, and everything in it retained",
        "network_drift.STACK_MISSING",
        STACK,
        "exists",
        gone(stacks, stack_id),
        "stack",
    ),
    Change(
        "stack-updating",
        "somebody is updating the network's stack",
        "network_drift.STACK_IN_PROGRESS",
        STACK,
        "status",
        item(stack_state, status="UPDATE_IN_PROGRESS"),
        "stack",
        settle=becomes(stack, status="UPDATE_COMPLETE"),
        is_alone=True,
    ),
    Change(
        "stack-failed",
        "somebody's update of the stack failed, and so did its roll-back",
        "network_drift.STACK_FAILED",
        STACK,
        "status",
        item(stack_state, status="UPDATE_ROLLBACK_FAILED"),
        "stack",
    ),
    Change(
        "stack-updated",
        "somebody has updated the stack of the NAT gateways to one per zone",
        "network_drift.STACK_PARAMETER",
        NAT_STACK,
        "parameters.NatGateways",
        item(lambda scene: nat_stack(scene).stack_parameters, NatGateways="per_zone"),
        "way out",
    ),
    Change(
        "nat-gone",
        "the stack of the NAT gateways was deleted",
        "network_drift.NAT_MISSING",
        NAT_STACK,
        "exists",
        delete_nat_stack,
        "way out",
    ),
    Change(
        "stack-of-another",
        "the stack has lost its owner tag",
        "ownership.NOT_OURS",
        STACK,
        f"tags.{OWNER_TAG}",
        gone(lambda scene: stack(scene).tags, lambda _scene: OWNER_TAG),
        "stack",
    ),
    Change(
        "vpc-gone",
        "the VPC was deleted",
        "network_drift.VPC_MISSING",
        VPC,
        "exists",
        gone(lambda scene: ec2_state(scene).vpcs, lambda scene: scene.vpc_id),
        "vpc",
    ),
    Change(
        "subnet-gone",
        "a private subnet was deleted",
        "network_drift.SUBNET_MISSING",
        "subnet {subnet}",
        "exists",
        gone(
            lambda scene: ec2_state(scene).subnets[first_subnet(scene)["availability_zone"]],
            lambda scene: str(first_subnet(scene)["subnet_id"]),
        ),
        "vpc",
    ),
    *(
        Change(
            f"vpc-{attribute}",
            f"{attribute} of the VPC is off",
            "network_drift.DNS_OFF",
            VPC,
            attribute,
            calls(dns(attribute, on=False), dns(attribute, on=True)),
            f"vpc {attribute}",
        )
        for attribute in ("enableDnsSupport", "enableDnsHostnames")
    ),
    Change(
        "existing-vpc-enableDnsHostnames",
        "enableDnsHostnames is off in the VPC of another team",
        "network_drift.DNS_OFF_IN_EXISTING",
        VPC,
        "enableDnsHostnames",
        calls(dns("enableDnsHostnames", on=False), dns("enableDnsHostnames", on=True)),
        "vpc",
        in_existing_network=True,
    ),
    Change(
        "way-out-closed",
        "the route to the NAT gateway was removed from a private subnet's table",
        "ways_out_drift.WAY_OUT_CLOSED",
        "subnet {subnet}",
        "way_out",
        lead_nowhere,
        "way out",
    ),
    Change(
        "endpoint-policy-narrowed",
        "a private subnet got an S3 endpoint whose policy does not know ECR's layers",
        "ways_out_drift.ENDPOINT_REFUSES",
        "subnet {subnet}",
        "vpc_endpoints",
        narrow_an_endpoint,
        "way out",
    ),
    Change(
        "dhcp-options",
        "the VPC got DHCP options with the company's resolvers",
        "ways_out_drift.RESOLVERS",
        VPC,
        "dhcp_options.domain_name_servers",
        name_own_resolvers,
        "resolvers",
    ),
    Change(
        "existing-vpc-dhcp-options",
        "the VPC of another team got DHCP options with the company's resolvers",
        "ways_out_drift.RESOLVERS",
        VPC,
        "dhcp_options.domain_name_servers",
        name_own_resolvers,
        "vpc",
        in_existing_network=True,
    ),
    Change(
        "pods-kept-in",
        "the cluster security group lets nothing out of the VPC",
        "pods_group_drift.EGRESS_CLOSED",
        "security group sg-*",
        "egress.443/tcp",
        of_cluster_group("egress", {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "192.168.0.0/16"}]}),
        "pods' egress",
    ),
    Change(
        "kubelets-closed",
        "of all traffic the cluster security group admits only HTTPS from itself",
        "pods_group_drift.KUBELETS_CLOSED",
        "security group sg-*",
        "ingress.10250/tcp",
        of_cluster_group("ingress", {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}),
        "pods' ingress",
    ),
    Change(
        "security-group-gone",
        "the mount targets' security group was replaced by the default one, and deleted",
        "security_group_drift.MISSING",
        "security group {cluster}-efs",
        "exists",
        final(remove_group),
        "security group",
        is_alone=True,
    ),
    Change(
        "security-group-elsewhere",
        "the security group was deleted and made again in another VPC",
        "security_group_drift.ELSEWHERE",
        "security group sg-*",
        "vpc",
        final(move_group),
        "security group",
        is_alone=True,
    ),
    Change(
        "port-closed",
        "the security group no longer admits 2049 from a private subnet",
        "security_group_drift.INGRESS_MISSING",
        GROUP,
        "ingress.2049/tcp.{cidr}",
        calls(revoke(nfs_from_first_subnet), admit(nfs_from_first_subnet)),
        "closed port",
    ),
    Change(
        "port-opened",
        "the security group admits SSH from the company's network",
        "security_group_drift.INGRESS_EXTRA",
        GROUP,
        "ingress.22/tcp.10.0.0.0/8",
        calls(admit(lambda _scene: SSH), revoke(lambda _scene: SSH)),
        "opened port",
    ),
    Change(
        "security-group-of-another",
        "the security group has lost its owner tag",
        "ownership.NOT_OURS",
        GROUP,
        f"tags.{OWNER_TAG}",
        calls(untag_group, tag_group),
        "security group",
    ),
)
