"""Drift where there are several volumes: whose it is, is told, and what they share is told once."""

from typing import Any

import pytest

from provisioner.difference import Difference, drift
from provisioner.inspection.objects import objects
from tests.unit.inspection.world import World

VOLUMES: list[dict[str, Any]] = [
    {"name": f"efs-{team}", "claim": "shared", "namespace": team, "access_point": {"uid": 1, "gid": 1, "path": path}}
    for team, path in (("red", "/red"), ("blue", "/blue"), ("green", "/green"), ("grey", "/grey"))
]


@pytest.fixture
def teams(created: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("provisioner.inspection.objects.api_of", lambda *_: created.objects)
    created.parts["storage"] = {"volumes": VOLUMES}
    created.provision()
    return created


def differences(world: World) -> list[Difference]:
    return [*world.differences(), *drift(objects(world.request, world.target))]


def told(world: World) -> list[tuple[str, str]]:
    return [(each.resource, each.path) for each in differences(world)]


def test_as_a_run_leaves_them_there_is_no_difference(teams: World) -> None:
    assert told(teams) == []
    assert list(teams.eks.fargate_profiles) == ["provisioner", "provisioner-2"]


def test_one_volume_that_mounts_something_else_is_told_by_its_name(teams: World) -> None:
    volume = teams.objects.objects["PersistentVolume", None, "efs-blue"]
    volume["spec"]["csi"]["volumeHandle"] = teams.file_system_id
    assert told(teams) == [("PersistentVolume efs-blue", "spec.csi.volumeHandle")]


def test_of_claims_of_one_name_the_namespace_tells_which(teams: World) -> None:
    del teams.objects.objects["PersistentVolumeClaim", "green", "shared"]
    assert ("PersistentVolumeClaim green/shared", "exists") in told(teams)
    assert "red/shared" not in str(told(teams))


def test_one_access_point_that_is_gone_is_told_with_its_volume(teams: World) -> None:
    points = teams.efs.describe_access_points()["AccessPoints"]
    (blue,) = [each for each in points if each["RootDirectory"]["Path"] == "/blue"]
    teams.efs.delete_access_point(AccessPointId=blue["AccessPointId"])
    assert ("access point of eks-example's volume efs-blue", "exists") in told(teams)
    assert "efs-red" not in str(told(teams))


def test_a_storage_class_that_all_share_is_told_once(teams: World) -> None:
    del teams.objects.objects["StorageClass", None, "efs-sc"]
    assert told(teams) == [("StorageClass efs-sc", "exists")]


def test_a_further_profile_that_is_gone_is_drift_which_a_run_repairs(teams: World) -> None:
    del teams.eks.fargate_profiles["provisioner-2"]
    found = differences(teams)
    assert {each.resource for each in found} == {"Fargate profile provisioner"}
    assert [each.path for each in found] == [f"selectors.{team}" for team in ("red", "blue", "green", "grey")]
    assert all(each.repairable for each in found)
    teams.provision()
    assert told(teams) == []


def test_a_further_profile_is_looked_at_like_the_first(teams: World) -> None:
    teams.eks.fargate_profiles["provisioner-2"]["podExecutionRoleArn"] += "-x"
    assert told(teams) == [("Fargate profile provisioner-2", "podExecutionRoleArn")]
