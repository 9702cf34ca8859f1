"""What a file system's throughput mode allowed of late; it explains storage that is slow."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import BotoCoreError, ClientError

from provisioner.aws.session import Target, of_file_system
from provisioner.request import Request
from provisioner.resources import file_system

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_HOUR: Final = timedelta(hours=1)


def inspect(request: Request, target: Target, *, is_wanted: bool) -> Mapping[str, Any] | None:
    """{mode, burst_credit_bytes: least of the last hour, io_limit_percent: most of it}; null where nothing is known.

    Only reads; refused, it says nothing: an explanation that is missing fails nobody's check.
    Source: EFS user guide, "CloudWatch metrics for Amazon EFS"; CloudWatch API, GetMetricStatistics.
    """
    if not is_wanted:
        return None
    try:
        there = of_file_system(request, target)
        found = file_system.find(request, there.client("efs"))
        if found is None:
            return None
        file_system_id, cloudwatch = found["FileSystemId"], there.client("cloudwatch")
        return {
            "mode": found.get("ThroughputMode", "bursting"),
            "burst_credit_bytes": _of_the_hour(file_system_id, "BurstCreditBalance", "Minimum", cloudwatch),
            "io_limit_percent": _of_the_hour(file_system_id, "PercentIOLimit", "Maximum", cloudwatch),
        }
    except (BotoCoreError, ClientError):
        return None


def _of_the_hour(
    file_system_id: str, metric: str, statistic: Literal["Minimum", "Maximum"], cloudwatch: "CloudWatchClient"
) -> float | None:
    now = datetime.now(UTC)
    points = cloudwatch.get_metric_statistics(
        Namespace="AWS/EFS",
        MetricName=metric,
        Dimensions=[{"Name": "FileSystemId", "Value": file_system_id}],
        StartTime=now - _HOUR,
        EndTime=now,
        Period=int(_HOUR.total_seconds()),
        Statistics=[statistic],
    )["Datapoints"]
    values = [float(point[statistic]) for point in points]
    return {"Minimum": min, "Maximum": max}[statistic](values, default=None)
