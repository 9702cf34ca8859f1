"""The embedded EFS takes its time and refuses what EFS refuses."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.calls import code


@pytest.fixture
def efs(parts: Any) -> Any:
    return parts.client("efs")


@pytest.fixture
def file_system(parts: Any, efs: Any) -> str:
    created = efs.create_file_system(CreationToken="token", Encrypted=True, ThroughputMode="elastic")
    parts.clock.pass_time()
    return str(created["FileSystemId"])


def describe(efs: Any, file_system_id: str) -> dict[str, Any]:
    described: dict[str, Any] = efs.describe_file_systems(FileSystemId=file_system_id)["FileSystems"][0]
    return described


def targets(efs: Any, file_system_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = efs.describe_mount_targets(FileSystemId=file_system_id)["MountTargets"]
    return found


def test_a_file_system_is_creating_and_then_available(parts: Any, efs: Any) -> None:
    created = efs.create_file_system(CreationToken="t", Encrypted=True, ThroughputMode="elastic", Tags=[])
    assert created["LifeCycleState"] == "creating"
    assert describe(efs, created["FileSystemId"])["LifeCycleState"] == "creating"
    parts.clock.pass_time()
    described = describe(efs, created["FileSystemId"])
    assert described["LifeCycleState"] == "available"
    assert described["ThroughputMode"] == "elastic"
    assert "elasticfilesystem" in described["KmsKeyId"]


def test_a_creation_token_used_again_names_the_file_system_it_made(efs: Any, file_system: str) -> None:
    with pytest.raises(ClientError) as refused:
        efs.create_file_system(CreationToken="token")
    assert refused.value.response["Error"]["Code"] == "FileSystemAlreadyExists"
    assert dict(refused.value.response)["FileSystemId"] == file_system


@pytest.mark.parametrize(
    "request_",
    [
        {"CreationToken": "t", "ThroughputMode": "provisioned"},
        {"CreationToken": "t", "ThroughputMode": "elastic", "PerformanceMode": "maxIO"},
        {"CreationToken": "t", "KmsKeyId": "alias/key"},
    ],
)
def test_bad_parameters_of_a_file_system_are_refused(efs: Any, request_: dict[str, Any]) -> None:
    assert code(efs.create_file_system, **request_) == "BadRequest"


def test_nothing_is_done_to_a_file_system_that_is_still_creating(efs: Any, network: Any) -> None:
    which = {"FileSystemId": efs.create_file_system(CreationToken="t")["FileSystemId"]}
    policy = {"Policy": "{}"}
    lifecycle: dict[str, Any] = {"LifecyclePolicies": []}
    for call, arguments in (
        (efs.create_mount_target, {"SubnetId": network.private_subnets[0]}),
        (efs.put_backup_policy, {"BackupPolicy": {"Status": "ENABLED"}}),
        (efs.put_file_system_policy, policy),
        (efs.put_lifecycle_configuration, lifecycle),
        (efs.create_access_point, {"ClientToken": "t"}),
        (efs.update_file_system, {"ThroughputMode": "bursting"}),
    ):
        assert code(call, **which, **arguments) == "IncorrectFileSystemLifeCycleState", call


def test_a_mount_target_takes_a_while_and_has_an_interface_in_its_subnet(
    parts: Any, efs: Any, file_system: str, network: Any
) -> None:
    subnet = network.private_subnets[0]
    created = efs.create_mount_target(FileSystemId=file_system, SubnetId=subnet)
    assert created["LifeCycleState"] == "creating"
    assert targets(efs, file_system)[0]["LifeCycleState"] == "creating"
    parts.clock.pass_time()
    target = targets(efs, file_system)[0]
    assert target["LifeCycleState"] == "available"
    assert target["AvailabilityZoneName"] == "ap-northeast-1a"
    interface = parts.client("ec2").describe_network_interfaces(NetworkInterfaceIds=[target["NetworkInterfaceId"]])
    described = interface["NetworkInterfaces"][0]
    assert (described["SubnetId"], described["PrivateIpAddress"]) == (subnet, target["IpAddress"])
    assert [group["GroupName"] for group in described["Groups"]] == ["default"]


def test_a_zone_has_one_mount_target_and_a_file_system_one_vpc(
    parts: Any, efs: Any, file_system: str, network: Any
) -> None:
    ec2 = parts.client("ec2")
    efs.create_mount_target(FileSystemId=file_system, SubnetId=network.private_subnets[0])
    other_vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    other = ec2.create_subnet(VpcId=other_vpc, CidrBlock="10.0.0.0/24", AvailabilityZone="ap-northeast-1c")
    for subnet in (network.public_subnet, other["Subnet"]["SubnetId"]):
        assert code(efs.create_mount_target, FileSystemId=file_system, SubnetId=subnet) == "MountTargetConflict"


def test_bad_parameters_of_a_mount_target_are_refused(parts: Any, efs: Any, file_system: str, network: Any) -> None:
    good = {"FileSystemId": file_system, "SubnetId": network.private_subnets[0]}
    address = "192.168.0.77"
    parts.client("ec2").create_network_interface(SubnetId=good["SubnetId"], PrivateIpAddress=address)
    for changes, expected in (
        ({"FileSystemId": "fs-00000000"}, "FileSystemNotFound"),
        ({"FileSystemId": "efs"}, "ValidationException"),
        ({"SubnetId": "subnet-00000000"}, "SubnetNotFound"),
        ({"SecurityGroups": ["sg-00000000"]}, "SecurityGroupNotFound"),
        ({"SecurityGroups": [f"sg-0000000{i}" for i in range(6)]}, "SecurityGroupLimitExceeded"),
        ({"IpAddress": "10.0.0.1"}, "BadRequest"),
        ({"IpAddress": address}, "IpAddressInUse"),
    ):
        assert code(efs.create_mount_target, **{**good, **changes}) == expected, changes


def test_a_full_subnet_has_no_address_for_a_mount_target(parts: Any, efs: Any, file_system: str, network: Any) -> None:
    ec2 = parts.client("ec2")
    made = ec2.create_subnet(VpcId=network.vpc_id, CidrBlock="192.168.9.0/28", AvailabilityZone="ap-northeast-1d")
    subnet = made["Subnet"]["SubnetId"]
    for _ in range(11):
        other = efs.create_file_system(CreationToken=f"other {_}")["FileSystemId"]
        parts.clock.pass_time()
        efs.create_mount_target(FileSystemId=other, SubnetId=subnet)
    request = {"FileSystemId": file_system, "SubnetId": subnet}
    assert code(efs.create_mount_target, **request) == "NoFreeAddressesInSubnet"


def test_the_groups_of_a_mount_target_can_be_changed(parts: Any, efs: Any, file_system: str, network: Any) -> None:
    group = parts.client("ec2").create_security_group(GroupName="nfs", Description="nfs", VpcId=network.vpc_id)
    created = efs.create_mount_target(FileSystemId=file_system, SubnetId=network.private_subnets[0])
    change = {"MountTargetId": created["MountTargetId"], "SecurityGroups": [group["GroupId"]]}
    assert code(efs.modify_mount_target_security_groups, **change) == "IncorrectMountTargetState"
    parts.clock.pass_time()
    efs.modify_mount_target_security_groups(**change)
    groups = efs.describe_mount_target_security_groups(MountTargetId=created["MountTargetId"])["SecurityGroups"]
    assert groups == [group["GroupId"]]
    bad = {**change, "SecurityGroups": ["sg-00000000"]}
    assert code(efs.modify_mount_target_security_groups, **bad) == "SecurityGroupNotFound"


def test_a_file_system_goes_after_its_mount_targets_and_access_points(
    parts: Any, efs: Any, file_system: str, network: Any
) -> None:
    created = efs.create_mount_target(FileSystemId=file_system, SubnetId=network.private_subnets[0])
    point = efs.create_access_point(FileSystemId=file_system, ClientToken="t")["AccessPointId"]
    parts.clock.pass_time()
    assert code(efs.delete_file_system, FileSystemId=file_system) == "FileSystemInUse"
    efs.delete_mount_target(MountTargetId=created["MountTargetId"])
    assert targets(efs, file_system)[0]["LifeCycleState"] == "deleting"
    assert code(efs.delete_file_system, FileSystemId=file_system) == "FileSystemInUse"
    parts.clock.pass_time()
    assert targets(efs, file_system) == []
    assert code(efs.delete_file_system, FileSystemId=file_system) == "FileSystemInUse"
    efs.delete_access_point(AccessPointId=point)
    efs.delete_file_system(FileSystemId=file_system)
    assert describe(efs, file_system)["LifeCycleState"] == "deleting"
    parts.clock.pass_time()
    assert code(efs.describe_file_systems, FileSystemId=file_system) == "FileSystemNotFound"


def test_the_backup_policy_can_be_set(efs: Any, file_system: str) -> None:
    which = {"FileSystemId": file_system}
    assert efs.describe_backup_policy(**which)["BackupPolicy"]["Status"] == "DISABLED"
    efs.put_backup_policy(**which, BackupPolicy={"Status": "ENABLED"})
    assert efs.describe_backup_policy(**which)["BackupPolicy"]["Status"] == "ENABLED"


def test_a_file_system_policy_is_checked_kept_and_deleted(efs: Any, file_system: str) -> None:
    which = {"FileSystemId": file_system}
    assert code(efs.describe_file_system_policy, **which) == "PolicyNotFound"
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "elasticfilesystem:ClientMount"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for bad in ("no json", "{}", policy.replace("elasticfilesystem", "s3"), policy.replace("Principal", "NoOne")):
        assert code(efs.put_file_system_policy, **which, Policy=bad) == "InvalidPolicyException", bad
    efs.put_file_system_policy(**which, Policy=policy)
    assert json.loads(efs.describe_file_system_policy(**which)["Policy"]) == json.loads(policy)
    efs.delete_file_system_policy(**which)
    assert code(efs.describe_file_system_policy, **which) == "PolicyNotFound"


def test_the_lifecycle_configuration_is_checked_and_kept(efs: Any, file_system: str) -> None:
    which = {"FileSystemId": file_system}
    policies = [{"TransitionToIA": "AFTER_30_DAYS"}]
    efs.put_lifecycle_configuration(**which, LifecyclePolicies=policies)
    assert efs.describe_lifecycle_configuration(**which)["LifecyclePolicies"] == policies
    bad = [{"TransitionToIA": "AFTER_3_DAYS"}]
    assert code(efs.put_lifecycle_configuration, **which, LifecyclePolicies=bad) == "ValidationException"


def test_an_update_takes_a_while(parts: Any, efs: Any, file_system: str) -> None:
    efs.update_file_system(FileSystemId=file_system, ThroughputMode="bursting")
    assert describe(efs, file_system)["LifeCycleState"] == "updating"
    parts.clock.pass_time()
    described = describe(efs, file_system)
    assert (described["LifeCycleState"], described["ThroughputMode"]) == ("available", "bursting")


def test_an_access_point_has_a_token_a_valid_path_and_a_state(parts: Any, efs: Any, file_system: str) -> None:
    request = {
        "FileSystemId": file_system,
        "ClientToken": "t",
        "PosixUser": {"Uid": 1000, "Gid": 1000},
        "RootDirectory": {"Path": "/a", "CreationInfo": {"OwnerUid": 1000, "OwnerGid": 1000, "Permissions": "755"}},
    }
    created = efs.create_access_point(**request)
    assert created["LifeCycleState"] == "creating"
    with pytest.raises(ClientError) as refused:
        efs.create_access_point(**request)
    assert refused.value.response["Error"]["Code"] == "AccessPointAlreadyExists"
    assert dict(refused.value.response)["AccessPointId"] == created["AccessPointId"]
    parts.clock.pass_time()
    points = efs.describe_access_points(FileSystemId=file_system)["AccessPoints"]
    assert [(p["AccessPointId"], p["LifeCycleState"]) for p in points] == [(created["AccessPointId"], "available")]
    bad = {**request, "ClientToken": "u", "RootDirectory": {"Path": "a"}}
    assert code(efs.create_access_point, **bad) == "ValidationException"
    assert code(efs.describe_access_points, AccessPointId="fsap-00000000") == "AccessPointNotFound"


def test_tags_of_a_file_system_can_be_added_and_removed(efs: Any, file_system: str) -> None:
    efs.tag_resource(ResourceId=file_system, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    efs.untag_resource(ResourceId=file_system, TagKeys=["a"])
    assert efs.list_tags_for_resource(ResourceId=file_system)["Tags"] == [{"Key": "b", "Value": "2"}]
