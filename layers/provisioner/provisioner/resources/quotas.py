"""Quotas of the account against what a run still has to make: an account that is full is told so before, not halfway.

Service Quotas says how much the account may have, the services how much there is. Only what is missing is counted, so
that a cluster which is there is never refused over a quota that is reached.
Source: Service Quotas API, GetServiceQuota and GetAWSDefaultServiceQuota; codes as the console lists them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from provisioner.errors import ErrorReason
from provisioner.request import Request
from provisioner.resources.problem import Problem

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_service_quotas import ServiceQuotasClient
    from mypy_boto3_service_quotas.type_defs import ServiceQuotaTypeDef

# Two of CoreDNS, the appender and, when that has ended, the reader beside the writers: each pod is a node of the
# smallest size, which goes when the pod has ended.
# Source: EKS User Guide, "Understand Fargate Pod configuration details".
_PODS_OF_DNS: Final = 2
_PODS_BESIDE_WRITERS: Final = 1
_VCPUS_PER_POD: Final = 0.25
_USAGE_PERIODS: Final = 3
_USAGE_PERIOD: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Quota:
    service: str
    code: str
    name: str

    def __str__(self) -> str:
        return f"{self.service}/{self.code} ({self.name})"


VPCS: Final = Quota("vpc", "L-F678F1CE", "VPCs per Region")
NAT_GATEWAYS: Final = Quota("vpc", "L-FE5A380F", "NAT gateways per Availability Zone")
ADDRESSES: Final = Quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs")
CLUSTERS: Final = Quota("eks", "L-1194D53C", "Clusters")
FARGATE_VCPUS: Final = Quota("fargate", "L-3032A538", "Fargate On-Demand vCPU resource count")
FILE_SYSTEMS: Final = Quota("elasticfilesystem", "L-848C634D", "File systems per account")


@dataclass(frozen=True)
class Demand:
    """How many more a run makes, and how many there are, which is asked only where the quota is known."""

    quota: Quota
    more: float
    there_are: Callable[["ServiceQuotaTypeDef"], float]

    def problem(self, found: "ServiceQuotaTypeDef", region: str) -> Problem | None:
        allowed, there_are = found["Value"], self.there_are(found)
        if there_are + self.more <= allowed:
            return None
        in_use = f"{there_are:g} in use, {self.more:g} more needed"
        what = f"quota {self.quota} is {allowed:g} in {region}: {in_use}"
        remedy = "raise the quota in Service Quotas or remove what is no longer used"
        return Problem(ErrorReason.QUOTA_EXCEEDED, what, remedy)


def look_up(quota: Quota, service_quotas: "ServiceQuotasClient") -> "ServiceQuotaTypeDef":
    """What applies to the account, else AWS's default. Raises: ClientError."""
    named = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    try:
        return service_quotas.get_service_quota(**named)["Quota"]
    except service_quotas.exceptions.NoSuchResourceException:
        return service_quotas.get_aws_default_service_quota(**named)["Quota"]


def of_vpc(account_id: str, ec2: "EC2Client") -> Demand:
    return Demand(VPCS, 1, lambda _: _vpcs(account_id, ec2))


def of_nat(nat_zones: Sequence[str], ec2: "EC2Client") -> Iterator[Demand]:
    """A NAT gateway with its address in each of the zones."""
    yield Demand(ADDRESSES, len(nat_zones), lambda _: len(ec2.describe_addresses()["Addresses"]))
    yield Demand(NAT_GATEWAYS, 1, lambda _: max(_nat_gateways(ec2).get(zone, 0) for zone in nat_zones))


def of_cluster(eks: "EKSClient") -> Demand:
    return Demand(
        CLUSTERS, 1, lambda _: sum(len(page["clusters"]) for page in eks.get_paginator("list_clusters").paginate())
    )


def of_file_system(efs: "EFSClient") -> Demand:
    pages = efs.get_paginator("describe_file_systems").paginate
    return Demand(FILE_SYSTEMS, 1, lambda _: sum(len(page["FileSystems"]) for page in pages()))


def of_pods(request: Request, cloudwatch: "CloudWatchClient", now: datetime, *, with_dns: bool) -> Demand:
    """Of CoreDNS's pods only where the cluster has none yet; beside what runs in the account.

    Volumes are proven side by side; of several, pods that look for what others hold run beside the writers.
    """
    volumes = len(request.of_each_volume)
    of_each = request.verification.writers + _PODS_BESIDE_WRITERS + (1 if volumes > 1 else 0)
    pods = volumes * of_each + (_PODS_OF_DNS if with_dns else 0)
    return Demand(FARGATE_VCPUS, pods * _VCPUS_PER_POD, lambda found: _in_use(found, cloudwatch, now))


def _in_use(found: "ServiceQuotaTypeDef", cloudwatch: "CloudWatchClient", now: datetime) -> float:
    """The least of the last quarter of an hour, where Service Quotas says which metric counts; else nothing is known.

    Figures are minutes old: what has come only now, or is about to go, is not to keep anybody from a cluster.
    Source: Service Quotas API, MetricInfo; EKS User Guide, "Collect AWS Fargate app and usage metrics".
    """
    metric = found.get("UsageMetric") or {}
    if not metric.get("MetricName"):
        return 0
    points = cloudwatch.get_metric_statistics(
        Namespace=metric["MetricNamespace"],
        MetricName=metric["MetricName"],
        Dimensions=[{"Name": name, "Value": value} for name, value in sorted(metric["MetricDimensions"].items())],
        StartTime=now - _USAGE_PERIODS * _USAGE_PERIOD,
        EndTime=now,
        Period=int(_USAGE_PERIOD.total_seconds()),
        Statistics=["Maximum"],
    )["Datapoints"]
    return min((point["Maximum"] for point in points), default=0)


def _vpcs(account_id: str, ec2: "EC2Client") -> int:
    """Those that others share with the account count with their owner."""
    vpcs = (vpc for page in ec2.get_paginator("describe_vpcs").paginate() for vpc in page["Vpcs"])
    return sum(vpc.get("OwnerId", account_id) == account_id for vpc in vpcs)


def _nat_gateways(ec2: "EC2Client") -> Mapping[str, int]:
    """Zone -> NAT gateways there."""
    states: Any = [{"Name": "state", "Values": ["pending", "available"]}]
    pages = ec2.get_paginator("describe_nat_gateways").paginate(Filters=states)
    alive = [gateway for page in pages for gateway in page["NatGateways"]]
    subnet_ids = sorted({gateway["SubnetId"] for gateway in alive})
    if not subnet_ids:
        return {}
    subnets = ec2.describe_subnets(Filters=[{"Name": "subnet-id", "Values": subnet_ids}])["Subnets"]
    zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in subnets}
    return Counter(zones.get(gateway["SubnetId"], "") for gateway in alive)
