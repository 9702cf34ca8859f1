"""The EFS file system: encrypted, elastic, backed up, and reachable only over TLS."""

from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, RetryableError, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import access_point, file_system_settings
from provisioner.resources.ownership import require_ours, unknown_state

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import (
        CreateFileSystemRequestTypeDef,
        FileSystemDescriptionResponseTypeDef,
        FileSystemDescriptionTypeDef,
    )

    FileSystem = FileSystemDescriptionTypeDef | FileSystemDescriptionResponseTypeDef

POLL_SECONDS = 5


def find(request: Request, efs: "EFSClient") -> "FileSystemDescriptionTypeDef | None":
    """The file system, None when absent."""
    found = efs.describe_file_systems(CreationToken=request.idempotency_token("file-system"))["FileSystems"]
    return next((each for each in found if each["LifeCycleState"] != "deleted"), None)


def ensure(request: Request, efs: "EFSClient") -> Observation:
    """Converge one encrypted file system with its settings: facts {file_system_id, access_point_id}.

    Idempotency key: the CreationToken.
    Raises: TerminalError OWNED_BY_ANOTHER, UNUSABLE, IMMUTABLE (not encrypted, or with another key);
        RetryableError NOT_YET_CONSISTENT when another run creates it in the same moment.
    Source: EFS API, CreateFileSystem, LifeCycleState.
    """
    found = find(request, efs) or _create(request, efs)
    file_system_id = found["FileSystemId"]
    require_ours(request, {tag["Key"]: tag["Value"] for tag in found["Tags"]}, file_system_id)
    _require_encryption(request, found)
    match found["LifeCycleState"]:
        case "available":
            return _converge(request, found, efs)
        case "creating":
            return _pending(Reason.CREATING, file_system_id)
        case "updating":
            return _pending(Reason.UPDATING, file_system_id)
        case "deleting" | "deleted":
            return _pending(Reason.DELETING, file_system_id)
        case "error":
            raise TerminalError(
                ErrorReason.UNUSABLE,
                f"{file_system_id} is in the state error",
                remedy="ask AWS Support about it, or save its data, remove it and run again",
            )
        case unknown:
            raise unknown_state(file_system_id, unknown)


def _create(request: Request, efs: "EFSClient") -> "FileSystem":
    wanted = request.file_system
    tags = {"Name": f"{request.cluster.name}-efs", **request.owner_tags}
    creation: CreateFileSystemRequestTypeDef = {
        "CreationToken": request.idempotency_token("file-system"),
        "Encrypted": True,
        "ThroughputMode": wanted.throughput_mode,
        "Backup": wanted.backup,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    if wanted.kms_key_arn:
        creation["KmsKeyId"] = wanted.kms_key_arn
    try:
        return efs.create_file_system(**creation)
    except efs.exceptions.FileSystemAlreadyExists as error:
        raise RetryableError(
            ErrorReason.NOT_YET_CONSISTENT,
            f"the file system of {request.cluster.name} appeared while it was being created",
            remedy="look again",
        ) from error


def _require_encryption(request: Request, found: "FileSystem") -> None:
    key_arn = request.file_system.kms_key_arn
    if not found.get("Encrypted"):
        problem = "is not encrypted"
    elif key_arn and found.get("KmsKeyId") != key_arn:
        problem = f"is encrypted with {found.get('KmsKeyId')}, asked for {key_arn}"
    else:
        return
    raise TerminalError(
        ErrorReason.IMMUTABLE,
        f"{found['FileSystemId']} {problem}",
        remedy="encryption is fixed at creation: ask for what it has, or choose another cluster name",
    )


def _converge(request: Request, found: "FileSystem", efs: "EFSClient") -> Observation:
    file_system_id = found["FileSystemId"]
    file_system_settings.ensure(request, file_system_id, found["FileSystemArn"], efs)
    if found.get("ThroughputMode") != request.file_system.throughput_mode:
        # Last: it takes the file system out of the state in which the other settings can be changed.
        efs.update_file_system(FileSystemId=file_system_id, ThroughputMode=request.file_system.throughput_mode)
        return _pending(Reason.UPDATING, file_system_id)
    if request.storage.access_point is None:
        return Observation.ready_with(file_system_id=file_system_id, access_point_id=None)
    return access_point.ensure(request, request.storage.access_point, file_system_id, efs)


def _pending(reason: Reason, file_system_id: str) -> Observation:
    return Observation.pending(
        reason, retry_after_seconds=POLL_SECONDS, file_system_id=file_system_id, access_point_id=None
    )
