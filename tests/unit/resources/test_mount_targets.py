from dataclasses import dataclass, replace
from typing import Any

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.resources import file_system, mount_targets, security_group
from provisioner.resources.vpc import Network
from tests.unit.resources.aws_calls import Calls, refuse
from tests.unit.resources.samples import request_for


@dataclass
class Storage:
    efs: Any
    backend: Any
    network: Network
    security_group_id: str
    file_system_id: str

    def ensure(self, network: Network | None = None) -> Observation:
        return mount_targets.ensure(
            request_for(), network or self.network, self.security_group_id, self.file_system_id, self.efs
        )

    @property
    def made(self) -> list[Any]:
        """moto's own objects, by zone id."""
        return sorted(self.backend.mount_targets_by_id.values(), key=lambda made: made.availability_zone_id)


@pytest.fixture
def storage(ec2: Any, efs: Any, efs_backend: Any) -> Storage:
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc_id, AvailabilityZone=f"ap-northeast-1{zone}", CidrBlock=f"10.0.{i}.0/24")["Subnet"]
        for i, zone in enumerate("acda")  # the first zone has two subnets
    ]
    network = Network.from_subnets(vpc_id, subnets)
    group_id = security_group.ensure(request_for(), network, ec2).facts["security_group_id"]
    file_system_id = file_system.ensure(request_for(), efs).facts["file_system_id"]
    return Storage(efs, efs_backend, network, group_id, file_system_id)


def test_every_zone_gets_one_mount_target_in_a_private_subnet_with_our_security_group(storage: Storage) -> None:
    observation = storage.ensure()
    assert observation.ready
    assert observation.facts["mount_targets"] == [
        {
            "mount_target_id": made.mount_target_id,
            "availability_zone_id": zone_id,
            "subnet_id": subnet.subnet_id,
            "ip_address": made.ip_address,
        }
        for made, (zone_id, subnet) in zip(storage.made, storage.network.one_subnet_per_zone().items(), strict=True)
    ]
    assert len(storage.made) == 3
    assert all(made.security_groups == [storage.security_group_id] for made in storage.made)


def test_a_second_run_changes_nothing(storage: Storage) -> None:
    first = storage.ensure()
    calls = Calls(storage.efs)
    assert storage.ensure() == first
    assert calls.mutating == []


def test_only_the_missing_zone_is_added(storage: Storage) -> None:
    storage.ensure()
    storage.efs.delete_mount_target(MountTargetId=storage.made[1].mount_target_id)
    calls = Calls(storage.efs)
    assert len(storage.ensure().facts["mount_targets"]) == 3
    assert calls.mutating == ["CreateMountTarget"]


@pytest.mark.parametrize("state", ["creating", "updating"])
def test_nothing_is_created_before_the_file_system_is_available(state: str, storage: Storage) -> None:
    storage.backend.file_systems_by_id[storage.file_system_id].life_cycle_state = state
    calls = Calls(storage.efs)
    observation = storage.ensure()
    assert (observation.ready, observation.reason) == (False, Reason.WAITING_FOR_FILE_SYSTEM)
    assert calls.mutating == []


def test_a_file_system_that_stops_being_available_meanwhile_is_waited_for(storage: Storage) -> None:
    refuse(storage.efs, "CreateMountTarget", "IncorrectFileSystemLifeCycleState")
    assert storage.ensure().reason is Reason.WAITING_FOR_FILE_SYSTEM
    assert storage.ensure().ready


@pytest.mark.parametrize("state", ["deleting", "deleted", "error", "a_state_of_next_year"])
def test_a_file_system_that_cannot_become_available_ends_the_run(state: str, storage: Storage) -> None:
    storage.backend.file_systems_by_id[storage.file_system_id].life_cycle_state = state
    with pytest.raises(TerminalError, match=state) as raised:
        storage.ensure()
    assert raised.value.reason is ErrorReason.UNUSABLE


