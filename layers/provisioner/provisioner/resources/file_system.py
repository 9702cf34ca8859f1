"""The EFS file system: encrypted, elastic, backed up, and reachable only over TLS."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, RetryableError, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import KEPT_TAG, OWNER_TAG, Request
from provisioner.resources import access_point, file_system_settings
from provisioner.resources.ownership import require_ours, unknown_state
from provisioner.resources.tags import ensure_efs_tags

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import (
        CreateFileSystemRequestTypeDef,
        FileSystemDescriptionResponseTypeDef,
        FileSystemDescriptionTypeDef,
    )

    FileSystem = FileSystemDescriptionTypeDef | FileSystemDescriptionResponseTypeDef

POLL_SECONDS = 5
# Of a CreationToken's 64, to leave room for a number.
_TOKEN_CHARACTERS = 58


def find(request: Request, efs: "EFSClient") -> "FileSystemDescriptionTypeDef | None":
    """The file system that the request names, or else the cluster's own; None when absent.

    One that a removal has kept is the cluster's no more, until a request names it.
    """
    if request.file_system.existing:
        return find_by_id(request.file_system.existing, efs)
    return _in_use(_generations(request, efs))


def find_by_id(file_system_id: str, efs: "EFSClient") -> "FileSystemDescriptionTypeDef | None":
    """The file system, whoever made it; None when absent."""
    try:
        found = efs.describe_file_systems(FileSystemId=file_system_id)["FileSystems"]
    except efs.exceptions.FileSystemNotFound:
        return None
    return next((each for each in found if each["LifeCycleState"] != "deleted"), None)


def tags_of(found: "FileSystem") -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found["Tags"]}


def kept_since(found: "FileSystem") -> str | None:
    """When a removal left it with its data (ISO 8601); None of one in use."""
    return tags_of(found).get(KEPT_TAG)


def ensure(request: Request, efs: "EFSClient") -> Observation:
    """Converge one encrypted file system with its settings: facts {file_system_id, access_point_id}.

    Idempotency key: the CreationToken, of which each file system that a removal has kept had one before. One that the
    request names is taken over with what is in it.
    Raises: TerminalError OWNED_BY_ANOTHER, UNUSABLE, IMMUTABLE (not encrypted, or with another key), CONFLICT (one is
        named and the cluster has another);
        RetryableError NOT_YET_CONSISTENT when another run creates it in the same moment.
    Source: EFS API, CreateFileSystem, LifeCycleState.
    """
    found = _found_or_created(request, efs)
    file_system_id = found["FileSystemId"]
    if request.file_system.existing:
        require_named_is_ours(request, found)
        require_no_other(request, file_system_id, efs)
    else:
        require_ours(request, tags_of(found), file_system_id)
    require_encryption(request, found)
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
            raise _unusable(file_system_id, "error")
        case unknown:
            raise unknown_state(file_system_id, unknown)


def named_one_is_missing(request: Request) -> TerminalError:
    """The error for a file_system.existing that is not there; one of another account or region is not seen either."""
    return TerminalError(
        ErrorReason.UNUSABLE,
        f"file_system.existing is {request.file_system.existing}, which does not exist",
        remedy=f"name one that {request.account_id} has in {request.region}, "
        "or leave file_system.existing out for a new one",
    )


def require_named_is_ours(request: Request, found: "FileSystem") -> None:
    """Raises: TerminalError OWNED_BY_ANOTHER for a file_system.existing that lacks this cluster's owner tag."""
    owner, cluster = tags_of(found).get(OWNER_TAG), request.cluster.name
    if owner != cluster:
        raise TerminalError(
            ErrorReason.OWNED_BY_ANOTHER,
            f"file_system.existing is {found['FileSystemId']}, whose tag {OWNER_TAG} is {owner!r}",
            remedy=f"name one that a removal of {cluster} has kept, or leave file_system.existing out for a new one; "
            f"one that nobody else uses becomes this cluster's by the tag {OWNER_TAG}={cluster}",
        )


def require_no_other(request: Request, file_system_id: str, efs: "EFSClient") -> None:
    """Raises: TerminalError CONFLICT when the cluster has another file system in use than the one it names.

    `efs` is the cluster's account's, whosever the named one is.
    """
    others = [each["FileSystemId"] for each in _generations(request, efs).values() if not kept_since(each)]
    if in_use := next((other for other in others if other != file_system_id), None):
        raise TerminalError(
            ErrorReason.CONFLICT,
            f"file_system.existing is {file_system_id}, and cluster {request.cluster.name} has {in_use}",
            remedy=f"leave file_system.existing out, or remove the cluster, which keeps {in_use}, and start again",
        )


