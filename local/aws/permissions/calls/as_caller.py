"""What services do with the rights of whoever calls them.

What a creation needs of other services is in the CloudFormation registry, whose handlers make the very call: each of
those permissions is needed on what the call names of its kind. The rest is published as text only.
"""

from collections.abc import Callable, Iterator, Mapping

from moto.efs.models import efs_backends

from local.aws.permissions import derivation
from local.aws.permissions.calls.names import arns_in
from local.aws.permissions.calls.roles import FARGATE, linked_role_arn, missing_linked_roles
from local.aws.permissions.demand import ApiCall, Context, Demand
from local.aws.permissions.reference import Action, action
from local.aws.resource_schemas import created_by

VIA_SERVICE: Context = {"aws:ViaAWSService": "true"}
"""Source: IAM guide, "AWS global condition context keys": a service makes the request on behalf of its caller."""

PASSED_TO: Mapping[str, tuple[str, ...]] = {
    "cloudformation:CreateStack": ("cloudformation.amazonaws.com",),
    "eks:CreateCluster": ("eks.amazonaws.com",),
    "eks:CreateFargateProfile": ("eks.amazonaws.com", "eks-fargate-pods.amazonaws.com"),
}
"""iam:PassedToService. Of a Fargate profile the sources differ, so both have to be allowed. Sources: EKS guide,
"Identity-based policy examples", and cluster-api-provider-aws's policies; the pod execution role's trust policy."""

KMS_VIA = {"efs": "elasticfilesystem"}
"""Services that KMS tells by kms:ViaService; EKS is none. kms:GrantIsForAWSResource is not given by CreateCluster
either. Sources: KMS guide, "kms:ViaService"; EKS guide, "Encrypt Kubernetes secrets with KMS"."""


def demands(call: ApiCall, own: Action) -> Iterator[Demand]:
    schema = created_by(call.service, call.operation, call.region)
    for permission in schema.permissions("create") if schema else ():
        try:
            wanted = action(permission)
        except LookupError:  # a few are written as no policy has them (s3:REST.PUT.OBJECT)
            continue
        # What is to be created needs its own service's actions in calls of their own; linked roles only when missing.
        if wanted.service != own.service and wanted.name != "CreateServiceLinkedRole":
            yield from _on_what_is_named(call, wanted)
    yield from WRITTEN[call.name](call) if call.name in WRITTEN else ()
    yield from missing_linked_roles(call)


def _on_what_is_named(call: ApiCall, wanted: Action) -> Iterator[Demand]:
    if not wanted.targets:
        yield Demand(str(wanted), "*", VIA_SERVICE)
    for arn in arns_in(call):
        if wanted.target_of(arn) and str(wanted) == "iam:PassRole":
            yield from (derivation.on(wanted, arn, {"iam:PassedToService": to}) for to in PASSED_TO.get(call.name, ()))
        elif wanted.target_of(arn):
            yield derivation.on(wanted, arn, _key_context(call) if wanted.service == "kms" else VIA_SERVICE)


def _key_context(call: ApiCall) -> Context:
    given = {**VIA_SERVICE, "kms:CallerAccount": call.account_id}
    if call.service in KMS_VIA:
        given["kms:ViaService"] = f"{KMS_VIA[call.service]}.{call.region}.amazonaws.com"
    return given


def _create_file_system(call: ApiCall) -> Iterator[Demand]:
    """Source: EFS guide, "Using AWS KMS keys": the registry lacks this one of its list."""
    yield from _on_what_is_named(call, action("kms:Decrypt"))


def _put_lifecycle_configuration(call: ApiCall) -> Iterator[Demand]:
    """The same KMS permissions as when the encrypted file system was created. Source: EFS API."""
    found = efs_backends[call.account_id][call.region].file_systems_by_id.get(call["FileSystemId"])
    for name in ("DescribeKey", "CreateGrant", "Decrypt", "GenerateDataKeyWithoutPlaintext"):
        # A key that AWS manages lets everybody of the account use it through EFS.
        if found and ":key/" in str(found.kms_key_id):
            yield derivation.on(action(f"kms:{name}"), found.kms_key_id, _key_context(call))


