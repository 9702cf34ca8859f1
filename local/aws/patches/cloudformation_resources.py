"""Resource types of CloudFormation that our templates use.

moto lacks: alarms, SNS subscriptions, function aliases; resource policies of queues, topics, buckets and event buses;
some attributes of what it has (a parameter's Value, a version's ARN, a log group's ARN with its `:*`).
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import moto.logs.models as logs
import moto.ssm.models as ssm
from jsonschema import Draft4Validator
from moto.awslambda.utils import get_backend as lambda_backend
from moto.cloudwatch.models import cloudwatch_backends
from moto.events.models import events_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from local.aws.patches.resource_types import define

if TYPE_CHECKING:
    from local.aws.server import AwsServer

WITHOUT_BEHAVIOUR = (
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::LayerVersionPermission",
    "AWS::Logs::QueryDefinition",
    "AWS::XRay::Group",
)
"""Accepted and remembered: nothing of what they do in AWS can be seen here."""


def install(server: AwsServer) -> None:
    for resource_type in WITHOUT_BEHAVIOUR:
        define(resource_type, None)
    define("AWS::CloudWatch::Alarm", "AlarmName", _alarm, attributes={"Arn": _alarm_arn}, delete=_delete_alarm)
    define("AWS::SNS::Subscription", None, _subscription)
    define("AWS::Lambda::Alias", None, _alias)
    define("AWS::SQS::QueuePolicy", None, _queue_policy)
    define("AWS::SNS::TopicPolicy", None, _topic_policy)
    define("AWS::S3::BucketPolicy", None, _bucket_policy)
    define("AWS::Events::EventBusPolicy", None, _event_bus_policy)
    define("AWS::EventSchemas::Registry", "RegistryName", attributes={"RegistryName": lambda made: made.name})
    define("AWS::EventSchemas::Schema", "SchemaName", _event_schema)
    _add_attributes(logs.LogGroup, Arn=lambda group: f"{group.arn}:*")
    _add_attributes(ssm.Parameter, Value=lambda parameter: parameter.value, Type=lambda parameter: parameter.type)


def _alarm_arn(made: Any) -> str:
    return f"arn:aws:cloudwatch:{made.region}:{made.account_id}:alarm:{made.name}"


def _alarm(made: Any) -> None:
    properties = made.properties
    cloudwatch_backends[made.account_id][made.region].put_metric_alarm(
        name=made.name,
        namespace=properties.get("Namespace"),
        metric_name=properties.get("MetricName"),
        metric_data_queries=None,
        comparison_operator=properties["ComparisonOperator"],
        evaluation_periods=int(properties["EvaluationPeriods"]),
        datapoints_to_alarm=properties.get("DatapointsToAlarm"),
        period=int(properties.get("Period", 60)),
        threshold=float(properties.get("Threshold", 0)),
        statistic=properties.get("Statistic"),
        extended_statistic=properties.get("ExtendedStatistic"),
        description=properties.get("AlarmDescription"),
        dimensions=properties.get("Dimensions", []),
        alarm_actions=properties.get("AlarmActions", []),
        ok_actions=properties.get("OKActions", []),
        treat_missing_data=properties.get("TreatMissingData"),
    )


def _delete_alarm(made: Any) -> None:
    cloudwatch_backends[made.account_id][made.region].delete_alarms([made.name])


def _subscription(made: Any) -> Any:
    backend = sns_backends[made.account_id][made.region]
    subscription = backend.subscribe(
        made.properties["TopicArn"], made.properties.get("Endpoint", ""), made.properties["Protocol"]
    )
    made.name = subscription.arn
    return subscription


def _alias(made: Any) -> Any:
    properties = made.properties
    function_name = properties["FunctionName"].split(":function:")[-1].split(":")[0]
    alias = lambda_backend(made.account_id, made.region).create_alias(
        properties["Name"], function_name, str(properties["FunctionVersion"]), properties.get("Description", ""), None
    )
    made.name = alias.arn
    return alias


def _queue_policy(made: Any) -> None:
    backend = sqs_backends[made.account_id][made.region]
    for url in made.properties["Queues"]:
        backend.set_queue_attributes(url.rsplit("/", 1)[1], {"Policy": json.dumps(made.properties["PolicyDocument"])})


def _topic_policy(made: Any) -> None:
    backend = sns_backends[made.account_id][made.region]
    for arn in made.properties["Topics"]:
        backend.set_topic_attribute(arn, "policy", json.dumps(made.properties["PolicyDocument"]))


def _bucket_policy(made: Any) -> None:
    policy = json.dumps(made.properties["PolicyDocument"]).encode()
    s3_backends[made.account_id]["aws"].put_bucket_policy(made.properties["Bucket"], policy)


def _event_bus_policy(made: Any) -> None:
    properties = made.properties
    events_backends[made.account_id][made.region].put_permission(
        properties.get("EventBusName", "default"),
        properties.get("Action"),
        properties.get("Principal"),
        properties["StatementId"],
        properties.get("Condition"),
        json.dumps({"Statement": [{"Sid": properties["StatementId"], **properties["Statement"]}]})
        if "Statement" in properties
        else None,
    )


def _event_schema(made: Any) -> None:
    """Nothing here reads schemas; what the registry would refuse is refused.

    Source: EventBridge Schema Registry API, CreateSchema.
    """
    if made.properties["Type"] not in ("OpenApi3", "JSONSchemaDraft4"):
        raise ValueError(f"Type {made.properties['Type']} is not one of OpenApi3, JSONSchemaDraft4")
    content = made.properties["Content"]
    if len(content) > 100_000:
        raise ValueError(f"Content of {made.name} has {len(content)} characters, over 100000")
    if made.properties["Type"] == "JSONSchemaDraft4":
        Draft4Validator.check_schema(json.loads(content))


def _add_attributes(model: Any, **getters: Callable[[Any], Any]) -> None:
    has, get = model.has_cfn_attr.__func__, getattr(model, "get_cfn_attribute", None)
    model.has_cfn_attr = classmethod(lambda cls, name: name in getters or has(cls, name))
    model.get_cfn_attribute = lambda self, name: getters[name](self) if name in getters else get(self, name)
