"""Removal of mount targets, security group, access points and file system, against moto."""

from dataclasses import dataclass
from typing import Any

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.resources import (
    access_point_removal,
    file_system,
    file_system_removal,
    mount_targets,
    mount_targets_removal,
    security_group,
    security_group_removal,
)
from provisioner.resources.vpc import Network
from tests.unit.resources.aws_calls import Calls, refuse
from tests.unit.resources.samples import NOW, OWNER_TAGS, key_values, request_for

REQUEST = request_for(storage={"access_point": {"uid": 1000, "gid": 1000, "path": "/data"}})


@dataclass
class Storage:
    ec2: Any
    efs: Any
    backend: Any
    network: Network
    group_id: str
    file_system_id: str

    def mount_targets(self, *kept: str) -> Observation:
        return mount_targets_removal.remove(self.file_system_id, self.group_id, kept, self.efs)

    def group(self) -> Observation:
        return security_group_removal.remove(REQUEST, self.network.vpc_id, self.ec2)

    def access_points(self, *kept: str) -> Observation:
        return access_point_removal.remove(REQUEST, self.file_system_id, kept, self.efs)

    def file_system(self) -> Observation:
        return file_system_removal.remove(REQUEST, self.file_system_id, self.efs)

    def keep(self) -> Observation:
        return file_system_removal.keep(REQUEST, self.file_system_id, NOW, self.efs)

    @property
    def targets(self) -> list[Any]:
        return list(self.backend.mount_targets_by_id.values())


@pytest.fixture
def storage(ec2: Any, efs: Any, efs_backend: Any) -> Storage:
    """All of it made, as a run leaves it."""
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc_id, AvailabilityZone=f"ap-northeast-1{zone}", CidrBlock=f"10.0.{i}.0/24")["Subnet"]
        for i, zone in enumerate("ac")
    ]
    network = Network.from_subnets(vpc_id, subnets)
    group_id = security_group.ensure(REQUEST, network, ec2).facts["security_group_id"]
    file_system_id = file_system.ensure(REQUEST, efs).facts["file_system_id"]
    mount_targets.ensure(REQUEST, network, group_id, file_system_id, efs)
    return Storage(ec2, efs, efs_backend, network, group_id, file_system_id)


def test_mount_targets_are_deleted_at_once_and_waited_for(storage: Storage) -> None:
    calls, ids = Calls(storage.efs), {each.mount_target_id for each in storage.targets}
    observation = storage.mount_targets()
    assert (observation.ready, observation.reason) == (False, Reason.DELETING)
    assert set(observation.facts["waiting_for"]) == ids
    assert calls.mutating == ["DeleteMountTarget"] * 2
    assert storage.mount_targets().ready  # moto's go at once


@pytest.mark.parametrize(
    ("state", "reason"),
    [("creating", Reason.CREATING), ("updating", Reason.UPDATING), ("deleting", Reason.DELETING)],
)
def test_a_mount_target_under_way_is_waited_for_and_not_deleted_twice(
    state: str, reason: Reason, storage: Storage
) -> None:
    for each in storage.targets:
        each.life_cycle_state = state
    calls = Calls(storage.efs)
    assert (storage.mount_targets().ready, storage.mount_targets().reason) == (False, reason)
    assert calls.mutating == []


def test_a_broken_mount_target_is_deleted_and_a_state_of_next_year_ends_the_removal(storage: Storage) -> None:
    broken, other = storage.targets
    broken.life_cycle_state = "error"
    storage.mount_targets(other.mount_target_id)
    assert storage.targets == [other]
    other.life_cycle_state = "a_state_of_next_year"
    with pytest.raises(TerminalError, match="a_state_of_next_year"):
        storage.mount_targets()


def test_a_mount_target_that_starts_changing_meanwhile_is_waited_for(storage: Storage) -> None:
    refuse(storage.efs, "DescribeMountTargetSecurityGroups", "IncorrectMountTargetState")
    observation = storage.mount_targets()
    assert len(observation.facts["waiting_for"]) == 2
    assert len(storage.targets) == 1


@pytest.mark.parametrize("code", ["MountTargetNotFound", "DependencyTimeout"])
def test_a_mount_target_that_goes_by_itself_or_late_is_no_error(code: str, storage: Storage) -> None:
    refuse(storage.efs, "DeleteMountTarget", code)
    assert [storage.mount_targets().ready for _ in range(3)] == [False, False, True]
    assert storage.targets == []


def test_somebody_elses_mount_target_is_named_and_none_is_deleted(storage: Storage) -> None:
    theirs = storage.targets[1].mount_target_id
    other = storage.ec2.create_security_group(GroupName="other", Description="x", VpcId=storage.network.vpc_id)
    storage.efs.modify_mount_target_security_groups(MountTargetId=theirs, SecurityGroups=[other["GroupId"]])
    calls = Calls(storage.efs)
    with pytest.raises(TerminalError, match=theirs) as raised:
        storage.mount_targets()
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


