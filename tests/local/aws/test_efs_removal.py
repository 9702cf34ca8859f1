"""What the embedded EFS and AWS Backup keep: file systems that something uses, recovery points of what is gone."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.efs_size import metered
from tests.local.aws.calls import code

EMPTY = 6 * 1024


@pytest.fixture
def efs(parts: Any) -> Any:
    return parts.client("efs")


@pytest.fixture
def file_system(parts: Any, efs: Any) -> dict[str, Any]:
    efs.create_file_system(CreationToken="t", Backup=True)
    parts.clock.pass_time()
    (found,) = efs.describe_file_systems()["FileSystems"]
    return dict(found)


def test_a_file_system_is_as_large_as_what_was_metered_of_it(tmp_path: Path) -> None:
    assert metered(tmp_path / "never-mounted", time.time()) == EMPTY
    assert metered(tmp_path, time.time()) == EMPTY
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "file").write_bytes(b"x" * 4097)
    os.symlink("nowhere", tmp_path / "link")
    whole = EMPTY + 6 * 1024 + (2 + 8) * 1024 + 6 * 1024
    assert metered(tmp_path, time.time() + 1) == whole
    assert metered(tmp_path, time.time() - 60) == EMPTY


def test_what_was_written_just_now_is_not_metered_yet(parts: Any, efs: Any, file_system: dict[str, Any]) -> None:
    def size() -> int:
        return int(efs.describe_file_systems()["FileSystems"][0]["SizeInBytes"]["Value"])

    assert size() == EMPTY
    parts.clock.scale = 1
    directory = parts.directory / "efs" / file_system["FileSystemId"]
    directory.mkdir(parents=True)
    (directory / "file").write_text("data")
    assert size() == EMPTY
    parts.clock.scale = 0
    time.sleep(parts.clock.delay("file system size"))
    assert size() == EMPTY + 6 * 1024


def test_a_file_systems_data_goes_with_it(parts: Any, efs: Any, file_system: dict[str, Any]) -> None:
    directory = parts.directory / "efs" / file_system["FileSystemId"]
    directory.mkdir(parents=True)
    (directory / "file").write_text("data")
    efs.delete_file_system(FileSystemId=file_system["FileSystemId"])
    assert directory.exists()
    parts.clock.pass_time()
    assert not directory.exists()


def test_a_file_system_with_an_access_point_is_not_deleted(parts: Any, efs: Any, file_system: dict[str, Any]) -> None:
    named = {"FileSystemId": file_system["FileSystemId"]}
    point = efs.create_access_point(**named, ClientToken="p")["AccessPointId"]
    assert code(efs.delete_file_system, **named) == "FileSystemInUse"
    efs.delete_access_point(AccessPointId=point)
    efs.delete_file_system(**named)


def test_both_ends_of_a_replication_are_held_by_it(parts: Any, efs: Any, file_system: dict[str, Any]) -> None:
    source = {"SourceFileSystemId": file_system["FileSystemId"]}
    assert code(efs.describe_replication_configurations, FileSystemId=file_system["FileSystemId"]) == (
        "ReplicationNotFound"
    )
    assert code(efs.delete_replication_configuration, **source) == "ReplicationNotFound"
    made = efs.create_replication_configuration(**source, Destinations=[{"Region": parts.region}])
    copy = made["Destinations"][0]["FileSystemId"]
    parts.clock.pass_time()
    for end in (file_system["FileSystemId"], copy):
        assert code(efs.delete_file_system, FileSystemId=end) == "FileSystemInUse"
        (found,) = efs.describe_replication_configurations(FileSystemId=end)["Replications"]
        assert (found["SourceFileSystemId"], found["Destinations"][0]["Status"]) == (
            file_system["FileSystemId"],
            "ENABLED",
        )
    assert len(efs.describe_replication_configurations()["Replications"]) == 1
    protection = {"FileSystemId": copy, "ReplicationOverwriteProtection": "ENABLED"}
    with pytest.raises(ClientError) as refused:
        efs.update_file_system_protection(**protection)
    assert refused.value.response["Error"]["Code"] == "ReplicationAlreadyExists"
    efs.delete_replication_configuration(**source)
    assert code(efs.delete_file_system, FileSystemId=copy) == "FileSystemInUse"
    parts.clock.pass_time()
    efs.delete_file_system(FileSystemId=copy)
    efs.delete_file_system(FileSystemId=file_system["FileSystemId"])


def test_only_a_file_system_whose_protection_is_off_is_overwritten(
    parts: Any, efs: Any, file_system: dict[str, Any]
) -> None:
    assert file_system["FileSystemProtection"] == {"ReplicationOverwriteProtection": "ENABLED"}
    other = efs.create_file_system(CreationToken="o")["FileSystemId"]
    parts.clock.pass_time()
    destination = {"Region": parts.region, "FileSystemId": file_system["FileSystemId"]}
    replication = {"SourceFileSystemId": other, "Destinations": [destination]}
    assert code(efs.create_replication_configuration, **replication) == "BadRequest"
    efs.update_file_system_protection(
        FileSystemId=file_system["FileSystemId"], ReplicationOverwriteProtection="DISABLED"
    )
    efs.create_replication_configuration(**replication)
    found = efs.describe_file_systems(FileSystemId=file_system["FileSystemId"])["FileSystems"][0]
    assert found["FileSystemProtection"] == {"ReplicationOverwriteProtection": "REPLICATING"}


def test_a_recovery_point_outlives_its_file_system_and_holds_its_vault(
    parts: Any, efs: Any, file_system: dict[str, Any]
) -> None:
    backup, arn = parts.client("backup"), file_system["FileSystemArn"]
    (vault,) = backup.list_backup_vaults()["BackupVaultList"]
    assert vault["BackupVaultName"] == "aws/efs/automatic-backup-vault"
    automatic = vault["BackupVaultName"]
    assert backup.list_recovery_points_by_backup_vault(BackupVaultName=automatic)["RecoveryPoints"] == []
    backup.create_backup_vault(BackupVaultName="own")
    role = parts.role("backup", "backup.amazonaws.com")
    made = backup.start_backup_job(BackupVaultName="own", ResourceArn=arn, IamRoleArn=role)["RecoveryPointArn"]
    parts.clock.pass_time()
    efs.delete_file_system(FileSystemId=file_system["FileSystemId"])
    parts.clock.pass_time()
    (found,) = backup.list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"]
    assert (found["RecoveryPointArn"], found["Status"], found["BackupSizeBytes"]) == (made, "COMPLETED", EMPTY)
    (found,) = backup.list_recovery_points_by_backup_vault(BackupVaultName="own")["RecoveryPoints"]
    assert found["ResourceArn"] == arn
    assert code(backup.delete_backup_vault, BackupVaultName="own") == "InvalidRequestException"
    named = {"BackupVaultName": "own", "RecoveryPointArn": made}
    assert backup.describe_recovery_point(**named)["Status"] == "COMPLETED"
    backup.delete_recovery_point(**named)
    parts.clock.pass_time()
    assert code(backup.describe_recovery_point, **named) == "ResourceNotFoundException"
    assert backup.list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"] == []
    backup.delete_backup_vault(BackupVaultName="own")
