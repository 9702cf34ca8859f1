"""Settings of an available file system: who may mount it, what is backed up, and where idle files go."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioner.request import Request

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import BackupPolicyTypeDef


@dataclass(frozen=True)
class Settings:
    """What can be changed of a file system, as it is or as it is to be; `policy` {} is EFS's default."""

    lifecycle: Mapping[str, str]
    is_backed_up: bool
    policy: Mapping[str, Any]

    @classmethod
    def wanted(cls, request: Request, file_system_arn: str) -> "Settings":
        """Idle files move to infrequent access and come back on their first use."""
        transition = request.file_system.transition_to_ia
        lifecycle: dict[str, str] = {}
        if transition:
            lifecycle = {"TransitionToIA": transition, "TransitionToPrimaryStorageClass": "AFTER_1_ACCESS"}
        return cls(lifecycle, request.file_system.backup, policy(file_system_arn))

    @classmethod
    def of(cls, file_system_id: str, efs: "EFSClient") -> "Settings":
        """Three reads. Source: EFS API; what was never set answers PolicyNotFound."""
        policies = efs.describe_lifecycle_configuration(FileSystemId=file_system_id)["LifecyclePolicies"]
        lifecycle = {transition: str(after) for each in policies for transition, after in each.items()}
        try:
            backup = efs.describe_backup_policy(FileSystemId=file_system_id)["BackupPolicy"]["Status"]
        except efs.exceptions.PolicyNotFound:
            backup = "DISABLED"
        try:
            document = json.loads(efs.describe_file_system_policy(FileSystemId=file_system_id)["Policy"])
        except efs.exceptions.PolicyNotFound:
            document = {}
        return cls(lifecycle, backup in ("ENABLED", "ENABLING"), document)


def ensure(request: Request, file_system_id: str, file_system_arn: str, efs: "EFSClient") -> None:
    """Converge lifecycle, backup and policy; each is written only when it differs.

    Source: EFS API, PutLifecycleConfiguration (one transition per policy object), PutBackupPolicy, PutFileSystemPolicy.
    """
    wanted, actual = Settings.wanted(request, file_system_arn), Settings.of(file_system_id, efs)
    if actual.lifecycle != wanted.lifecycle:
        policies: Any = [{transition: after} for transition, after in wanted.lifecycle.items()]
        efs.put_lifecycle_configuration(FileSystemId=file_system_id, LifecyclePolicies=policies)
    if actual.is_backed_up != wanted.is_backed_up:
        status: BackupPolicyTypeDef = {"Status": "ENABLED" if wanted.is_backed_up else "DISABLED"}
        efs.put_backup_policy(FileSystemId=file_system_id, BackupPolicy=status)
    if meaning(actual.policy) != meaning(wanted.policy):
        efs.put_file_system_policy(FileSystemId=file_system_id, Policy=json.dumps(wanted.policy))


def policy(file_system_arn: str) -> dict[str, Any]:
    """TLS only, and only through a mount target: Fargate mounts without an IAM identity, so none can be asked for."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyThroughMountTargets",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [
                    "elasticfilesystem:ClientMount",
                    "elasticfilesystem:ClientWrite",
                    "elasticfilesystem:ClientRootAccess",
                ],
                "Resource": file_system_arn,
                "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
            },
            {
                "Sid": "OnlyOverTls",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "*",
                "Resource": file_system_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def meaning(document: Mapping[str, Any]) -> frozenset[str]:
    """What a policy says, whatever its order, its Sids and the spelling of single values as lists."""
    statements = document.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    return frozenset(json.dumps(_statement_meaning(statement), sort_keys=True) for statement in statements)


def _statement_meaning(statement: Mapping[str, Any]) -> dict[str, Any]:
    normal: dict[str, Any] = {
        key: _values(value) for key, value in statement.items() if key not in ("Sid", "Principal", "Condition")
    }
    principal = statement.get("Principal", "*")
    principal = {"AWS": principal} if isinstance(principal, str) else principal
    normal["Principal"] = {kind: _values(who) for kind, who in principal.items()}
    normal["Condition"] = {
        operator: {key.lower(): _values(value) for key, value in keys.items()}
        for operator, keys in statement.get("Condition", {}).items()
    }
    return normal


def _values(value: Any) -> list[str]:
    """IAM takes one value or a list of them, and booleans as strings in any case."""
    values = value if isinstance(value, list) else [value]
    return sorted(str(each).lower() if isinstance(each, bool) else str(each) for each in values)
