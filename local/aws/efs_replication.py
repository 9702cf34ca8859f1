"""Replication of file systems, whose ends cannot be deleted, and the protection from being overwritten by one.

Nothing is copied: what counts here is what stands in the way. Source: EFS API reference,
CreateReplicationConfiguration, DeleteReplicationConfiguration, UpdateFileSystemProtection; text of the protection:
terraform-provider-aws#37790.
"""

import json
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from moto.efs.models import FileSystem, efs_backends
from moto.efs.responses import EFSResponse

from local.aws.interfaces import Cloud
from local.aws.refusals import refusal

_describe: Any = FileSystem.info_json
_PROTECTION, _REPLICATION = "_overwrite_protection", "_replication"


def install() -> None:
    def info_json(self: FileSystem) -> dict[str, Any]:
        return {**_describe(self), "FileSystemProtection": {"ReplicationOverwriteProtection": protection_of(self)}}

    setattr(FileSystem, "info_json", info_json)  # noqa: B010


def protection_of(file_system: FileSystem) -> str:
    return str(getattr(file_system, _PROTECTION, "ENABLED"))


def replication_of(file_system: FileSystem) -> dict[str, Any] | None:
    """That which the file system is the source or the destination of, as the API describes it."""
    found: dict[str, Any] | None = getattr(file_system, _REPLICATION, None)
    return found


def is_replicated(file_system: FileSystem) -> bool:
    return replication_of(file_system) is not None


class ReplicationOperations(EFSResponse):
    """Of StrictEfs, which looks file systems up."""

    cloud: ClassVar[Cloud]

    def create_replication_configuration(self) -> Any:
        source = self._usable("SourceFileSystemId")
        if is_replicated(source):
            raise refusal("ConflictException", f"File system '{source.file_system_id}' is already replicated.")
        wanted = self._get_param("Destinations")[0]
        region = wanted.get("Region") or self.region
        if target_id := wanted.get("FileSystemId"):
            target = efs_backends[self.current_account][region].file_systems_by_id.get(target_id.rsplit("/", 1)[-1])
            if target is None:
                raise refusal("FileSystemNotFound", f"File system '{target_id}' does not exist.")
            if protection_of(target) != "DISABLED":
                raise refusal("BadRequest", f"Replication overwrite protection of '{target_id}' must be disabled.")
        else:
            target = self._new_destination(source, region)
        described: dict[str, Any] = {
            "SourceFileSystemId": source.file_system_id,
            "SourceFileSystemRegion": self.region,
            "SourceFileSystemArn": source.file_system_arn,
            "OriginalSourceFileSystemArn": source.file_system_arn,
            "CreationTime": time.time(),
            "Destinations": [{"Status": "ENABLING", "FileSystemId": target.file_system_id, "Region": region}],
            "SourceFileSystemOwnerId": self.current_account,
        }
        for end in (source, target):
            setattr(end, _REPLICATION, described)
        setattr(target, _PROTECTION, "REPLICATING")

        def finish() -> None:
            if described["Destinations"][0]["Status"] == "ENABLING":
                described["Destinations"][0]["Status"] = "ENABLED"

        self.cloud.clock.later("replication", finish)
        return json.dumps(described), {"Content-Type": "application/json"}

    def describe_replication_configurations(self) -> Any:
        asked = self._get_param("FileSystemId")
        if asked:
            found = replication_of(self._existing(asked))
            if found is None:
                raise refusal("ReplicationNotFound", f"Replication configuration for '{asked}' does not exist.")
            listed = [found]
        else:
            listed = list({id(each): each for each in self._all()}.values())
        return json.dumps({"Replications": listed}), {"Content-Type": "application/json"}

    def delete_replication_configuration(self) -> Any:
        source = self._existing(self._get_param("SourceFileSystemId"))
        found = replication_of(source)
        if found is None:
            message = f"Replication configuration for '{source.file_system_id}' does not exist."
            raise refusal("ReplicationNotFound", message)
        destination = found["Destinations"][0]
        destination["Status"] = "DELETING"
        target = efs_backends[self.current_account][destination["Region"]].file_systems_by_id[
            destination["FileSystemId"]
        ]

        def finish() -> None:
            for end in (source, target):
                setattr(end, _REPLICATION, None)
            setattr(target, _PROTECTION, "ENABLED")

        self.cloud.clock.later("replication deletion", finish)
        return "", {"status": 204, "Content-Type": "application/json"}

    def update_file_system_protection(self) -> Any:
        file_system = self._usable("FileSystemId")
        if protection_of(file_system) == "REPLICATING":
            message = (
                "ReplicationOverwriteProtection cannot be changed while the file system is a replication destination."
            )
            raise refusal("ReplicationAlreadyExists", message)
        setattr(file_system, _PROTECTION, self._get_param("ReplicationOverwriteProtection") or "ENABLED")
        answer = {"ReplicationOverwriteProtection": protection_of(file_system)}
        return json.dumps(answer), {"Content-Type": "application/json"}

    def _new_destination(self, source: FileSystem, region: str) -> FileSystem:
        return efs_backends[self.current_account][region].create_file_system(
            creation_token=f"replication-of-{source.file_system_id}",
            performance_mode=source.performance_mode,
            encrypted=True,
            kms_key_id=source.kms_key_id if region == self.region else "",
            throughput_mode=source.throughput_mode,
            provisioned_throughput_in_mibps=None,  # type: ignore[arg-type]
            availability_zone_name=None,  # type: ignore[arg-type]
            backup=False,
            tags=[],
        )

    def _all(self) -> Iterator[dict[str, Any]]:
        for file_system in list(self.efs_backend.file_systems_by_id.values()):
            if found := replication_of(file_system):
                yield found

    def _existing(self, asked: Any) -> FileSystem:
        """Raises: FileSystemNotFound."""
        found = self.efs_backend.file_systems_by_id.get(str(asked).rsplit("/", 1)[-1])
        if found is None:
            raise refusal("FileSystemNotFound", f"File system '{asked}' does not exist.")
        return found

    def _usable(self, parameter: str) -> FileSystem:
        """Raises: FileSystemNotFound, IncorrectFileSystemLifeCycleState."""
        file_system = self._existing(self._get_param(parameter))
        if file_system.life_cycle_state != "available":
            raise refusal(
                "IncorrectFileSystemLifeCycleState",
                f"file system {file_system.file_system_id} is in state {file_system.life_cycle_state}, not available",
            )
        return file_system
