"""A cluster of the embedded EKS stays ACTIVE when what it needs is gone, and says what ails it."""

import json
from typing import Any

import pytest

from tests.local.aws.conftest import CLUSTER_POLICY


def issues(parts: Any) -> dict[str, list[str]]:
    described = parts.client("eks").describe_cluster(name="demo")["cluster"]
    assert described["status"] == "ACTIVE"
    return {each["code"]: each["resourceIds"] for each in described["health"]["issues"]}


def test_a_cluster_is_well_until_its_role_is_gone_or_distrusts_eks(parts: Any, cluster: Any) -> None:
    iam = parts.client("iam")
    assert issues(parts) == {}
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.update_assume_role_policy(RoleName="cluster", PolicyDocument=document)
    assert issues(parts) == {"AccessDenied": [cluster["roleArn"]]}
    iam.detach_role_policy(RoleName="cluster", PolicyArn=CLUSTER_POLICY)
    iam.delete_role(RoleName="cluster")
    assert issues(parts) == {"IamRoleNotFound": [cluster["roleArn"]]}


def test_a_subnet_with_fewer_than_five_free_addresses_ails_it(parts: Any, cluster: Any, network: Any) -> None:
    ec2, subnet_id = parts.client("ec2"), network.private_subnets[0]
    free = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]["AvailableIpAddressCount"]
    made = [
        ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
        for _ in range(free - 4)
    ]
    assert issues(parts) == {"InsufficientFreeAddresses": [subnet_id]}
    ec2.delete_network_interface(NetworkInterfaceId=made[0])
    assert issues(parts) == {}


@pytest.mark.parametrize(
    ("happened", "code"),
    [
        (lambda kms, key: kms.disable_key(KeyId=key), "KmsKeyDisabled"),
        (lambda kms, key: kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7), "KmsKeyMarkedForDeletion"),
    ],
)
def test_a_key_that_cannot_be_used_ails_it(happened: Any, code: str, parts: Any, network: Any) -> None:
    kms = parts.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    parts.client("eks").create_cluster(
        name="demo",
        roleArn=parts.role("cluster", "eks.amazonaws.com"),
        resourcesVpcConfig={"subnetIds": network.private_subnets},
        encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": key}}],
    )
    parts.clock.pass_time()
    assert issues(parts) == {}
    happened(kms, key.rpartition("/")[2])
    assert issues(parts) == {code: [key]}
