"""Whether CoreDNS is there as a managed add-on that runs on Fargate, and well."""

from typing import TYPE_CHECKING

from provisioner.difference import EXISTS, Difference, DriftKind, Inspected, Severity
from provisioner.request import Request
from provisioner.resources import health
from provisioner.resources.cluster_dns import CONFIGURATION, NAME, are_from_before, configuration_of, is_configured
from provisioner.resources.ownership import ownership

if TYPE_CHECKING:
    from mypy_boto3_eks.type_defs import AddonTypeDef, FargateProfileTypeDef

_RESOURCE = f"add-on {NAME}"

MISSING = DriftKind(
    resource=_RESOURCE,
    path=EXISTS,
    severity=Severity.WARNING,
    meaning="Nobody keeps cluster DNS up to date, and it may be gone altogether. Mounting EFS does not need it.",
    fix=f"a run makes the add-on {NAME} again",
)
IN_PROGRESS = DriftKind(
    resource=_RESOURCE,
    path="status",
    severity=Severity.WARNING,
    meaning="Somebody creates, updates or deletes the add-on right now.",
    fix=f"a run waits until the add-on {NAME} is no longer {{actual}}, and makes it again if it then is gone",
)
UNWELL = DriftKind(
    resource=_RESOURCE,
    path="status",
    severity=Severity.WARNING,
    meaning="The add-on does not run as it should, although configuration and Fargate profile are as asked for.",
    fix=f"remove the cause ({{issues}}); a run changes nothing about it. If it stays, delete the add-on {NAME} and "
    "start a run, which makes it",
    repairable=False,
)
FROM_BEFORE = DriftKind(
    resource=_RESOURCE,
    path="status",
    severity=Severity.WARNING,
    meaning="Its pods are older than the Fargate profile: they wait for EC2 nodes, which there are none of.",
    fix=f"a run replaces the pods of the add-on {NAME}",
)
CONFIGURATION_CHANGED = DriftKind(
    resource=_RESOURCE,
    path="configurationValues.{key}",
    severity=Severity.WARNING,
    meaning="Without compute type Fargate, new CoreDNS pods wait for EC2 nodes, which there are none of.",
    fix=f"a run sets {{key}} of the add-on {NAME} to {{expected}} again; other values stay",
)


def inspect(
    request: Request, addon: "AddonTypeDef | None", profile: "FargateProfileTypeDef | None", *, can_run: bool
) -> Inspected:
    """The add-on as it is, None when absent, against what `ensure` converges to.

    `can_run`: `profile` takes its pods, and nodes can join; otherwise that is the difference, not what follows.
    """
    if addon is None:
        return Inspected.of(_RESOURCE, [MISSING.missing()])
    differences = ownership(request, addon.get("tags", {}), _RESOURCE)
    match addon["status"]:
        case "ACTIVE" | "DEGRADED" if not is_configured(addon):
            differences += _configuration_differences(addon)
        case "ACTIVE":
            pass
        case "CREATING" | "UPDATING" | "DELETING" as status:
            differences.append(IN_PROGRESS.found(expected="ACTIVE", actual=status))
        case "DEGRADED" if can_run and profile and are_from_before(profile, addon):
            differences.append(FROM_BEFORE.found(expected="ACTIVE", actual="DEGRADED"))
        case status if can_run:
            issues = health.summary(addon.get("health", {}).get("issues", []))
            differences.append(UNWELL.found(expected="ACTIVE", actual=status, issues=issues))
        case _:
            pass
    return Inspected.of(_RESOURCE, differences)


def _configuration_differences(addon: "AddonTypeDef") -> list[Difference]:
    actual = configuration_of(addon)
    return [
        CONFIGURATION_CHANGED.found(expected=value, actual=actual.get(key), key=key)
        for key, value in CONFIGURATION.items()
        if actual.get(key) != value
    ]
