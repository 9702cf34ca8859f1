"""What an account may have of a thing in a region, as Service Quotas tells it and the embedded services enforce it.

Names, codes and defaults are those of the Service Quotas console. What nothing here refuses is not listed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.aws import eks_rules


@dataclass(frozen=True)
class Quota:
    """`code` is empty for what nobody here asks for by its code; `usage` is where CloudWatch tells what is in use."""

    service: str
    name: str
    default: float
    code: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict, compare=False)


VPCS = Quota("vpc", "VPCs per Region", 5, "L-F678F1CE")
NAT_GATEWAYS = Quota("vpc", "NAT gateways per Availability Zone", 5, "L-FE5A380F")
ADDRESSES = Quota("ec2", "EC2-VPC Elastic IPs", 5, "L-0263D0A3")
CLUSTERS = Quota("eks", "Clusters", 100, "L-1194D53C")
PROFILES = Quota("eks", "Fargate profiles per cluster", 10)
ENDPOINT_CIDRS = Quota("eks", "Public endpoint access CIDR ranges per cluster", eks_rules.MAX_PUBLIC_ACCESS_CIDRS)
FARGATE_USAGE = {
    "MetricNamespace": "AWS/Usage",
    "MetricName": "ResourceCount",
    "MetricDimensions": {"Class": "Standard/OnDemand", "Resource": "vCPU", "Service": "Fargate", "Type": "Resource"},
    "MetricStatisticRecommendation": "Maximum",
}
"""Source: EKS User Guide, "Collect AWS Fargate app and usage metrics"; that Service Quotas names it is our reading."""

FARGATE_VCPUS = Quota("fargate", "Fargate On-Demand vCPU resource count", 6, "L-3032A538", FARGATE_USAGE)
CONCURRENT_EXECUTIONS = Quota("lambda", "Concurrent executions", 1000, "L-B99A9384")
"""New accounts have fewer, and get more by using them; how many is not published, ten is what they are known to have.
Source: Lambda developer guide, "Lambda quotas"."""

FILE_SYSTEMS = Quota("elasticfilesystem", "File systems per account", 1000, "L-848C634D")
ALL = (
    VPCS,
    NAT_GATEWAYS,
    ADDRESSES,
    CLUSTERS,
    PROFILES,
    ENDPOINT_CIDRS,
    FARGATE_VCPUS,
    CONCURRENT_EXECUTIONS,
    FILE_SYSTEMS,
)

RAISED = {VPCS: 1000.0, NAT_GATEWAYS: 1000.0, ADDRESSES: 1000.0, FARGATE_VCPUS: 1000.0}
"""What the accounts of the embedded cloud have asked for long ago: with AWS's defaults they would be full at five
clusters."""

APPLIED: dict[tuple[str, str, Quota], float] = {}
"""(account, region, quota) -> what it is there, where that is something else."""


def applied(account_id: str, region: str, quota: Quota) -> float | None:
    """What the account has been given in place of the default; None where it has not asked."""
    return APPLIED.get((account_id, region, quota), RAISED.get(quota))


def value(account_id: str, region: str, quota: Quota) -> float:
    """How many the account may have there."""
    own = applied(account_id, region, quota)
    return quota.default if own is None else own


def is_reached(account_id: str, region: str, quota: Quota, there_are: int) -> bool:
    return there_are >= value(account_id, region, quota)
