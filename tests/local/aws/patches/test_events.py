"""EventBridge: which events match, what targets receive; the scheduler."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.patches import scheduler
from local.aws.permissions.authoriser import AccessDenied
from local.aws.service_events import emit
from tests.local.aws.patches.conftest import Sandbox
from tests.local.aws.patches.test_permissions import allow, role_with

ACCOUNT_CREATED = {"createManagedAccountStatus": {"state": "SUCCEEDED", "account": {"accountId": "222222222222"}}}
ACCOUNT_UPDATED = {"updateManagedAccountStatus": {"state": "SUCCEEDED", "account": {"accountId": "333333333333"}}}
NEW_ACCOUNT = {
    "source": ["aws.controltower"],
    "detail-type": ["AWS Service Event via CloudTrail"],
    "detail": {
        "eventName": ["CreateManagedAccount", "UpdateManagedAccount"],
        "serviceEventDetails": {
            "$or": [
                {"createManagedAccountStatus": {"state": ["SUCCEEDED"]}},
                {"updateManagedAccountStatus": {"state": ["SUCCEEDED"]}},
            ]
        },
    },
}
Rule = Callable[..., str]


@pytest.fixture
def machine(aws: Sandbox) -> str:
    return aws.machine({"Show": {"Type": "Pass", "End": True}})


@pytest.fixture
def rule(aws: Sandbox) -> Iterator[Rule]:
    """Makes a rule with one target; gone after the test."""
    events = aws.server.client("events")
    made: list[tuple[str, str]] = []

    def make(pattern: Any, target: dict[str, Any], bus: str = "default", state: str = "ENABLED") -> str:
        name = f"rule-{len(made)}"
        events.put_rule(Name=name, EventPattern=json.dumps(pattern), EventBusName=bus, State=state)
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "one", **target}])
        made.append((name, bus))
        return name

    yield make
    for name, bus in made:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=["one"])
        events.delete_rule(Name=name, EventBusName=bus)


def put(
    aws: Sandbox, source: str, detail: Any, bus: str = "default", kind: str = "AWS Service Event via CloudTrail"
) -> int:
    """Put one event; how many deliveries it caused."""
    before = len(aws.server.delivered_events)
    if source.startswith("aws."):
        emit({"source": source, "detail-type": kind, "detail": detail}, aws.server.account_id, aws.server.region)
        return len(aws.server.delivered_events) - before
    entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), "EventBusName": bus}
    aws.server.client("events").put_events(Entries=[entry])
    return len(aws.server.delivered_events) - before


@pytest.mark.parametrize("source", ["aws.controltower", "aws.ec2", "aws."])
def test_no_customer_puts_an_event_of_awss_own_and_its_other_events_are_taken(aws: Sandbox, source: str) -> None:
    entry = {"DetailType": "d", "Detail": "{}"}
    before = len(aws.server.published_events)
    sources = ("ours", source, "awsome", "")
    answer = aws.server.client("events").put_events(Entries=[{**entry, "Source": each} for each in sources])
    assert answer["FailedEntryCount"] == 2
    assert [each.get("ErrorCode") for each in answer["Entries"]] == [
        None,
        "NotAuthorizedForSourceException",
        None,
        "InvalidArgument",
    ]
    assert [each["Source"] for each in aws.server.published_events[before:]] == ["ours", "awsome"]


def policy(action: str, resource: str, **statement: Any) -> str:
    """A resource policy that lets EventBridge in."""
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": action}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": resource, **statement}]})


@pytest.mark.parametrize(
    ("name", "details", "expected"),
    [
        ("CreateManagedAccount", ACCOUNT_CREATED, 1),
        ("UpdateManagedAccount", ACCOUNT_UPDATED, 1),
        ("CreateManagedAccount", {"createManagedAccountStatus": {"state": "FAILED"}}, 0),
        ("DeleteManagedAccount", ACCOUNT_CREATED, 0),
    ],
)
def test_the_new_account_pattern_starts_the_machine_for_successes_only(
    aws: Sandbox, rule: Rule, machine: str, name: str, details: Any, expected: int
) -> None:
    rule(NEW_ACCOUNT, {"Arn": machine, "RoleArn": aws.role_arn})
    assert put(aws, "aws.controltower", {"eventName": name, "serviceEventDetails": details}) == expected
    if expected:
        delivered = aws.server.delivered_events[-1]
        assert delivered.execution_arn is not None
        given = json.loads(aws.finished(delivered.execution_arn)["input"])
        assert (given["source"], given["account"], given["region"]) == (
            "aws.controltower",
            "123456789012",
            "ap-northeast-1",
        )
        assert given["time"].endswith("Z")
        assert given["detail"]["eventName"] == name


def test_prefix_and_anything_but_patterns(aws: Sandbox, rule: Rule, machine: str) -> None:
    pattern = {"source": [{"prefix": "team."}], "detail": {"state": [{"anything-but": ["PENDING"]}]}}
    rule(pattern, {"Arn": machine, "RoleArn": aws.role_arn})
    assert put(aws, "team.a", {"state": "DONE"}) == 1
    assert put(aws, "team.a", {"state": "PENDING"}) == 0
    assert put(aws, "other", {"state": "DONE"}) == 0


def test_a_disabled_rule_does_not_fire(aws: Sandbox, rule: Rule, machine: str) -> None:
    rule({"source": ["s"]}, {"Arn": machine, "RoleArn": aws.role_arn}, state="DISABLED")
    assert put(aws, "s", {}) == 0


def test_a_states_target_needs_a_role(aws: Sandbox, rule: Rule, machine: str) -> None:
    with pytest.raises(Exception, match="RoleArn is required"):
        rule({"source": ["s"]}, {"Arn": machine})


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ({"Input": '{"fixed": true}'}, {"fixed": True}),
        ({"InputPath": "$.detail.who"}, {"id": "1", "name": 'a "b"'}),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"id": "$.detail.who.id", "name": "$.detail.who.name", "none": "$.detail.none"},
                    "InputTemplate": '{"id": <id>, "text": "for <name>", "none": <none>, '
                    '"rule": "<aws.events.rule-name>"}',
                }
            },
            {"id": "1", "text": 'for a "b"', "none": None, "rule": "rule-0"},
        ),
    ],
)
def test_targets_receive_their_own_form_of_the_event(
    aws: Sandbox, rule: Rule, machine: str, shape: dict[str, Any], expected: Any
) -> None:
    rule({"source": ["s"]}, {"Arn": machine, "RoleArn": aws.role_arn, **shape})
    assert put(aws, "s", {"who": {"id": "1", "name": 'a "b"'}}) == 1
    assert aws.server.delivered_events[-1].payload == expected


def test_a_custom_bus_has_its_own_rules_and_queues_topics_logs_and_functions_are_targets(
    aws: Sandbox, rule: Rule
) -> None:
    aws.server.client("events").create_event_bus(Name="own")
    sqs = aws.server.client("sqs")
    queue = sqs.create_queue(QueueName="q", Attributes={"Policy": policy("sqs:SendMessage", "*")})["QueueUrl"]
    letting_in = {"Policy": policy("sns:Publish", "*")}
    topic = aws.server.client("sns").create_topic(Name="t", Attributes=letting_in)["TopicArn"]
    logs = aws.server.client("logs")
    logs.create_log_group(logGroupName="/events")
    logs.put_resource_policy(policyName="events", policyDocument=policy("logs:*", "*"))
    function = aws.function("import boto3\ndef handler(event, context):\n    print('got', event['source'])\n")
    aws.functions.add_permission(
        FunctionName=function,
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
    )
    targets = (
        "arn:aws:sqs:ap-northeast-1:123456789012:q",
        topic,
        "arn:aws:logs:ap-northeast-1:123456789012:log-group:/events",
        function,
    )
    for target in targets:
        rule({"source": ["s"]}, {"Arn": target}, bus="own")
    assert put(aws, "s", {"n": 1}, bus="default") == 0
    assert put(aws, "s", {"n": 1}, bus="own") == 4
    message = sqs.receive_message(QueueUrl=queue)["Messages"][0]
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    assert len(logs.describe_log_streams(logGroupName="/events")["logStreams"]) == 1
    group = f"/aws/lambda/{function.rsplit(':', 1)[1]}"
    deadline = time.monotonic() + 300
    while group not in {found["logGroupName"] for found in logs.describe_log_groups()["logGroups"]}:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue(aws: Sandbox, rule: Rule, machine: str) -> None:
    sqs = aws.server.client("sqs")
    queue = sqs.create_queue(QueueName="dead", Attributes={"Policy": policy("sqs:SendMessage", "*")})["QueueUrl"]
    dead = {"DeadLetterConfig": {"Arn": "arn:aws:sqs:ap-northeast-1:123456789012:dead"}}
    rule({"source": ["s"]}, {"Arn": machine + "-gone", "RoleArn": aws.role_arn, **dead})
    assert put(aws, "s", {"n": 1}) == 0
    assert json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])["detail"] == {"n": 1}


def test_an_api_destination_is_reached_by_https_alone_and_under_a_role(aws: Sandbox) -> None:
    events = aws.server.client("events")
    key = {"ApiKeyAuthParameters": {"ApiKeyName": "a", "ApiKeyValue": "b"}}
    made = events.create_connection(Name="c", AuthorizationType="API_KEY", AuthParameters=key)
    asked = {"Name": "d", "ConnectionArn": made["ConnectionArn"], "HttpMethod": "POST"}
    with pytest.raises(ClientError, match="HTTPS"):
        events.create_api_destination(**asked, InvocationEndpoint="http://127.0.0.1/")
    arn = events.create_api_destination(**asked, InvocationEndpoint="https://127.0.0.1/")["ApiDestinationArn"]
    events.put_rule(Name="to-a-server", EventPattern='{"source": ["to-a-server"]}')
    with pytest.raises(ClientError, match="RoleArn is required"):
        events.put_targets(Rule="to-a-server", Targets=[{"Id": "one", "Arn": arn}])


def test_patterns_can_be_tried_out(aws: Sandbox) -> None:
    base = {
        "id": "1",
        "account": "1",
        "time": "2026-01-01T00:00:00Z",
        "region": "r",
        "resources": [],
        "detail-type": "x",
    }
    event = json.dumps({**base, "source": "a", "detail": {}})
    client = aws.server.client("events")
    assert client.test_event_pattern(EventPattern='{"source": ["a"]}', Event=event)["Result"] is True
    assert client.test_event_pattern(EventPattern='{"source": ["b"]}', Event=event)["Result"] is False


def test_a_schedule_can_be_fired(aws: Sandbox, machine: str) -> None:
    aws.server.client("scheduler").create_schedule(
        Name="daily",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": machine, "RoleArn": aws.role_arn, "Input": '{"at": "<aws.scheduler.scheduled-time>"}'},
    )
    given = json.loads(aws.finished(scheduler.fire(aws.server, "daily"))["input"])
    assert given["at"].endswith("Z")


def test_what_a_schedules_role_may_not_start_waits_in_its_queue_if_it_may_send_it_there(
    aws: Sandbox, machine: str
) -> None:
    queue = aws.server.client("sqs").create_queue(QueueName="unscheduled")["QueueUrl"]
    queue_arn = f"arn:aws:sqs:{aws.server.region}:{aws.server.account_id}:unscheduled"
    for name, role in (("mute", role_with(aws)), ("telling", role_with(aws, allow("sqs:SendMessage", queue_arn)))):
        target = {"Arn": machine, "RoleArn": role, "Input": "{}", "DeadLetterConfig": {"Arn": queue_arn}}
        aws.server.client("scheduler").create_schedule(
            Name=name, ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
        )
        with pytest.raises(AccessDenied, match="states:StartExecution"):
            scheduler.fire(aws.server, name)
    received = aws.server.client("sqs").receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    (message,) = received["Messages"]
    assert message["MessageAttributes"]["SCHEDULE_ARN"]["StringValue"].endswith("/telling")
    assert "states:StartExecution" in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