def require_usable(found: "FileSystem") -> None:
    """Raises: TerminalError UNUSABLE for one that no waiting makes available."""
    if found["LifeCycleState"] in ("deleting", "deleted", "error"):
        raise _unusable(found["FileSystemId"], found["LifeCycleState"])


def _unusable(file_system_id: str, state: str) -> TerminalError:
    return TerminalError(
        ErrorReason.UNUSABLE,
        f"{file_system_id} is in the state {state}",
        remedy="ask AWS Support about it, or save its data, remove it and run again",
    )


def _generations(request: Request, efs: "EFSClient") -> "dict[int, FileSystemDescriptionTypeDef]":
    """Which of the cluster's file systems it is, the first being 0 -> the file system, in this order.

    All are looked through, since any of them may have been deleted meanwhile.
    """
    base = request.idempotency_token("file-system")
    pattern = re.compile(rf"{base}|{base[:_TOKEN_CHARACTERS]}-(?P<generation>[0-9]+)")
    found: dict[int, FileSystemDescriptionTypeDef] = {}
    for page in efs.get_paginator("describe_file_systems").paginate():
        for each in page["FileSystems"]:
            match = pattern.fullmatch(each["CreationToken"])
            if match and each["LifeCycleState"] != "deleted":
                found[int(match["generation"] or 0)] = each
    return dict(sorted(found.items()))


def _creation_token(request: Request, generation: int) -> str:
    base = request.idempotency_token("file-system")
    return f"{base[:_TOKEN_CHARACTERS]}-{generation}" if generation else base


def _in_use(generations: "Mapping[int, FileSystemDescriptionTypeDef]") -> "FileSystemDescriptionTypeDef | None":
    return next((each for each in generations.values() if not kept_since(each)), None)


def _found_or_created(request: Request, efs: "EFSClient") -> "FileSystem":
    if existing := request.file_system.existing:
        if found := find_by_id(existing, efs):
            return found
        raise named_one_is_missing(request)
    # By one look: a second one may know of a file system that the first did not tell, which then got a successor.
    generations = _generations(request, efs)
    return _in_use(generations) or _create(request, max(generations, default=-1) + 1, efs)


def _create(request: Request, generation: int, efs: "EFSClient") -> "FileSystem":
    wanted = request.file_system
    tags = {"Name": f"{request.cluster.name}-efs", **request.owner_tags}
    creation: CreateFileSystemRequestTypeDef = {
        "CreationToken": _creation_token(request, generation),
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


def require_encryption(request: Request, found: "FileSystem") -> None:
    """Raises: TerminalError IMMUTABLE for one that is not encrypted, or with another key than asked for."""
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
    if kept_since(found):
        # What was kept is in use again. Source: EFS API, UntagResource.
        efs.untag_resource(ResourceId=file_system_id, TagKeys=[KEPT_TAG])
    ensure_efs_tags(request, file_system_id, tags_of(found), efs)
    file_system_settings.ensure(request, file_system_id, found["FileSystemArn"], efs)
    if found.get("ThroughputMode") != request.file_system.throughput_mode:
        # Last: it takes the file system out of the state in which the other settings can be changed.
        efs.update_file_system(FileSystemId=file_system_id, ThroughputMode=request.file_system.throughput_mode)
        return _pending(Reason.UPDATING, file_system_id)
    return _access_points(request, file_system_id, efs)


def _access_points(request: Request, file_system_id: str, efs: "EFSClient") -> Observation:
    """Those of all volumes: facts {file_system_id, access_point_id, access_point_ids}.

    `access_point_id` is the first volume's; `access_point_ids`: name of the volume -> id, null where its pods mount
    the file system's root.
    """
    ids: dict[str, str | None] = {}
    pending = None
    for one in request.of_each_volume:
        wanted = one.storage.access_point
        seen = access_point.ensure(one, wanted, file_system_id, efs) if wanted else Observation.ready_with()
        ids[one.storage.persistent_volume] = seen.facts.get("access_point_id")
        pending = pending or (None if seen.ready else seen)
    facts = {
        "file_system_id": file_system_id,
        "access_point_id": next(iter(ids.values())),
        "access_point_ids": ids,
    }
    return replace(pending, facts=facts) if pending else Observation.ready_with(**facts)


def _pending(reason: Reason, file_system_id: str) -> Observation:
    return Observation.pending(
        reason, retry_after_seconds=POLL_SECONDS, file_system_id=file_system_id, access_point_id=None
    )
