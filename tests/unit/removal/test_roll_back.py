"""A roll-back removes what the run has made, and leaves what was there before it."""

import copy
from typing import Any

import pytest

from provisioner.errors import ErrorReason, RetryableError
from provisioner.kubernetes import storage
from provisioner.removal.existing import Existing
from provisioner.resources import cluster_access, file_system, file_system_removal
from tests.unit.inspection.world import World
from tests.unit.removal.conftest import Removal, reach, snapshot
from tests.unit.removal.test_removal import GONE, calls_of
from tests.unit.resources.aws_calls import alter, http
from tests.unit.resources.networks import SomebodysVpc, stack_becomes
from tests.unit.resources.samples import PROVISIONER_ROLE_ARN


@pytest.fixture
def before(empty: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Nothing is there; the network is somebody's."""
    empty.parts["network"] = SomebodysVpc.made(empty.ec2).asked
    reach(empty, monkeypatch)
    return empty


def rolled_back(world: World, found: dict[str, Any]) -> Removal:
    removal = Removal(world, existing=Existing.of(found), delete_data=True)
    removal.finish_all()
    return removal


def metered(world: World, size: int) -> None:
    def told(parsed: dict[str, Any]) -> None:
        for each in parsed["FileSystems"]:
            each["SizeInBytes"] = {"Value": size}

    alter(world.efs, "DescribeFileSystems", told)


def test_what_was_not_there_before_is_gone_afterwards_the_empty_file_system_and_the_logs_too(before: World) -> None:
    found = snapshot(before)
    assert found == GONE | {"log_group": None}
    before.provision()
    metered(before, file_system_removal.EMPTY_BYTES)
    rolled_back(before, found)
    assert snapshot(before) == found
    assert before.efs.describe_file_systems()["FileSystems"] == []


def test_a_file_system_of_the_run_in_which_there_is_something_is_kept(before: World) -> None:
    found = snapshot(before)
    before.provision()
    metered(before, file_system_removal.EMPTY_BYTES + 1)
    rolled_back(before, found)
    (kept,) = before.efs.describe_file_systems()["FileSystems"]
    assert file_system.kept_since(kept) is None  # the next run's own
    assert snapshot(before) == found | {"file_system_id": kept["FileSystemId"]}


def test_what_was_all_there_before_is_untouched(before: World) -> None:
    before.parts["storage"] = {"access_point": {"uid": 1, "gid": 1, "path": "/"}}
    before.provision()
    found = snapshot(before)
    assert len(found["access_point_ids"]) == 1
    assert found["objects"] == [
        "PersistentVolumeClaim default/efs-claim",
        "PersistentVolume efs-pv",
        "StorageClass efs-sc",
    ]
    calls, objects = calls_of(before), copy.deepcopy(before.objects.objects)
    rolled_back(before, found)
    assert calls.mutating == []
    assert before.objects.objects == objects


def test_in_a_cluster_that_was_there_the_parts_that_the_run_has_made_go(before: World) -> None:
    before.provision()
    found = snapshot(before)
    (gone, *_) = found["mount_target_ids"]
    person = "arn:aws:iam::123456789012:role/person"
    cluster_access.create(before.request, person, "STANDARD", before.eks.client, before.iam.client)
    missing = {
        "addon": None,
        "fargate_profiles": [],
        "mount_target_ids": [each for each in found["mount_target_ids"] if each != gone],
        "objects": ["StorageClass efs-sc"],
    }
    rolled_back(before, found | missing)
    assert snapshot(before) == found | missing
    assert person not in before.eks.access_entries
    assert PROVISIONER_ROLE_ARN in before.eks.access_entries


def test_a_kept_file_system_that_the_run_has_taken_over_is_kept_again_since_when_it_was(before: World) -> None:
    kept = file_system.ensure(before.request, before.efs).facts["file_system_id"]
    file_system_removal.keep(before.request, kept, "2029-01-01T00:00:00Z", before.efs)
    before.parts["file_system"] = {"existing": kept}
    found = snapshot(before)
    before.provision()
    rolled_back(before, found)
    (left,) = before.efs.describe_file_systems()["FileSystems"]
    assert file_system.kept_since(left) == "2029-01-01T00:00:00Z"
    assert snapshot(before) == found


def test_of_a_cluster_that_did_not_tell_no_object_is_removed(before: World) -> None:
    before.provision()
    before.objects.access_after_calls = 1
    found = snapshot(before)
    assert found["objects"] is None
    storage.ensure(before.request, before.objects, before.file_system_id, {"efs-pv": None})
    changes = list(before.objects.changes)
    rolled_back(before, found)
    assert before.objects.changes == changes


def test_an_api_that_fails_is_asked_again_before_anything_is_made(
    before: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before.provision()

    def failing(*_: Any) -> Any:
        raise RetryableError(ErrorReason.NOT_YET_CONSISTENT, "list", remedy="again")

    monkeypatch.setattr("provisioner.removal.existing.api_of", failing)
    with pytest.raises(RetryableError):
        snapshot(before)


def test_a_network_that_was_there_stays_and_one_made_in_its_place_goes(
    created: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    created.cloudformation.meta.events.register("before-call.cloudformation.DeleteStack", lambda **_: (http(200), {}))
    reach(created, monkeypatch)
    found = snapshot(created)
    assert found["network_stack_id"].startswith("arn:aws:cloudformation:")
    calls = calls_of(created)
    assert Removal(created, existing=Existing.of(found)).network().ready
    assert calls.mutating == []
    # NAT gateways that only this run has made go while the cluster that was there before lives on in the network.
    assert found["nat_stack_id"].startswith("arn:aws:cloudformation:")
    waiting = Removal(created, existing=Existing.of(found | {"nat_stack_id": None})).network()
    assert waiting.facts["waiting_for"] == ["eks-efs-provisioner-eks-example-nat"]
    assert calls.mutating == ["DeleteStack"]
    another = Removal(created, existing=Existing.of(GONE | {"network_stack_id": "arn:aws:cloudformation:another"}))
    another.finish(another.storage, another.cluster, another.file_system)
    calls = calls_of(created)
    assert another.network().facts["waiting_for"] == ["eks-efs-provisioner-eks-example-nat"]
    stack_becomes(created.cloudformation, "-nat", StackStatus="DELETE_COMPLETE")
    assert another.network().facts["waiting_for"] == ["eks-efs-provisioner-eks-example-network"]
    assert calls.mutating == ["DeleteStack", "DeleteStack"]


def test_no_word_about_what_was_there_is_no_roll_back() -> None:
    assert Existing.of(None) is None
    assert Existing.of({}) == Existing()