def test_mount_targets_that_were_there_before_stay(storage: Storage) -> None:
    kept, gone = (each.mount_target_id for each in storage.targets)
    assert storage.mount_targets(kept).facts["waiting_for"] == [gone]
    assert storage.mount_targets(kept).ready
    assert [each.mount_target_id for each in storage.targets] == [kept]


def test_the_group_waits_for_the_interfaces_that_use_it_and_names_them(storage: Storage) -> None:
    calls = Calls(storage.ec2)
    observation = storage.group()
    assert (observation.ready, observation.reason) == (False, Reason.WAITING_FOR_NETWORK_INTERFACES)
    assert len(observation.facts["waiting_for"]) == 2
    assert all(each.startswith("eni-") for each in observation.facts["waiting_for"])
    assert calls.mutating == []
    storage.mount_targets()
    assert storage.group().ready
    assert calls.mutating == ["DeleteSecurityGroup"]
    assert storage.group().ready
    assert calls.mutating == ["DeleteSecurityGroup"]


def test_the_group_waits_for_groups_whose_rules_name_it(storage: Storage) -> None:
    storage.mount_targets()
    other = storage.ec2.create_security_group(GroupName="other", Description="x", VpcId=storage.network.vpc_id)
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": storage.group_id}]}
    storage.ec2.authorize_security_group_ingress(GroupId=other["GroupId"], IpPermissions=[rule])
    refuse(storage.ec2, "DeleteSecurityGroup", "DependencyViolation")
    observation = storage.group()
    assert (observation.ready, observation.reason) == (False, Reason.WAITING_FOR_OTHERS)
    assert observation.facts["waiting_for"] == [f"{other['GroupId']} (other), whose rules name {storage.group_id}"]


def test_a_group_of_another_owner_is_refused_and_stays(storage: Storage) -> None:
    storage.mount_targets()
    storage.ec2.delete_tags(Resources=[storage.group_id], Tags=[{"Key": "eks-efs-provisioner/cluster"}])
    calls = Calls(storage.ec2)
    with pytest.raises(TerminalError, match=storage.group_id) as raised:
        storage.group()
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


def test_a_group_that_goes_meanwhile_is_done_and_other_refusals_are_passed_on(storage: Storage) -> None:
    storage.mount_targets()
    refuse(storage.ec2, "DeleteSecurityGroup", "InvalidGroup.NotFound")
    assert storage.group().ready
    refuse(storage.ec2, "DeleteSecurityGroup", "UnauthorizedOperation")
    with pytest.raises(storage.ec2.exceptions.ClientError, match="UnauthorizedOperation"):
        storage.group()


def test_our_access_points_go_and_what_was_there_before_stays(storage: Storage) -> None:
    (ours,) = (each["AccessPointId"] for each in access_point_removal.find_all(storage.file_system_id, storage.efs))
    assert storage.access_points(ours).ready
    assert access_point_removal.find_all(storage.file_system_id, storage.efs)
    assert storage.access_points().ready
    assert access_point_removal.find_all(storage.file_system_id, storage.efs) == []


def test_others_access_points_are_named_and_never_deleted(storage: Storage) -> None:
    theirs = storage.efs.create_access_point(ClientToken="theirs", FileSystemId=storage.file_system_id)
    with pytest.raises(TerminalError, match=theirs["AccessPointId"]) as raised:
        access_point_removal.require_no_others(REQUEST, storage.file_system_id, storage.efs)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert storage.access_points().ready
    (left,) = access_point_removal.find_all(storage.file_system_id, storage.efs)
    assert left["AccessPointId"] == theirs["AccessPointId"]


def test_the_file_system_is_deleted_when_nothing_uses_it_any_more(storage: Storage) -> None:
    refuse(storage.efs, "DeleteFileSystem", "FileSystemInUse")
    assert storage.file_system().reason is Reason.WAITING_FOR_OTHERS
    storage.mount_targets()
    storage.access_points()
    assert storage.file_system().reason is Reason.DELETING
    calls = Calls(storage.efs)
    assert storage.file_system().ready
    assert calls.mutating == []


@pytest.mark.parametrize(
    ("state", "reason"),
    [("creating", Reason.CREATING), ("updating", Reason.UPDATING), ("deleting", Reason.DELETING)],
)
def test_a_file_system_under_way_is_waited_for(state: str, reason: Reason, storage: Storage) -> None:
    storage.backend.file_systems_by_id[storage.file_system_id].life_cycle_state = state
    calls = Calls(storage.efs)
    seen = storage.file_system()
    assert (seen.ready, seen.reason, seen.facts["waiting_for"]) == (False, reason, [storage.file_system_id])
    assert calls.mutating == []


def test_a_file_system_of_another_owner_is_neither_deleted_nor_marked(storage: Storage) -> None:
    storage.backend.tagging_service.delete_all_tags_for_resource(storage.file_system_id)
    calls = Calls(storage.efs)
    for act in (storage.file_system, storage.keep):
        with pytest.raises(TerminalError, match=storage.file_system_id) as raised:
            act()
        assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


