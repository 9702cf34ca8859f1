"""Settings of an available file system. Each is read first and written only when it differs."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provisioner.request import Request

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import BackupPolicyTypeDef, LifecyclePolicyTypeDef


def ensure_lifecycle(request: Request, file_system_id: str, efs: "EFSClient") -> None:
    """Idle files move to infrequent access and come back on their first use.

    Source: EFS API, PutLifecycleConfiguration (one transition per policy object).
    """
    transition = request.file_system.transition_to_ia
    wanted: list[LifecyclePolicyTypeDef] = []
    if transition:
        wanted = [{"TransitionToIA": transition}, {"TransitionToPrimaryStorageClass": "AFTER_1_ACCESS"}]
    actual = efs.describe_lifecycle_configuration(FileSystemId=file_system_id)["LifecyclePolicies"]
    if _merged(actual) != _merged(wanted):
        efs.put_lifecycle_configuration(FileSystemId=file_system_id, LifecyclePolicies=wanted)


def _merged(policies: "list[LifecyclePolicyTypeDef]") -> dict[str, Any]:
    return {transition: after for policy in policies for transition, after in policy.items()}


def ensure_backup(request: Request, file_system_id: str, efs: "EFSClient") -> None:
    """Source: EFS API, PutBackupPolicy; a file system that never had a policy answers PolicyNotFound."""
    try:
        status = efs.describe_backup_policy(FileSystemId=file_system_id)["BackupPolicy"]["Status"]
        is_backed_up = status in ("ENABLED", "ENABLING")
    except efs.exceptions.PolicyNotFound:
        is_backed_up = False
    if is_backed_up != request.file_system.backup:
        wanted: BackupPolicyTypeDef = {"Status": "ENABLED" if request.file_system.backup else "DISABLED"}
        efs.put_backup_policy(FileSystemId=file_system_id, BackupPolicy=wanted)


def ensure_policy(file_system_id: str, file_system_arn: str, efs: "EFSClient") -> None:
    """Source: EFS API, PutFileSystemPolicy; PolicyNotFound while EFS's default policy applies."""
    wanted = policy(file_system_arn)
    try:
        actual = json.loads(efs.describe_file_system_policy(FileSystemId=file_system_id)["Policy"])
    except efs.exceptions.PolicyNotFound:
        actual = {}
    if meaning(actual) != meaning(wanted):
        efs.put_file_system_policy(FileSystemId=file_system_id, Policy=json.dumps(wanted))


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
