"""A small cluster of the embedded cloud, made by hand: what an application of ours would have made of it."""

import json
import time
from collections.abc import Callable
from typing import Any

from moto.iam.models import iam_backends

from local.aws.patches import cloudformation_iam
from local.cloud import EmbeddedCloud
from local.faults.scene import Scene

CLUSTER_POLICY = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
NAME, REGION = "demo", "ap-northeast-1"
VPC = {
    "Type": "AWS::EC2::VPC",
    "Properties": {"CidrBlock": "192.168.0.0/16", "EnableDnsHostnames": True, "EnableDnsSupport": True},
}
GATEWAY: dict[str, Any] = {"Type": "AWS::EC2::InternetGateway", "Properties": {}}
ATTACHMENT = {
    "Type": "AWS::EC2::VPCGatewayAttachment",
    "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}},
}


def prepared(cloud: EmbeddedCloud) -> Scene:
    """A cluster with a profile, and a file system with a mount target in the first of three zones."""
    ec2, efs, eks, stacks = (cloud.client(name) for name in ("ec2", "efs", "eks", "cloudformation"))
    template = json.dumps({"Resources": {"Vpc": VPC, "Gateway": GATEWAY, "Attachment": ATTACHMENT}})
    stacks.create_stack(StackName="network", TemplateBody=template)
    until(lambda: stacks.describe_stacks(StackName="network")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
    resources = stacks.describe_stack_resources(StackName="network")["StackResources"]
    vpc_id = next(each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "Vpc")
    subnets = []
    for number, letter in enumerate("acd"):
        zone = f"{REGION}{letter}"
        made = ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"192.168.{number}.0/24", AvailabilityZone=zone)["Subnet"]
        subnets.append({"subnet_id": made["SubnetId"], "availability_zone": zone})
    ids = [each["subnet_id"] for each in subnets]
    roles = {service: role(cloud, service) for service in ("eks", "eks-fargate-pods")}
    eks.create_cluster(
        name=NAME,
        roleArn=roles["eks"],
        resourcesVpcConfig={"subnetIds": ids, "endpointPrivateAccess": True},
        accessConfig={"authenticationMode": "API"},
    )
    until(lambda: eks.describe_cluster(name=NAME)["cluster"]["status"] == "ACTIVE")
    profile = {"clusterName": NAME, "fargateProfileName": "pods"}
    pods = roles["eks-fargate-pods"]
    eks.create_fargate_profile(**profile, podExecutionRoleArn=pods, selectors=[{"namespace": "default"}], subnets=ids)
    until(lambda: eks.describe_fargate_profile(**profile)["fargateProfile"]["status"] == "ACTIVE")
    group = ec2.create_security_group(GroupName="nfs", Description="nfs", VpcId=vpc_id)["GroupId"]
    file_system = {"FileSystemId": efs.create_file_system(CreationToken="t")["FileSystemId"]}
    until(lambda: efs.describe_file_systems(**file_system)["FileSystems"][0]["LifeCycleState"] == "available")
    efs.create_mount_target(**file_system, SubnetId=ids[0], SecurityGroups=[group])
    until(lambda: efs.describe_mount_targets(**file_system)["MountTargets"][0]["LifeCycleState"] == "available")
    return Scene(
        cloud,
        {
            "request": {"account_id": cloud.account_id, "region": REGION, "cluster": {"name": NAME}},
            "network": {"vpc_id": vpc_id, "private_subnets": subnets},
            "file_system_id": file_system["FileSystemId"],
        },
    )


def role(cloud: EmbeddedCloud, service: str) -> str:
    principal = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [principal]})
    iam = cloud.client("iam")
    made = iam.create_role(RoleName=service, AssumeRolePolicyDocument=document)["Role"]
    if service == "eks":
        cloudformation_iam.load(iam_backends[cloud.account_id]["aws"], CLUSTER_POLICY)
        iam.attach_role_policy(PolicyArn=CLUSTER_POLICY, RoleName=service)
    return str(made["Arn"])


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 300
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
