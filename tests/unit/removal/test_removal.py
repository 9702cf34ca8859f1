"""A teardown: everything goes but the data, unless that is asked for."""

from typing import Any

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.fields import OWNER_TAG
from provisioner.observation import Reason
from provisioner.resources import file_system
from tests.unit.inspection.world import World
from tests.unit.removal.conftest import Removal, reach, snapshot
from tests.unit.resources.aws_calls import Calls, http
from tests.unit.resources.networks import SomebodysVpc
from tests.unit.resources.samples import REMOVER_ROLE_ARN

GONE: dict[str, Any] = {
    "network_stack_id": None,
    "nat_stack_id": None,
    "cluster": None,
    "access_entries": [],
    "fargate_profiles": [],
    "addon": None,
    "log_group": "/aws/eks/eks-example/cluster",
    "security_group_id": None,
    "file_system_id": None,
    "file_system_kept": None,
    "access_point_ids": [],
    "mount_target_ids": [],
    "objects": [],
}


def calls_of(world: World) -> Calls:
    return Calls(world.eks.client, world.efs, world.ec2, world.cloudformation, world.logs)


def test_without_a_word_about_data_the_file_system_is_kept_and_told_and_all_else_but_the_logs_goes(
    removal: Removal,
) -> None:
    *_, data, _ = removal.finish_all()
    assert snapshot(removal.world) == GONE
    assert data.facts == {
        "file_system": {
            "file_system_id": removal.world.file_system_id,
            "size_bytes": 0,
            "kept_since": "2030-01-01T12:00:00Z",
        }
    }
    assert removal.world.efs.describe_mount_targets(FileSystemId=removal.world.file_system_id)["MountTargets"] == []


def test_a_second_removal_changes_nothing(removal: Removal) -> None:
    removal.finish_all()
    calls = calls_of(removal.world)
    removal.finish_all()
    assert calls.mutating == []
    removal.file_system_id = removal.world.file_system_id
    (data,) = removal.finish(removal.file_system)
    assert data.facts["file_system"]["kept_since"] == "2030-01-01T12:00:00Z"
    assert calls.mutating == []


def test_data_and_logs_go_when_that_is_asked_for(empty: World, monkeypatch: pytest.MonkeyPatch) -> None:
    empty.parts["network"] = SomebodysVpc.made(empty.ec2).asked
    empty.parts["storage"] = {"access_point": {"uid": 1, "gid": 1, "path": "/"}}
    empty.provision()
    reach(empty, monkeypatch)
    removal = Removal(empty, delete_data=True, delete_logs=True, file_system_id=empty.file_system_id)
    *_, data, _ = removal.finish_all()
    assert data.facts == {"file_system": None}
    assert snapshot(empty) == GONE | {"log_group": None}
    assert empty.efs.describe_file_systems()["FileSystems"] == []


def test_the_recorded_file_system_is_the_one_that_goes_and_a_later_one_stays(removal: Removal) -> None:
    removal.finish_all()
    fresh = file_system.ensure(removal.world.request, removal.world.efs).facts["file_system_id"]
    removal.delete_data, removal.file_system_id = True, removal.world.file_system_id
    removal.finish(removal.file_system)
    (left,) = removal.world.efs.describe_file_systems()["FileSystems"]
    assert left["FileSystemId"] == fresh
    assert not file_system.kept_since(left)


def test_a_network_that_was_given_is_not_even_asked_about(removal: Removal) -> None:
    calls = calls_of(removal.world)
    assert removal.network().ready
    assert calls.names == []


