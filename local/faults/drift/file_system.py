"""Changes of the file system, its settings and its access point."""

from collections.abc import Callable

from moto.efs.models import AccessPoint, EFSBackend, FileSystem, efs_backends

from local.aws.efs import ACCESS_POINT_STATES
from local.aws.hooks import Undo
from local.faults import storage
from local.faults.drift.change import Change, Make, becomes, calls, gone, state
from local.faults.scene import OWNER_TAG, Scene


def backend(scene: Scene) -> EFSBackend:
    return efs_backends[str(scene.request["account_id"])][scene.region]


def file_system(scene: Scene) -> FileSystem:
    return backend(scene).file_systems_by_id[scene.file_system_id]


def access_point_id(scene: Scene) -> str:
    return scene.access_point_id


def access_point(scene: Scene) -> AccessPoint:
    return backend(scene).access_points[access_point_id(scene)]


def throughput(mode: str) -> Callable[[Scene], None]:
    def update(scene: Scene) -> None:
        scene.client("efs").update_file_system(FileSystemId=scene.file_system_id, ThroughputMode=mode)
        scene.until(lambda: file_system(scene).life_cycle_state == "available")

    return update


def lifecycle(**transitions: str) -> Callable[[Scene], object]:
    policies = [{name: after} for name, after in transitions.items()]
    return lambda scene: scene.client("efs").put_lifecycle_configuration(
        FileSystemId=scene.file_system_id, LifecyclePolicies=policies
    )


def backup(status: str) -> Callable[[Scene], object]:
    return lambda scene: scene.client("efs").put_backup_policy(
        FileSystemId=scene.file_system_id, BackupPolicy={"Status": status}
    )


def put_back(make: Callable[[Scene], object]) -> Make:
    """A change of the policy; the one that was there is written again."""

    def make_it(scene: Scene) -> Undo:
        efs, name = scene.client("efs"), scene.file_system_id
        policy = efs.describe_file_system_policy(FileSystemId=name)["Policy"]
        make(scene)
        return lambda: efs.put_file_system_policy(FileSystemId=name, Policy=policy)

    return make_it


def remove_policy(scene: Scene) -> None:
    scene.client("efs").delete_file_system_policy(FileSystemId=scene.file_system_id)


def untag(resource_id: Callable[[Scene], str]) -> Make:
    return calls(
        lambda scene: scene.client("efs").untag_resource(ResourceId=resource_id(scene), TagKeys=[OWNER_TAG]),
        lambda scene: scene.client("efs").tag_resource(
            ResourceId=resource_id(scene), Tags=[{"Key": OWNER_TAG, "Value": scene.cluster_name}]
        ),
    )


def point_in_state(life_cycle_state: str) -> Make:
    return calls(
        lambda scene: ACCESS_POINT_STATES.update({access_point_id(scene): life_cycle_state}),
        lambda scene: ACCESS_POINT_STATES.pop(access_point_id(scene), None),
    )


FILE_SYSTEM, ACCESS_POINT = "file system {file_system}", "access point {access_point}"
KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/0a1b2c3d-0000-4000-8000-000000000000"


def _settings(name: str, description: str, kind: str, path: str, make: Make) -> Change:
    return Change(name, description, kind, FILE_SYSTEM, path, make, path)