def test_a_file_system_of_another_owner_gets_no_mount_target(storage: Storage) -> None:
    storage.backend.tagging_service.delete_all_tags_for_resource(storage.file_system_id)
    calls = Calls(storage.efs)
    with pytest.raises(TerminalError, match=storage.file_system_id) as raised:
        storage.ensure()
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


@pytest.mark.parametrize(
    ("state", "reason"),
    [("creating", Reason.CREATING), ("updating", Reason.UPDATING), ("deleting", Reason.DELETING)],
)
def test_one_mount_target_under_way_is_waited_for(state: str, reason: Reason, storage: Storage) -> None:
    storage.ensure()
    storage.made[2].life_cycle_state = state
    observation = storage.ensure()
    assert (observation.ready, observation.reason) == (False, reason)
    assert observation.retry_after_seconds > 0
    assert len(observation.facts["mount_targets"]) == 3


@pytest.mark.parametrize("state", ["error", "a_state_of_next_year"])
def test_one_broken_mount_target_ends_the_run_although_others_are_creating(state: str, storage: Storage) -> None:
    storage.ensure()
    storage.made[0].life_cycle_state, storage.made[2].life_cycle_state = "creating", state
    with pytest.raises(TerminalError, match=storage.made[2].mount_target_id) as raised:
        storage.ensure()
    assert raised.value.reason is ErrorReason.UNUSABLE


def test_a_mount_target_that_is_not_listed_yet_is_waited_for(storage: Storage) -> None:
    refuse(storage.efs, "CreateMountTarget", "MountTargetConflict")
    observation = storage.ensure()
    assert (observation.ready, observation.reason) == (False, Reason.CREATING)
    assert len(observation.facts["mount_targets"]) == 2
    assert storage.ensure().ready


def test_mount_targets_created_by_another_run_in_the_same_moment_are_taken_up(storage: Storage) -> None:
    refuse(storage.efs, "CreateMountTarget", "MountTargetConflict", meanwhile=storage.ensure)
    assert storage.ensure().ready
    assert len(storage.made) == 3


@pytest.mark.parametrize("ours_too", [True, False])
def test_our_security_group_alone_is_attached(ours_too: bool, storage: Storage, ec2: Any) -> None:
    storage.ensure()
    vpc_id = storage.network.vpc_id
    other = ec2.create_security_group(GroupName="other", Description="x", VpcId=vpc_id)["GroupId"]
    storage.efs.modify_mount_target_security_groups(
        MountTargetId=storage.made[0].mount_target_id,
        SecurityGroups=[other, storage.security_group_id] if ours_too else [other],
    )
    calls = Calls(storage.efs)
    assert storage.ensure().ready
    assert storage.made[0].security_groups == [storage.security_group_id]
    assert calls.mutating == ["ModifyMountTargetSecurityGroups"]


@pytest.mark.parametrize("operation", ["DescribeMountTargetSecurityGroups", "ModifyMountTargetSecurityGroups"])
def test_a_mount_target_that_starts_changing_meanwhile_is_waited_for(operation: str, storage: Storage) -> None:
    storage.ensure()
    storage.made[0].security_groups = []
    refuse(storage.efs, operation, "IncorrectMountTargetState")
    assert storage.ensure().reason is Reason.UPDATING


def test_mount_targets_in_another_vpc_are_refused(storage: Storage) -> None:
    storage.ensure()
    calls = Calls(storage.efs)
    with pytest.raises(TerminalError, match=storage.network.vpc_id) as raised:
        storage.ensure(replace(storage.network, vpc_id="vpc-2"))
    assert raised.value.reason is ErrorReason.IMMUTABLE
    assert calls.mutating == []


def test_any_mount_target_in_the_zone_serves_its_pods(storage: Storage) -> None:
    second = next(s for s in storage.network.private_subnets if s not in storage.network.one_subnet_per_zone().values())
    storage.efs.create_mount_target(
        FileSystemId=storage.file_system_id,
        SubnetId=second.subnet_id,
        SecurityGroups=[storage.security_group_id],
    )
    assert storage.ensure().ready
    assert second.subnet_id in [each["subnet_id"] for each in storage.ensure().facts["mount_targets"]]