def test_a_kept_file_system_says_since_when_and_says_it_once(storage: Storage) -> None:
    calls = Calls(storage.efs)
    for _ in range(2):
        assert storage.keep().ready
    assert calls.mutating == ["TagResource"]
    (found,) = storage.efs.describe_file_systems()["FileSystems"]
    assert (
        file_system.tags_of(found).items()
        >= {
            "eks-efs-provisioner/cluster": "eks-example",
            "eks-efs-provisioner/kept": "2030-01-01T12:00:00Z",
        }.items()
    )


def test_after_one_was_kept_a_run_makes_a_new_one_and_finds_that_one_again(storage: Storage) -> None:
    storage.keep()
    assert file_system.find(REQUEST, storage.efs) is None
    fresh = file_system.ensure(REQUEST, storage.efs).facts
    assert fresh["file_system_id"] != storage.file_system_id
    assert fresh["access_point_id"]
    assert file_system.ensure(REQUEST, storage.efs).facts == fresh


def test_the_live_file_system_is_found_when_a_kept_one_before_it_is_deleted(storage: Storage) -> None:
    storage.keep()
    fresh = file_system.ensure(REQUEST, storage.efs).facts["file_system_id"]
    storage.mount_targets()
    storage.access_points()
    storage.file_system()
    found = file_system.find(REQUEST, storage.efs)
    assert found is not None
    assert found["FileSystemId"] == fresh
    assert file_system.ensure(REQUEST, storage.efs).facts["file_system_id"] == fresh


def test_as_many_are_kept_as_removals_keep_and_each_later_one_is_new(storage: Storage) -> None:
    made = [storage.file_system_id]
    for _ in range(12):  # more than one page, and more than one digit
        file_system_removal.keep(REQUEST, made[-1], NOW, storage.efs)
        made.append(file_system.ensure(request_for(), storage.efs).facts["file_system_id"])
    assert len(set(made)) == 13
    found = file_system.find(REQUEST, storage.efs)
    assert found is not None
    assert found["FileSystemId"] == made[-1]


def test_a_kept_one_that_a_request_names_is_taken_over_with_its_access_point(storage: Storage) -> None:
    before = file_system.ensure(REQUEST, storage.efs).facts
    storage.keep()
    asked = request_for(
        file_system={"existing": storage.file_system_id, "backup": False}, storage=REQUEST.storage.model_dump()
    )
    calls = Calls(storage.efs)
    assert file_system.ensure(asked, storage.efs).facts == before
    assert calls.mutating == ["UntagResource", "PutBackupPolicy"]
    for request in (asked, REQUEST):
        found = file_system.find(request, storage.efs)
        assert found is not None
        assert found["FileSystemId"] == storage.file_system_id
        assert not file_system.kept_since(found)


def test_one_that_is_named_is_refused_while_the_cluster_has_another(storage: Storage) -> None:
    storage.keep()
    fresh = file_system.ensure(REQUEST, storage.efs).facts["file_system_id"]
    calls = Calls(storage.efs)
    with pytest.raises(TerminalError, match=fresh) as raised:
        file_system.ensure(request_for(file_system={"existing": storage.file_system_id}), storage.efs)
    assert raised.value.reason is ErrorReason.CONFLICT
    assert calls.mutating == []


def test_one_that_is_named_and_does_not_exist_is_not_made(storage: Storage) -> None:
    calls = Calls(storage.efs)
    with pytest.raises(TerminalError, match="fs-0123456789abcdef0, which does not exist") as raised:
        file_system.ensure(request_for(file_system={"existing": "fs-0123456789abcdef0"}), storage.efs)
    assert raised.value.reason is ErrorReason.UNUSABLE
    assert calls.mutating == []


@pytest.mark.parametrize("tags", [{}, {"eks-efs-provisioner/cluster": "another"}])
def test_one_that_is_named_and_is_not_this_clusters_is_refused(tags: dict[str, str], efs: Any) -> None:
    theirs = efs.create_file_system(CreationToken="theirs", Encrypted=True, Tags=key_values(tags))["FileSystemId"]
    calls = Calls(efs)
    with pytest.raises(TerminalError, match=theirs) as raised:
        file_system.ensure(request_for(file_system={"existing": theirs}), efs)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


def test_one_that_is_named_is_held_to_what_is_asked_of_any(efs: Any) -> None:
    plain = efs.create_file_system(CreationToken="plain", Encrypted=False, Tags=key_values(OWNER_TAGS))["FileSystemId"]
    with pytest.raises(TerminalError, match="is not encrypted") as raised:
        file_system.ensure(request_for(file_system={"existing": plain}), efs)
    assert raised.value.reason is ErrorReason.IMMUTABLE


@pytest.mark.parametrize(("size", "is_empty"), [(0, True), (6144, True), (6145, False)])
def test_empty_is_what_holds_nothing_but_its_root_directory(size: int, is_empty: bool, storage: Storage) -> None:
    (found,) = storage.efs.describe_file_systems()["FileSystems"]
    found["SizeInBytes"]["Value"] = size
    assert file_system_removal.is_empty(found) is is_empty
