"""Whether the Fargate profile runs the pods asked for where it was asked for. EKS never changes a profile."""

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
_AGAIN = f"delete the Fargate profile {NAME} (its pods stop), then start a run, which makes it"

MISSING = DriftKind(
    resource=_RESOURCE,
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="No new pod gets a node, and the pods that ran through the profile were stopped with it.",
    fix=f"a run makes the profile {NAME} again; pods that became Pending meanwhile have to be deleted and made again",
)
IN_PROGRESS = DriftKind(
    resource=_RESOURCE,
    path="status",
    severity=Severity.CRITICAL,
    meaning="Somebody deletes or creates the profile right now; until then no new pod gets a node.",
    fix=f"a run waits until the profile {NAME} is no longer {{actual}}, and makes it again if it then is gone",
)
FAILED = DriftKind(
    resource=_RESOURCE,
    path="status",
    severity=Severity.CRITICAL,
    meaning="EKS gave the profile up: it never leaves this state.",
    fix=f"remove the cause ({{issues}}), delete the profile {NAME}, then start a run",
    repairable=False,
)
SELECTOR = DriftKind(
    resource=_RESOURCE,
    path="selectors.{namespace}",
    severity=Severity.CRITICAL,
    meaning="The profile was made again without a namespace: its new pods get no node. A profile is immutable.",
    fix=f"{_AGAIN} with {{namespace}}",
    repairable=False,
)
SUBNET = DriftKind(
    resource=_RESOURCE,
    path="subnets.{subnet}",
    severity=Severity.WARNING,
    meaning="The profile was made again without a subnet: no pod runs in its zone. A profile is immutable.",
    fix=f"{_AGAIN} with {{subnet}}",
    repairable=False,
)
ROLE = DriftKind(
    resource=_RESOURCE,
    path="podExecutionRoleArn",
    severity=Severity.WARNING,
    meaning="Pods are started with another role than the project's, which may pull other images and write other logs.",
    fix=f"{_AGAIN} with {{expected}}",
    repairable=False,
)


def inspect(
    request: Request, network: Network | None, profile: "FargateProfileTypeDef | None", role_arn: str
) -> Inspected:
    """The profile as it is, None when absent, against what `ensure` converges to; no subnets without the network."""
    if profile is None:
        return Inspected.of(_RESOURCE, [MISSING.missing()])
    differences = ownership(request, profile.get("tags", {}), _RESOURCE)
    match profile["status"]:
        case "ACTIVE":
            differences += _differences(request, network, profile, role_arn)
        case "CREATE_FAILED" | "DELETE_FAILED" as status:
            issues = health.summary(profile.get("health", {}).get("issues", []))
            differences.append(FAILED.found(expected="ACTIVE", actual=status, issues=issues))
        case status:
            differences.append(IN_PROGRESS.found(expected="ACTIVE", actual=status))
    return Inspected.of(_RESOURCE, differences)


def _differences(
    request: Request, network: Network | None, profile: "FargateProfileTypeDef", role_arn: str
) -> list[Difference]:
    subnets = unused_subnets(network, profile) if network else []
    differences = [
        *(
            SELECTOR.found(expected="selected", actual=None, namespace=namespace)
            for namespace in unselected_namespaces(request, profile)
        ),
        *(SUBNET.found(expected="used", actual=None, subnet=subnet_id) for subnet_id in subnets),
    ]
    if profile["podExecutionRoleArn"] != role_arn:
        differences.append(ROLE.found(expected=role_arn, actual=profile["podExecutionRoleArn"]))
    return differences
