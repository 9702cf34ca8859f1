"""The Resource Groups Tagging API lists what has a tag, of every service that we use, and what had one a while ago."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.aws.patches import tagging
from local.cloud import EmbeddedCloud
from tests.local.clusters import role, until

OWNER = {"Key": "owner", "Values": ["demo"]}
TAGS = [{"Key": "owner", "Value": "demo"}]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def listed(cloud: EmbeddedCloud, **filters: Any) -> list[str]:
    pages = (
        cloud.client("resourcegroupstaggingapi")
        .get_paginator("get_resources")
        .paginate(TagFilters=[OWNER], ResourcesPerPage=2, **filters)
    )
    return [each["ResourceARN"] for page in pages for each in page["ResourceTagMappingList"]]


def test_everything_with_the_tag_is_listed_page_by_page(cloud: EmbeddedCloud) -> None:
    ec2, efs, eks = (cloud.client(name) for name in ("ec2", "efs", "eks"))

    def tagged(kind: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": TAGS}]

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc"))["Vpc"]["VpcId"]
    ec2.create_vpc(CidrBlock="10.9.0.0/16")
    subnets = [
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.0.{number}.0/24",
            AvailabilityZone=f"ap-northeast-1{zone}",
            TagSpecifications=tagged("subnet"),
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate("ac")
    ]
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip"))["AllocationId"]
    gateway = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address, TagSpecifications=tagged("natgateway"))[
        "NatGateway"
    ]["NatGatewayId"]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName="com.amazonaws.ap-northeast-1.s3", TagSpecifications=tagged("vpc-endpoint")
    )["VpcEndpoint"]["VpcEndpointId"]
    file_system = efs.create_file_system(CreationToken="t", Tags=TAGS)
    until(lambda: efs.describe_file_systems()["FileSystems"][0]["LifeCycleState"] == "available")
    point = efs.create_access_point(FileSystemId=file_system["FileSystemId"], ClientToken="p", Tags=TAGS)
    cloud.client("logs").create_log_group(logGroupName="/aws/eks/demo/cluster", tags={"owner": "demo"})
    cluster = eks.create_cluster(
        name="demo", roleArn=role(cloud, "eks"), resourcesVpcConfig={"subnetIds": subnets}, tags={"owner": "demo"}
    )["cluster"]["arn"]
    until(lambda: eks.describe_cluster(name="demo")["cluster"]["status"] == "ACTIVE")
    addon = eks.create_addon(clusterName="demo", addonName="coredns", tags={"owner": "demo"})["addon"]["addonArn"]

    prefix = "arn:aws:ec2:ap-northeast-1:123456789012"
    assert sorted(listed(cloud)) == sorted(
        [
            f"{prefix}:vpc/{vpc}",
            *(f"{prefix}:subnet/{subnet}" for subnet in subnets),
            f"{prefix}:elastic-ip/{address}",
            f"{prefix}:natgateway/{gateway}",
            f"{prefix}:vpc-endpoint/{endpoint}",
            file_system["FileSystemArn"],
            point["AccessPointArn"],
            "arn:aws:logs:ap-northeast-1:123456789012:log-group:/aws/eks/demo/cluster",
            cluster,
            addon,
        ]
    )
    described = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [address, gateway]}])["Tags"]
    assert {each["ResourceId"]: each["ResourceType"] for each in described} == {
        address: "elastic-ip",
        gateway: "natgateway",
    }
    assert listed(cloud, ResourceTypeFilters=["logs:log-group"]) == [
        "arn:aws:logs:ap-northeast-1:123456789012:log-group:/aws/eks/demo/cluster"
    ]
    assert sorted(listed(cloud, ResourceTypeFilters=["eks"])) == sorted([cluster, addon])


def test_what_is_gone_is_listed_a_while_longer(cloud: EmbeddedCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    logs, only = cloud.client("logs"), {"ResourceTypeFilters": ["logs:log-group"]}
    arn = "arn:aws:logs:ap-northeast-1:123456789012:log-group:passing"
    monkeypatch.setattr(tagging, "LISTED_SECONDS", 100_000.0)
    logs.create_log_group(logGroupName="passing", tags={"owner": "demo"})
    logs.delete_log_group(logGroupName="passing")
    assert arn in listed(cloud, **only)
    monkeypatch.setattr(tagging, "LISTED_SECONDS", 0.0)
    until(lambda: arn not in listed(cloud, **only))
