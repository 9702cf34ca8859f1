"""Whoever operates the stack is told: failures, alarms, and what could not be delivered."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft4Validator

from local.cloud import ROOT, STACK_NAME, EmbeddedCloud
from tests.end_to_end.commands import AWS
from tests.end_to_end.runs import Machine, until
from tools.templates import load_template

OPERATE = ROOT / "docs" / "operate.md"
NEW_ACCOUNT = ROOT / "events" / "control-tower-create-managed-account.json"
# What is told does not depend on the Kubernetes underneath.
pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
REFUSED = {"cluster": {"name": "Not A Name"}}


class Inbox:
    """A queue subscribed to the stack's topic, as a team's chat bot would be."""

    def __init__(self, cloud: EmbeddedCloud, topic: str) -> None:
        self._sqs = cloud.client("sqs")
        self.url = self._sqs.create_queue(QueueName="inbox")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def take(self) -> list[Any]:
        return [json.loads(json.loads(message["Body"])["Message"]) for message in messages(self._sqs, self.url)]


def messages(sqs: Any, url: str) -> list[dict[str, Any]]:
    """Everything in the queue, which is then empty."""
    taken: list[dict[str, Any]] = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get(
        "Messages"
    ):
        taken += batch
        for message in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return taken


@pytest.fixture(scope="module")
def inbox(cloud: EmbeddedCloud, machine: Machine) -> Inbox:
    return Inbox(cloud, machine.outputs["NotificationsArn"])


def published(cloud: EmbeddedCloud, machine: Machine, detail_type: str, detail: Mapping[str, Any]) -> None:
    cloud.client("events").put_events(
        Entries=[
            {
                "EventBusName": machine.outputs["EventBusName"],
                "Source": "eks-efs-provisioner",
                "DetailType": detail_type,
                "Detail": json.dumps(detail),
            }
        ]
    )


def test_a_failed_run_is_told_in_words(inbox: Inbox, machine: Machine) -> None:
    inbox.take()
    run = machine.run(REFUSED)
    (told,) = inbox.take()
    assert told["what"] == "Storage Cluster Failed"
    assert told["failed in"] == "Validate request"
    assert told["error"] == "RequestError"
    assert "'Not A Name'" in told["cause"]
    assert told["execution"] == run.arn


def test_drift_is_told_with_every_difference(inbox: Inbox, cloud: EmbeddedCloud, machine: Machine) -> None:
    inbox.take()
    drift = [{"resource": "mount target in apne1-az1", "path": "status", "expected": "available", "actual": None}]
    detail = {
        "account_id": "123456789012",
        "region": "ap-northeast-1",
        "cluster": {"name": "one"},
        "drift": drift,
        "execution_arn": "arn:aws:states:ap-northeast-1:123456789012:execution:reverify:1",
    }
    published(cloud, machine, "Storage Cluster Drifted", detail)
    (told,) = inbox.take()
    assert (told["what"], told["cluster"], told["drift"]) == ("Storage Cluster Drifted", "one", drift)


def kept_events(cloud: EmbeddedCloud) -> list[dict[str, Any]]:
    pages = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/events/{STACK_NAME}")
    return [json.loads(event["message"]) for page in pages for event in page["events"]]


def test_good_news_are_kept_in_the_log_and_told_to_nobody(inbox: Inbox, cloud: EmbeddedCloud, machine: Machine) -> None:
    inbox.take()
    published(cloud, machine, "Storage Cluster Ready", {"request_id": "good news"})
    assert inbox.take() == []
    assert "good news" in [event["detail"].get("request_id") for event in kept_events(cloud)]


def alarm_names(cloud: EmbeddedCloud) -> list[str]:
    pages = cloud.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{STACK_NAME}-")
    return [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]]


def test_every_alarm_reaches_the_topic(inbox: Inbox, cloud: EmbeddedCloud) -> None:
    inbox.take()
    names = alarm_names(cloud)
    for name in names:
        cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    assert names
    assert sorted(told["AlarmName"] for told in inbox.take()) == sorted(names)


@contextmanager
def key_policy_without(cloud: EmbeddedCloud, sid: str) -> Iterator[None]:
    """The key's policy lacks a statement for a while."""
    kms = cloud.client("kms")
    queue = cloud.client("sqs").get_queue_attributes(
        QueueUrl=_output(cloud, "NewAccountDeadLettersUrl"), AttributeNames=["KmsMasterKeyId"]
    )
    key = queue["Attributes"]["KmsMasterKeyId"]
    policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    document = json.loads(policy)
    left = [statement for statement in document["Statement"] if statement["Sid"] != sid]
    assert len(left) == len(document["Statement"]) - 1
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps({**document, "Statement": left}))
    try:
        yield
    finally:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


