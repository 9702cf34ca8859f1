"""CloudWatch Logs. Source: Service Authorization Reference, "Amazon CloudWatch Logs".

Log groups are asked for with `:log-stream:` behind their name, but for tags, as the service's refusals show: "not
authorized to perform: logs:PutRetentionPolicy on resource: arn:aws:logs:…:log-group:…:log-stream:".
"""

from collections.abc import Iterable, Iterator

from local.aws.permissions.demand import ApiCall, Demand, Demands, request_tags


def create_log_group(call: ApiCall) -> Iterator[Demand]:
    tags = request_tags(call.get("tags") or {})
    yield Demand("logs:CreateLogGroup", f"{_group(call)}:log-stream:", tags)
    if tags:
        yield Demand("logs:TagResource", _group(call), tags)


def put_retention_policy(call: ApiCall) -> Iterable[Demand]:
    return [Demand("logs:PutRetentionPolicy", f"{_group(call)}:log-stream:")]


def describe_log_groups(call: ApiCall) -> Iterable[Demand]:
    """A prefix makes no difference."""
    return [Demand("logs:DescribeLogGroups", call.arn("logs", "log-group::log-stream:"))]


def _group(call: ApiCall) -> str:
    return call.arn("logs", f"log-group:{call['logGroupName']}")


CALLS: dict[str, Demands] = {
    "logs:CreateLogGroup": create_log_group,
    "logs:DescribeLogGroups": describe_log_groups,
    "logs:PutRetentionPolicy": put_retention_policy,
}
