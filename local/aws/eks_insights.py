"""What EKS finds of a cluster that stands in the way of its next version: upgrade insights.

EKS looks once a day, or when it is told to: of a cluster's health it knows what it has seen then. Source: EKS API,
ListInsights, DescribeInsight, StartInsightsRefresh; EKS user guide, "Prepare for Kubernetes version upgrades with
cluster insights": an Error is of the next version, a Warning of a later one.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult

from local.aws import eks_addons, eks_health
from local.aws.eks_base import EksOperations
from local.aws.eks_rules import OFFERED_VERSIONS
from local.aws.eks_state import Cluster, utc_now
from local.aws.refusals import refusal

CATEGORY = "UPGRADE_READINESS"
SKEW = 3


@dataclass(frozen=True)
class Insight:
    name: str
    version: str
    status: str
    reason: str
    recommendation: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def id_in(self, cluster: Cluster) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{cluster.arn} {self.name} {self.version}"))

    def summary(self, cluster: Cluster) -> dict[str, Any]:
        return {
            "id": self.id_in(cluster),
            "name": self.name,
            "category": CATEGORY,
            "kubernetesVersion": self.version,
            "lastRefreshTime": utc_now(),
            "lastTransitionTime": cluster.created_at,
            "description": f"Checks for what could keep the cluster from {self.version}.",
            "insightStatus": {"status": self.status, "reason": self.reason},
        }

    def describe(self, cluster: Cluster) -> dict[str, Any]:
        return {
            **self.summary(cluster),
            "recommendation": self.recommendation,
            "additionalInfo": {},
            "resources": [],
            "categorySpecificSummary": self.details,
        }


DEPRECATED: dict[str, tuple[str, str]] = {}
"""Name of a cluster -> (a deprecated API that a client of it asks for, the version that stops serving it)."""


class InsightOperations(EksOperations):
    def list_insights(self) -> ActionResult:
        cluster, wanted = self.active_cluster(), self.parameter("filter", {})
        found = [
            insight
            for insight in _all(cluster)
            if CATEGORY in wanted.get("categories", [CATEGORY])
            and insight.version in wanted.get("kubernetesVersions", [insight.version])
            and insight.status in wanted.get("statuses", [insight.status])
        ]
        return ActionResult({"insights": [insight.summary(cluster) for insight in found]})

    def describe_insight(self) -> ActionResult:
        cluster, insight_id = self.active_cluster(), self.parameter("id")
        for insight in _all(cluster):
            if insight.id_in(cluster) == insight_id:
                return ActionResult({"insight": insight.describe(cluster)})
        raise refusal("ResourceNotFoundException", f"No insight found for ID: {insight_id}", clusterName=cluster.name)

    def start_insights_refresh(self) -> ActionResult:
        cluster = self.active_cluster()
        cluster.refresh = {"status": "IN_PROGRESS", "startedAt": utc_now()}

        def finish() -> None:
            cluster.issues_seen = [*cluster.issues, *eks_health.issues(cluster)]
            cluster.refresh |= {"status": "COMPLETED", "endedAt": utc_now()}

        self.later("insights refresh", finish)
        message = "An insights refresh has been initiated. Wait for it to complete."
        return ActionResult({"message": message, "status": "IN_PROGRESS"})

    def describe_insights_refresh(self) -> ActionResult:
        refresh = self.active_cluster().refresh
        if not refresh:
            raise refusal("ResourceNotFoundException", "No insights refresh was started for the cluster")
        return ActionResult({"message": "", **refresh})


def of_upgrade(cluster: Cluster, version: str) -> list[Insight]:
    """To that version, the next one."""
    return [insight for insight in _all(cluster) if insight.version == version]


def _all(cluster: Cluster) -> list[Insight]:
    newer = [version for version in OFFERED_VERSIONS if version > cluster.version]
    return [
        insight
        for version in newer
        for insight in (
            *_of_apis(cluster, version, is_next=version == newer[0]),
            *(_of_next(cluster, version) if version == newer[0] else ()),
        )
    ]


def _of_apis(cluster: Cluster, version: str, *, is_next: bool) -> Iterator[Insight]:
    name = f"Deprecated APIs removed in Kubernetes v{version}"
    usage, removed_in = DEPRECATED.get(cluster.name, ("", ""))
    if removed_in != version:
        yield Insight(name, version, "PASSING", "No deprecated API usage detected within the last 30 days.")
        return
    detail = {"usage": usage, "stopServingVersion": version, "clientStats": [{"userAgent": "team-controller/1.0"}]}
    yield Insight(
        name,
        version,
        "ERROR" if is_next else "WARNING",
        "Deprecated API usage detected within last 30 days.",
        f"Update manifests and API clients to use newer Kubernetes APIs before upgrading to Kubernetes v{version}.",
        {"deprecationDetails": [detail]},
    )


def _of_next(cluster: Cluster, version: str) -> Iterator[Insight]:
    issues = cluster.issues_seen
    health = "Cluster health issues"
    if issues:
        found = ", ".join(f"{issue['code']}: {', '.join(issue['resourceIds'])}" for issue in issues)
        yield Insight(health, version, "ERROR", f"Cluster has health issues: {found}", "Resolve the health issues.")
    else:
        yield Insight(health, version, "PASSING", "No cluster health issues detected.")
    yield _of_kubelets(cluster, version)
    compatible = {addon.name: eks_addons.compatible_versions(addon.name, version) for addon in cluster.addons.values()}
    old = [addon.name for addon in cluster.addons.values() if addon.version not in compatible[addon.name]]
    name = "EKS add-on version compatibility"
    if old:
        details = [{"name": each, "compatibleVersions": compatible[each]} for each in old]
        reason = f"Incompatible add-on versions for Kubernetes {version}: {', '.join(old)}"
        fix = "Update the add-ons to a compatible version before the upgrade."
        yield Insight(name, version, "ERROR", reason, fix, {"addonCompatibilityDetails": details})
    else:
        yield Insight(name, version, "PASSING", "All installed EKS add-on versions are compatible.")


def _of_kubelets(cluster: Cluster, version: str) -> Insight:
    """Source: AWS CLI, examples of describe-insight (its name and words); Kubernetes, "Version Skew Policy" (three
    minor versions). The words of what it finds are ours.
    """
    name, fix = "Kubelet version skew", "Upgrade your worker nodes to match the version of your control plane."
    behind = sorted({each for each in list(cluster.node_versions.values()) if _minor(each) < _minor(cluster.version)})
    if not behind:
        return Insight(name, version, "PASSING", "Node kubelet versions match the cluster control plane version.", fix)
    status = "ERROR" if _minor(behind[0]) < _minor(version) - SKEW else "WARNING"
    return Insight(name, version, status, f"Node kubelet versions are behind: {', '.join(behind)}", fix)


def _minor(version: str) -> int:
    return int(version.partition(".")[2])
