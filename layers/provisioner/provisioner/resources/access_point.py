"""The access point, when the request asks for one: pods that are not root get a directory they own."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provisioner.errors import ErrorReason, RetryableError, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import AccessPointRequest, Request
from provisioner.resources.ownership import require_ours, unknown_state
from provisioner.resources.tags import ensure_efs_tags

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import AccessPointDescriptionResponseTypeDef, AccessPointDescriptionTypeDef

    AccessPoint = AccessPointDescriptionTypeDef | AccessPointDescriptionResponseTypeDef

POLL_SECONDS = 5


def find(request: Request, file_system_id: str, efs: "EFSClient") -> "AccessPointDescriptionTypeDef | None":
    """The volume's access point, None when absent; EFS cannot filter by ClientToken."""
    pages = efs.get_paginator("describe_access_points").paginate(FileSystemId=file_system_id)
    there = {
        each.get("ClientToken"): each
        for page in pages
        for each in page["AccessPoints"]
        if each.get("LifeCycleState") != "deleted"
    }
    return there.get(_client_token(request, file_system_id)) or _of_earlier_version(request, file_system_id, there)


def _of_earlier_version(
    request: Request, file_system_id: str, there: "Mapping[str | None, AccessPointDescriptionTypeDef]"
) -> "AccessPointDescriptionTypeDef | None":
    """That of a cluster with one volume, which named no volume: whichever volume now has its directory."""
    found, wanted = there.get(request.idempotency_token(f"access-point of {file_system_id}")), request.storage
    is_same = found and wanted.access_point and found["RootDirectory"].get("Path") == wanted.access_point.path
    return found if is_same else None


def ensure(request: Request, wanted: AccessPointRequest, file_system_id: str, efs: "EFSClient") -> Observation:
    """Converge one access point with the user and directory asked for: facts {file_system_id, access_point_id}.

    Idempotency key: the ClientToken.
    Raises: TerminalError OWNED_BY_ANOTHER, IMMUTABLE (other user or path), UNUSABLE;
        RetryableError NOT_YET_CONSISTENT when another run creates it in the same moment.
    Source: EFS API, CreateAccessPoint; CreationInfo makes EFS create the directory on first use.
    """
    found = find(request, file_system_id, efs) or _create(request, wanted, file_system_id, efs)
    access_point_id = found["AccessPointId"]
    has_tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    require_ours(request, has_tags, access_point_id)
    _require_unchanged(wanted, found)
    match found["LifeCycleState"]:
        case "available" | "updating":
            ensure_efs_tags(request, access_point_id, has_tags, efs)
            return Observation.ready_with(file_system_id=file_system_id, access_point_id=access_point_id)
        case "creating":
            return _pending(Reason.CREATING, file_system_id, access_point_id)
        case "deleting" | "deleted":
            return _pending(Reason.DELETING, file_system_id, access_point_id)
        case "error":
            raise TerminalError(
                ErrorReason.UNUSABLE,
                f"{access_point_id} is in the state error",
                remedy="remove the access point (its files stay) and run again",
            )
        case unknown:
            raise unknown_state(access_point_id, unknown)


def _create(request: Request, wanted: AccessPointRequest, file_system_id: str, efs: "EFSClient") -> "AccessPoint":
    tags = {"Name": f"{request.cluster.name}-efs", **request.owner_tags}
    try:
        return efs.create_access_point(
            ClientToken=_client_token(request, file_system_id),
            FileSystemId=file_system_id,
            PosixUser={"Uid": wanted.uid, "Gid": wanted.gid},
            RootDirectory={
                "Path": wanted.path,
                "CreationInfo": {
                    "OwnerUid": wanted.uid,
                    "OwnerGid": wanted.gid,
                    "Permissions": wanted.permissions,
                },
            },
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
    except efs.exceptions.AccessPointAlreadyExists as error:
        raise RetryableError(
            ErrorReason.NOT_YET_CONSISTENT,
            f"the access point of {request.cluster.name} appeared while it was being created",
            remedy="look again",
        ) from error


def _client_token(request: Request, file_system_id: str) -> str:
    """Of this file system, for one that an earlier cluster of the name has left keeps its own; and of this volume."""
    return request.idempotency_token(f"access-point of {file_system_id} for {request.storage.persistent_volume}")


def settings_of(found: "AccessPoint") -> dict[str, Any]:
    """{uid, gid, path, permissions}; the last only where EFS was told how to make the directory."""
    root = found["RootDirectory"]
    creation = root.get("CreationInfo")
    return {
        "uid": found["PosixUser"]["Uid"],
        "gid": found["PosixUser"]["Gid"],
        "path": root.get("Path"),
        **({"permissions": creation["Permissions"]} if creation else {}),
    }


def differing_settings(wanted: AccessPointRequest, found: "AccessPoint") -> list[tuple[str, Any, Any]]:
    """(field, asked for, is) of what an access point can never become; of permissions the leading 0 says nothing."""
    settings = settings_of(found)
    return [
        (field, asked, settings[field])
        for field, asked in wanted
        if field in settings and asked != settings[field] and not _are_same_mode(asked, settings[field])
    ]


def _are_same_mode(one: Any, other: Any) -> bool:
    return isinstance(one, str) and isinstance(other, str) and one.rjust(4, "0") == other.rjust(4, "0")


def _require_unchanged(wanted: AccessPointRequest, found: "AccessPoint") -> None:
    if differences := differing_settings(wanted, found):
        has, asked = settings_of(found), dict(wanted)
        with_mode = " with permissions {permissions}" if any(each[0] == "permissions" for each in differences) else ""
        said = "{uid}:{gid} at {path}" + with_mode
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"{found['AccessPointId']} is for {said.format_map(has)}, asked for {said.format_map(asked)}",
            remedy="ask for what it is, or remove the access point (its files stay) and run again",
        )


def _pending(reason: Reason, file_system_id: str, access_point_id: str) -> Observation:
    return Observation.pending(
        reason, retry_after_seconds=POLL_SECONDS, file_system_id=file_system_id, access_point_id=access_point_id
    )
