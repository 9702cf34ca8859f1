"""Changes of a file system that another account lends, which that account's people make."""

from moto.efs.models import EFSBackend, FileSystem, MountTarget, efs_backends

from local.aws.hooks import Undo
from local.faults.drift.change import Change, Make, calls, gone, state
from local.faults.lent import acl_entry, let_in_the_own_account_alone, refuse_at_the_acl
from local.faults.network import close_security_groups
from local.faults.scene import Scene

LENT = "file system {file_system} of account {lender}"
UNFIT = "lent_file_system_drift.UNFIT"
NFS_PORT = 2049


def backend(scene: Scene) -> EFSBackend:
    return efs_backends[str(scene.lender)][scene.region]


def file_system(scene: Scene) -> FileSystem:
    return backend(scene).file_systems_by_id[scene.file_system_id]


def opened_again(scene: Scene) -> None:
    ec2, efs = scene.mounts_client("ec2"), scene.mounts_client("efs")
    target_id = scene.mount_targets()[0]["MountTargetId"]
    (group,) = efs.describe_mount_target_security_groups(MountTargetId=target_id)["SecurityGroups"]
    ranges = [{"CidrIp": each["cidr"]} for each in scene.payload["network"]["private_subnets"]]
    rule = {"IpProtocol": "tcp", "FromPort": NFS_PORT, "ToPort": NFS_PORT, "IpRanges": ranges}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


def all_mount_targets(life_cycle_state: str) -> Make:
    def make_it(scene: Scene) -> Undo:
        targets = list(file_system(scene).iter_mount_targets())
        undone = [_in_state(one, life_cycle_state)(scene) for one in targets]

        def undo() -> None:
            for each in undone:
                each()

        return undo

    return make_it


def _in_state(target: MountTarget, life_cycle_state: str) -> Make:
    return state(lambda _: target, life_cycle_state=life_cycle_state)


def _change(name: str, description: str, path: str, make: Make, kind: str = UNFIT) -> Change:
    return Change(f"lent-{name}", description, kind, LENT, path, make, "lent", of_a_lender=True)


CHANGES = (
    _change(
        "gone",
        "the lender deleted the file system",
        "exists",
        gone(lambda scene: backend(scene).file_systems_by_id, lambda scene: scene.file_system_id),
        "lent_file_system_drift.MISSING",
    ),
    _change("broken", "EFS gave the lender's file system up", "status", state(file_system, life_cycle_state="error")),
    _change(
        "policy",
        "the lender's policy lets its own account in alone",
        "policy",
        calls(
            let_in_the_own_account_alone,
            lambda scene: scene.mounts_client("efs").delete_file_system_policy(FileSystemId=scene.file_system_id),
        ),
    ),
    _change("targets", "the lender's mount targets are being deleted", "mountTargets", all_mount_targets("deleting")),
    _change(
        "port-closed",
        "the lender's group no longer admits the pods",
        "ingress.{group}",
        calls(close_security_groups, opened_again),
    ),
    _change(
        "acl",
        "the lender's network ACL lets no NFS in",
        "acl.acl-*",
        calls(refuse_at_the_acl, lambda scene: scene.mounts_client("ec2").delete_network_acl_entry(**acl_entry(scene))),
    ),
)
