"""Changes of what is between pods and a file system in a peered VPC."""

from typing import Any

from local.aws import network
from local.aws.hooks import Undo
from local.faults.drift.change import Change, Make, state
from local.faults.drift.file_system import backend
from local.faults.peer import move_mount_targets, place_mount_targets, remove_routes
from local.faults.scene import Scene

WAY = "way from {vpc} to {mounts_vpc}"


def without_routes(*, back: bool) -> Make:
    def make_it(scene: Scene) -> Undo:
        removed = remove_routes(scene, scene.mounts_vpc_id if back else scene.vpc_id)

        def undo() -> None:
            for route in removed:
                (scene.mounts_client if back else scene.client)("ec2").create_route(**route)

        return undo

    return make_it


def peering_status(scene: Scene) -> Any:
    ec2 = network.backend(str(scene.request["account_id"]), scene.region)
    both = {scene.vpc_id, scene.mounts_vpc_id}
    return next(each._status for each in ec2.vpc_pcxs.values() if {each.vpc.id, each.peer_vpc.id} == both)


def lose_subnet(scene: Scene) -> Undo:
    """Its mount target goes first; not that one whose address the volume has, which is the first zone's by its id."""
    ec2, efs = network.backend(str(scene.request["account_id"]), scene.region), backend(scene)
    subnet_id = scene.request["file_system"]["peer"]["subnet_ids"][0]
    subnet = ec2.get_subnet(subnet_id)
    del ec2.subnets[subnet.availability_zone][subnet_id]
    target = next(each for each in efs.mount_targets_by_id.values() if each.subnet_id == subnet_id)
    target._file_system.remove_mount_target(target._subnet)
    del efs.mount_targets_by_id[target.mount_target_id]

    def undo() -> None:
        ec2.subnets[subnet.availability_zone][subnet_id] = subnet
        target._file_system.add_mount_target(target._subnet, target)
        efs.mount_targets_by_id[target.mount_target_id] = target

    return undo


def move(scene: Scene) -> Undo:
    before = {each["SubnetId"]: each["IpAddress"] for each in scene.mount_targets()}
    move_mount_targets(scene)
    return lambda: place_mount_targets(scene, before)


CHANGES = (
    Change(
        "peering-deleted",
        "the peering with the file system's VPC was deleted",
        "peer_drift.NOT_JOINED",
        WAY,
        "link.pcx-*",
        state(peering_status, code="deleted"),
        "way to a peer",
        in_peered_network=True,
    ),
    Change(
        "peer-route-deleted",
        "the pods' route to the file system's VPC was deleted",
        "peer_drift.ROUTE_MISSING",
        WAY,
        "routes.rtb-*",
        without_routes(back=False),
        "way to a peer",
        in_peered_network=True,
    ),
    Change(
        "peer-route-back-deleted",
        "the route from the file system's VPC back to the pods was deleted",
        "peer_drift.ROUTE_BACK_MISSING",
        WAY,
        "routes back.rtb-*",
        without_routes(back=True),
        "way to a peer",
        in_peered_network=True,
    ),
    Change(
        "peer-subnet-gone",
        "a subnet of the peered VPC was deleted, and its mount target before it",
        "peer_drift.SUBNET_MISSING",
        "subnet subnet-* of the peered VPC",
        "exists",
        lose_subnet,
        "way to a peer",
        in_peered_network=True,
    ),
    Change(
        "peer-address-gone",
        "the mount targets in the peered VPC were made again, with other addresses",
        "storage_differences.VOLUME_ADDRESS",
        "PersistentVolume {persistent_volume}",
        "spec.csi.volumeAttributes.mounttargetip",
        move,
        "volume",
        in_peered_network=True,
    ),
)
