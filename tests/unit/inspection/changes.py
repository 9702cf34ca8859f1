"""Changes behind the program's back, each with the one difference that it is to be."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from tests.unit.inspection.world import PERSON_ARN, World
from tests.unit.resources.samples import (
    INSPECTOR_ROLE_ARN,
    NOW,
    PODS_ROLE_ARN,
    PROVISIONER_ROLE_ARN,
    REMOVER_ROLE_ARN,
)

KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/1"
OTHER_KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/2"
LOG_GROUP = "/aws/eks/eks-example/cluster"
Outcome = Literal["repaired", "refused", "left"]


@dataclass(frozen=True)
class Change:
    """`resource` and `path` may name {what} the world knows; `outcome` is what a run then makes of it."""

    make: Callable[[World], object]
    resource: str
    path: str
    expected: Any
    actual: Any
    outcome: Outcome
    severity: str = "warning"

    def __str__(self) -> str:
        return f"{self.resource} {self.path} {self.actual}".replace(" ", "-")


def all_of(*changes: Callable[[World], object]) -> Callable[[World], object]:
    return lambda world: [change(world) for change in changes]


def access_entry_gone(principal_arn: str) -> Callable[[World], object]:
    return lambda world: (world.eks.access_entries.pop(principal_arn), world.eks.policies.pop(principal_arn))


def made_again(principal_arn: str) -> Callable[[World], object]:
    def make(world: World) -> None:
        world.iam.made[principal_arn] = NOW + timedelta(days=1)
        world.eks.now = NOW + timedelta(days=2)

    return make


def with_group(*, ours_too: bool) -> Callable[[World], object]:
    def attach(world: World) -> None:
        other = world.ec2.create_security_group(GroupName="other", Description="x", VpcId=world.network.vpc_id)
        groups = [other["GroupId"], *([world.group_id] if ours_too else [])]
        world.efs.modify_mount_target_security_groups(
            MountTargetId=world.mount_target.mount_target_id, SecurityGroups=groups
        )

    return attach


def policies_of_another(principal_arn: str) -> Callable[[World], object]:
    return all_of(
        lambda world: world.eks.access_entries[principal_arn].update(tags={}),
        lambda world: world.eks.policies[principal_arn].clear(),
    )


def dns_off(attribute: str) -> Callable[[World], object]:
    return lambda world: world.ec2.modify_vpc_attribute(VpcId=world.network.vpc_id, **{attribute: {"Value": False}})


def moved_out_of_the_private_subnets(world: World) -> None:
    vpc_id, zone = world.network.vpc_id, world.network.private_subnets[0].availability_zone
    subnet = world.ec2.create_subnet(VpcId=vpc_id, AvailabilityZone=zone, CidrBlock="10.0.9.0/24")["Subnet"]
    world.efs.delete_mount_target(MountTargetId=world.mount_target.mount_target_id)
    world.efs.create_mount_target(
        FileSystemId=world.file_system_id, SubnetId=subnet["SubnetId"], SecurityGroups=[world.group_id]
    )


def rule(**changes: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "CidrIp": "10.0.1.0/24", **changes}


CLUSTER = [
    Change(
        lambda world: world.cluster["resourcesVpcConfig"].update(endpointPublicAccess=False),
        "cluster eks-example",
        "resourcesVpcConfig.endpointPublicAccess",
        True,
        False,
        "repaired",
        "critical",
    ),
    Change(
        lambda world: world.cluster["resourcesVpcConfig"].update(endpointPrivateAccess=False),
        "cluster eks-example",
        "resourcesVpcConfig.endpointPrivateAccess",
        True,
        False,
        "repaired",
    ),
    Change(
        lambda world: world.cluster["resourcesVpcConfig"].update(publicAccessCidrs=["1.2.3.0/24"]),
        "cluster eks-example",
        "resourcesVpcConfig.publicAccessCidrs",
        ["0.0.0.0/0"],
        ["1.2.3.0/24"],
        "repaired",
        "critical",
    ),
    Change(
        lambda world: world.cluster.update(logging={"clusterLogging": [{"types": ["audit"], "enabled": True}]}),
        "cluster eks-example",
        "logging",
        ["audit", "authenticator"],
        ["audit"],
        "repaired",
    ),
    Change(
        lambda world: world.parts.update(cluster={"deletion_protection": True}),
        "cluster eks-example",
        "deletionProtection",
        True,
        False,
        "repaired",
    ),
    Change(
        lambda world: world.cluster["accessConfig"].update(authenticationMode="API_AND_CONFIG_MAP"),
        "cluster eks-example",
        "accessConfig.authenticationMode",
        "API",
        "API_AND_CONFIG_MAP",
        "left",
    ),
    Change(
        lambda world: world.parts.update(cluster={"version": "1.32"}),
        "cluster eks-example",
        "version",
        "1.32",
        "1.33",
        "left",
    ),
    Change(
        lambda world: world.parts.update(cluster={"version": "1.35"}),
        "cluster eks-example",
        "version",
        "1.35",
        "1.33",
        "repaired",
    ),
    Change(
        all_of(
            lambda world: world.cluster.update(upgradePolicy={"supportType": "EXTENDED"}),
            lambda world: world.parts.update(cluster={"upgrade_policy": "STANDARD"}),
        ),
        "cluster eks-example",
        "upgradePolicy.supportType",
        "STANDARD",
        "EXTENDED",
        "repaired",
    ),
    Change(
        all_of(
            lambda world: world.cluster.update(upgradePolicy={"supportType": "EXTENDED"}, version="1.32"),
            lambda world: world.parts.update(cluster={"upgrade_policy": "STANDARD"}),
        ),
        "cluster eks-example",
        "upgradePolicy.supportType",
        "STANDARD",
        "EXTENDED",
        "refused",
    ),
    Change(
        lambda world: world.parts.update(cluster={"service_ipv4_cidr": "172.30.0.0/16"}),
        "cluster eks-example",
        "kubernetesNetworkConfig.service_ipv4_cidr",
        "172.30.0.0/16",
        "10.100.0.0/16",
        "refused",
    ),
    Change(
        lambda world: world.cluster.update(kubernetesNetworkConfig={"ipFamily": "ipv6"}),
        "cluster eks-example",
        "kubernetesNetworkConfig.ip_family",
        "ipv4",
        "ipv6",
        "refused",
    ),
    Change(
        lambda world: world.parts.update(cluster={"secrets_key_arn": KEY}),
        "cluster eks-example",
        "encryptionConfig.secrets",
        KEY,
        None,
        "refused",
    ),
    Change(
        lambda world: world.cluster["resourcesVpcConfig"].update(vpcId="vpc-2"),
        "cluster eks-example",
        "resourcesVpcConfig.vpcId",
        "{vpc}",
        "vpc-2",
        "refused",
        "critical",
    ),
    Change(
        lambda world: world.cluster.update(
            roleArn="arn:aws:iam::123456789012:role/earlier/eks-efs-provisioner-cluster"
        ),
        "cluster eks-example",
        "roleArn",
        "arn:aws:iam::123456789012:role/eks-efs-provisioner-cluster",
        "arn:aws:iam::123456789012:role/earlier/eks-efs-provisioner-cluster",
        "left",
    ),
    Change(
        lambda world: world.cluster.update(tags={}),
        "cluster eks-example",
        "tags.eks-efs-provisioner/cluster",
        "eks-example",
        None,
        "refused",
    ),
    Change(
        lambda world: world.cluster.update(status="UPDATING"),
        "cluster eks-example",
        "status",
        "ACTIVE",
        "UPDATING",
        "repaired",
    ),
    Change(
        lambda world: world.cluster.update(status="FAILED", health={"issues": []}),
        "cluster eks-example",
        "status",
        "ACTIVE",
        "FAILED",
        "refused",
        "critical",
    ),
    Change(
        all_of(
            lambda world: world.eks.clusters.clear(),
            lambda world: world.eks.addons.clear(),
            lambda world: world.eks.fargate_profiles.clear(),
        ),
        "cluster eks-example",
        "exists",
        True,
        False,
        "repaired",
        "critical",
    ),
]


def unwell(code: str, *resource_ids: str) -> Callable[[World], object]:
    issue = {"code": code, "message": "It is so.", "resourceIds": list(resource_ids)}
    return lambda world: world.cluster.update(health={"issues": [issue]})


HEALTH = [
    Change(
        unwell(code, "it"),
        "cluster eks-example",
        f"health.{code}",
        None,
        f"{code}: It is so. (it)",
        "left",
        severity,
    )
    for code, severity in (
        ("InsufficientFreeAddresses", "warning"),
        ("KmsKeyDisabled", "critical"),
        ("KmsGrantRevoked", "critical"),
        ("IamRoleNotFound", "warning"),
        ("VpcNotFound", "warning"),
    )
]

LOGS = [
    Change(
        lambda world: world.logs.delete_log_group(logGroupName=LOG_GROUP),
        f"log group {LOG_GROUP}",
        "exists",
        True,
        False,
        "repaired",
    ),
    Change(
        lambda world: world.logs.delete_retention_policy(logGroupName=LOG_GROUP),
        f"log group {LOG_GROUP}",
        "retentionInDays",
        90,
        None,
        "repaired",
    ),
]

ACCESS = [
    Change(access_entry_gone(arn), f"access entry of {arn}", "exists", True, False, "repaired")
    for arn in (PROVISIONER_ROLE_ARN, INSPECTOR_ROLE_ARN, REMOVER_ROLE_ARN)
] + [
    Change(
        lambda world: world.parts.update(cluster={"admin_principal_arns": [PERSON_ARN]}),
        f"access entry of {PERSON_ARN}",
        "exists",
        True,
        False,
        "repaired",
    ),
    Change(
        lambda world: world.eks.policies[PROVISIONER_ROLE_ARN].clear(),
        f"access entry of {PROVISIONER_ROLE_ARN}",
        "policies.AmazonEKSClusterAdminPolicy",
        "cluster",
        None,
        "repaired",
    ),
    Change(
        made_again(PROVISIONER_ROLE_ARN),
        f"access entry of {PROVISIONER_ROLE_ARN}",
        "principal",
        "known",
        "made again",
        "repaired",
    ),
    Change(
        all_of(
            made_again(INSPECTOR_ROLE_ARN), lambda world: world.eks.access_entries[INSPECTOR_ROLE_ARN].update(tags={})
        ),
        f"access entry of {INSPECTOR_ROLE_ARN}",
        "principal",
        "known",
        "made again",
        "refused",
    ),
    Change(
        lambda world: world.iam.made.pop(INSPECTOR_ROLE_ARN),
        f"access entry of {INSPECTOR_ROLE_ARN}",
        "principal",
        "known",
        "gone",
        "left",
    ),
    Change(
        policies_of_another(INSPECTOR_ROLE_ARN),
        f"access entry of {INSPECTOR_ROLE_ARN}",
        "policies.AmazonEKSAdminViewPolicy",
        "cluster",
        None,
        "refused",
    ),
]

NODES = [
    Change(
        access_entry_gone(PODS_ROLE_ARN),
        f"access entry of {PODS_ROLE_ARN}",
        "exists",
        True,
        False,
        "repaired",
        "critical",
    ),
    Change(
        made_again(PODS_ROLE_ARN),
        f"access entry of {PODS_ROLE_ARN}",
        "principal",
        "known",
        "made again",
        "repaired",
        "critical",
    ),
    Change(
        lambda world: world.iam.made.pop(PODS_ROLE_ARN),
        f"access entry of {PODS_ROLE_ARN}",
        "principal",
        "known",
        "gone",
        "left",
        "critical",
    ),
    Change(
        lambda world: world.eks.access_entries[PODS_ROLE_ARN].update(type="STANDARD"),
        f"access entry of {PODS_ROLE_ARN}",
        "type",
        "FARGATE_LINUX",
        "STANDARD",
        "refused",
        "critical",
    ),
]

PROFILE = [
    Change(
        all_of(lambda world: world.eks.fargate_profiles.clear(), lambda world: world.addon.update(status="DEGRADED")),
        "Fargate profile provisioner",
        "exists",
        True,
        False,
        "repaired",
        "critical",
    ),
    Change(
        lambda world: world.profile.update(status="DELETING"),
        "Fargate profile provisioner",
        "status",
        "ACTIVE",
        "DELETING",
        "repaired",
        "critical",
    ),
    Change(
        lambda world: world.profile.update(status="CREATE_FAILED", health={"issues": []}),
        "Fargate profile provisioner",
        "status",
        "ACTIVE",
        "CREATE_FAILED",
        "refused",
        "critical",
    ),
    Change(
        lambda world: world.profile.update(selectors=[{"namespace": "default"}]),
        "Fargate profile provisioner",
        "selectors.kube-system",
        "selected",
        None,
        "repaired",
        "critical",
    ),
    Change(
        lambda world: world.profile["subnets"].pop(),
        "Fargate profile provisioner",
        "subnets.{last_subnet}",
        "used",
        None,
        "refused",
    ),
    Change(
        lambda world: world.profile.update(podExecutionRoleArn="arn:aws:iam::123456789012:role/x"),
        "Fargate profile provisioner",
        "podExecutionRoleArn",
        "arn:aws:iam::123456789012:role/eks-efs-provisioner-fargate-pods",
        "arn:aws:iam::123456789012:role/x",
        "refused",
    ),
    Change(
        lambda world: world.profile.update(tags={}),
        "Fargate profile provisioner",
        "tags.eks-efs-provisioner/cluster",
        "eks-example",
        None,
        "refused",
    ),
]

AN_HOUR_AGO = NOW - timedelta(hours=1)


def degrade(world: World) -> None:
    """Long after its pods could have run."""
    world.profile.update(createdAt=AN_HOUR_AGO)
    world.addon.update(createdAt=AN_HOUR_AGO, modifiedAt=AN_HOUR_AGO, status="DEGRADED")


DNS = [
    Change(lambda world: world.eks.addons.clear(), "add-on coredns", "exists", True, False, "repaired"),
    Change(
        lambda world: world.addon.update(configurationValues="{}"),
        "add-on coredns",
        "configurationValues.computeType",
        "Fargate",
        None,
        "repaired",
    ),
    Change(
        lambda world: world.addon.update(configurationValues=json.dumps({"computeType": "ec2"}), status="DEGRADED"),
        "add-on coredns",
        "configurationValues.computeType",
        "Fargate",
        "ec2",
        "repaired",
    ),
    Change(
        lambda world: world.addon.update(status="DELETING"),
        "add-on coredns",
        "status",
        "ACTIVE",
        "DELETING",
        "repaired",
    ),
    Change(
        lambda world: world.addon.update(status="DEGRADED", createdAt=world.profile["createdAt"] - timedelta(days=1)),
        "add-on coredns",
        "status",
        "ACTIVE",
        "DEGRADED",
        "repaired",
    ),
    Change(
        degrade,
        "add-on coredns",
        "status",
        "ACTIVE",
        "DEGRADED",
        "refused",
    ),
    Change(
        lambda world: world.addon.update(status="UPDATE_FAILED", health={"issues": []}),
        "add-on coredns",
        "status",
        "ACTIVE",
        "UPDATE_FAILED",
        "refused",
    ),
    Change(
        lambda world: world.addon.update(tags={}),
        "add-on coredns",
        "tags.eks-efs-provisioner/cluster",
        "eks-example",
        None,
        "refused",
    ),
]

GROUP = [
    Change(
        lambda world: world.ec2.revoke_security_group_ingress(GroupId=world.group_id, **rule()),
        "security group {group}",
        "ingress.2049/tcp.10.0.1.0/24",
        "allowed",
        None,
        "repaired",
        "critical",
    ),
    Change(
        lambda world: world.ec2.authorize_security_group_ingress(GroupId=world.group_id, **rule(CidrIp="0.0.0.0/0")),
        "security group {group}",
        "ingress.2049/tcp.0.0.0.0/0",
        None,
        "allowed",
        "repaired",
    ),
    Change(
        lambda world: world.ec2.delete_tags(Resources=[world.group_id], Tags=[{"Key": "eks-efs-provisioner/cluster"}]),
        "security group {group}",
        "tags.eks-efs-provisioner/cluster",
        "eks-example",
        None,
        "refused",
    ),
]

FILE_SYSTEM = [
    Change(
        lambda world: setattr(world.file_system, "throughput_mode", "bursting"),
        "file system {file_system}",
        "throughputMode",
        "elastic",
        "bursting",
        "repaired",
    ),
    Change(
        lambda world: setattr(world.file_system, "lifecycle_policies", [{"TransitionToIA": "AFTER_7_DAYS"}]),
        "file system {file_system}",
        "lifecycle",
        {"TransitionToIA": "AFTER_30_DAYS", "TransitionToPrimaryStorageClass": "AFTER_1_ACCESS"},
        {"TransitionToIA": "AFTER_7_DAYS"},
        "repaired",
    ),
    Change(
        lambda world: setattr(world.file_system, "_backup", False),
        "file system {file_system}",
        "backup",
        "ENABLED",
        "DISABLED",
        "repaired",
    ),
    Change(
        lambda world: setattr(world.file_system, "file_system_policy", None),
        "file system {file_system}",
        "policy",
        "only over TLS, only through mount targets",
        None,
        "repaired",
    ),
    Change(
        lambda world: setattr(world.file_system, "file_system_policy", '{"Version": "2012-10-17", "Statement": []}'),
        "file system {file_system}",
        "policy",
        "only over TLS, only through mount targets",
        "another policy",
        "repaired",
        "critical",
    ),
    Change(
        lambda world: setattr(world.file_system, "encrypted", False),
        "file system {file_system}",
        "encrypted",
        True,
        False,
        "refused",
        "critical",
    ),
    Change(
        all_of(
            lambda world: setattr(world.file_system, "kms_key_id", OTHER_KEY),
            lambda world: world.parts.update(file_system={"kms_key_arn": KEY}),
        ),
        "file system {file_system}",
        "kmsKeyId",
        KEY,
        OTHER_KEY,
        "refused",
    ),
    Change(
        lambda world: setattr(world.file_system, "life_cycle_state", "updating"),
        "file system {file_system}",
        "status",
        "available",
        "updating",
        "repaired",
    ),
    Change(
        lambda world: setattr(world.file_system, "life_cycle_state", "error"),
        "file system {file_system}",
        "status",
        "available",
        "error",
        "refused",
        "critical",
    ),
    Change(
        lambda world: world.efs_backend.tagging_service.delete_all_tags_for_resource(world.file_system_id),
        "file system {file_system}",
        "tags.eks-efs-provisioner/cluster",
        "eks-example",
        None,
        "refused",
    ),
    # The volume names the lost file system: the run stops there, having made an empty one.
    Change(
        all_of(
            lambda world: world.efs_backend.creation_tokens.clear(),
            lambda world: world.efs_backend.file_systems_by_id.clear(),
            lambda world: world.efs_backend.mount_targets_by_id.clear(),
        ),
        "file system of eks-example",
        "exists",
        True,
        False,
        "refused",
        "critical",
    ),
]

MOUNT_TARGETS = [
    Change(
        lambda world: world.efs.delete_mount_target(MountTargetId=world.mount_target.mount_target_id),
        "mount target in apne1-az1",
        "exists",
        True,
        False,
        "repaired",
        "critical",
    ),
    Change(
        lambda world: setattr(world.mount_target, "life_cycle_state", "deleting"),
        "mount target in apne1-az1",
        "status",
        "available",
        "deleting",
        "repaired",
        "critical",
    ),
    Change(
        lambda world: setattr(world.mount_target, "life_cycle_state", "error"),
        "mount target in apne1-az1",
        "status",
        "available",
        "error",
        "refused",
        "critical",
    ),
    Change(
        with_group(ours_too=False),
        "mount target in apne1-az1",
        "securityGroups",
        ["{group}"],
        ["{other_group}"],
        "repaired",
        "critical",
    ),
    Change(
        with_group(ours_too=True),
        "mount target in apne1-az1",
        "securityGroups",
        ["{group}"],
        ["{group}", "{other_group}"],
        "repaired",
    ),
    Change(
        moved_out_of_the_private_subnets,
        "mount target in apne1-az1",
        "subnetId",
        "{first_subnet}",
        "{new_subnet}",
        "left",
    ),
]

VPC = [
    Change(dns_off("EnableDnsSupport"), "VPC {vpc}", "enableDnsSupport", True, False, "refused", "critical"),
    Change(dns_off("EnableDnsHostnames"), "VPC {vpc}", "enableDnsHostnames", True, False, "refused", "critical"),
]

CHANGES = [*CLUSTER, *HEALTH, *LOGS, *ACCESS, *NODES, *PROFILE, *DNS, *GROUP, *FILE_SYSTEM, *MOUNT_TARGETS, *VPC]
