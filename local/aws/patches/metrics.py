"""CloudWatch: metrics out of logs, and alarms that tell somebody.

moto lacks: AWS::Logs::MetricFilter and what a filter counts; the embedded metric format; what an account uses; actions
of an alarm. Nothing
evaluates alarms here: SetAlarmState puts one into a state, and its actions then happen, as in AWS.
Sources: CloudWatch Logs user guide, "Filter pattern syntax" (`?term ?term`: any of them; `term`: all of them);
CloudWatch user guide, "Embedded metric format specification".
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import json
import logging
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import moto.cloudwatch.models as cloudwatch
import moto.logs.models as logs
from moto.sns.models import sns_backends
from moto.utilities.arns import parse_arn

from local.aws import fargate_usage, quotas
from local.aws.patches import deliveries
from local.aws.patches.resource_types import define

if TYPE_CHECKING:
    from local.aws.server import AwsServer

LOGGER = logging.getLogger(__name__)
Datum = dict[str, Any]


def install(server: AwsServer) -> None:
    get_metric_statistics = cloudwatch.CloudWatchBackend.get_metric_statistics
    put_log_events, set_alarm_state = logs.LogsBackend.put_log_events, cloudwatch.CloudWatchBackend.set_alarm_state

    def put(self: Any, group: str, stream: str, events: list[dict[str, Any]]) -> Any:
        answer = put_log_events(self, group, stream, events)
        backend = cloudwatch.cloudwatch_backends[self.account_id][self.region_name]
        for event in events:
            for namespace, datum in (*embedded(event["message"]), *_filtered(self, group, event["message"])):
                backend.put_metric_data(namespace, [datum])
        return answer

    def statistics(self: Any, namespace: str, *asked: Any, **more: Any) -> Any:
        if namespace == quotas.FARGATE_USAGE["MetricNamespace"]:
            fargate_usage.tell(self.account_id, self.region_name)
        return get_metric_statistics(self, namespace, *asked, **more)

    def set_state(self: Any, alarm_name: str, reason: str, reason_data: str, state_value: str) -> None:
        set_alarm_state(self, alarm_name, reason, reason_data, state_value)
        alarm = self.alarms[alarm_name]
        actions = {"ALARM": alarm.alarm_actions, "OK": alarm.ok_actions}.get(state_value) or []
        for topic in actions:
            _notify(alarm, topic, reason, state_value)

    logs.LogsBackend.put_log_events = put
    cloudwatch.CloudWatchBackend.set_alarm_state = set_state
    cloudwatch.CloudWatchBackend.get_metric_statistics = statistics
    define("AWS::Logs::MetricFilter", "FilterName", _filter, delete=_delete_filter)


def embedded(message: str) -> Iterator[tuple[str, Datum]]:
    """The metrics in a line of the embedded metric format; nothing for another line."""
    if '"CloudWatchMetrics"' not in message:
        return
    line = json.loads(message)
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = [{"Name": name, "Value": str(line[name])} for name in names]
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                values = value if isinstance(value, list) else [value]
                yield directive["Namespace"], _datum(metric["Name"], values, dimensions, metric.get("Unit", "None"))


def _filtered(backend: Any, group: str, message: str) -> Iterator[tuple[str, Datum]]:
    for each in backend.filters.metric_filters:
        if each["logGroupName"] == group:
            found = matches(each["filterPattern"], message)
            for transformation in each["metricTransformations"]:
                value = transformation["MetricValue"] if found else transformation.get("DefaultValue")
                if value is not None:
                    yield transformation["MetricNamespace"], _datum(transformation["MetricName"], [float(value)], [])


def matches(pattern: str, message: str) -> bool:
    """Terms only: patterns over JSON or columns are refused, as nothing here knows them."""
    if pattern.startswith(("{", "[")):
        raise NotImplementedError(f"the embedded cloud does not know the filter pattern {pattern}")
    terms = shlex.split(pattern)
    optional = [term.removeprefix("?") for term in terms if term.startswith("?")]
    required = [term for term in terms if not term.startswith("?")]
    return all(term in message for term in required) and (not optional or any(term in message for term in optional))


def _datum(name: str, values: list[float], dimensions: list[dict[str, str]], unit: str = "None") -> Datum:
    return {"MetricName": name, "Values": values, "Dimensions": dimensions, "Unit": unit}


def _notify(alarm: Any, topic_arn: str, reason: str, state: str) -> None:
    """As with events, what cannot be delivered is no error of the caller's; CloudWatch keeps it in the history."""
    try:
        deliveries.check(deliveries.CLOUDWATCH, alarm.alarm_arn, topic_arn)
    except deliveries.UndeliverableError:
        LOGGER.warning("alarm %s could not tell %s", alarm.name, topic_arn, exc_info=True)
        return
    message = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "NewStateValue": state,
        "NewStateReason": reason,
        "AlarmArn": alarm.alarm_arn,
    }
    topic = parse_arn(topic_arn)
    sns_backends[topic.account][topic.region].publish(json.dumps(message), arn=topic_arn)


def _filter(made: Any) -> None:
    properties = made.properties
    backend = logs.logs_backends[made.account_id][made.region]
    if properties["LogGroupName"] not in backend.groups:
        raise ValueError(f"The specified log group does not exist: {properties['LogGroupName']}")
    matches(properties["FilterPattern"], "")
    backend.filters.add_filter(
        made.name, properties["FilterPattern"], properties["LogGroupName"], properties["MetricTransformations"]
    )


def _delete_filter(made: Any) -> None:
    filters = logs.logs_backends[made.account_id][made.region].filters
    filters.metric_filters = [each for each in filters.metric_filters if each["filterName"] != made.name]
