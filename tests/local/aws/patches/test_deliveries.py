"""What EventBridge and CloudWatch may not do without a policy that lets them, as in AWS."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from local.aws.administrators import administrator_of
from tests.local.aws.patches.conftest import TRUST, Sandbox
from tests.local.aws.patches.test_events import policy

BUS = "arn:aws:events:ap-northeast-1:123456789012:event-bus/default"
TO_THE_KEY = ["kms:GenerateDataKey*", "kms:Decrypt"]


OF_THIS_ACCOUNT = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
FROM_ITS_RULES = {"ArnLike": {"aws:SourceArn": "arn:aws:events:ap-northeast-1:123456789012:rule/*"}}


def delivers(aws: Sandbox, target: dict[str, Any], account: Any = None) -> bool:
    """Whether an event reaches the target of a rule made for it."""
    events, source = (account or aws.server).client("events"), uuid.uuid4().hex
    events.put_rule(Name=source, EventPattern=json.dumps({"source": [source]}))
    events.put_targets(Rule=source, Targets=[{"Id": "one", **target}])
    before = len(aws.server.delivered_events)
    events.put_events(Entries=[{"Source": source, "DetailType": "x", "Detail": "{}"}])
    return any(event.rule_name == source for event in aws.server.delivered_events[before:])


def queue(aws: Sandbox, **attributes: str) -> str:
    name = f"q-{uuid.uuid4().hex[:8]}"
    aws.server.client("sqs").create_queue(QueueName=name, Attributes=attributes)
    return f"arn:aws:sqs:ap-northeast-1:123456789012:{name}"


def topic_with(aws: Sandbox, document: str) -> str:
    name = f"t-{uuid.uuid4().hex[:8]}"
    return str(aws.server.client("sns").create_topic(Name=name, Attributes={"Policy": document})["TopicArn"])


def received(aws: Sandbox, queue_arn: str) -> list[dict[str, Any]]:
    sqs = aws.server.client("sqs")
    url = sqs.get_queue_url(QueueName=queue_arn.rsplit(":", 1)[1])["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    return list(found.get("Messages", []))


def key(aws: Sandbox, **statement: Any) -> str:
    document = policy("kms:*", "*", **{"Principal": {"AWS": "arn:aws:iam::123456789012:root"}})
    if statement:
        document = policy("", "*", Action=TO_THE_KEY, **statement)
    return str(aws.server.client("kms").create_key(Policy=document)["KeyMetadata"]["Arn"])


def test_a_queue_without_a_policy_gets_nothing(aws: Sandbox) -> None:
    assert not delivers(aws, {"Arn": queue(aws)})
    assert delivers(aws, {"Arn": queue(aws, Policy=policy("sqs:SendMessage", "*"))})


def test_a_policy_for_another_rule_lets_nobody_else_in(aws: Sandbox) -> None:
    another = {"ArnEquals": {"aws:SourceArn": "arn:aws:events:ap-northeast-1:123456789012:rule/another"}}
    assert not delivers(aws, {"Arn": queue(aws, Policy=policy("sqs:SendMessage", "*", Condition=another))})


@pytest.mark.parametrize(("condition", "reached"), [({}, True), (FROM_ITS_RULES, True), (OF_THIS_ACCOUNT, False)])
def test_a_queues_policy_is_told_the_rule_and_not_its_account(aws: Sandbox, condition: Any, reached: bool) -> None:
    assert delivers(aws, {"Arn": queue(aws, Policy=policy("sqs:SendMessage", "*", Condition=condition))}) is reached


@pytest.mark.parametrize(
    "condition", [FROM_ITS_RULES, OF_THIS_ACCOUNT, {"StringNotEquals": {"aws:SourceAccount": "999999999999"}}]
)
def test_a_topics_statement_with_a_condition_does_not_let_eventbridge_in_and_the_event_is_kept(
    aws: Sandbox, condition: Any
) -> None:
    dead = queue(aws, Policy=policy("sqs:SendMessage", "*", Condition=FROM_ITS_RULES))
    for statement, reached in (({"Condition": condition}, False), ({}, True)):
        topic = topic_with(aws, policy("sns:Publish", "*", **statement))
        assert delivers(aws, {"Arn": topic, "DeadLetterConfig": {"Arn": dead}}) is reached
    (message,) = received(aws, dead)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (OF_THIS_ACCOUNT, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:*:123456789012:alarm:*"}}, True),
        ({"StringEquals": {"aws:SourceAccount": "999999999999"}}, False),
        ({"StringEquals": {"aws:SourceOrgID": "o-1234567890"}}, False),
    ],
)
def test_a_topics_policy_is_told_the_alarm_and_its_account(aws: Sandbox, condition: Any, told: bool) -> None:
    by_cloudwatch = {"Principal": {"Service": "cloudwatch.amazonaws.com"}, "Condition": condition}
    topic = topic_with(aws, policy("sns:Publish", "*", **by_cloudwatch))
    inbox, alarms = queue(aws), aws.server.client("cloudwatch")
    aws.server.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox)
    alarms.put_metric_alarm(
        AlarmName="a", AlarmActions=[topic], EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold"
    )
    alarms.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="a test")
    assert bool(received(aws, inbox)) is told


def test_a_function_and_a_log_group_are_told_what_their_guides_show(aws: Sandbox) -> None:
    """A rule's ARN to a function, nothing to a log group."""
    function = aws.function("def handler(event, context):\n    return None\n")
    permission = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "FunctionName": function}
    aws.functions.add_permission(
        StatementId="another", SourceArn="arn:aws:events:ap-northeast-1:123456789012:rule/another", **permission
    )
    assert not delivers(aws, {"Arn": function})
    rules = "arn:aws:events:ap-northeast-1:123456789012:rule/*"
    aws.functions.add_permission(StatementId="rules", SourceArn=rules, **permission)
    assert delivers(aws, {"Arn": function})
    logs, group = aws.server.client("logs"), f"/aws/events/{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=group)
    document = policy("logs:*", "*", Condition=FROM_ITS_RULES)
    logs.put_resource_policy(policyName="own", policyDocument=document)
    assert not delivers(aws, {"Arn": f"arn:aws:logs:ap-northeast-1:123456789012:log-group:{group}"})
    logs.delete_resource_policy(policyName="own")


