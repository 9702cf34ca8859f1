"""Until when EKS supports which Kubernetes version, by what it publishes itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient


@dataclass(frozen=True)
class Support:
    """Of one version; `standard_until` is None where EKS names no day."""

    version: str
    is_extended: bool
    standard_until: datetime | None

    def payload(self, upgrade_policy: str) -> dict[str, Any]:
        """{version, upgrade_policy, is_extended, standard_until: day or null}, of a cluster with that policy."""
        until = self.standard_until.date().isoformat() if self.standard_until else None
        known = {"version": self.version, "is_extended": self.is_extended, "standard_until": until}
        return {**known, "upgrade_policy": upgrade_policy}


def support_of(version: str, eks: "EKSClient") -> Support | None:
    """None for a version that EKS offers no longer, or not yet. Source: EKS API, DescribeClusterVersions."""
    try:
        found = eks.describe_cluster_versions(clusterVersions=[version])["clusterVersions"]
    except (eks.exceptions.InvalidParameterException, eks.exceptions.InvalidRequestException):
        return None
    for each in found:
        is_extended = each.get("versionStatus") == "EXTENDED_SUPPORT"
        return Support(version, is_extended, each.get("endOfStandardSupportDate"))
    return None


def offered(eks: "EKSClient") -> list[str]:
    """The versions that a new cluster can have, oldest first."""
    pages = eks.get_paginator("describe_cluster_versions").paginate()
    return sorted((each["clusterVersion"] for page in pages for each in page["clusterVersions"]), key=minor)


def minor(version: str) -> int:
    """Of 1.33: 33."""
    return int(version.partition(".")[2])


def is_extended(version: str, eks: "EKSClient") -> bool:
    """Whether it has extended support alone: then no cluster of it can have the policy STANDARD."""
    support = support_of(version, eks)
    return support is not None and support.is_extended
