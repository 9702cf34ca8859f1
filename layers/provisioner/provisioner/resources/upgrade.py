"""One minor version up: the control plane, then the add-on. What the next version is to have proven comes after.

A run takes one step at a time and proves the storage between them (statemachine/provision.asl.yaml), so that only what
works is taken further, whoever stopped an earlier run where.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioner.aws.errors import boundary_error
from provisioner.errors import ErrorReason, TerminalError, UnsettledError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import addon_upgrade, health, versions
from provisioner.resources.problem import Problem

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import (
        ClientStatTypeDef,
        ClusterTypeDef,
        InsightsFilterTypeDef,
        InsightTypeDef,
        UpdateTypeDef,
    )

# Ten minutes and more: few looks, of which none is near the end for long.
POLL_SECONDS = 60


def next_version(request: Request, cluster: "ClusterTypeDef") -> str | None:
    """The minor version after the running one, when the request asks for a later one than that runs."""
    wanted, running = request.cluster.version, cluster["version"]
    if wanted is None or versions.minor(wanted) <= versions.minor(running):
        return None
    return f"1.{versions.minor(running) + 1}"


@dataclass(frozen=True)
class Step:
    """To which version, None to none; `update_id` is of the update that an earlier look at this step has started."""

    to: str | None = None
    update_id: str | None = None

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any] | None) -> "Step":
        """None from an execution that began before there were steps: its definition stays what it was."""
        return cls(payload["to"], payload["update_id"]) if payload else cls()

    @property
    def facts(self) -> dict[str, str]:
        """What the next look is to be told."""
        return {"update_id": self.update_id} if self.update_id else {}


def ensure(request: Request, cluster: "ClusterTypeDef", eks: "EKSClient", step: Step) -> Observation | None:
    """Converge an ACTIVE cluster to the step's version, and its add-on to that version's default. None when done.

    Without the id of its update, one that is under way is waited for, and one that failed before this run is tried
    again.
    Idempotency key: the version; EKS takes one update at a time.
    Raises: TerminalError NOT_UPGRADABLE (EKS's insights), UNUSABLE (the update failed, with its errors);
    UnsettledError NOT_UPGRADABLE (nodes of the version before).
    Source: EKS API, UpdateClusterVersion, Update.status, Update.errors; EKS user guide, "Update existing cluster to
    new Kubernetes version" (control plane first, add-ons after it).
    """
    if step.to is None:
        is_named = request.cluster.version is not None
        return addon_upgrade.ensure(request, cluster["version"], eks, in_a_step=False) if is_named else None
    if versions.minor(cluster["version"]) >= versions.minor(step.to):
        return addon_upgrade.ensure(request, cluster["version"], eks)
    if step.update_id is not None:
        return _observe(cluster, step.to, step.update_id, eks)
    problems = list(obstacles(cluster, step.to, eks))
    if problems:
        whats = "; ".join(f"{each.what} ({each.remedy})" for each in problems)
        raise TerminalError(ErrorReason.NOT_UPGRADABLE, whats, remedy="correct this and start again")
    try:
        update = eks.update_cluster_version(name=cluster["name"], version=step.to)["update"]
    except eks.exceptions.ResourceInUseException:
        return Observation.pending(Reason.UPDATING, retry_after_seconds=POLL_SECONDS)
    except eks.exceptions.InvalidRequestException as refused:
        # Pods and nodes of the version before; those that have just ended count for a while.
        raise UnsettledError(
            ErrorReason.NOT_UPGRADABLE,
            boundary_error(refused, "UpdateClusterVersion").subject,
            remedy=f"make what still runs an older version than {cluster['version']} anew, then start again",
        ) from refused
    return Observation.pending(Reason.UPGRADING, retry_after_seconds=POLL_SECONDS, update_id=update["id"])


def _observe(cluster: "ClusterTypeDef", upgrade_to: str, update_id: str, eks: "EKSClient") -> Observation:
    """ACTIVE and yet not of the version: it failed, or EKS has not come to tell."""
    update = eks.describe_update(name=cluster["name"], updateId=update_id)["update"]
    if update["status"] in ("Failed", "Cancelled"):
        raise TerminalError(
            ErrorReason.UNUSABLE,
            f"the upgrade of cluster {cluster['name']} from {cluster['version']} to {upgrade_to} is "
            f"{update['status']}: {summary_of(update)}",
            remedy=f"remove the cause and run again; the cluster goes on running {cluster['version']}",
        )
    return Observation.pending(Reason.UPGRADING, retry_after_seconds=POLL_SECONDS, update_id=update_id)


def summary_of(update: "UpdateTypeDef") -> str:
    """Its errors, as health issues are told."""
    errors = [
        {"code": each.get("errorCode"), "message": each.get("errorMessage"), "resourceIds": each.get("resourceIds", [])}
        for each in update.get("errors", [])
    ]
    return health.summary(errors) if errors else "EKS gives no reason"


def obstacles(cluster: "ClusterTypeDef", upgrade_to: str, eks: "EKSClient") -> Iterator[Problem]:
    """What EKS's upgrade insights say against the next version. Source: EKS API, ListInsights, DescribeInsight."""
    errors: InsightsFilterTypeDef = {
        "categories": ["UPGRADE_READINESS"],
        "kubernetesVersions": [upgrade_to],
        "statuses": ["ERROR"],
    }
    pages = eks.get_paginator("list_insights").paginate(clusterName=cluster["name"], filter=errors)
    for summary in (summary for page in pages for summary in page["insights"]):
        insight = eks.describe_insight(clusterName=cluster["name"], id=summary["id"])["insight"]
        yield Problem(
            ErrorReason.NOT_UPGRADABLE,
            f"cluster {cluster['name']} is not ready for {upgrade_to}: {_told(insight)}",
            f"{insight.get('recommendation') or 'Remove what EKS names.'} EKS looks again within a day, or when told "
            f"to: aws eks start-insights-refresh --cluster-name {cluster['name']}",
        )


def _clients(stats: "Iterable[ClientStatTypeDef]") -> str:
    return ", ".join(str(each.get("userAgent")) for each in stats)


def _told(insight: "InsightTypeDef") -> str:
    """Its name and reason, and what it found where."""
    details = insight.get("categorySpecificSummary", {})
    found = [
        *(
            f"{each.get('usage')}, asked for by {_clients(each.get('clientStats', []))}"
            for each in details.get("deprecationDetails", [])
            if each.get("clientStats")
        ),
        *(
            f"{each.get('name')} works with it from {', '.join(each.get('compatibleVersions', []))} on"
            for each in details.get("addonCompatibilityDetails", [])
        ),
        *(
            str(each.get("kubernetesResourceUri") or each.get("arn"))
            for each in insight.get("resources", [])
            if each.get("insightStatus", {}).get("status") == "ERROR"
        ),
    ]
    reason = insight.get("insightStatus", {}).get("reason", "no reason given")
    return f"{insight.get('name')}: {reason}" + (f" ({'; '.join(found)})" if found else "")
