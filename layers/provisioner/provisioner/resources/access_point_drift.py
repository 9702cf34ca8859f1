"""Whether the access point asked for is there, with its user and directory."""

from typing import TYPE_CHECKING

from provisioner.difference import EXISTS, DriftKind, Inspected, Severity
from provisioner.request import AccessPointRequest, Request
from provisioner.resources.access_point import differing_settings
from provisioner.resources.ownership import ownership

if TYPE_CHECKING:
    from mypy_boto3_efs.type_defs import AccessPointDescriptionTypeDef

MISSING = DriftKind(
    resource="access point of {whose}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="Pods mount through the access point: without it none mounts. Its directory and files are still there.",
    fix="a run makes a new one, whose id a PersistentVolume of the lost one cannot take: delete claim and volume of "
    "{whose} by hand (the file system keeps its data), then start a run",
    repairable=False,
)
IN_PROGRESS = DriftKind(
    resource="access point {access_point}",
    path="status",
    severity=Severity.WARNING,
    meaning="EFS is creating or changing the access point right now.",
    fix="a run waits until {access_point} is no longer {actual}",
)
UNUSABLE = DriftKind(
    resource="access point {access_point}",
    path="status",
    severity=Severity.CRITICAL,
    meaning="Somebody deletes the access point, or EFS gave it up: no pod can mount through it.",
    fix="remove {access_point} if it is still there (its files stay), and the claim and volume that name it, then "
    "start a run",
    repairable=False,
)
IMMUTABLE = DriftKind(
    resource="access point {access_point}",
    path="{field}",
    severity=Severity.WARNING,
    meaning="The access point was made for another user or directory than asked for, and cannot be changed.",
    fix="ask for {actual}, or remove {access_point} (its files stay) and the claim and volume that name it, then start "
    "a run",
    repairable=False,
)


def inspect(request: Request, wanted: AccessPointRequest, found: "AccessPointDescriptionTypeDef | None") -> Inspected:
    """The access point as it is, None when absent, against what `ensure` converges to."""
    if found is None:
        whose = f"{request.cluster.name}'s volume {request.storage.persistent_volume}"
        return Inspected.of(f"access point of {whose}", [MISSING.missing(whose=whose)])
    access_point_id = found["AccessPointId"]
    resource = f"access point {access_point_id}"
    differences = ownership(request, {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}, resource)
    differences += [
        IMMUTABLE.found(expected=expected, actual=actual, access_point=access_point_id, field=field)
        for field, expected, actual in differing_settings(wanted, found)
    ]
    match found["LifeCycleState"]:
        case "available":
            pass
        case "creating" | "updating" as state:
            differences.append(IN_PROGRESS.found(expected="available", actual=state, access_point=access_point_id))
        case state:
            differences.append(UNUSABLE.found(expected="available", actual=state, access_point=access_point_id))
    return Inspected.of(resource, differences)
