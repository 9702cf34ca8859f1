"""Faults of the file system: mount targets, policies, access points, and the handle that names it all."""

import json
from collections.abc import Callable
from typing import Any

from moto.efs.models import efs_backends

from local.faults.fault import Fault, before
from local.faults.objects import replace_volume
from local.faults.scene import OWNER_TAG, Scene

ACCESS_POINT = {"storage": {"access_point": {"uid": 1000, "gid": 1000, "path": "/app"}}}
TEAMS = {
    "storage": {
        "volumes": [
            {
                "name": f"efs-{team}",
                "claim": "shared",
                "namespace": team,
                "access_point": {"uid": uid, "gid": uid, "path": f"/teams/{team}"},
            }
            for team, uid in (("red", 1001), ("blue", 1002))
        ]
    },
    # It comes to the look that finds it out, on however busy a machine.
    "verification": {"writers": 1, "timeout_seconds": 300},
}
MOUNT, WRITE = "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"


def remove_mount_target(scene: Scene) -> None:
    """The one of the zone in which the first pod will be."""
    efs, target_id = scene.client("efs"), scene.mount_targets()[0]["MountTargetId"]
    efs.delete_mount_target(MountTargetId=target_id)


def keep_mount_targets_updating(scene: Scene) -> None:
    """EFS is slow to apply a change: name and tunnel are there, the server's end is not."""
    backend = efs_backends[str(scene.request["account_id"])][scene.region]
    for target in scene.mount_targets():
        backend.mount_targets_by_id[target["MountTargetId"]].life_cycle_state = "updating"


def set_policy(*actions: str) -> Callable[[Scene], None]:
    """Somebody's own policy replaces ours; it allows everybody these actions only."""

    def put(scene: Scene) -> None:
        allow = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": list(actions)}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        scene.client("efs").put_file_system_policy(FileSystemId=scene.file_system_id, Policy=policy)

    return put


def remove_access_point(scene: Scene) -> None:
    scene.client("efs").delete_access_point(AccessPointId=scene.access_point_id)


def make_access_point_anew_for_root(scene: Scene) -> bool | None:
    """Somebody replaces the access point by one whose directory EFS makes for root; user and path stay."""
    efs = scene.client("efs")
    points = [
        point
        for point in efs.describe_access_points()["AccessPoints"]
        if {"Key": OWNER_TAG, "Value": scene.cluster_name} in point.get("Tags", [])
    ]
    if not points:
        return False
    (old,) = points
    efs.delete_access_point(AccessPointId=old["AccessPointId"])
    for_root = {"OwnerUid": 0, "OwnerGid": 0, "Permissions": "0755"}
    efs.create_access_point(
        ClientToken=old["ClientToken"],
        FileSystemId=old["FileSystemId"],
        PosixUser=old["PosixUser"],
        RootDirectory={"Path": old["RootDirectory"]["Path"], "CreationInfo": for_root},
        Tags=old["Tags"],
    )
    return None


def with_handle(handle: Callable[[Scene], str]) -> Callable[[Scene], Any]:
    return lambda scene: replace_volume(scene, handle(scene))


FAULTS = (
    Fault(
        "mount-target-missing",
        "the mount target of one zone is gone",
        "mount-target-missing",
        before("Verify storage", remove_mount_target),
    ),
    Fault(
        "watchdog",
        "the mount targets are being updated: the TLS tunnel is up, its other end is not",
        "mount-target-not-ready",
        before("Verify storage", keep_mount_targets_updating),
    ),
    Fault(
        "file-system-policy",
        "a file-system policy that lets nobody mount",
        "file-system-policy-denies-mount",
        before("Verify storage", set_policy(WRITE)),
    ),
    Fault(
        "file-system-policy-root",
        "a file-system policy without ClientRootAccess: root in a pod is nobody",
        "file-system-policy-denies-write",
        before("Verify storage", set_policy(MOUNT, WRITE)),
    ),
    Fault(
        "file-system-policy-read-only",
        "a file-system policy without ClientWrite",
        "file-system-policy-denies-write",
        before("Verify storage", set_policy(MOUNT, "elasticfilesystem:ClientRootAccess")),
    ),
    Fault(
        "access-point-missing",
        "the access point is gone",
        "access-point-missing",
        before("Verify storage", remove_access_point),
        request=ACCESS_POINT,
    ),
    Fault(
        "access-point-directory",
        "the volume names a directory that is not there",
        "access-point-directory-missing",
        before("Verify storage", with_handle(lambda scene: f"{scene.file_system_id}:/no/such/directory")),
    ),
    Fault(
        "volumes-not-apart",
        "one of two teams' volumes shows its pods the whole file system",
        "volume-shows-another-directory",
        before("Verify storage", with_handle(lambda scene: scene.file_system_id)),
        request=TEAMS,
    ),
    Fault(
        "permission-denied",
        "the access point's user is not the owner of its directory",
        "access-point-user",
        before("Ensure file system", make_access_point_anew_for_root),
        request=ACCESS_POINT,
    ),
    Fault(
        "wrong-file-system",
        "the volume names a file system that does not exist",
        "wrong-file-system",
        before("Verify storage", with_handle(lambda _scene: "fs-0badc0ffee0badc0f")),
    ),
    Fault(
        "new-handle-form",
        "the volume's handle has the form of newer drivers, efs:fs-…",
        "volume-handle-form",
        before("Verify storage", with_handle(lambda scene: f"efs:{scene.file_system_id}")),
    ),
)
