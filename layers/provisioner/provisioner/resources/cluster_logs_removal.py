"""The control plane's log group on its way out: only after its cluster, which would make it again."""

from contextlib import suppress
from typing import TYPE_CHECKING

from provisioner.observation import Observation
from provisioner.request import Request
from provisioner.resources.cluster_logs import log_group_name

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


def remove(request: Request, logs: "CloudWatchLogsClient") -> Observation:
    """Converge to no log group. It belongs to the cluster by its name: one that EKS has made carries nobody's tag.

    Source: CloudWatch Logs API, DeleteLogGroup.
    """
    with suppress(logs.exceptions.ResourceNotFoundException):
        logs.delete_log_group(logGroupName=log_group_name(request))
    return Observation.ready_with()