def _create_mount_target(call: ApiCall) -> Iterator[Demand]:
    """EFS looks at the subnet and makes the network interface. Source: EFS API, CreateMountTarget."""
    yield from _ec2(call, "DescribeSubnets")
    yield from _ec2(call, "DescribeNetworkInterfaces")
    groups = call.get("SecurityGroups") or []
    yield from _ec2(call, "CreateNetworkInterface", SubnetId=[call["SubnetId"]], SecurityGroupId=groups)


def _delete_mount_target(call: ApiCall) -> Iterator[Demand]:
    """Source: EFS API, DeleteMountTarget."""
    yield from _ec2(call, "DeleteNetworkInterface", NetworkInterfaceId=_interface(call))


def _describe_mount_target_security_groups(call: ApiCall) -> Iterator[Demand]:
    """Source: EFS API, DescribeMountTargetSecurityGroups."""
    yield from _ec2(call, "DescribeNetworkInterfaceAttribute")


def _modify_mount_target_security_groups(call: ApiCall) -> Iterator[Demand]:
    """Source: EFS API, ModifyMountTargetSecurityGroups."""
    groups = call.get("SecurityGroups") or []
    values = {"NetworkInterfaceId": _interface(call), "SecurityGroupId": groups}
    yield from _ec2(call, "ModifyNetworkInterfaceAttribute", **values)


def _describe_access_points(call: ApiCall) -> Iterator[Demand]:
    """Of a file system: whether it is asked for or they are is written nowhere, so both have to be allowed."""
    if not call.get("AccessPointId"):
        resource = call.arn("elasticfilesystem", "access-point/*")
        yield derivation.on(action("elasticfilesystem:DescribeAccessPoints"), resource, {})


def _describe_stacks(call: ApiCall) -> Iterator[Demand]:
    """Without a name. Source: CloudFormation API, DescribeStacks."""
    if not call.get("StackName"):
        yield Demand("cloudformation:ListStacks")


def _create_fargate_profile(call: ApiCall) -> Iterator[Demand]:
    """EKS looks whether Fargate's own role is there. Source: amazon-eks-user-guide#279 (the message)."""
    service, name = FARGATE
    missing = f"SLR: {name} already exists due to missing permissions for 'iam:GetRole'"
    refusal = ("InvalidRequestException", f"Failed to validate if {missing}")
    yield Demand("iam:GetRole", linked_role_arn(call, service, name), VIA_SERVICE, refusal)


def _ec2(call: ApiCall, name: str, **values: list[str]) -> list[Demand]:
    return derivation.demands(action(f"ec2:{name}"), call, lambda _, wanted: values.get(wanted, ()), VIA_SERVICE)


def _interface(call: ApiCall) -> list[str]:
    target = efs_backends[call.account_id][call.region].mount_targets_by_id.get(call.get("MountTargetId") or "")
    return [str(target.network_interface_id)] if target else []


WRITTEN: Mapping[str, Callable[[ApiCall], Iterator[Demand]]] = {
    "cloudformation:DescribeStacks": _describe_stacks,
    "efs:CreateFileSystem": _create_file_system,
    "efs:CreateMountTarget": _create_mount_target,
    "efs:DeleteMountTarget": _delete_mount_target,
    "efs:DescribeAccessPoints": _describe_access_points,
    "efs:DescribeMountTargetSecurityGroups": _describe_mount_target_security_groups,
    "efs:ModifyMountTargetSecurityGroups": _modify_mount_target_security_groups,
    "efs:PutLifecycleConfiguration": _put_lifecycle_configuration,
    "eks:CreateFargateProfile": _create_fargate_profile,
}