def test_the_created_network_goes_when_all_else_is_gone(created: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto's stacks cannot delete a network, and are only asked to."""
    created.cloudformation.meta.events.register("before-call.cloudformation.DeleteStack", lambda **_: (http(200), {}))
    reach(created, monkeypatch)
    removal = Removal(created)
    calls = calls_of(created)
    assert removal.network().reason is Reason.WAITING_FOR_NETWORK_INTERFACES
    removal.finish(removal.storage, removal.cluster, removal.file_system)
    assert "DeleteStack" not in calls.names
    assert removal.network().reason is Reason.DELETING
    assert calls.mutating[-1] == "DeleteStack"


def test_a_cluster_of_another_is_refused_before_anything_in_it_is_touched(removal: Removal) -> None:
    removal.world.cluster["tags"] = {}
    calls = calls_of(removal.world)
    for step in (removal.storage, removal.cluster):
        with pytest.raises(TerminalError, match="cluster eks-example") as raised:
            step()
        assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []
    assert not [each for each in removal.world.objects.changes if each.startswith("delete")]


@pytest.mark.parametrize("obstacle", ["protection", "node group", "profile"])
def test_what_keeps_the_cluster_is_told_while_everything_in_it_is_still_there(obstacle: str, removal: Removal) -> None:
    world = removal.world
    if obstacle == "protection":
        world.cluster["deletionProtection"] = True
    elif obstacle == "node group":
        world.eks.nodegroups.append("workers")
    else:
        world.eks.fargate_profiles["theirs"] = {**world.profile}
    calls = calls_of(world)
    for step in (removal.storage, removal.cluster):
        with pytest.raises(TerminalError, match=r"deletion protection|workers|theirs"):
            step()
    assert calls.mutating == []
    assert not [each for each in world.objects.changes if each.startswith("delete")]


def test_a_file_system_of_another_keeps_its_mount_targets(removal: Removal) -> None:
    removal.world.efs_backend.tagging_service.delete_all_tags_for_resource(removal.world.file_system_id)
    calls = calls_of(removal.world)
    with pytest.raises(TerminalError, match=removal.world.file_system_id) as raised:
        removal.file_system()
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


def test_others_access_points_keep_a_file_system_that_was_to_be_deleted_and_its_mount_targets(removal: Removal) -> None:
    world = removal.world
    theirs = world.efs.create_access_point(ClientToken="theirs", FileSystemId=world.file_system_id)["AccessPointId"]
    removal.delete_data = True
    calls = calls_of(world)
    with pytest.raises(TerminalError, match=theirs):
        removal.file_system()
    assert calls.mutating == []
    removal.delete_data = False
    removal.finish(removal.file_system)


def test_the_addon_and_the_profile_go_together_and_the_cluster_after_them(removal: Removal) -> None:
    calls = calls_of(removal.world)
    assert removal.cluster().reason is Reason.DELETING
    assert calls.mutating == ["DeleteAddon", "DeleteFargateProfile"]
    del removal.world.eks.fargate_profiles["provisioner"]
    removal.cluster()
    assert calls.mutating == ["DeleteAddon", "DeleteFargateProfile"]
    del removal.world.eks.addons["coredns"]
    removal.cluster()
    assert calls.mutating == ["DeleteAddon", "DeleteFargateProfile", "DeleteCluster"]


def test_the_logs_stay_until_their_cluster_is_gone(removal: Removal) -> None:
    removal.delete_logs = True
    calls = calls_of(removal.world)
    while not removal.cluster().ready:
        assert "DeleteLogGroup" not in calls.names
        removal.world._eks_goes_on()
    assert calls.mutating[-1] == "DeleteLogGroup"


@pytest.mark.parametrize("status", ["CREATING", "FAILED", "DELETING", None])
def test_a_cluster_that_does_not_answer_has_no_storage_to_remove(status: str | None, removal: Removal) -> None:
    if status:
        removal.world.cluster["status"] = status
    else:
        removal.world.eks.clusters.clear()
    removal.world.objects.access_after_calls = 100
    assert removal.storage().ready


def test_what_is_in_a_cluster_that_an_earlier_version_made_without_an_entry_for_the_remover_goes_with_it(
    removal: Removal,
) -> None:
    removal.world.objects.access_after_calls = 100
    del removal.world.eks.access_entries[REMOVER_ROLE_ARN]
    removal.finish_all()
    assert snapshot(removal.world) == GONE
    assert not [each for each in removal.world.objects.changes if each.startswith("delete")]


def test_an_access_entry_that_the_cluster_does_not_know_yet_is_waited_for(removal: Removal) -> None:
    removal.world.objects.access_after_calls = 1
    observation = removal.storage()
    assert (observation.ready, observation.reason) == (False, Reason.ACCESS_NOT_YET_EFFECTIVE)


def test_a_group_of_anothers_with_the_name_of_ours_is_refused(removal: Removal) -> None:
    removal.finish(removal.storage, removal.cluster)
    removal.world.ec2.delete_tags(Resources=[removal.world.group_id], Tags=[{"Key": OWNER_TAG}])
    with pytest.raises(TerminalError, match=removal.world.group_id) as raised:
        removal.finish(removal.file_system)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