def test_a_target_with_a_policy_of_its_own_is_not_reached_under_a_role(aws: Sandbox) -> None:
    topic = topic_with(aws, policy("sns:Publish", "*"))
    assert not delivers(aws, {"Arn": topic, "RoleArn": aws.role_arn})


def test_an_encrypted_queue_needs_a_key_that_lets_the_service_in(aws: Sandbox) -> None:
    open_to_events = policy("sqs:SendMessage", "*")
    for key_id, reached in (
        (key(aws), False),
        ("alias/aws/sqs", False),
        (key(aws, Condition=OF_THIS_ACCOUNT), False),
        (key(aws, Sid="events"), True),
    ):
        assert delivers(aws, {"Arn": queue(aws, Policy=open_to_events, KmsMasterKeyId=key_id)}) is reached, key_id


def test_a_log_group_needs_a_resource_policy_that_covers_its_streams(aws: Sandbox) -> None:
    logs, group = aws.server.client("logs"), f"/aws/events/{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:ap-northeast-1:123456789012:log-group:{group}"
    for resource, reached in ((arn, False), (f"{arn}:*", True)):
        document = policy("", resource, Action=["logs:CreateLogStream", "logs:PutLogEvents"])
        logs.put_resource_policy(policyName="own", policyDocument=document)
        assert delivers(aws, {"Arn": arn}) is reached
    logs.delete_resource_policy(policyName="own")


def test_a_log_group_takes_no_key_that_keeps_cloudwatch_logs_out(aws: Sandbox) -> None:
    logs = aws.server.client("logs")
    with pytest.raises(logs.exceptions.InvalidParameterException, match="not allowed to be used with Arn"):
        logs.create_log_group(logGroupName="/closed", kmsKeyId=key(aws, Sid="events"))
    service = {"Principal": {"Service": "logs.ap-northeast-1.amazonaws.com"}}
    logs.create_log_group(logGroupName="/open", kmsKeyId=key(aws, **service))


def test_another_accounts_bus_takes_what_its_policy_admits_and_tells_where_it_came_from(aws: Sandbox) -> None:
    server = aws.server
    role_arn = "arn:aws:iam::999999999999:role/forwarder"
    management = _Account(server, "999999999999")
    iam = management.client("iam")
    iam.create_role(RoleName="forwarder", AssumeRolePolicyDocument=json.dumps(TRUST))
    hub, to_hub = queue(aws, Policy=policy("sqs:SendMessage", "*")), {"Arn": BUS, "RoleArn": role_arn}
    events = server.client("events")
    events.put_rule(Name="hub", EventPattern=json.dumps({"account": ["999999999999"]}))
    events.put_targets(Rule="hub", Targets=[{"Id": "one", "Arn": hub}])
    assert not delivers(aws, to_hub, management)
    shown = {
        "ArnLike": {"aws:SourceArn": "arn:aws:events:ap-northeast-1:999999999999:rule/*"},
        "StringEquals": {"aws:SourceAccount": "999999999999", "events:eventBusInvocation": "true"},
        "ForAnyValue:StringEquals": {"events:detail-type": ["x"]},
        "Null": {"events:source": "false"},
    }
    sender = {"Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Condition": shown}
    events.put_permission(EventBusName="default", Policy=policy("events:PutEvents", BUS, Sid="hub", **sender))
    assert not delivers(aws, to_hub, management)
    permission = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": BUS}
    forward = {"Version": "2012-10-17", "Statement": permission}
    iam.put_role_policy(RoleName="forwarder", PolicyName="forward", PolicyDocument=json.dumps(forward))
    assert delivers(aws, to_hub, management)
    assert server.delivered_events[-2].payload["account"] == "999999999999"
    assert not delivers(aws, {**to_hub, "RoleArn": role_arn + "-gone"}, management)
    events.remove_permission(StatementId="hub")
    events.remove_targets(Rule="hub", Ids=["one"])
    events.delete_rule(Name="hub")


class _Account:
    """Clients of another account, as its administrator."""

    def __init__(self, server: Any, account_id: str) -> None:
        self._server = server
        self._credentials = administrator_of(account_id)

    def client(self, service: str) -> Any:
        return self._server.client(service, credentials=self._credentials)


def test_lines_in_the_embedded_metric_format_become_metrics(aws: Sandbox) -> None:
    logs = aws.server.client("logs")
    logs.create_log_group(logGroupName="/emf")
    logs.create_log_stream(logGroupName="/emf", logStreamName="s")
    directive = {"Namespace": "ours", "Dimensions": [["service"]], "Metrics": [{"Name": "Drifted", "Unit": "Count"}]}
    line = {"_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}, "service": "stack", "Drifted": [2.0]}
    events = [{"timestamp": 1, "message": text} for text in ("START", json.dumps(line))]
    logs.put_log_events(logGroupName="/emf", logStreamName="s", logEvents=events)
    (metric,) = aws.server.client("cloudwatch").list_metrics(Namespace="ours")["Metrics"]
    assert metric["MetricName"] == "Drifted"
    assert metric["Dimensions"] == [{"Name": "service", "Value": "stack"}]