def _output(cloud: EmbeddedCloud, key: str) -> str:
    (stack,) = cloud.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    return next(str(output["OutputValue"]) for output in stack["Outputs"] if output["OutputKey"] == key)


def test_without_its_statement_in_the_key_policy_nobody_would_be_told(
    inbox: Inbox, cloud: EmbeddedCloud, machine: Machine
) -> None:
    inbox.take()
    with key_policy_without(cloud, "MessagesToEncryptedTopicsAndQueues"):
        published(cloud, machine, "Storage Cluster Drifted", {"drift": [], "execution_arn": "arn"})
    assert inbox.take() == []


def test_a_notification_that_cannot_be_delivered_waits_in_its_queue(
    inbox: Inbox, cloud: EmbeddedCloud, machine: Machine
) -> None:
    inbox.take()
    sns, topic = cloud.client("sns"), machine.outputs["NotificationsArn"]
    policy = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    nobody = {"Version": "2012-10-17", "Statement": []}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(nobody))
    try:
        published(cloud, machine, "Storage Cluster Drifted", {"drift": [], "execution_arn": "arn"})
    finally:
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    assert inbox.take() == []
    (waiting,) = messages(cloud.client("sqs"), machine.outputs["NotificationDeadLettersUrl"])
    assert json.loads(waiting["Body"])["detail-type"] == "Storage Cluster Drifted"
    assert waiting["MessageAttributes"]["TARGET_ARN"]["StringValue"] == topic


def rule_of_control_tower(cloud: EmbeddedCloud) -> str:
    """By its place in the template: CloudFormation cuts the name that it makes of it."""
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK_NAME)
    names = {r["LogicalResourceId"]: r["PhysicalResourceId"] for page in pages for r in page["StackResourceSummaries"]}
    return str(names["ProvisionStateMachineControlTowerAccount"])


@contextmanager
def without_role_of(cloud: EmbeddedCloud, rule: str) -> Iterator[None]:
    """Somebody has removed the role under which a rule starts the machine."""
    events = cloud.client("events")
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    gone = f"arn:aws:iam::{cloud.account_id}:role/gone"
    events.put_targets(Rule=rule, Targets=[{**target, "RoleArn": gone} for target in targets])
    try:
        yield
    finally:
        events.put_targets(Rule=rule, Targets=targets)


@pytest.fixture
def new_account(cloud: EmbeddedCloud) -> Callable[[], None]:
    event = json.loads(NEW_ACCOUNT.read_text())
    event["detail"]["serviceEventDetails"]["createManagedAccountStatus"]["account"]["accountId"] = cloud.account_id
    entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
    return lambda: cloud.client("events").put_events(Entries=[entry])


def undelivered(cloud: EmbeddedCloud, machine: Machine, new_account: Callable[[], None]) -> None:
    before = set(machine.executions())
    with without_role_of(cloud, rule_of_control_tower(cloud)):
        new_account()
    assert set(machine.executions()) == before


