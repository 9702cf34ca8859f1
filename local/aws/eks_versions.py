"""Which versions EKS offers, until when, and at what policy.

Dates are those of a day on which the newest version is a month old: AWS's own would make every test depend on its date.
Source: EKS user guide, "Understand the Kubernetes version lifecycle on EKS": 14 months of standard support, then 12 of
extended; every fourth month or so has a new version. EKS API, DescribeClusterVersions, UpgradePolicyRequest.
"""

import datetime
from typing import Any

from moto.core.responses import ActionResult

from local.aws.eks_base import EksOperations
from local.aws.eks_rules import DEFAULT_VERSION, OFFERED_VERSIONS
from local.aws.eks_state import utc_now
from local.aws.refusals import refusal

MONTH = datetime.timedelta(days=30)
NEWEST_IS_OLD, BETWEEN_VERSIONS = MONTH, 4 * MONTH
STANDARD_SUPPORT, EXTENDED_SUPPORT = 14 * MONTH, 12 * MONTH
OUTDATED: set[str] = set()
"""Versions whose standard support has ended, however old they are."""
STATUSES = {"STANDARD_SUPPORT": "standard-support", "EXTENDED_SUPPORT": "extended-support"}


class VersionOperations(EksOperations):
    def describe_cluster_versions(self) -> ActionResult:
        """Filtered by version, status and default; the deprecated status by its own words."""
        wanted, status = self.querystring.get("clusterVersions", []), self.parameter("versionStatus")
        deprecated, default = self.parameter("status"), str(self.parameter("defaultOnly", False)).lower() == "true"
        if unknown := [version for version in wanted if version not in OFFERED_VERSIONS]:
            raise refusal("InvalidParameterException", f"Cluster version {unknown[0]} is not supported")
        found = [
            described
            for version in reversed(OFFERED_VERSIONS)
            if (not wanted or version in wanted) and (not default or version == DEFAULT_VERSION)
            for described in [describe(version)]
            if status in (None, described["versionStatus"]) and deprecated in (None, described["status"])
        ]
        return ActionResult({"clusterVersions": found})


def describe(version: str) -> dict[str, Any]:
    released = _released(version)
    status = "EXTENDED_SUPPORT" if is_in_extended_support(version) else "STANDARD_SUPPORT"
    return {
        "clusterVersion": version,
        "clusterType": "eks",
        "defaultVersion": version == DEFAULT_VERSION,
        "defaultPlatformVersion": "eks.1",
        "releaseDate": released,
        "endOfStandardSupportDate": released + STANDARD_SUPPORT,
        "endOfExtendedSupportDate": released + STANDARD_SUPPORT + EXTENDED_SUPPORT,
        "status": STATUSES[status],
        "versionStatus": status,
    }


def is_in_extended_support(version: str) -> bool:
    ended = version in OUTDATED or _released(version) + STANDARD_SUPPORT <= utc_now()
    return version in OFFERED_VERSIONS and ended


def check_policy(policy: str, version: str) -> None:
    """Standard support that has ended is not to be had. Our words: EKS's are not documented.

    Source: EKS API, UpdateClusterConfig, upgradePolicy: "You cannot disable extended support once it starts".
    """
    if policy == "STANDARD" and is_in_extended_support(version):
        raise refusal(
            "InvalidParameterException",
            f"Upgrade policy STANDARD is not supported for Kubernetes version {version}, which is in extended support",
        )


def _released(version: str) -> datetime.datetime:
    today = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    newer = len(OFFERED_VERSIONS) - 1 - OFFERED_VERSIONS.index(version)
    return today - NEWEST_IS_OLD - newer * BETWEEN_VERSIONS
