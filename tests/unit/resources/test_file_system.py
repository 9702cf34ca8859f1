import json
from typing import Any

import pytest

from provisioner.errors import ErrorReason, RetryableError, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import file_system
from tests.unit.resources.aws_calls import Calls, refuse
from tests.unit.resources.samples import OWNER_TAGS, key_values, request_for

KEY_ARN = "arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-0000-0000-000000000001"


def ensure(efs: Any, request: Request | None = None) -> Observation:
    return file_system.ensure(request or request_for(), efs)


@pytest.fixture
def found(efs: Any, efs_backend: Any) -> Any:
    """The file system in moto's memory, as a first run left it."""
    return efs_backend.file_systems_by_id[ensure(efs).facts["file_system_id"]]


def test_the_file_system_is_encrypted_elastic_and_tagged_at_creation(efs: Any) -> None:
    observation = ensure(efs, request_for(tags={"team": "platform"}))
    assert observation.ready
    (made,) = efs.describe_file_systems()["FileSystems"]
    assert observation.facts == {
        "file_system_id": made["FileSystemId"],
        "access_point_id": None,
        "access_point_ids": {"efs-pv": None},
    }
    assert made["CreationToken"] == request_for().idempotency_token("file-system")
    assert (made["Encrypted"], made["ThroughputMode"]) == (True, "elastic")
    assert {tag["Key"]: tag["Value"] for tag in made["Tags"]} == {
        "Name": "eks-example-efs",
        "eks-efs-provisioner/cluster": "eks-example",
        "team": "platform",
    }


def test_idle_files_move_to_infrequent_access_and_come_back(efs: Any, found: Any) -> None:
    assert found.lifecycle_policies == [
        {"TransitionToIA": "AFTER_30_DAYS"},
        {"TransitionToPrimaryStorageClass": "AFTER_1_ACCESS"},
    ]


