"""The file system: what is missing, failed, refused or misnamed is told with its id."""

import json
from typing import Any

import pytest

from provisioner.resources.file_system_settings import policy
from tests.unit.diagnosis.looking import look
from tests.unit.diagnosis.world import World
from tests.unit.resources.samples import request_for

MOUNT, WRITE, ROOT = (f"elasticfilesystem:Client{name}" for name in ("Mount", "Write", "RootAccess"))
SERVER_SAID = "reason given by server: No such file or directory"
DENIED = "access denied by server while mounting 127.0.0.1:/"


def allow(*actions: str, **fields: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": list(actions), "Resource": "*", **fields}


def put_policy(world: World, *statements: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    world.efs.put_file_system_policy(FileSystemId=world.file_system_id, Policy=json.dumps(document))


def access_point(world: World, **creation: Any) -> str:
    made = world.efs.create_access_point(ClientToken="token", FileSystemId=world.file_system_id, Tags=[], **creation)[
        "AccessPointId"
    ]
    world.handle(f"{world.file_system_id}::{made}")
    return str(made)


def test_a_zone_of_the_pods_without_a_mount_target_is_named(world: World) -> None:
    world.efs.delete_mount_target(MountTargetId=world.mount_target_ids[0])
    subnets = {each.subnet_id: each for each in world.live().network.pod_subnets}
    zone_id = subnets[world.subnet_ids[0]].availability_zone_id
    finding, fix = look(world, "mount-target-missing")
    assert finding.verdict == "proved"
    assert f"create a mount target of {world.file_system_id} in {zone_id} ({world.subnet_ids[0]})" in fix
    assert world.mount_target_ids[1] in finding.saw


def test_a_file_system_without_any_mount_target_misses_one_in_every_zone(world: World) -> None:
    for mount_target_id in world.mount_target_ids:
        world.efs.delete_mount_target(MountTargetId=mount_target_id)
    finding, fix = look(world, "mount-target-missing")
    assert finding.verdict == "proved"
    assert all(subnet_id in fix for subnet_id in world.subnet_ids)
    assert finding.saw.endswith("there are: none")


@pytest.mark.parametrize("state", ["creating", "updating", "deleting"])
def test_a_mount_target_on_its_way_is_not_ready(world: World, efs_backend: Any, state: str) -> None:
    efs_backend.mount_targets_by_id[world.mount_target_ids[0]].life_cycle_state = state
    finding, fix = look(world, "mount-target-not-ready")
    assert finding.verdict == "proved"
    assert finding.saw.startswith(f"{world.mount_target_ids[0]} is {state} in ")
    assert world.mount_target_ids[0] in fix
    assert look(world, "mount-target-failed")[0].verdict == "refuted"


def test_a_mount_target_in_error_is_failed(world: World, efs_backend: Any) -> None:
    efs_backend.mount_targets_by_id[world.mount_target_ids[1]].life_cycle_state = "error"
    finding, fix = look(world, "mount-target-failed")
    assert finding.verdict == "proved"
    assert finding.saw == f"{world.mount_target_ids[1]} in {world.subnet_ids[1]} is in the state error"
    assert world.mount_target_ids[1] in fix
    assert look(world, "mount-target-not-ready")[0].verdict == "refuted"


def test_a_file_system_in_error_is_failed(world: World, efs_backend: Any) -> None:
    efs_backend.file_systems_by_id[world.file_system_id].life_cycle_state = "error"
    finding, fix = look(world, "file-system-failed")
    assert finding.verdict == "proved"
    assert world.file_system_id in fix


def test_the_new_form_of_a_handle_is_told_with_the_bare_one(world: World) -> None:
    world.handle(f"efs:{world.file_system_id}")
    finding, fix = look(world, "volume-handle-form")
    assert finding.verdict == "proved"
    assert f"it is efs:{world.file_system_id}" in finding.saw
    assert f"efs-pv (the file system keeps its data) and make it with volumeHandle {world.file_system_id}:" in fix


def test_a_handle_of_a_file_system_that_does_not_exist_is_the_wrong_one(world: World) -> None:
    world.handle("fs-00000000000000000")
    finding, fix = look(world, "wrong-file-system")
    assert finding.verdict == "proved"
    assert finding.saw == "fs-00000000000000000 does not exist"
    assert look(world, "mount-target-missing")[0].verdict == "refuted"
    assert f"it is made for {world.file_system_id}" in fix


def test_a_handle_of_another_cluster_is_the_wrong_one(world: World) -> None:
    other = world.efs.create_file_system(CreationToken="other")["FileSystemId"]
    world.handle(other)
    finding, _ = look(world, "wrong-file-system")
    assert finding.verdict == "proved"
    assert finding.saw == f"{other} is not {world.file_system_id}, the one of this cluster"


def test_an_address_that_no_mount_target_has_is_told_with_those_that_they_have(world: World) -> None:
    csi = world.object("PersistentVolume")["spec"]["csi"]
    csi["volumeAttributes"] = {"mounttargetip": "10.9.9.9"}
    finding, fix = look(world, "wrong-mount-target-address")
    assert finding.verdict == "proved"
    real = [
        each["IpAddress"]
        for each in world.efs.describe_mount_targets(FileSystemId=world.file_system_id)["MountTargets"]
    ]
    assert "it is 10.9.9.9" in finding.saw
    assert all(address in fix for address in real)
    csi["volumeAttributes"] = {"mounttargetip": real[0]}
    assert look(world, "wrong-mount-target-address")[0].verdict == "refuted"


def test_our_own_policy_lets_pods_mount_and_write(world: World) -> None:
    arn = world.efs.describe_file_systems()["FileSystems"][0]["FileSystemArn"]
    put_policy(world, *policy(arn)["Statement"])
    for rule_id in ("file-system-policy-denies-mount", "file-system-policy-denies-write"):
        assert look(world, rule_id)[0].verdict == "refuted"


@pytest.mark.parametrize(
    ("statements", "because"),
    [
        ([allow(WRITE, ROOT)], "no statement allows ClientMount"),
        ([allow(MOUNT, WRITE, ROOT), allow(MOUNT, Sid="No", Effect="Deny")], "No denies ClientMount"),
        ([allow(MOUNT, Principal={"AWS": "arn:aws:iam::123456789012:role/one"})], "no statement allows ClientMount"),
        ([allow(MOUNT, Condition={"Bool": {"aws:SecureTransport": "false"}})], "no statement allows ClientMount"),
        ([allow("*"), allow("elasticfilesystem:*", Effect="Deny")], "statement 2 denies ClientMount"),
        ([allow(NotAction="elasticfilesystem:ClientMount")], "no statement allows ClientMount"),
    ],
)
def test_a_policy_that_refuses_the_mount_is_told_with_its_statement(
    world: World, statements: list[dict[str, Any]], because: str
) -> None:
    for statement in statements:
        if "NotAction" in statement:
            del statement["Action"]
    put_policy(world, *statements)
    finding, fix = look(world, "file-system-policy-denies-mount")
    assert finding.verdict == "proved"
    assert because in finding.saw
    assert fix.startswith(f"allow {MOUNT} through mount targets in the policy of {world.file_system_id}")


@pytest.mark.parametrize(
    "statement",
    [
        allow("*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        allow("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
    ],
)
def test_a_condition_that_only_a_mount_can_tell_leaves_it_possible(world: World, statement: dict[str, Any]) -> None:
    put_policy(world, statement)
    assert look(world, "file-system-policy-denies-mount")[0].verdict == "possible"


@pytest.mark.parametrize(("allowed", "missing"), [((MOUNT, ROOT), WRITE), ((MOUNT, WRITE), ROOT), ((MOUNT,), WRITE)])
def test_a_policy_that_refuses_writing_names_the_missing_actions(
    world: World, allowed: tuple[str, ...], missing: str
) -> None:
    put_policy(world, allow(*allowed))
    finding, fix = look(world, "file-system-policy-denies-write")
    assert finding.verdict == "proved"
    assert missing in fix
    assert look(world, "file-system-policy-denies-mount")[0].verdict == "refuted"


def test_an_access_point_that_does_not_exist_is_named(world: World) -> None:
    world.handle(f"{world.file_system_id}::fsap-00000000000000000")
    finding, fix = look(world, "access-point-missing")
    assert finding.verdict == "proved"
    assert fix.endswith(f"an access point of {world.file_system_id} that exists, not fsap-00000000000000000")


def test_an_access_point_of_another_file_system_is_named(world: World) -> None:
    made = access_point(world)
    other = world.efs.create_file_system(CreationToken="other")["FileSystemId"]
    world.handle(f"{other}::{made}")
    finding, _ = look(world, "access-point-missing")
    assert finding.verdict == "proved"
    assert finding.saw == f"it belongs to {world.file_system_id}, not {other}"


@pytest.mark.parametrize("text", [SERVER_SAID, DENIED])
def test_a_directory_that_nobody_makes_is_missing_when_the_server_says_so(world: World, text: str) -> None:
    made = access_point(world, RootDirectory={"Path": "/team"})
    finding, fix = look(world, "access-point-directory-missing", text)
    assert finding.verdict == "proved"
    assert made in finding.looked_at
    assert fix.startswith(f"make the directory /team on {world.file_system_id}")
    assert look(world, "access-point-directory-missing")[0].verdict == "possible"


def test_a_denial_that_the_policy_explains_is_no_proof_of_a_missing_directory(world: World) -> None:
    access_point(world, RootDirectory={"Path": "/team"})
    put_policy(world, allow(WRITE))
    assert look(world, "access-point-directory-missing", DENIED)[0].verdict == "possible"


def test_a_path_in_the_handle_is_not_made_by_mounting(world: World) -> None:
    world.handle(f"{world.file_system_id}:/team")
    finding, fix = look(world, "access-point-directory-missing", SERVER_SAID)
    assert finding.verdict == "proved"
    assert "/team" in fix


TEAMS_DIRECTORY = {"uid": 1000, "gid": 1000, "path": "/teams/red"}


@pytest.mark.parametrize(
    ("root", "path_in_handle", "shown"),
    [
        ("/teams/red", "", None),
        ("/teams", "/red", None),
        ("/teams", "", "/teams"),
        ("/teams/blue", "", "/teams/blue"),
        (None, "", "/"),
        (None, "/teams/blue", "/teams/blue"),
    ],
)
def test_the_directory_that_a_volume_shows_is_compared_with_the_one_asked_for(
    world: World, root: str | None, path_in_handle: str, shown: str | None
) -> None:
    world.request = request_for(storage={"access_point": TEAMS_DIRECTORY})
    made = access_point(world, RootDirectory={"Path": root}) if root else ""
    world.handle(f"{world.file_system_id}:{path_in_handle}:{made}".rstrip(":"))
    finding, fix = look(world, "volume-shows-another-directory")
    assert finding.verdict == ("proved" if shown else "refuted")
    if shown:
        assert finding.saw.startswith(f"it is {shown}, not /teams/red: its volumeHandle is ")
        assert "delete claim and efs-pv" in fix
        assert fix.endswith(f"access point of /teams/red; what its pods have written is in {shown}")


def test_a_volume_that_is_to_show_the_root_or_shows_nothing_is_no_cause_of_that(world: World) -> None:
    assert look(world, "volume-shows-another-directory")[0].verdict == "refuted"
    world.request = request_for(storage={"access_point": TEAMS_DIRECTORY})
    world.handle(f"{world.file_system_id}::fsap-00000000000000000")
    assert look(world, "volume-shows-another-directory")[0].verdict == "refuted"


def owned(uid: int, permissions: str = "0755") -> dict[str, Any]:
    return {"Path": "/team", "CreationInfo": {"OwnerUid": uid, "OwnerGid": uid, "Permissions": permissions}}


@pytest.mark.parametrize(
    ("user", "directory", "verdict"),
    [
        (1000, owned(1000), "refuted"),
        (1000, owned(2000), "proved"),
        (1000, owned(2000, "0777"), "refuted"),
        (1000, owned(1000, "0555"), "proved"),
        (0, owned(1000), "refuted"),
        (1000, {"Path": "/team"}, "possible"),
    ],
)
def test_the_user_of_an_access_point_is_compared_with_the_owner_of_its_directory(
    world: World, user: int, directory: dict[str, Any], verdict: str
) -> None:
    access_point(world, PosixUser={"Uid": user, "Gid": user}, RootDirectory=directory)
    finding, fix = look(world, "access-point-user")
    assert finding.verdict == verdict
    if verdict == "proved":
        assert fix.endswith(f"belongs to uid {user} and gid {user}")


def test_a_pod_that_is_not_root_cannot_write_to_the_root_directory(world: World) -> None:
    world.pod(securityContext={"runAsUser": 1000})
    finding, _ = look(world, "access-point-user")
    assert finding.verdict == "proved"
    assert "uid 1000" in finding.saw


def test_a_root_user_is_not_asked_for_where_an_access_point_decides_who_everybody_is(world: World) -> None:
    access_point(world, PosixUser={"Uid": 1, "Gid": 1}, RootDirectory=owned(1))
    put_policy(world, allow(MOUNT, WRITE))
    assert look(world, "file-system-policy-denies-write")[0].verdict == "refuted"