CHANGES = (
    Change(
        "file-system-gone",
        "the file system was deleted, with its data",
        "file_system_drift.MISSING",
        "file system of {cluster}",
        "exists",
        gone(lambda scene: backend(scene).file_systems_by_id, lambda scene: scene.file_system_id),
        "file system",
    ),
    Change(
        "file-system-updating",
        "somebody is changing the file system",
        "file_system_drift.IN_PROGRESS",
        FILE_SYSTEM,
        "status",
        state(file_system, life_cycle_state="updating"),
        "file system",
        settle=becomes(file_system, life_cycle_state="available"),
    ),
    Change(
        "file-system-failed",
        "EFS gave the file system up",
        "file_system_drift.UNUSABLE",
        FILE_SYSTEM,
        "status",
        state(file_system, life_cycle_state="error"),
        "file system",
    ),
    Change(
        "file-system-not-encrypted",
        "the file system was made again without encryption",
        "file_system_drift.NOT_ENCRYPTED",
        FILE_SYSTEM,
        "encrypted",
        state(file_system, encrypted=False, kms_key_id=None),
        "file system",
    ),
    Change(
        "file-system-key",
        "the file system was made again with another key",
        "file_system_drift.OTHER_KEY",
        FILE_SYSTEM,
        "kmsKeyId",
        state(file_system, kms_key_id=KEY),
        "file system",
    ),
    Change(
        "file-system-of-another",
        "the file system has lost its owner tag",
        "ownership.NOT_OURS",
        FILE_SYSTEM,
        f"tags.{OWNER_TAG}",
        untag(lambda scene: scene.file_system_id),
        "file system",
    ),
    _settings(
        "throughput",
        "the throughput mode was changed to bursting",
        "file_system_drift.THROUGHPUT",
        "throughputMode",
        calls(throughput("bursting"), throughput("elastic")),
    ),
    _settings(
        "lifecycle",
        "idle files move to infrequent access after a week",
        "file_system_drift.LIFECYCLE",
        "lifecycle",
        calls(
            lifecycle(TransitionToIA="AFTER_7_DAYS"),
            lifecycle(TransitionToIA="AFTER_30_DAYS", TransitionToPrimaryStorageClass="AFTER_1_ACCESS"),
        ),
    ),
    _settings(
        "backup-off",
        "the daily backup was switched off",
        "file_system_drift.BACKUP",
        "backup",
        calls(backup("DISABLED"), backup("ENABLED")),
    ),
    _settings(
        "policy-gone",
        "the file system policy was deleted",
        "file_system_drift.DEFAULT_POLICY",
        "policy",
        put_back(remove_policy),
    ),
    _settings(
        "policy-of-another",
        "somebody's own policy replaced ours",
        "file_system_drift.OTHER_POLICY",
        "policy",
        put_back(storage.set_policy(storage.MOUNT, storage.WRITE)),
    ),
    Change(
        "access-point-gone",
        "the access point was deleted",
        "access_point_drift.MISSING",
        "access point of {cluster}'s volume {persistent_volume}",
        "exists",
        gone(lambda scene: backend(scene).access_points, access_point_id),
        "access point",
    ),
    Change(
        "access-point-updating",
        "EFS is changing the access point",
        "access_point_drift.IN_PROGRESS",
        ACCESS_POINT,
        "status",
        point_in_state("updating"),
        "access point",
        settle=lambda scene: ACCESS_POINT_STATES.pop(access_point_id(scene)),
    ),
    Change(
        "access-point-deleting",
        "somebody is deleting the access point",
        "access_point_drift.UNUSABLE",
        ACCESS_POINT,
        "status",
        point_in_state("deleting"),
        "access point",
    ),
    Change(
        "access-point-directory",
        "the access point was made again for another directory",
        "access_point_drift.IMMUTABLE",
        ACCESS_POINT,
        "path",
        lambda scene: state(access_point, root_directory={**access_point(scene).root_directory, "Path": "/other"})(
            scene
        ),
        "access point",
    ),
    Change(
        "access-point-user",
        "the access point was made again for another user",
        "access_point_drift.IMMUTABLE",
        ACCESS_POINT,
        "uid",
        lambda scene: state(access_point, posix_user={**access_point(scene).posix_user, "Uid": 2000})(scene),
        "access point",
    ),
    Change(
        "access-point-of-another",
        "the access point has lost its owner tag",
        "ownership.NOT_OURS",
        ACCESS_POINT,
        f"tags.{OWNER_TAG}",
        untag(access_point_id),
        "access point",
    ),
)