def test_an_account_that_started_no_run_waits_in_its_queue_with_the_reason(
    cloud: EmbeddedCloud, machine: Machine, new_account: Callable[[], None]
) -> None:
    undelivered(cloud, machine, new_account)
    (waiting,) = messages(cloud.client("sqs"), machine.outputs["NewAccountDeadLettersUrl"])
    assert json.loads(waiting["Body"])["detail"]["eventName"] == "CreateManagedAccount"
    assert waiting["MessageAttributes"]["RULE_ARN"]["StringValue"].endswith(f"rule/{rule_of_control_tower(cloud)}")
    assert "there is no role" in waiting["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]


def test_the_commands_of_the_guide_start_what_was_not_delivered(
    cloud: EmbeddedCloud, machine: Machine, new_account: Callable[[], None]
) -> None:
    undelivered(cloud, machine, new_account)
    before = set(machine.executions())
    (script,) = re.findall(r"## Sending again.*?```bash\n(.*?)```", OPERATE.read_text(), re.DOTALL)
    assert AWS is not None, "make test installs the AWS CLI"
    environment = {
        "PATH": f"{AWS.parent}:/usr/bin:/bin",
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_DEFAULT_REGION": cloud.region,
        "AWS_ACCESS_KEY_ID": "AKIAEMBEDDEDADMIN000",
        "AWS_SECRET_ACCESS_KEY": "embedded-administrator",
    }
    # Version 1 of the AWS CLI knows the endpoint of SQS better than the environment does.
    here = 'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }'
    shell = ["bash", "-eu", "-c", f"{here}\n{script}"]
    done = subprocess.run(shell, env=environment, check=False, timeout=60, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (arn,) = set(machine.executions()) - before
    run = machine.wait(arn)
    assert (run.status, run.cause) == ("SUCCEEDED", "")
    assert run.output["account_id"] == cloud.account_id
    assert messages(cloud.client("sqs"), machine.outputs["NewAccountDeadLettersUrl"]) == []


def counted(cloud: EmbeddedCloud, alarm_name: str) -> float:
    """What an alarm would see: its own metric, by the names, dimensions and statistic that it asks for."""
    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=[f"{STACK_NAME}-{alarm_name}"])["MetricAlarms"]
    now = datetime.now(UTC)
    statistics = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=alarm["Namespace"],
        MetricName=alarm["MetricName"],
        Dimensions=alarm["Dimensions"],
        Statistics=[alarm["Statistic"]],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=86400,
    )
    return sum(float(point[alarm["Statistic"]]) for point in statistics["Datapoints"])


def test_a_function_that_crashes_is_counted(cloud: EmbeddedCloud) -> None:
    logs, group = cloud.client("logs"), f"/aws/lambda/{STACK_NAME}"
    logs.create_log_stream(logGroupName=group, logStreamName="crash")
    before = counted(cloud, "function-crashed")
    line = {"timestamp": 1, "message": "2026-11-26T00:00:00Z 1 Task timed out after 60.00 seconds"}
    logs.put_log_events(logGroupName=group, logStreamName="crash", logEvents=[line])
    assert counted(cloud, "function-crashed") == before + 1


def test_a_check_of_the_fleet_is_counted_by_the_alarm_that_misses_it(cloud: EmbeddedCloud, machine: Machine) -> None:
    fleet = Machine(cloud, machine.outputs, "Fleet")
    before = counted(cloud, "check-overdue")
    run = fleet.run({})
    assert (run.status, run.cause) == ("SUCCEEDED", "")
    until(lambda: counted(cloud, "check-overdue") == before + 1, "the check to be counted")


def test_the_dashboard_reads_the_durations_of_every_state_that_it_shows(cloud: EmbeddedCloud, machine: Machine) -> None:
    run = machine.run({})
    assert (run.status, run.cause) == ("SUCCEEDED", "")
    line = json.dumps(next(event for event in kept_events(cloud) if event["detail"].get("execution_arn") == run.arn))
    body = json.loads(cloud.client("cloudwatch").get_dashboard(DashboardName=STACK_NAME)["DashboardBody"])
    (query,) = [
        widget["properties"]["query"] for widget in body["widgets"] if "parse @message" in str(widget["properties"])
    ]
    patterns = [part.removeprefix("parse @message /")[:-1] for part in query.split(" | ") if part.startswith("parse")]
    for pattern in patterns:
        assert re.search(pattern.replace("(?<", "(?P<"), line), pattern
    assert len(patterns) == 6


def test_what_the_bus_carries_is_what_the_registry_describes(cloud: EmbeddedCloud, machine: Machine) -> None:
    machine.run(REFUSED)
    resources = load_template(ROOT / "operations" / "event-schemas.yaml")["Resources"]
    contents = [json.loads(each["Properties"].get("Content", "{}")) for each in resources.values()]
    schemas = {content["properties"]["detail-type"]["enum"][0]: content for content in contents if content}
    whole = [event for event in kept_events(cloud) if event["detail"].get("schema_version")]
    assert {"Storage Cluster Failed", "Storage Cluster Ready"} <= {event["detail-type"] for event in whole}
    for event in whole:
        Draft4Validator(schemas[event["detail-type"]]).validate(event)
