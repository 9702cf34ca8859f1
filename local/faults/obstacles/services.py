"""Obstacles in EKS, EFS, AWS Backup and CloudFormation."""

from typing import Any

from local.faults.obstacles.network import GONE_PATIENCE_SECONDS, foreign_subnet, last_subnet
from local.faults.obstacles.obstacle import Obstacle, Placed
from local.faults.scene import Scene


def node_group(scene: Scene) -> Placed:
    eks, names = scene.client("eks"), {"clusterName": scene.cluster_name, "nodegroupName": "analytics"}
    eks.create_nodegroup(
        **names,
        subnets=[last_subnet(scene)],
        nodeRole=scene.cluster.role_arn,
        scalingConfig={"minSize": 0, "maxSize": 1, "desiredSize": 0},
    )
    return Placed(("analytics",), lambda: eks.delete_nodegroup(**names))


def fargate_profile(scene: Scene) -> Placed:
    eks, names = scene.client("eks"), {"clusterName": scene.cluster_name, "fargateProfileName": "analytics"}
    eks.create_fargate_profile(
        **names,
        podExecutionRoleArn=next(iter(scene.cluster.profiles.values())).pod_execution_role_arn,
        subnets=[last_subnet(scene)],
        selectors=[{"namespace": "analytics"}],
    )
    scene.until(lambda: eks.describe_fargate_profile(**names)["fargateProfile"]["status"] == "ACTIVE")
    return Placed(("analytics",), lambda: eks.delete_fargate_profile(**names))


def deletion_protection(scene: Scene) -> Placed:
    eks, name = scene.client("eks"), scene.cluster_name
    _protect(scene, eks, name, on=True)
    return Placed((name,), lambda: _protect(scene, eks, name, on=False))


def _protect(scene: Scene, eks: Any, name: str, *, on: bool) -> None:
    eks.update_cluster_config(name=name, deletionProtection=on)
    scene.until(lambda: eks.describe_cluster(name=name)["cluster"]["status"] == "ACTIVE")


def access_point(scene: Scene) -> Placed:
    efs = scene.client("efs")
    made = efs.create_access_point(FileSystemId=scene.file_system_id, ClientToken="analytics")["AccessPointId"]
    return Placed((made,), lambda: efs.delete_access_point(AccessPointId=made))


def mount_target(scene: Scene) -> Placed:
    """In somebody's subnet of the last zone. There is one of each zone: where ours was, it is not any more."""
    efs, zone = scene.client("efs"), str(scene.payload["network"]["private_subnets"][-1]["availability_zone"])
    for ours in [target for target in scene.mount_targets() if target["AvailabilityZoneName"] == zone]:
        efs.delete_mount_target(MountTargetId=ours["MountTargetId"])
        scene.until(
            lambda: all(target["AvailabilityZoneName"] != zone for target in scene.mount_targets()),
            patience_seconds=GONE_PATIENCE_SECONDS,
        )
    place = foreign_subnet(scene, zone)
    made = efs.create_mount_target(FileSystemId=scene.file_system_id, SubnetId=place)
    interface_id = [{"Name": "network-interface-id", "Values": [made["NetworkInterfaceId"]]}]

    def remove() -> None:
        efs.delete_mount_target(MountTargetId=made["MountTargetId"])
        ec2 = scene.client("ec2")
        scene.until(
            lambda: not ec2.describe_network_interfaces(Filters=interface_id)["NetworkInterfaces"],
            patience_seconds=GONE_PATIENCE_SECONDS,
        )
        ec2.delete_subnet(SubnetId=place)

    return Placed((made["MountTargetId"], place), remove)


def replication(scene: Scene) -> Placed:
    efs, source = scene.client("efs"), scene.file_system_id
    made = efs.create_replication_configuration(SourceFileSystemId=source, Destinations=[{"Region": scene.region}])
    copy = made["Destinations"][0]["FileSystemId"]

    def remove() -> None:
        efs.delete_replication_configuration(SourceFileSystemId=source)
        replicated = {"FileSystemId": copy}
        scene.until(
            lambda: (
                efs.describe_file_systems(**replicated)["FileSystems"][0]["FileSystemProtection"]
                == {"ReplicationOverwriteProtection": "ENABLED"}
            ),
            patience_seconds=GONE_PATIENCE_SECONDS,
        )
        efs.delete_file_system(**replicated)

    return Placed((copy,), remove)


def recovery_point(scene: Scene) -> Placed:
    """It holds nothing: it stays when the file system is gone."""
    backup, vault = scene.client("backup"), {"BackupVaultName": "analytics"}
    (described,) = scene.client("efs").describe_file_systems(FileSystemId=scene.file_system_id)["FileSystems"]
    backup.create_backup_vault(**vault)
    made = backup.start_backup_job(**vault, ResourceArn=described["FileSystemArn"], IamRoleArn=scene.cluster.role_arn)[
        "RecoveryPointArn"
    ]
    scene.until(
        lambda: backup.describe_recovery_point(**vault, RecoveryPointArn=made)["Status"] == "COMPLETED",
        patience_seconds=2 * GONE_PATIENCE_SECONDS,
    )

    def remove() -> None:
        backup.delete_recovery_point(**vault, RecoveryPointArn=made)
        scene.until(
            lambda: not backup.list_recovery_points_by_backup_vault(**vault)["RecoveryPoints"],
            patience_seconds=GONE_PATIENCE_SECONDS,
        )
        backup.delete_backup_vault(**vault)

    return Placed((made,), remove)


def termination_protection(scene: Scene) -> Placed:
    """Of the network's stack; there has to be one."""
    stacks = scene.client("cloudformation")
    (vpc,) = scene.client("ec2").describe_vpcs(VpcIds=[scene.vpc_id])["Vpcs"]
    tags = {tag["Key"]: tag["Value"] for tag in vpc["Tags"]}
    name = tags["aws:cloudformation:stack-name"]
    stacks.update_termination_protection(StackName=name, EnableTerminationProtection=True)
    return Placed(
        (name,), lambda: stacks.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    )


OBSTACLES = (
    Obstacle("node-group", "somebody's managed node group", "cluster", "cloud-nuke#148", node_group),
    Obstacle(
        "fargate-profile",
        "somebody's Fargate profile",
        "cluster",
        "cluster-api-provider-aws#4728",
        fargate_profile,
    ),
    Obstacle(
        "deletion-protection",
        "the cluster's deletion protection is on",
        "cluster",
        "EKS API, UpdateClusterConfig",
        deletion_protection,
    ),
    Obstacle(
        "access-point",
        "somebody's access point of the file system",
        "file system",
        "EFS guide, Deleting EFS file systems",
        access_point,
    ),
    Obstacle(
        "mount-target",
        "somebody's mount target, in a subnet of their own",
        "file system",
        "EFS API, DeleteFileSystem",
        mount_target,
    ),
    Obstacle(
        "replication",
        "the file system is replicated",
        "file system",
        "EFS API, DeleteFileSystem; pulumi-aws-native#2682",
        replication,
    ),
    Obstacle(
        "recovery-point",
        "a recovery point of the file system",
        "nothing",
        "AWS Backup API, ListRecoveryPointsByResource",
        recovery_point,
    ),
    Obstacle(
        "termination-protection",
        "the termination protection of the network's stack is on",
        "stack",
        "terraform-provider-aws#48411",
        termination_protection,
    ),
)
