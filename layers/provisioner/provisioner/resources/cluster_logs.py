"""The log group of the cluster's control plane: EKS makes it when it is not there, and would keep its logs for ever."""

from contextlib import suppress
from typing import TYPE_CHECKING

from provisioner.request import Request
from provisioner.resources.tags import ensure_logs_tags

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import LogGroupTypeDef


def log_group_name(request: Request) -> str:
    return f"/aws/eks/{request.cluster.name}/cluster"


def find(request: Request, logs: "CloudWatchLogsClient") -> "LogGroupTypeDef | None":
    """The log group, None when absent. Of all that begin with its name it comes first."""
    name = log_group_name(request)
    found = logs.describe_log_groups(logGroupNamePrefix=name, limit=1)["logGroups"]
    return found[0] if found and found[0]["logGroupName"] == name else None


def tags_of(group: "LogGroupTypeDef", logs: "CloudWatchLogsClient") -> dict[str, str]:
    """Source: CloudWatch Logs API, ListTagsForResource."""
    return logs.list_tags_for_resource(resourceArn=_arn(group))["tags"]


def ensure(request: Request, logs: "CloudWatchLogsClient") -> None:
    """Converge the log group's retention and tags, for a cluster that is ours or just being made.

    Without logs a group is not made; one that an earlier cluster of the name has left gets both all the same.
    It belongs to the cluster by its name: one that EKS has made carries nobody's tag.
    Idempotency key: the name; EKS uses a group that is there already.
    Source: EKS user guide, "Send control plane logs to CloudWatch Logs"; CloudWatch Logs API, PutRetentionPolicy,
    TagResource.
    """
    group = find(request, logs)
    if group is None and request.cluster.control_plane_logs:
        _create(request, logs)
        group = find(request, logs)
    wanted = request.cluster.control_plane_log_retention_days
    if group is None:
        return
    if group.get("retentionInDays") != wanted:
        logs.put_retention_policy(logGroupName=log_group_name(request), retentionInDays=wanted)
    ensure_logs_tags(request, _arn(group), tags_of(group, logs), logs)


def _create(request: Request, logs: "CloudWatchLogsClient") -> None:
    """Nothing when EKS was quicker."""
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=log_group_name(request), tags=request.owner_tags)


def _arn(group: "LogGroupTypeDef") -> str:
    """As calls about tags take it. Source: CloudWatch Logs API, LogGroup: `arn` ends with ":*", for all other calls."""
    return group["arn"].removesuffix(":*")
