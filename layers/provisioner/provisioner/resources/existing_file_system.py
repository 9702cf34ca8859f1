"""The file system that a request names: what would keep a run from taking it over, before the run has made anything."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.request import Request
from provisioner.resources import file_system, mount_targets
from provisioner.resources.problem import Problem

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import FileSystemDescriptionTypeDef

_ONE_IN_USE = "name a regional one that can be written to, or leave file_system.existing out for a new one"


def problems(request: Request, vpc_id: str | None, efs: "EFSClient") -> list[Problem]:
    """All that is wrong with `file_system.existing`; none of a request without it. Only reads.

    `vpc_id` is the cluster's; None when it is still to be made. What EFS is about to finish is waited for later.
    Raises: ClientError. Source: EFS API, FileSystemDescription; a file system of another account is not found.
    """
    if request.file_system.existing is None:
        return []
    found = file_system.find_by_id(request.file_system.existing, efs)
    if found is None:
        return [Problem.of(file_system.named_one_is_missing(request))]
    checks: tuple[Callable[[], None], ...] = (
        lambda: file_system.require_named_is_ours(request, found),
        lambda: file_system.require_usable(found),
        lambda: file_system.require_encryption(request, found),
        lambda: file_system.require_no_other(request, found["FileSystemId"], efs),
        lambda: mount_targets.require_same_vpc(vpc_id, mount_targets.find(found["FileSystemId"], efs)),
    )
    return [*filter(None, map(_problem, checks)), *_unsuitable(found)]


def _problem(check: Callable[[], None]) -> Problem | None:
    try:
        check()
    except TerminalError as error:
        return Problem.of(error)
    return None


def _unsuitable(found: "FileSystemDescriptionTypeDef") -> Iterator[Problem]:
    """Source: EFS user guide, "EFS file system types"; "Replicating file systems": a replica is read-only."""
    file_system_id = found["FileSystemId"]
    if zone := found.get("AvailabilityZoneName"):
        what = f"{file_system_id} is of one zone, {zone}: pods of the others have no mount target in theirs"
        yield Problem(ErrorReason.UNUSABLE, what, _ONE_IN_USE)
    if found.get("FileSystemProtection", {}).get("ReplicationOverwriteProtection") == "REPLICATING":
        what = f"{file_system_id} is the destination of a replication, which makes it read-only"
        yield Problem(ErrorReason.UNUSABLE, what, f"delete the replication, or {_ONE_IN_USE}")
