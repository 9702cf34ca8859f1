"""The EKS cluster: access entries only, no self-managed add-ons, in the private subnets."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Looks, Observation, Reason
from provisioner.request import Request
from provisioner.resources import given_roles, health, upgrade, versions
from provisioner.resources.egress import EVERYWHERE, covers
from provisioner.resources.given_roles import GivenRole
from provisioner.resources.ownership import require_ours, unknown_state
from provisioner.resources.tags import ensure_eks_tags
from provisioner.resources.upgrade import Step
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.literals import LogTypeType, SupportTypeType
    from mypy_boto3_eks.type_defs import (
        ClusterTypeDef,
        CreateClusterRequestTypeDef,
        LoggingTypeDef,
        LogSetupTypeDef,
        VpcConfigRequestTypeDef,
    )
    from mypy_boto3_iam import IAMClient

# A creation takes 8 to 16 minutes.
LOOKS = Looks(earliest_ready=7 * 60, early=60, late=2)
POLL_CHANGE_SECONDS = 20
_NO_STEP: Final = Step()
LOG_TYPES: "tuple[LogTypeType, ...]" = ("api", "audit", "authenticator", "controllerManager", "scheduler")


def find(request: Request, eks: "EKSClient") -> "ClusterTypeDef | None":
    """The cluster, None when absent."""
    try:
        return eks.describe_cluster(name=request.cluster.name)["cluster"]
    except eks.exceptions.ResourceNotFoundException:
        return None


def ensure(
    request: Request,
    network: Network,
    eks: "EKSClient",
    iam: "IAMClient",
    *,
    role_arn: str,
    now: datetime,
    security_group_ids: "Sequence[str]" = (),
    step: Step = _NO_STEP,
) -> Observation:
    """Converge one cluster: facts {name, arn, endpoint, version, next_version, security_group_id} when ACTIVE.

    `security_group_ids`: what a new cluster's control plane has besides the group that EKS makes.

    Tags of an ACTIVE cluster are brought to the request, and endpoint access, control plane logs, upgrade policy and
    deletion protection, one change at a time.
    The Kubernetes version goes up by the `step` that it is told to take, and never down; `next_version` is the one
    after it when the request asks for more.
    Idempotency key: the cluster's name. No token of the request's, which EKS would remember: what is made again
    after a removal must not be answered with what was there before.
    Raises: TerminalError OWNED_BY_ANOTHER, UNUSABLE (FAILED, with its health issues), IMMUTABLE (other VPC or key),
        UNSUITABLE_ACCOUNT (the role); what `upgrade.ensure` raises; UnsettledError when EKS refuses a role that is
        right by what IAM says.
    Source: EKS API, CreateCluster, Cluster.status, UpdateClusterConfig.
    """
    cluster = find(request, eks)
    if cluster is None:
        cluster = _create(request, network, eks, iam, GivenRole.of_cluster(role_arn), security_group_ids)
    if cluster is None:
        return Observation.pending(Reason.CREATING, retry_after_seconds=LOOKS.early)
    require_ours(request, cluster.get("tags", {}), f"cluster {cluster['name']}")
    match cluster["status"]:
        case "ACTIVE":
            _require_unchanged(request, network, cluster)
            return upgrade.ensure(request, cluster, eks, step) or _converge(request, cluster, eks)
        case "CREATING" | "PENDING":
            return Observation.pending(Reason.CREATING, retry_after_seconds=LOOKS.next_after(cluster["createdAt"], now))
        case "UPDATING":
            return Observation.pending(Reason.UPDATING, retry_after_seconds=POLL_CHANGE_SECONDS, **step.facts)
        case "DELETING":
            return Observation.pending(Reason.DELETING, retry_after_seconds=POLL_CHANGE_SECONDS)
        case "FAILED":
            raise TerminalError(
                ErrorReason.UNUSABLE,
                f"cluster {cluster['name']} is FAILED: {health.summary(cluster.get('health', {}).get('issues', []))}",
                remedy="remove the cause, delete the cluster and run again",
            )
        case unknown:
            raise unknown_state(cluster["name"], unknown)


def _create(
    request: Request,
    network: Network,
    eks: "EKSClient",
    iam: "IAMClient",
    role: GivenRole,
    security_group_ids: "Sequence[str]",
) -> "ClusterTypeDef | None":
    """The new cluster, or the one that another run created meanwhile (None if that one is already gone)."""
    wanted = request.cluster
    creation: CreateClusterRequestTypeDef = {
        "name": wanted.name,
        "roleArn": role.arn,
        "resourcesVpcConfig": {"subnetIds": network.subnet_ids, **_endpoint_access(request)},
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        "bootstrapSelfManagedAddons": False,
        "logging": _logging(wanted.control_plane_logs),
        "upgradePolicy": {"supportType": wanted.upgrade_policy or _default_policy(wanted.version, eks)},
        "tags": request.owner_tags,
    }
    # Absent, not null: EKS then takes its own default version, its own range and its own key.
    if wanted.version:
        creation["version"] = wanted.version
    if security_group_ids:
        creation["resourcesVpcConfig"]["securityGroupIds"] = list(security_group_ids)
    if wanted.service_ipv4_cidr:
        creation["kubernetesNetworkConfig"] = {"serviceIpv4Cidr": wanted.service_ipv4_cidr}
    if wanted.deletion_protection is not None:
        creation["deletionProtection"] = wanted.deletion_protection
    if wanted.secrets_key_arn:
        creation["encryptionConfig"] = [{"resources": ["secrets"], "provider": {"keyArn": wanted.secrets_key_arn}}]
    try:
        return eks.create_cluster(**creation)["cluster"]
    except eks.exceptions.ResourceInUseException:
        return find(request, eks)
    except eks.exceptions.InvalidParameterException as error:
        raise given_roles.refusal(error, role, iam) from error


def _default_policy(version: str | None, eks: "EKSClient") -> "SupportTypeType":
    """EKS's own default version is one in standard support."""
    return "EXTENDED" if version and versions.is_extended(version, eks) else "STANDARD"


