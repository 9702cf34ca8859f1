from typing import Any

import pytest

from provisioner.errors import ErrorReason, RetryableError, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.resources import file_system
from tests.unit.resources.aws_calls import Calls, alter, refuse
from tests.unit.resources.samples import OWNER_TAGS, request_for

ASKED_FOR = {"uid": 1000, "gid": 2000, "path": "/data"}


def ensure(efs: Any, **changes: Any) -> Observation:
    return file_system.ensure(request_for(storage={"access_point": {**ASKED_FOR, **changes}}), efs)


def altered(efs: Any, **values: Any) -> None:
    ensure(efs)
    alter(efs, "DescribeAccessPoints", lambda parsed: [each.update(values) for each in parsed["AccessPoints"]])


def test_the_access_point_has_the_user_and_a_directory_that_user_owns(efs: Any) -> None:
    observation = ensure(efs)
    (made,) = efs.describe_access_points()["AccessPoints"]
    assert observation.ready
    assert observation.facts == {
        "file_system_id": made["FileSystemId"],
        "access_point_id": made["AccessPointId"],
        "access_point_ids": {"efs-pv": made["AccessPointId"]},
    }
    assert made["PosixUser"] == {"Uid": 1000, "Gid": 2000}
    assert made["RootDirectory"] == {
        "Path": "/data",
        "CreationInfo": {"OwnerUid": 1000, "OwnerGid": 2000, "Permissions": "0755"},
    }
    assert OWNER_TAGS.items() <= {tag["Key"]: tag["Value"] for tag in made["Tags"]}.items()


def test_a_second_run_changes_nothing(efs: Any) -> None:
    first = ensure(efs)
    calls = Calls(efs)
    assert ensure(efs) == first
    assert calls.mutating == []


def test_the_directory_is_made_with_the_permissions_asked_for_which_cannot_be_changed_later(efs: Any) -> None:
    ensure(efs, permissions="0700")
    (made,) = efs.describe_access_points()["AccessPoints"]
    assert made["RootDirectory"]["CreationInfo"]["Permissions"] == "0700"
    assert ensure(efs, permissions="700").ready
    with pytest.raises(TerminalError, match=r"at /data with permissions 0700, asked for .* with permissions 0750"):
        ensure(efs, permissions="0750")


def test_each_of_several_volumes_has_an_access_point_of_its_own(efs: Any) -> None:
    volumes = [
        {"name": name, "claim": name, **({"access_point": {**ASKED_FOR, "path": path}} if path else {})}
        for name, path in (("red", "/red"), ("blue", "/blue"), ("all", None))
    ]
    ids = file_system.ensure(request_for(storage={"volumes": volumes}), efs).facts["access_point_ids"]
    paths = {
        each["AccessPointId"]: each["RootDirectory"]["Path"] for each in efs.describe_access_points()["AccessPoints"]
    }
    assert {name: each and paths[each] for name, each in ids.items()} == {"red": "/red", "blue": "/blue", "all": None}


def test_the_access_point_of_a_cluster_of_one_volume_stays_that_of_whichever_volume_has_its_directory(efs: Any) -> None:
    request = request_for(storage={"access_point": ASKED_FOR})
    file_system_id = file_system.ensure(request_for(), efs).facts["file_system_id"]
    earlier = efs.create_access_point(
        ClientToken=request.idempotency_token(f"access-point of {file_system_id}"),
        FileSystemId=file_system_id,
        PosixUser={"Uid": 1000, "Gid": 2000},
        RootDirectory={"Path": "/data"},
        Tags=[{"Key": key, "Value": value} for key, value in OWNER_TAGS.items()],
    )["AccessPointId"]
    assert file_system.ensure(request, efs).facts["access_point_id"] == earlier
    volumes = [
        {"name": path, "claim": path, "access_point": {**ASKED_FOR, "path": f"/{path}"}} for path in ("other", "data")
    ]
    ids = file_system.ensure(request_for(storage={"volumes": volumes}), efs).facts["access_point_ids"]
    assert ids["data"] == earlier != ids["other"]


@pytest.mark.parametrize("change", [{"uid": 1}, {"gid": 1}, {"path": "/other"}])
def test_another_user_or_path_cannot_be_had_from_the_same_access_point(change: dict[str, Any], efs: Any) -> None:
    ensure(efs)
    with pytest.raises(TerminalError, match="is for 1000:2000 at /data") as raised:
        ensure(efs, **change)
    assert raised.value.reason is ErrorReason.IMMUTABLE


def test_an_access_point_of_another_owner_is_refused(efs: Any) -> None:
    altered(efs, Tags=[])
    with pytest.raises(TerminalError, match="fsap-") as raised:
        ensure(efs)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER


@pytest.mark.parametrize(("state", "reason"), [("creating", Reason.CREATING), ("deleting", Reason.DELETING)])
def test_an_access_point_under_way_is_waited_for(state: str, reason: Reason, efs: Any) -> None:
    altered(efs, LifeCycleState=state)
    observation = ensure(efs)
    assert (observation.ready, observation.reason) == (False, reason)


@pytest.mark.parametrize("state", ["error", "a_state_of_next_year"])
def test_a_broken_access_point_ends_the_run(state: str, efs: Any) -> None:
    altered(efs, LifeCycleState=state)
    with pytest.raises(TerminalError, match=state) as raised:
        ensure(efs)
    assert raised.value.reason is ErrorReason.UNUSABLE


def test_an_access_point_created_by_another_run_in_the_same_moment_is_looked_at_again(efs: Any) -> None:
    refuse(efs, "CreateAccessPoint", "AccessPointAlreadyExists", meanwhile=lambda: ensure(efs))
    with pytest.raises(RetryableError) as raised:
        ensure(efs)
    assert raised.value.reason is ErrorReason.NOT_YET_CONSISTENT
    assert ensure(efs).ready
    assert len(efs.describe_access_points()["AccessPoints"]) == 1