def test_the_policy_denies_all_that_is_not_tls_and_allows_mounts_through_mount_targets(efs: Any, found: Any) -> None:
    allow, deny = json.loads(found.file_system_policy)["Statement"]
    assert deny["Effect"] == "Deny"
    assert (deny["Principal"], deny["Action"]) == ({"AWS": "*"}, "*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allow["Effect"] == "Allow"
    assert allow["Action"] == [f"elasticfilesystem:Client{right}" for right in ("Mount", "Write", "RootAccess")]
    assert allow["Condition"] == {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}
    assert allow["Resource"] == deny["Resource"] == found.file_system_arn


def test_a_second_run_changes_nothing(efs: Any, found: Any) -> None:
    calls = Calls(efs)
    assert ensure(efs).facts["file_system_id"] == found.file_system_id
    assert calls.mutating == []


@pytest.mark.parametrize(
    ("part", "change", "operation"),
    [
        ("lifecycle_policies", [], "PutLifecycleConfiguration"),
        ("lifecycle_policies", [{"TransitionToIA": "AFTER_7_DAYS"}], "PutLifecycleConfiguration"),
        ("_backup", False, "PutBackupPolicy"),
        ("file_system_policy", None, "PutFileSystemPolicy"),
        ("file_system_policy", '{"Version": "2012-10-17", "Statement": []}', "PutFileSystemPolicy"),
    ],
)
def test_a_setting_that_differs_is_written_and_only_that_one(
    part: str, change: Any, operation: str, efs: Any, found: Any
) -> None:
    before = getattr(found, part)
    setattr(found, part, change)
    calls = Calls(efs)
    assert ensure(efs).ready
    assert calls.mutating == [operation]
    assert getattr(found, part) == before


def test_throughput_is_changed_last_and_waited_for(efs: Any, found: Any) -> None:
    found.throughput_mode, found._backup = "bursting", False
    calls = Calls(efs)
    assert ensure(efs).reason is Reason.UPDATING
    assert calls.mutating == ["PutBackupPolicy", "UpdateFileSystem"]
    assert ensure(efs).reason is Reason.UPDATING
    found.life_cycle_state = "available"
    assert ensure(efs).ready
    assert calls.mutating == ["PutBackupPolicy", "UpdateFileSystem"]


def test_backup_and_lifecycle_are_switched_off_when_not_asked_for(efs: Any, found: Any) -> None:
    request = request_for(file_system={"backup": False, "transition_to_ia": None})
    assert ensure(efs, request).ready
    assert (found._backup, found.lifecycle_policies) == (False, [])
    calls = Calls(efs)
    assert ensure(efs, request).ready
    assert calls.mutating == []


@pytest.mark.parametrize(
    ("state", "reason"),
    [("creating", Reason.CREATING), ("updating", Reason.UPDATING), ("deleting", Reason.DELETING)],
)
def test_a_file_system_under_way_is_waited_for(state: str, reason: Reason, efs: Any, found: Any) -> None:
    found.life_cycle_state = state
    calls = Calls(efs)
    observation = ensure(efs)
    assert (observation.ready, observation.reason) == (False, reason)
    assert observation.facts["file_system_id"] == found.file_system_id
    assert observation.retry_after_seconds > 0
    assert calls.mutating == []


@pytest.mark.parametrize("state", ["error", "a_state_of_next_year"])
def test_a_broken_file_system_ends_the_run(state: str, efs: Any, found: Any) -> None:
    found.life_cycle_state = state
    with pytest.raises(TerminalError, match=state) as raised:
        ensure(efs)
    assert raised.value.reason is ErrorReason.UNUSABLE


def test_a_deleted_file_system_is_absent(efs: Any, found: Any) -> None:
    found.life_cycle_state = "deleted"
    assert file_system.find(request_for(), efs) is None


def test_a_file_system_of_another_owner_is_refused_and_never_changed(efs: Any) -> None:
    created = efs.create_file_system(CreationToken=request_for().idempotency_token("file-system"), Encrypted=True)
    calls = Calls(efs)
    with pytest.raises(TerminalError, match=created["FileSystemId"]) as raised:
        ensure(efs)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


def test_a_file_system_that_is_not_encrypted_is_refused(efs: Any) -> None:
    token = request_for().idempotency_token("file-system")
    efs.create_file_system(CreationToken=token, Encrypted=False, Tags=key_values(OWNER_TAGS))
    with pytest.raises(TerminalError, match="is not encrypted") as raised:
        ensure(efs)
    assert raised.value.reason is ErrorReason.IMMUTABLE


def test_the_key_asked_for_is_used_and_cannot_change(efs: Any) -> None:
    request = request_for(file_system={"kms_key_arn": KEY_ARN})
    assert ensure(efs, request).ready
    assert efs.describe_file_systems()["FileSystems"][0]["KmsKeyId"] == KEY_ARN
    assert ensure(efs).ready  # asking for no particular key is content with any
    with pytest.raises(TerminalError, match=KEY_ARN) as raised:
        ensure(efs, request_for(file_system={"kms_key_arn": KEY_ARN[:-1] + "2"}))
    assert raised.value.reason is ErrorReason.IMMUTABLE


def test_a_file_system_created_by_another_run_in_the_same_moment_is_looked_at_again(efs: Any) -> None:
    refuse(efs, "CreateFileSystem", "FileSystemAlreadyExists", meanwhile=lambda: ensure(efs))
    with pytest.raises(RetryableError) as raised:
        ensure(efs)
    assert raised.value.reason is ErrorReason.NOT_YET_CONSISTENT
    assert ensure(efs).ready
    assert len(efs.describe_file_systems()["FileSystems"]) == 1


def test_a_file_system_that_one_look_does_not_tell_of_gets_no_second_one(efs: Any, found: Any) -> None:
    """EFS answers one look, the first, with what it knew before the file system was made."""
    looks = []

    def old_answer(parsed: dict[str, Any], **_: Any) -> None:
        looks.append(parsed)
        if len(looks) == 1:
            parsed["FileSystems"] = []

    efs.meta.events.register("after-call.efs.DescribeFileSystems", old_answer)
    with pytest.raises(RetryableError):
        ensure(efs)
    assert ensure(efs).facts["file_system_id"] == found.file_system_id
    assert len(efs.describe_file_systems()["FileSystems"]) == 1


def test_an_access_point_is_made_only_when_asked_for(efs: Any) -> None:
    assert ensure(efs).facts["access_point_id"] is None
    asked_for = {"access_point": {"uid": 1000, "gid": 1000, "path": "/data"}}
    assert ensure(efs, request_for(storage=asked_for)).facts["access_point_id"].startswith("fsap-")
