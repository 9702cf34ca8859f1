"""The file system that pods mount, with its mount targets, policy and access points."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioner.diagnosis.live.connection import Connection
from provisioner.diagnosis.live.objects import LiveObjects
from provisioner.diagnosis.once import once
from provisioner.kubernetes.storage_objects import address_in
from provisioner.request import Request
from provisioner.resources import file_system, mount_targets

if TYPE_CHECKING:
    from mypy_boto3_efs.type_defs import (
        AccessPointDescriptionTypeDef,
        FileSystemDescriptionTypeDef,
        MountTargetDescriptionTypeDef,
    )


@dataclass(frozen=True)
class VolumeHandle:
    """`fs-…`, `fs-…:/path` or `fs-…::fsap-…`; of other forms Fargate mounts nothing."""

    file_system_id: str
    path: str = ""
    access_point_id: str = ""

    @classmethod
    def parsed(cls, handle: str) -> "VolumeHandle | None":
        if not handle.startswith("fs-"):
            return None
        file_system_id, path, access_point_id = (*handle.split(":", 2), "", "")[:3]
        return cls(file_system_id, path, access_point_id)


class LiveFileSystem:
    def __init__(self, request: Request, connection: Connection, objects: LiveObjects) -> None:
        self._request = request
        self._connection = connection
        self._objects = objects

    @once
    def own(self) -> "FileSystemDescriptionTypeDef | None":
        """The one of the request."""
        return file_system.find(self._request, self._connection.efs)

    @once
    def handle(self) -> str | None:
        """What the live PersistentVolume says."""
        volume = self._objects.volume
        return None if volume is None else str((volume["spec"].get("csi") or {}).get("volumeHandle", ""))

    @once
    def address(self) -> str | None:
        """What the live PersistentVolume mounts in place of the file system's name, as far as it can be read."""
        try:
            return address_in(self._objects.volume)
        except Exception:  # the cluster may be what failed: the network is looked at all the same
            return None

    @once
    def mounted(self) -> VolumeHandle | None:
        """What the pods mount, as far as the PersistentVolume names it; else the request's own file system."""
        try:
            parsed = VolumeHandle.parsed(self.handle or "")
        except Exception:  # the cluster may be what failed: the file system is looked at all the same
            parsed = None
        if parsed is None and self.own is not None:
            return VolumeHandle(self.own["FileSystemId"])
        return parsed

    @once
    def mount_targets(self) -> "dict[str, MountTargetDescriptionTypeDef]":
        """Zone id -> mount target of the mounted file system; empty also when there is no such file system."""
        efs = self._connection.efs
        if self.mounted is None:
            return {}
        try:
            return mount_targets.find(self.mounted.file_system_id, efs)
        except efs.exceptions.FileSystemNotFound:
            return {}

    @once
    def group_ids(self) -> dict[str, list[str]]:
        """Id of each available mount target -> ids of its security groups."""
        efs = self._connection.efs
        return {
            each["MountTargetId"]: efs.describe_mount_target_security_groups(MountTargetId=each["MountTargetId"])[
                "SecurityGroups"
            ]
            for each in self.mount_targets.values()
            if each["LifeCycleState"] == "available"  # of others EFS does not tell them
        }

    def exists(self, file_system_id: str) -> bool:
        efs = self._connection.efs
        try:
            return bool(efs.describe_file_systems(FileSystemId=file_system_id)["FileSystems"])
        except efs.exceptions.FileSystemNotFound:
            return False

    @once
    def policy(self) -> dict[str, Any] | None:
        """Of the mounted file system; None while EFS's default applies, which allows everything."""
        efs = self._connection.efs
        if self.mounted is None:
            return None
        try:
            answer = efs.describe_file_system_policy(FileSystemId=self.mounted.file_system_id)
        except (efs.exceptions.PolicyNotFound, efs.exceptions.FileSystemNotFound):
            return None
        document: dict[str, Any] = json.loads(answer["Policy"])
        return document

    @once
    def access_point(self) -> "AccessPointDescriptionTypeDef | None":
        """The one that the handle names; None when it names none, or none that exists."""
        efs = self._connection.efs
        if self.mounted is None or not self.mounted.access_point_id:
            return None
        try:
            found = efs.describe_access_points(AccessPointId=self.mounted.access_point_id)["AccessPoints"]
        except efs.exceptions.AccessPointNotFound:
            return None
        return next(iter(found), None)
