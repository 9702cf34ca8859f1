"""AWS Backup's recovery points: taken when asked for, kept when what they are of is gone.

moto has vaults and plans alone. Nothing is backed up by itself here: a day passes for nobody. Source: AWS Backup API
reference, StartBackupJob, ListRecoveryPointsByResource, DeleteRecoveryPoint, DeleteBackupVault; EFS guide, "Backing up
EFS file systems" (automatic backups go to the vault aws/efs/automatic-backup-vault).
"""

import time
import uuid
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import unquote

import moto.backup.urls as backup_urls
from moto.backup.models import Vault, backup_backends
from moto.backup.responses import BackupResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.efs.models import efs_backends

from local.aws.interfaces import Cloud
from local.aws.refusals import refusal

AUTOMATIC_VAULT = "aws/efs/automatic-backup-vault"
_POINTS = "_points"


@dataclass
class RecoveryPoint:
    arn: str
    resource_arn: str
    vault_name: str
    vault_arn: str
    role_arn: str
    size: int
    status: str
    created: float

    def describe(self) -> dict[str, Any]:
        return {
            "RecoveryPointArn": self.arn,
            "BackupVaultName": self.vault_name,
            "BackupVaultArn": self.vault_arn,
            "ResourceArn": self.resource_arn,
            "ResourceType": "EFS",
            "IamRoleArn": self.role_arn,
            "Status": self.status,
            "CreationDate": self.created,
            "BackupSizeInBytes": self.size,
            "IsEncrypted": True,
        }

    def of_resource(self) -> dict[str, Any]:
        return {
            "RecoveryPointArn": self.arn,
            "BackupVaultName": self.vault_name,
            "Status": self.status,
            "CreationDate": self.created,
            "BackupSizeBytes": self.size,
        }


def install(cloud: Cloud) -> None:
    StrictBackup.cloud = cloud
    backup_urls.url_paths = dict.fromkeys(backup_urls.url_paths, StrictBackup.dispatch) | {
        "{0}/.*$": StrictBackup.dispatch
    }


def enable_automatic(account_id: str, region: str) -> None:
    """The vault of automatic backups is there from the first file system on that has them, and stays."""
    backend = backup_backends[account_id][region]
    if AUTOMATIC_VAULT not in backend.vaults:
        backend.create_backup_vault(AUTOMATIC_VAULT, {}, "", "")


def points_in(vault: Vault) -> dict[str, RecoveryPoint]:
    """By ARN."""
    points: dict[str, RecoveryPoint] = vars(vault).setdefault(_POINTS, {})
    return points


class StrictBackup(BackupResponse):
    cloud: ClassVar[Cloud]

    def start_backup_job(self) -> ActionResult:
        vault = self._vault()
        resource_arn = str(self._get_param("ResourceArn"))
        backend = efs_backends[self.current_account][self.region]
        file_system = backend.file_systems_by_id.get(resource_arn.rpartition("/")[2])
        if file_system is None:
            raise refusal("ResourceNotFoundException", f"Resource {resource_arn} does not exist.")
        point = RecoveryPoint(
            arn=f"arn:{self.partition}:backup:{self.region}:{self.current_account}:recovery-point:{uuid.uuid4()}",
            resource_arn=resource_arn,
            vault_name=vault.backup_vault_name,
            vault_arn=vault.backup_vault_arn,
            role_arn=self._get_param("IamRoleArn"),
            size=file_system.size_in_bytes["Value"],
            status="CREATING",
            created=time.time(),
        )
        points_in(vault)[point.arn] = point

        def finish() -> None:
            if point.status == "CREATING":
                point.status = "COMPLETED"

        self.cloud.clock.later("backup", finish)
        answer = {"BackupJobId": str(uuid.uuid4()), "RecoveryPointArn": point.arn, "CreationDate": point.created}
        return ActionResult(answer)

    def list_recovery_points_by_resource(self) -> ActionResult:
        resource_arn = self._path_parameter("ResourceArn")
        points = [point for vault in self.backup_backend.vaults.values() for point in points_in(vault).values()]
        return ActionResult({"RecoveryPoints": [p.of_resource() for p in points if p.resource_arn == resource_arn]})

    def list_recovery_points_by_backup_vault(self) -> ActionResult:
        points = points_in(self._vault()).values()
        asked = self._get_param("ByResourceArn")
        return ActionResult({"RecoveryPoints": [p.describe() for p in points if asked in (None, p.resource_arn)]})

    def describe_recovery_point(self) -> ActionResult:
        return ActionResult(self._point().describe())

    def delete_recovery_point(self) -> EmptyResult:
        points = points_in(self._vault())
        point = self._point()
        point.status = "DELETING"

        def finish() -> None:
            points.pop(point.arn, None)

        self.cloud.clock.later("backup deletion", finish)
        return EmptyResult()

    def delete_backup_vault(self) -> EmptyResult:
        if points_in(self._vault()):
            raise refusal(
                "InvalidRequestException", "Backup vault cannot be deleted because it contains recovery points."
            )
        return super().delete_backup_vault()

    def _vault(self) -> Vault:
        name = self._path_parameter("BackupVaultName")
        found: Vault | None = self.backup_backend.vaults.get(name)
        if found is None:
            raise refusal("ResourceNotFoundException", f"Backup vault {name} does not exist.")
        return found

    def _point(self) -> RecoveryPoint:
        arn = self._path_parameter("RecoveryPointArn")
        found = points_in(self._vault()).get(arn)
        if found is None:
            raise refusal("ResourceNotFoundException", f"Recovery point {arn} does not exist.")
        return found

    def _path_parameter(self, name: str) -> str:
        """Arrives percent-encoded."""
        return unquote(str(self._get_param(name) or self._get_param(name[0].lower() + name[1:])))
