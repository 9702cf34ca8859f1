"""Whether the Fargate profiles run the pods asked for where it was asked for. EKS never changes a profile."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioner.difference import EXISTS, Difference, DriftKind, Inspected, Severity
from provisioner.request import Request
from provisioner.resources import health
from provisioner.resources.fargate_profile import NAME, unselected_namespaces, unused_subnets
from provisioner.resources.ownership import ownership
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_eks.type_defs import FargateProfileTypeDef

_RESOURCE = f"Fargate profile {NAME}"
_PROFILE = "Fargate profile {profile}"
_AGAIN = "delete the Fargate profile {profile} (its pods stop), then start a run, which makes it"

MISSING = DriftKind(
    resource=_RESOURCE,
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="No new pod gets a node, and the pods that ran through the profile were stopped with it.",
    fix=f"a run makes the profile {NAME} again; pods that became Pending meanwhile have to be deleted and made again",
)
IN_PROGRESS = DriftKind(
    resource=_PROFILE,
    path="status",
    severity=Severity.CRITICAL,
    meaning="Somebody deletes or creates the profile right now; until then no new pod gets a node.",
    fix="a run waits until the profile {profile} is no longer {actual}, and makes it again if it then is gone",
)
FAILED = DriftKind(
    resource=_PROFILE,
    path="status",
    severity=Severity.CRITICAL,
    meaning="EKS gave the profile up: it never leaves this state.",
    fix="remove the cause ({issues}), delete the profile {profile}, then start a run",
    repairable=False,
)
SELECTOR = DriftKind(
    resource=_RESOURCE,
    path="selectors.{namespace}",
    severity=Severity.CRITICAL,
    meaning="No profile of this application selects the namespace: its new pods get no node. A profile is immutable.",
    fix="a run makes a further profile for {namespace}; pods that became Pending meanwhile have to be made again",
)
SUBNET = DriftKind(
    resource=_PROFILE,
    path="subnets.{subnet}",
    severity=Severity.WARNING,
    meaning="The profile was made again without a subnet: no pod runs in its zone. A profile is immutable.",
    fix=f"{_AGAIN} with {{subnet}}",
    repairable=False,
)
ROLE = DriftKind(
    resource=_PROFILE,
    path="podExecutionRoleArn",
    severity=Severity.WARNING,
    meaning="Pods are started with another role than the project's, which may pull other images and write other logs.",
    fix=f"{_AGAIN} with {{expected}}",
    repairable=False,
)


def inspect(
    request: Request, network: Network | None, profiles: "Sequence[FargateProfileTypeDef]", role_arn: str
) -> list[Inspected]:
    """The profiles as they are against what `ensure` converges to; no subnets without the network.

    What none of them selects is told of the first: a run makes a further one.
    """
    if not profiles:
        return [Inspected.of(_RESOURCE, [MISSING.missing()])]
    looked_at = {each["fargateProfileName"]: _differences(request, network, each, role_arn) for each in profiles}
    first, *_ = looked_at
    if not any(difference.path == "status" for each in looked_at.values() for difference in each):
        missing = unselected_namespaces(request, profiles)
        looked_at[first] += [SELECTOR.found(expected="selected", actual=None, namespace=each) for each in missing]
    return [Inspected.of(f"Fargate profile {name}", differences) for name, differences in looked_at.items()]


def _differences(
    request: Request, network: Network | None, profile: "FargateProfileTypeDef", role_arn: str
) -> list[Difference]:
    name = profile["fargateProfileName"]
    differences = ownership(request, profile.get("tags", {}), f"Fargate profile {name}")
    match profile["status"]:
        case "ACTIVE":
            subnets = unused_subnets(network, profile) if network else []
            differences += [SUBNET.found(expected="used", actual=None, subnet=each, profile=name) for each in subnets]
            if profile["podExecutionRoleArn"] != role_arn:
                actual = profile["podExecutionRoleArn"]
                differences.append(ROLE.found(expected=role_arn, actual=actual, profile=name))
        case "CREATE_FAILED" | "DELETE_FAILED" as status:
            issues = health.summary(profile.get("health", {}).get("issues", []))
            differences.append(FAILED.found(expected="ACTIVE", actual=status, issues=issues, profile=name))
        case status:
            differences.append(IN_PROGRESS.found(expected="ACTIVE", actual=status, profile=name))
    return differences