def _converge(request: Request, cluster: "ClusterTypeDef", eks: "EKSClient") -> Observation:
    ensure_eks_tags(request, cluster["arn"], cluster.get("tags", {}), eks)
    try:
        if differing_endpoint_access(request, cluster):
            eks.update_cluster_config(name=cluster["name"], resourcesVpcConfig=_endpoint_access(request))
        elif enabled_logs(cluster) != set(request.cluster.control_plane_logs):
            eks.update_cluster_config(name=cluster["name"], logging=_logging(request.cluster.control_plane_logs))
        elif policy := differing_upgrade_policy(request, cluster):
            _change_upgrade_policy(*policy, cluster, eks)
        elif differs_in_protection(request, cluster):
            protected = bool(request.cluster.deletion_protection)
            eks.update_cluster_config(name=cluster["name"], deletionProtection=protected)
        else:
            return Observation.ready_with(
                name=cluster["name"],
                arn=cluster["arn"],
                endpoint=cluster["endpoint"],
                version=cluster["version"],
                created_at=cluster["createdAt"].isoformat(timespec="seconds"),
                next_version=upgrade.next_version(request, cluster),
                security_group_id=cluster["resourcesVpcConfig"]["clusterSecurityGroupId"],
            )
    except eks.exceptions.ResourceInUseException:
        pass  # Another update is under way, which an ACTIVE status does not always show (eksctl#8514).
    return Observation.pending(Reason.UPDATING, retry_after_seconds=POLL_CHANGE_SECONDS)


def _require_unchanged(request: Request, network: Network, cluster: "ClusterTypeDef") -> None:
    vpc_id = cluster["resourcesVpcConfig"].get("vpcId")
    if vpc_id != network.vpc_id:
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"cluster {cluster['name']} is in {vpc_id}, asked for in {network.vpc_id}",
            remedy="name the network it is in, or choose another cluster name",
        )
    for field, (asked, actual) in differing_network_config(request, cluster).items():
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"cluster {cluster['name']}: cluster.{field} is {actual}, asked for {asked}",
            remedy=f"ask for {actual}, or choose another cluster name: EKS never changes it",
        )
    if request.cluster.secrets_key_arn not in (None, secrets_key_of(cluster)):
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"cluster {cluster['name']} does not encrypt its secrets with the key of cluster.secrets_key_arn, "
            f"{request.cluster.secrets_key_arn}",
            remedy="leave cluster.secrets_key_arn out, or choose another cluster name",
        )


def _endpoint_access(request: Request) -> "VpcConfigRequestTypeDef":
    access = request.cluster.endpoint_access
    wanted: VpcConfigRequestTypeDef = {
        "endpointPublicAccess": access != "private",
        "endpointPrivateAccess": access != "public",
    }
    if access != "private":  # EKS refuses CIDRs for an endpoint that is not public
        wanted["publicAccessCidrs"] = list(request.cluster.public_access_cidrs)
    return wanted


