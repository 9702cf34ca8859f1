"""The add-on of a cluster that was upgraded: the version that EKS has as its default for the new one."""

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import cluster_dns, updates
from provisioner.resources.ownership import require_ours

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.type_defs import AddonTypeDef


def ensure(
    request: Request, kubernetes_version: str, eks: "EKSClient", *, in_a_step: bool = True
) -> Observation | None:
    """Converge an add-on that is older than EKS's default for `kubernetes_version`; None when it is not, or not there.

    A newer one is somebody's choice and stays; so does an older one, unless the cluster was upgraded after it was set,
    which is also how a run leaves it that ends in between. Its other states are for "Ensure cluster DNS" to judge.
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
    if not in_a_step and not _was_left_behind(addon, eks):
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


def _was_left_behind(addon: "AddonTypeDef", eks: "EKSClient") -> bool:
    """Whether the control plane was upgraded, by whoever, after the add-on was made or changed."""
    upgraded = updates.latest(addon["clusterName"], eks, "VersionUpdate", status="Successful")
    changed = updates.latest(addon["clusterName"], eks, "AddonUpdate", addon=addon["addonName"])
    since = changed["createdAt"] if changed else addon["createdAt"]
    return upgraded is not None and upgraded["createdAt"] > since


def _is_older(version: str, other: str) -> bool:
    """Like v1.12.4-eksbuild.10."""
    first, second = ([int(number) for number in re.findall(r"\d+", each)] for each in (version, other))
    return first < second


def _pending() -> Observation:
    return Observation.pending(Reason.UPGRADING, retry_after_seconds=cluster_dns.POLL_SECONDS)
