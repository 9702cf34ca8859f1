"""The access point, when the request asks for one: pods that are not root get a directory they own."""

from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, RetryableError, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import AccessPointRequest, Request
from provisioner.resources.ownership import require_ours, unknown_state

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import AccessPointDescriptionResponseTypeDef, AccessPointDescriptionTypeDef

    AccessPoint = AccessPointDescriptionTypeDef | AccessPointDescriptionResponseTypeDef

POLL_SECONDS = 5


def find(request: Request, file_system_id: str, efs: "EFSClient") -> "AccessPointDescriptionTypeDef | None":
    """The access point, None when absent; EFS cannot filter by ClientToken."""
    pages = efs.get_paginator("describe_access_points").paginate(FileSystemId=file_system_id)
    token = _client_token(request, file_system_id)
    found = (each for page in pages for each in page["AccessPoints"] if each.get("ClientToken") == token)
    return next((each for each in found if each.get("LifeCycleState") != "deleted"), None)


def ensure(request: Request, wanted: AccessPointRequest, file_system_id: str, efs: "EFSClient") -> Observation:
    """Converge one access point with the user and directory asked for: facts {file_system_id, access_point_id}.

    Idempotency key: the ClientToken.
    Raises: TerminalError OWNED_BY_ANOTHER, IMMUTABLE (other user or path), UNUSABLE;
        RetryableError NOT_YET_CONSISTENT when another run creates it in the same moment.
    Source: EFS API, CreateAccessPoint; CreationInfo makes EFS create the directory on first use.
    """
    found = find(request, file_system_id, efs) or _create(request, wanted, file_system_id, efs)
    access_point_id = found["AccessPointId"]
    require_ours(request, {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}, access_point_id)
    _require_unchanged(wanted, found)
    match found["LifeCycleState"]:
        case "available" | "updating":
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
                "CreationInfo": {"OwnerUid": wanted.uid, "OwnerGid": wanted.gid, "Permissions": "0755"},
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
    """Of this file system: one that an earlier cluster of the name has left keeps its own access point."""
    return request.idempotency_token(f"access-point of {file_system_id}")


def _require_unchanged(wanted: AccessPointRequest, found: "AccessPoint") -> None:
    user, path = found["PosixUser"], found["RootDirectory"].get("Path")
    if (user["Uid"], user["Gid"], path) != (wanted.uid, wanted.gid, wanted.path):
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"{found['AccessPointId']} is for {user['Uid']}:{user['Gid']} at {path}, "
            f"asked for {wanted.uid}:{wanted.gid} at {wanted.path}",
            remedy="ask for what it is, or remove the access point (its files stay) and run again",
        )


def _pending(reason: Reason, file_system_id: str, access_point_id: str) -> Observation:
    return Observation.pending(
        reason, retry_after_seconds=POLL_SECONDS, file_system_id=file_system_id, access_point_id=access_point_id
    )
