"""EFS. Source: Service Authorization Reference, "Amazon Elastic File System"; EFS API reference, per action."""

from collections.abc import Iterable, Iterator
from typing import Any

from moto.ec2.models import ec2_backends
from moto.efs.models import efs_backends

from local.aws.permissions.calls.roles import service_linked_role
from local.aws.permissions.demand import ApiCall, Demand, Demands, request_tags, resource_tags, tags_of

SERVICE = "elasticfilesystem.amazonaws.com"
KEY_ACTIONS = ("kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext")
"""What EFS does with a customer's key as whoever creates the file system. Source: EFS guide, "Using encryption"."""


def create_file_system(call: ApiCall) -> Iterator[Demand]:
    """Its own resource-level permissions are none: it has to be granted on `*`."""
    tags = tags_of(call.get("Tags"))
    encrypted = str(bool(call.get("Encrypted"))).lower()
    yield Demand(
        "elasticfilesystem:CreateFileSystem", "*", {**request_tags(tags), "elasticfilesystem:Encrypted": encrypted}
    )
    yield from _tagging(call, "file-system/*", tags)
    yield from service_linked_role(call, SERVICE, "AWSServiceRoleForAmazonElasticFileSystem")
    if call.get("KmsKeyId"):
        via = {"kms:ViaService": f"elasticfilesystem.{call.region}.amazonaws.com", "kms:GrantIsForAWSResource": "true"}
        yield from (Demand(action, call["KmsKeyId"], via) for action in KEY_ACTIONS)


def create_mount_target(call: ApiCall) -> Iterator[Demand]:
    """EFS looks at the subnet and makes the network interface as the caller."""
    yield from on_file_system("CreateMountTarget")(call)
    yield Demand("ec2:DescribeSubnets")
    yield Demand("ec2:DescribeNetworkInterfaces")
    resources = ["network-interface/*", f"subnet/{call['SubnetId']}"]
    resources += [f"security-group/{group}" for group in call.get("SecurityGroups") or []]
    yield from (Demand("ec2:CreateNetworkInterface", call.arn("ec2", resource)) for resource in resources)


def create_access_point(call: ApiCall) -> Iterator[Demand]:
    tags = tags_of(call.get("Tags"))
    (on_it,) = on_file_system("CreateAccessPoint")(call)
    yield Demand(on_it.action, on_it.resource, {**on_it.context, **request_tags(tags)})
    yield from _tagging(call, "access-point/*", tags)


def describe_mount_target_security_groups(call: ApiCall) -> Iterator[Demand]:
    yield from on_mount_target("DescribeMountTargetSecurityGroups")(call)
    yield Demand("ec2:DescribeNetworkInterfaceAttribute")


def modify_mount_target_security_groups(call: ApiCall) -> Iterator[Demand]:
    yield from on_mount_target("ModifyMountTargetSecurityGroups")(call)
    resources = [f"network-interface/{_interface(call)}"]
    resources += [f"security-group/{group}" for group in call.get("SecurityGroups") or []]
    yield from (Demand("ec2:ModifyNetworkInterfaceAttribute", call.arn("ec2", resource)) for resource in resources)


def delete_mount_target(call: ApiCall) -> Iterator[Demand]:
    yield from on_mount_target("DeleteMountTarget")(call)
    yield Demand("ec2:DeleteNetworkInterface", call.arn("ec2", f"network-interface/{_interface(call)}"))


def on_file_system(action: str) -> Demands:
    """On the one that is named, else on all of them."""

    def demands(call: ApiCall) -> Iterable[Demand]:
        file_system_id = call.get("FileSystemId") or "*"
        return [_demand(call, action, f"file-system/{file_system_id}", file_system_id)]

    return demands


def on_mount_target(action: str) -> Demands:
    """Mount targets have no ARN: the permission is on their file system."""

    def demands(call: ApiCall) -> Iterable[Demand]:
        file_system_id = getattr(_mount_target(call), "file_system_id", "*")
        return [_demand(call, action, f"file-system/{file_system_id}", file_system_id)]

    return demands


def on_access_point(action: str) -> Demands:
    """Of those of a file system it is not documented whether it or they are asked for, so both have to be allowed."""

    def demands(call: ApiCall) -> Iterable[Demand]:
        if call.get("AccessPointId"):
            return [_demand(call, action, f"access-point/{call['AccessPointId']}", call["AccessPointId"])]
        return [*on_file_system(action)(call), _demand(call, action, "access-point/*", "*")]

    return demands


def describe_mount_targets(call: ApiCall) -> Iterable[Demand]:
    by_file_system = on_file_system if call.get("FileSystemId") else on_mount_target
    return by_file_system("DescribeMountTargets")(call)


def _demand(call: ApiCall, action: str, resource: str, resource_id: str) -> Demand:
    backend = efs_backends[call.account_id][call.region]
    exists = resource_id in backend.file_systems_by_id or resource_id in backend.access_points
    tags = tags_of(backend.list_tags_for_resource(resource_id)) if exists else {}
    return Demand(f"elasticfilesystem:{action}", call.arn("elasticfilesystem", resource), resource_tags(tags))


def _mount_target(call: ApiCall) -> Any:
    return efs_backends[call.account_id][call.region].mount_targets_by_id.get(call.get("MountTargetId") or "")


def _interface(call: ApiCall) -> str:
    target = _mount_target(call)
    known = ec2_backends[call.account_id][call.region].enis
    return str(target.network_interface_id) if target and target.network_interface_id in known else "*"


def _tagging(call: ApiCall, resource: str, tags: dict[str, str]) -> Iterator[Demand]:
    if tags:
        context = {**request_tags(tags), "elasticfilesystem:CreateAction": call.operation}
        yield Demand("elasticfilesystem:TagResource", call.arn("elasticfilesystem", resource), context)


CALLS: dict[str, Demands] = {
    "efs:CreateFileSystem": create_file_system,
    "efs:CreateMountTarget": create_mount_target,
    "efs:CreateAccessPoint": create_access_point,
    "efs:DeleteMountTarget": delete_mount_target,
    "efs:DescribeMountTargets": describe_mount_targets,
    "efs:DescribeMountTargetSecurityGroups": describe_mount_target_security_groups,
    "efs:ModifyMountTargetSecurityGroups": modify_mount_target_security_groups,
    "efs:DescribeAccessPoints": on_access_point("DescribeAccessPoints"),
    "efs:DeleteAccessPoint": on_access_point("DeleteAccessPoint"),
    **{
        f"efs:{action}": on_file_system(action)
        for action in (
            "DeleteFileSystem",
            "DescribeBackupPolicy",
            "DescribeFileSystemPolicy",
            "DescribeFileSystems",
            "DescribeLifecycleConfiguration",
            "PutBackupPolicy",
            "PutFileSystemPolicy",
            "PutLifecycleConfiguration",
            "UpdateFileSystem",
        )
    },
}
