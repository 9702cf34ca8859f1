"""Whether the EKS cluster is as asked for. What the request leaves to EKS is never a difference."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from provisioner.difference import EXISTS, Difference, DriftKind, Inspected, Severity
from provisioner.request import Request
from provisioner.resources import health, upgrade
from provisioner.resources.cluster import (
    differing_endpoint_access,
    differing_network_config,
    differing_upgrade_policy,
    differs_in_protection,
    enabled_logs,
    is_narrowed,
    secrets_key_of,
)
from provisioner.resources.ownership import ownership
from provisioner.resources.versions import Support
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_eks.type_defs import ClusterIssueTypeDef, ClusterTypeDef

AUTHENTICATION_MODE = "API"

MISSING = DriftKind(
    resource="cluster {cluster}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="The cluster is gone, with everything that ran in it; the file system is not touched by that.",
    fix="a run makes {cluster} again, on the same file system; what ran in it has to be deployed again",
)
IN_PROGRESS = DriftKind(
    resource="cluster {cluster}",
    path="status",
    severity=Severity.WARNING,
    meaning="Somebody creates, updates or deletes the cluster right now; what is inside it was not looked at.",
    fix="a run waits until {cluster} is no longer {actual}, and makes it again if it then is gone",
)
FAILED = DriftKind(
    resource="cluster {cluster}",
    path="status",
    severity=Severity.CRITICAL,
    meaning="EKS gave the cluster up: it never leaves this state.",
    fix="remove the cause ({issues}), delete {cluster}, then start a run",
    repairable=False,
)
OTHER_VPC = DriftKind(
    resource="cluster {cluster}",
    path="resourcesVpcConfig.vpcId",
    severity=Severity.CRITICAL,
    meaning="The cluster is in another network than the file system's mount targets; a cluster cannot move.",
    fix="name {actual} in `network`, or choose another cluster name: {cluster} stays in {actual}",
    repairable=False,
)
VERSION = DriftKind(
    resource="cluster {cluster}",
    path="version",
    severity=Severity.WARNING,
    meaning="An older Kubernetes version than asked for.",
    fix="a run upgrades {cluster} from {actual} to {expected}, one minor version after the other, each proven before "
    "the next",
)
NEWER_VERSION = DriftKind(
    resource="cluster {cluster}",
    path="version",
    severity=Severity.WARNING,
    meaning="A newer Kubernetes version than asked for, after an upgrade by hand or by EKS at the end of support.",
    fix="ask for {actual} or for null: a run never takes a version back",
    repairable=False,
)
UPGRADE_POLICY = DriftKind(
    resource="cluster {cluster}",
    path="upgradePolicy.supportType",
    severity=Severity.WARNING,
    meaning="At the end of standard support EKS would upgrade the cluster, or keep its version at six times the price, "
    "other than asked for.",
    fix="a run sets the upgrade policy of {cluster} to {expected} again",
)
UPGRADE_POLICY_HELD = DriftKind(
    resource="cluster {cluster}",
    path="upgradePolicy.supportType",
    severity=Severity.WARNING,
    meaning="The version is in extended support, which costs six times as much and ends with an upgrade alone.",
    fix="ask for a cluster.version in standard support, or for the upgrade policy {actual}",
    repairable=False,
)
NETWORK_CONFIG = DriftKind(
    resource="cluster {cluster}",
    path="kubernetesNetworkConfig.{field}",
    severity=Severity.WARNING,
    meaning="Services have other addresses than asked for, or another IP family. EKS takes both at creation alone.",
    fix="ask for {actual} in cluster.{field}, or choose another cluster name",
    repairable=False,
)
ENDPOINT = DriftKind(
    resource="cluster {cluster}",
    path="resourcesVpcConfig.{field}",
    severity=Severity.WARNING,
    meaning="The Kubernetes API is reachable from elsewhere than asked for, or not from where it was asked for.",
    fix="a run sets {field} of {cluster} to {expected} again",
)
ENDPOINT_NARROWED = DriftKind(
    resource="cluster {cluster}",
    path="resourcesVpcConfig.{field}",
    severity=Severity.CRITICAL,
    meaning="The public endpoint of the Kubernetes API keeps out whom it was to let in: nodes that come over NAT, "
    "people, or this application, which then sees nothing of what is inside the cluster.",
    fix="a run sets {field} of {cluster} to {expected} again",
)
LOGGING = DriftKind(
    resource="cluster {cluster}",
    path="logging",
    severity=Severity.WARNING,
    meaning="Other control plane logs are kept than asked for.",
    fix="a run switches exactly {expected} on for {cluster}",
)
PROTECTION = DriftKind(
    resource="cluster {cluster}",
    path="deletionProtection",
    severity=Severity.WARNING,
    meaning="EKS would delete the cluster when somebody asks it to, or would not, other than asked for.",
    fix="a run sets the deletion protection of {cluster} to {expected} again",
)
OTHER_ROLE = DriftKind(
    resource="cluster {cluster}",
    path="roleArn",
    severity=Severity.WARNING,
    meaning="EKS acts for the cluster with another role than accounts/target.yaml makes, as after a change of RolePath "
    "or RolePrefix, and no more once that role is gone. EKS takes a role at creation alone.",
    fix="keep {actual} with its trust in EKS and its policy as long as {cluster} is there, or choose another cluster "
    "name",
    repairable=False,
)
SECRETS_KEY = DriftKind(
    resource="cluster {cluster}",
    path="encryptionConfig.secrets",
    severity=Severity.WARNING,
    meaning="Kubernetes secrets are not encrypted with the key asked for. A key can be added once, never changed.",
    fix="leave secrets_key_arn out, associate {expected} with {cluster} by hand if it has none yet, "
    "or choose another cluster name",
    repairable=False,
)
AUTHENTICATION = DriftKind(
    resource="cluster {cluster}",
    path="accessConfig.authenticationMode",
    severity=Severity.WARNING,
    meaning="The aws-auth ConfigMap, which anybody in kube-system can edit, also lets people in.",
    fix="set the authentication mode of {cluster} to {expected} by hand, when every principal in the ConfigMap has an "
    "access entry: a run would lock out those that have none",
    repairable=False,
)


ADDRESSES = DriftKind(
    resource="cluster {cluster}",
    path="health.{code}",
    severity=Severity.WARNING,
    meaning="EKS cannot manage the cluster any more, updates included: subnets of it have too few free addresses.",
    fix="free at least five addresses in each of {resources}, or give the cluster other subnets by hand",
    repairable=False,
)
KEY = DriftKind(
    resource="cluster {cluster}",
    path="health.{code}",
    severity=Severity.CRITICAL,
    meaning="Kubernetes secrets cannot be read for much longer: their key is disabled, goes or is gone, or "
    "EKS may not use it any more.",
    fix="enable the key {resources} again, cancel its deletion, or let its policy grant it to EKS again",
    repairable=False,
)
ROLE = DriftKind(
    resource="cluster {cluster}",
    path="health.{code}",
    severity=Severity.WARNING,
    meaning="EKS cannot act for the cluster any more: its role is gone, or does not trust EKS.",
    fix="deploy accounts/target.yaml again, so that there is {resources} with its trust in EKS",
    repairable=False,
)
HEALTH = DriftKind(
    resource="cluster {cluster}",
    path="health.{code}",
    severity=Severity.WARNING,
    meaning="EKS says that something else is wrong with the cluster, which stays ACTIVE.",
    fix="remove the cause that EKS names: {actual}",
    repairable=False,
)
# Source: EKS API, ClusterIssue.code; EKS guide, "Cluster health FAQs and error codes with resolution paths".
_ISSUES: Final[Mapping[str, DriftKind]] = {
    "InsufficientFreeAddresses": ADDRESSES,
    "KmsKeyDisabled": KEY,
    "KmsKeyMarkedForDeletion": KEY,
    "KmsKeyNotFound": KEY,
    "KmsGrantRevoked": KEY,
    "IamRoleNotFound": ROLE,
    "AccessDenied": ROLE,
}


def inspect(
    request: Request,
    network: Network | None,
    cluster: "ClusterTypeDef | None",
    support: Support | None,
    *,
    role_arn: str,
) -> Inspected:
    """The cluster as it is, None when absent, against what `ensure` converges to; no VPC without the network.

    `support`: of the version that it runs, where EKS tells. `role_arn`: of the role that a new cluster gets.
    """
    name = request.cluster.name
    resource = f"cluster {name}"
    if cluster is None:
        return Inspected.of(resource, [MISSING.missing(cluster=name)])
    differences = ownership(request, cluster.get("tags", {}), resource)
    match cluster["status"]:
        case "ACTIVE":
            differences += _differences(request, network, cluster)
            differences += _policy_differences(request, cluster, support)
            if cluster["roleArn"] != role_arn:
                differences.append(OTHER_ROLE.found(expected=role_arn, actual=cluster["roleArn"], cluster=name))
            differences += [_unwell(name, issue) for issue in cluster.get("health", {}).get("issues", [])]
        case "FAILED" as status:
            issues = health.summary(cluster.get("health", {}).get("issues", []))
            differences.append(FAILED.found(expected="ACTIVE", actual=status, cluster=name, issues=issues))
        case status:
            differences.append(IN_PROGRESS.found(expected="ACTIVE", actual=status, cluster=name))
    return Inspected.of(resource, differences)


def _unwell(name: str, issue: "ClusterIssueTypeDef") -> Difference:
    """One health issue of a cluster that is ACTIVE."""
    code, resources = str(issue.get("code")), ", ".join(issue.get("resourceIds", [])) or "what it names"
    kind = _ISSUES.get(code, HEALTH)
    return kind.found(expected=None, actual=health.summary([issue]), cluster=name, code=code, resources=resources)


def _differences(request: Request, network: Network | None, cluster: "ClusterTypeDef") -> list[Difference]:
    wanted, name = request.cluster, request.cluster.name
    vpc_id = cluster["resourcesVpcConfig"].get("vpcId")
    logs, wanted_logs = sorted(enabled_logs(cluster)), sorted(wanted.control_plane_logs)
    mode = cluster.get("accessConfig", {}).get("authenticationMode")
    key_arn = secrets_key_of(cluster)
    endpoint = ENDPOINT_NARROWED if is_narrowed(request, cluster) else ENDPOINT
    differences = [
        endpoint.found(expected=expected, actual=actual, cluster=name, field=field)
        for field, (expected, actual) in differing_endpoint_access(request, cluster).items()
    ]
    if network is not None and vpc_id != network.vpc_id:
        differences.append(OTHER_VPC.found(expected=network.vpc_id, actual=vpc_id, cluster=name))
    if wanted.version not in (None, cluster.get("version")):
        version = VERSION if upgrade.next_version(request, cluster) else NEWER_VERSION
        differences.append(version.found(expected=wanted.version, actual=cluster.get("version"), cluster=name))
    differences += [
        NETWORK_CONFIG.found(expected=expected, actual=actual, cluster=name, field=field)
        for field, (expected, actual) in differing_network_config(request, cluster).items()
    ]
    if logs != wanted_logs:
        differences.append(LOGGING.found(expected=wanted_logs, actual=logs, cluster=name))
    if differs_in_protection(request, cluster):
        actual = cluster.get("deletionProtection", False)
        differences.append(PROTECTION.found(expected=wanted.deletion_protection, actual=actual, cluster=name))
    if wanted.secrets_key_arn not in (None, key_arn):
        differences.append(SECRETS_KEY.found(expected=wanted.secrets_key_arn, actual=key_arn, cluster=name))
    if mode != AUTHENTICATION_MODE:
        differences.append(AUTHENTICATION.found(expected=AUTHENTICATION_MODE, actual=mode, cluster=name))
    return differences


def _policy_differences(request: Request, cluster: "ClusterTypeDef", support: Support | None) -> list[Difference]:
    differing = differing_upgrade_policy(request, cluster)
    if differing is None:
        return []
    is_held = differing[0] == "STANDARD" and support is not None and support.is_extended
    kind = UPGRADE_POLICY_HELD if is_held else UPGRADE_POLICY
    return [kind.found(expected=differing[0], actual=differing[1], cluster=cluster["name"])]
