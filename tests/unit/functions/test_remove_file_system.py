"""The function of state "Remove file system"."""

from typing import Any

import pytest

from provisioner.errors import TerminalError
from tests.unit.functions.conftest import Invoke
from tests.unit.resources.aws_calls import alter


@pytest.fixture
def file_system_id(invoke: Invoke, efs: Any, efs_backend: Any) -> str:
    """Provisioned, with its addresses."""
    invoke("ensure_network")
    network = invoke("ensure_network")
    group_id = invoke("ensure_security_group", network=network)["security_group_id"]
    made: str = invoke("ensure_file_system")["file_system_id"]
    efs_backend.file_systems_by_id[made].life_cycle_state = "available"
    invoke("ensure_mount_targets", network=network, security_group_id=group_id, file_system_id=made)
    return made


def remove(invoke: Invoke, **given: Any) -> None:
    event = {"file_system_id": None, "delete_data": False, "existing": None, **given}
    for _ in range(8):
        if invoke("remove_file_system", **event)["ready"]:
            return
    raise AssertionError("it does not converge")


def groups(ec2: Any) -> list[str]:
    asked = [{"Name": "group-name", "Values": ["eks-example-efs"]}]
    return [each["GroupId"] for each in ec2.describe_security_groups(Filters=asked)["SecurityGroups"]]


def test_the_addresses_go_and_the_data_stays_marked_so_that_no_later_run_takes_it_unasked(
    invoke: Invoke, efs: Any, ec2: Any, file_system_id: str
) -> None:
    remove(invoke, file_system_id=file_system_id)
    assert efs.describe_mount_targets(FileSystemId=file_system_id)["MountTargets"] == []
    assert groups(ec2) == []
    (kept,) = efs.describe_file_systems()["FileSystems"]
    assert "eks-efs-provisioner/kept" in {tag["Key"] for tag in kept["Tags"]}
    another = invoke("ensure_file_system")["file_system_id"]
    assert another != file_system_id


def test_a_later_run_that_names_it_takes_it_over(invoke: Invoke, efs: Any, file_system_id: str) -> None:
    remove(invoke)
    request = invoke.request(file_system={"existing": file_system_id})
    assert invoke("ensure_file_system", request=request)["file_system_id"] == file_system_id
    (found,) = efs.describe_file_systems()["FileSystems"]
    assert "eks-efs-provisioner/kept" not in {tag["Key"] for tag in found["Tags"]}


def test_the_file_system_goes_when_its_data_are_given_up(invoke: Invoke, efs: Any, file_system_id: str) -> None:
    remove(invoke, file_system_id=file_system_id, delete_data=True)
    assert efs.describe_file_systems()["FileSystems"] == []


@pytest.mark.parametrize("delete_data", ["true", 1])
def test_its_data_are_given_up_in_so_many_words_or_not_at_all(
    invoke: Invoke, efs: Any, file_system_id: str, delete_data: Any
) -> None:
    remove(invoke, file_system_id=file_system_id, delete_data=delete_data)
    assert [each["FileSystemId"] for each in efs.describe_file_systems()["FileSystems"]] == [file_system_id]


def test_somebody_elses_file_system_is_left_as_it_is(invoke: Invoke, efs: Any, file_system_id: str) -> None:
    efs.untag_resource(ResourceId=file_system_id, TagKeys=["eks-efs-provisioner/cluster"])
    with pytest.raises(TerminalError, match="OwnedByAnother"):
        remove(invoke, file_system_id=file_system_id, delete_data=True)
    assert len(efs.describe_mount_targets(FileSystemId=file_system_id)["MountTargets"]) == 3


@pytest.mark.parametrize(("size", "nobody_could_mount", "left"), [(6144, True, 0), (6145, True, 1), (6144, False, 1)])
def test_a_roll_back_deletes_what_nobody_can_have_written_to_and_leaves_the_rest_to_the_next_run(
    invoke: Invoke, efs: Any, file_system_id: str, size: int, nobody_could_mount: bool, left: int
) -> None:
    for_all = {"SizeInBytes": {"Value": size}}
    alter(efs, "DescribeFileSystems", lambda parsed: [each.update(for_all) for each in parsed["FileSystems"]])
    remove(invoke, existing={}, delete_data=nobody_could_mount)
    found = efs.describe_file_systems()["FileSystems"]
    assert len(found) == left
    assert "eks-efs-provisioner/kept" not in str(found)


def test_a_roll_back_leaves_a_file_system_that_was_there_before(invoke: Invoke, efs: Any, file_system_id: str) -> None:
    remove(invoke, existing={"file_system_id": file_system_id})
    assert [each["FileSystemId"] for each in efs.describe_file_systems()["FileSystems"]] == [file_system_id]
