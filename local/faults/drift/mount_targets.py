"""Changes of the mount targets, each of the first zone's."""

from collections.abc import Callable
from typing import Any

from moto.efs.models import MountTarget

from local.aws.hooks import Undo
from local.faults.drift.change import Change, Make, becomes, calls, state
from local.faults.drift.file_system import backend
from local.faults.drift.network import first_subnet, group_id
from local.faults.scene import Scene


def first(scene: Scene) -> dict[str, Any]:
    zone = first_subnet(scene)["availability_zone"]
    return next(each for each in scene.mount_targets() if each["AvailabilityZoneName"] == zone)


def first_state(scene: Scene) -> MountTarget:
    return backend(scene).mount_targets_by_id[first(scene)["MountTargetId"]]


def is_there(scene: Scene) -> bool:
    zone = first_subnet(scene)["availability_zone"]
    return any(each["AvailabilityZoneName"] == zone for each in scene.mount_targets())


def remove(scene: Scene) -> None:
    """Returns when it is gone."""
    scene.client("efs").delete_mount_target(MountTargetId=first(scene)["MountTargetId"])
    scene.until(lambda: not is_there(scene))


def make(subnet_id: Callable[[Scene], str]) -> Callable[[Scene], None]:
    def make_it(scene: Scene) -> None:
        scene.client("efs").create_mount_target(
            FileSystemId=scene.file_system_id, SubnetId=subnet_id(scene), SecurityGroups=[group_id(scene)]
        )
        scene.until(lambda: first(scene)["LifeCycleState"] == "available")

    return make_it


def replace(subnet_id: Callable[[Scene], str]) -> Callable[[Scene], None]:
    def replace_it(scene: Scene) -> None:
        remove(scene)
        make(subnet_id)(scene)

    return replace_it


def own_subnet(scene: Scene) -> str:
    return str(first_subnet(scene)["subnet_id"])


def public_subnet(scene: Scene) -> str:
    """Of the first zone."""
    zone = first_subnet(scene)["availability_zone"]
    return next(
        str(each["SubnetId"])
        for each in scene.subnets()
        if each["AvailabilityZone"] == zone and each["SubnetId"] != own_subnet(scene)
    )


def groups(*, with_ours: bool) -> Make:
    """The VPC's default group, with ours or in its place."""

    def make_it(scene: Scene) -> Undo:
        efs, target_id, ours = scene.client("efs"), first(scene)["MountTargetId"], group_id(scene)
        filters = [{"Name": "vpc-id", "Values": [scene.vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
        (default,) = scene.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
        attached = [default["GroupId"], *([ours] if with_ours else [])]
        efs.modify_mount_target_security_groups(MountTargetId=target_id, SecurityGroups=attached)
        return lambda: efs.modify_mount_target_security_groups(MountTargetId=target_id, SecurityGroups=[ours])

    return make_it


def in_another_vpc(scene: Scene) -> Undo:
    """Those of all zones: EFS has a file system's mount targets in one VPC."""
    targets = [
        each for each in backend(scene).mount_targets_by_id.values() if each.file_system_id == scene.file_system_id
    ]
    before = [target.vpc_id for target in targets]
    for target in targets:
        target.vpc_id = "vpc-0123456789abcdef0"

    def undo() -> None:
        for target, vpc_id in zip(targets, before, strict=True):
            target.vpc_id = vpc_id

    return undo


TARGET = "mount target in {zone}"

CHANGES = (
    Change(
        "mount-target-gone",
        "the mount target of one zone was deleted",
        "mount_targets_drift.MISSING",
        TARGET,
        "exists",
        calls(remove, make(own_subnet)),
        "mount target",
    ),
    Change(
        "mount-target-updating",
        "EFS is changing the mount target of one zone",
        "mount_targets_drift.IN_PROGRESS",
        TARGET,
        "status",
        state(first_state, life_cycle_state="updating"),
        "mount target",
        settle=becomes(first_state, life_cycle_state="available"),
    ),
    Change(
        "mount-target-failed",
        "EFS gave the mount target of one zone up",
        "mount_targets_drift.UNUSABLE",
        TARGET,
        "status",
        state(first_state, life_cycle_state="error"),
        "mount target",
    ),
    Change(
        "mount-target-in-another-subnet",
        "the mount target of one zone was made again in a public subnet",
        "mount_targets_drift.OTHER_SUBNET",
        TARGET,
        "subnetId",
        calls(replace(public_subnet), replace(own_subnet)),
        "mount target",
    ),
    Change(
        "mount-targets-in-another-vpc",
        "the mount targets were made again in another VPC",
        "mount_targets_drift.OTHER_VPC",
        "mount targets of {file_system}",
        "vpcId",
        in_another_vpc,
        "mount target",
    ),
    Change(
        "mount-target-with-the-default-group",
        "the mount target of one zone was given the default security group",
        "mount_targets_drift.OUR_GROUP_MISSING",
        TARGET,
        "securityGroups",
        groups(with_ours=False),
        "mount target",
    ),
    Change(
        "mount-target-with-another-group-too",
        "the mount target of one zone was given a second security group",
        "mount_targets_drift.OTHER_GROUPS",
        TARGET,
        "securityGroups",
        groups(with_ours=True),
        "mount target",
    ),
)
