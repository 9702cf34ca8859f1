"""The add-on of a cluster that was upgraded: the version that EKS has as its default for the new one."""

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import cluster_dns
from provisioner.resources.ownership import require_ours

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient


def ensure(request: Request, kubernetes_version: str, eks: "EKSClient") -> Observation | None:
    """Converge an add-on that is older than EKS's default for `kubernetes_version`; None when it is not, or not there.

    A newer one is somebody's choice and stays. Its other states are for state "Ensure cluster DNS" to judge.
    Raises: TerminalError OWNED_BY_ANOTHER. Source: EKS API, DescribeAddonVersions (defaultVersion), UpdateAddon.
    """
    addon = cluster_dns.find(request, eks)
    if addon is None:
        return None
    require_ours(request, addon.get("tags", {}), f"add-on {cluster_dns.NAME}")
    if addon["status"] in ("CREATING", "UPDATING"):
        return _pending()
    wanted = default_version(kubernetes_version, eks)
    if addon["status"] not in ("ACTIVE", "DEGRADED") or wanted is None or not _is_older(addon["addonVersion"], wanted):
        return None
    with suppress(eks.exceptions.ResourceInUseException):  # another update is under way; the next look decides
        eks.update_addon(
            clusterName=request.cluster.name,
            addonName=cluster_dns.NAME,
            addonVersion=wanted,
            configurationValues=addon.get("configurationValues", "{}"),
            resolveConflicts="OVERWRITE",
        )
    return _pending()


def default_version(kubernetes_version: str, eks: "EKSClient") -> str | None:
    """What EKS would take for a new add-on; None when it names none."""
    pages = eks.get_paginator("describe_addon_versions").paginate(
        addonName=cluster_dns.NAME, kubernetesVersion=kubernetes_version
    )
    for version in (each for page in pages for addon in page["addons"] for each in addon["addonVersions"]):
        for works_with in version.get("compatibilities", []):
            if works_with.get("clusterVersion") == kubernetes_version and works_with.get("defaultVersion"):
                return version["addonVersion"]
    return None


def _is_older(version: str, other: str) -> bool:
    """Like v1.12.4-eksbuild.10."""
    first, second = ([int(number) for number in re.findall(r"\d+", each)] for each in (version, other))
    return first < second


def _pending() -> Observation:
    return Observation.pending(Reason.UPGRADING, retry_after_seconds=cluster_dns.POLL_SECONDS)
