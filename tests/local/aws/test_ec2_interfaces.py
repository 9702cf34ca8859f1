"""What services have in subnets of the embedded EC2: told from other interfaces, nobody's to delete, late to go."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.calls import code

Made = tuple[str, Callable[[], Any], str]
"""The interface's description, what removes its owner, and what the interface then waits for."""


@pytest.fixture
def ec2(parts: Any) -> Any:
    return parts.client("ec2")


def endpoint(parts: Any, network: Any) -> Made:
    ec2 = parts.client("ec2")
    made = ec2.create_vpc_endpoint(
        VpcId=network.vpc_id,
        ServiceName="com.amazonaws.ap-northeast-1.guardduty-data",
        VpcEndpointType="Interface",
        SubnetIds=network.private_subnets[:1],
    )["VpcEndpoint"]["VpcEndpointId"]
    return (
        f"VPC Endpoint Interface {made}",
        lambda: ec2.delete_vpc_endpoints(VpcEndpointIds=[made]),
        "VPC endpoint deletion",
    )


def transit_gateway(parts: Any, network: Any) -> Made:
    ec2 = parts.client("ec2")
    gateway = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    made = ec2.create_transit_gateway_vpc_attachment(
        TransitGatewayId=gateway, VpcId=network.vpc_id, SubnetIds=network.private_subnets[:1]
    )["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
    return (
        f"Network Interface for Transit Gateway Attachment {made}",
        lambda: ec2.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=made),
        "transit gateway attachment deletion",
    )


def load_balancer(parts: Any, network: Any) -> Made:
    elb = parts.client("elbv2")
    made = elb.create_load_balancer(Name="web", Type="network", Scheme="internal", Subnets=network.private_subnets[:1])[
        "LoadBalancers"
    ][0]["LoadBalancerArn"]
    return (
        f"ELB {made.partition('loadbalancer/')[2]}",
        lambda: elb.delete_load_balancer(LoadBalancerArn=made),
        "load balancer interface",
    )


def mount_target(parts: Any, network: Any) -> Made:
    efs = parts.client("efs")
    file_system = efs.create_file_system(CreationToken="t")["FileSystemId"]
    parts.clock.pass_time()
    made = efs.create_mount_target(FileSystemId=file_system, SubnetId=network.private_subnets[0])["MountTargetId"]
    parts.clock.pass_time()

    def remove() -> None:
        efs.delete_mount_target(MountTargetId=made)
        parts.clock.pass_time("mount target deletion")
        assert efs.describe_mount_targets(FileSystemId=file_system)["MountTargets"] == []

    return f"EFS mount target for {file_system} ({made})", remove, "mount target interface"


@pytest.mark.parametrize("owner", [endpoint, transit_gateway, load_balancer, mount_target])
def test_an_interface_of_a_service_is_not_deleted_by_hand_and_goes_after_what_has_it(
    owner: Callable[[Any, Any], Made], parts: Any, network: Any, ec2: Any
) -> None:
    description, remove, waits_for = owner(parts, network)
    (found,) = ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert (found["Description"], found["Status"], found["RequesterManaged"]) == (description, "in-use", True)
    with pytest.raises(ClientError) as refused:
        ec2.delete_network_interface(NetworkInterfaceId=found["NetworkInterfaceId"])
    assert refused.value.response["Error"] == {
        "Code": "InvalidParameterValue",
        "Message": f"Network interface '{found['NetworkInterfaceId']}' is currently in use.",
    }
    with pytest.raises(ClientError) as refused:
        ec2.detach_network_interface(AttachmentId=found["Attachment"]["AttachmentId"])
    assert refused.value.response["Error"] == {
        "Code": "OperationNotPermitted",
        "Message": "You are not allowed to manage 'ela-attach' attachments.",
    }
    remove()
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == 1
    assert code(ec2.delete_subnet, SubnetId=network.private_subnets[0]) == "DependencyViolation"
    parts.clock.pass_time(waits_for)
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    ec2.delete_subnet(SubnetId=network.private_subnets[0])


def test_a_load_balancer_that_faces_the_internet_keeps_its_gateway_attached(parts: Any, ec2: Any, network: Any) -> None:
    parts.client("elbv2").create_load_balancer(Name="web", Subnets=network.private_subnets)
    attached = [{"Name": "attachment.vpc-id", "Values": [network.vpc_id]}]
    (gateway,) = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]
    with pytest.raises(ClientError) as refused:
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=network.vpc_id)
    assert refused.value.response["Error"]["Message"] == (
        f"Network {network.vpc_id} has some mapped public address(es). "
        "Please unmap those public address(es) before detaching the gateway."
    )