def differing_endpoint_access(request: Request, cluster: "ClusterTypeDef") -> dict[str, tuple[Any, Any]]:
    """Field of resourcesVpcConfig -> (wanted, actual); CIDRs count only for an endpoint that is public."""
    wanted, actual = _endpoint_access(request), cluster["resourcesVpcConfig"]
    differing: dict[str, tuple[Any, Any]] = {}
    for side in ("endpointPublicAccess", "endpointPrivateAccess"):
        if wanted.get(side) != actual.get(side):
            differing[side] = (wanted.get(side), actual.get(side))
    cidrs = sorted(wanted.get("publicAccessCidrs", [])), sorted(actual.get("publicAccessCidrs", []))
    if wanted["endpointPublicAccess"] and actual.get("endpointPublicAccess") and cidrs[0] != cidrs[1]:
        differing["publicAccessCidrs"] = cidrs
    return differing


def is_narrowed(request: Request, cluster: "ClusterTypeDef") -> bool:
    """Whether the endpoint lets fewer in than asked for: without private access nodes too come to the public one."""
    actual = cluster["resourcesVpcConfig"]
    allowed = actual.get("publicAccessCidrs", []) if actual.get("endpointPublicAccess") else []
    needed = [] if request.cluster.endpoint_access == "private" else request.cluster.public_access_cidrs
    if request.cluster.endpoint_access != "public" and not actual.get("endpointPrivateAccess"):
        needed = [EVERYWHERE]
    return not all(covers(allowed, each) for each in needed)


def differs_in_protection(request: Request, cluster: "ClusterTypeDef") -> bool:
    """Protection that a person has switched on stays, unless the request says otherwise."""
    wanted = request.cluster.deletion_protection
    return wanted is not None and wanted != cluster.get("deletionProtection", False)


def differing_network_config(request: Request, cluster: "ClusterTypeDef") -> dict[str, tuple[str, str | None]]:
    """Field of the request -> (wanted, actual), of what EKS takes at creation alone."""
    actual, wanted = cluster.get("kubernetesNetworkConfig", {}), request.cluster
    both: dict[str, tuple[str | None, str | None]] = {
        "service_ipv4_cidr": (wanted.service_ipv4_cidr, actual.get("serviceIpv4Cidr")),
        "ip_family": (wanted.ip_family, actual.get("ipFamily", "ipv4")),
    }
    return {field: (asked, found) for field, (asked, found) in both.items() if asked not in (None, found) and asked}


def upgrade_policy_of(cluster: "ClusterTypeDef") -> str:
    """EXTENDED where it was never asked for otherwise. Source: EKS API, UpgradePolicyRequest."""
    return cluster.get("upgradePolicy", {}).get("supportType", "EXTENDED")


def differing_upgrade_policy(request: Request, cluster: "ClusterTypeDef") -> "tuple[SupportTypeType, str] | None":
    """(wanted, actual) when the request names one and the cluster has the other."""
    wanted, actual = request.cluster.upgrade_policy, upgrade_policy_of(cluster)
    return None if wanted is None or wanted == actual else (wanted, actual)


def _change_upgrade_policy(wanted: "SupportTypeType", actual: str, cluster: "ClusterTypeDef", eks: "EKSClient") -> None:
    """Extended support that has begun ends with an upgrade alone. Source: EKS API, UpdateClusterConfig."""
    if wanted == "STANDARD" and versions.is_extended(cluster["version"], eks):
        raise TerminalError(
            ErrorReason.IMMUTABLE,
            f"cluster {cluster['name']}: cluster.upgrade_policy is {actual}, asked for {wanted}, and "
            f"{cluster['version']} is in extended support, which cannot be left without an upgrade",
            remedy="ask for EXTENDED, or for a cluster.version in standard support",
        )
    eks.update_cluster_config(name=cluster["name"], upgradePolicy={"supportType": wanted})


def _logging(enabled: "Collection[LogTypeType]") -> "LoggingTypeDef":
    """Every log type named once: those not wanted are switched off explicitly."""
    disabled = [log_type for log_type in LOG_TYPES if log_type not in enabled]
    setups: list[LogSetupTypeDef] = [
        {"types": list(types), "enabled": on} for types, on in ((enabled, True), (disabled, False)) if types
    ]
    return {"clusterLogging": setups}


def secrets_key_of(cluster: "ClusterTypeDef") -> str | None:
    """The ARN of the KMS key that encrypts Kubernetes secrets, besides EKS's own encryption of its disks."""
    configs = [each for each in cluster.get("encryptionConfig", []) if "secrets" in each.get("resources", [])]
    return configs[0]["provider"].get("keyArn") if configs else None


def enabled_logs(cluster: "ClusterTypeDef") -> set[str]:
    setups = cluster.get("logging", {}).get("clusterLogging", [])
    return {log_type for setup in setups if setup.get("enabled") for log_type in setup.get("types", [])}
