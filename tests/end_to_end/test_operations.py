"""Whoever operates the stack is told: failures, alarms, and what could not be delivered."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from local.aws.hooks import Call
from local.aws.refusals import refusal
from local.aws.service_events import emit
from local.cloud import ROOT, STACK_NAME, EmbeddedCloud
from tests.end_to_end.commands import AWS, COMMAND_SECONDS
from tests.end_to_end.runs import Machine, until
from tests.end_to_end.webhook import Webhook, listening
from tools.templates import load_template

OPERATE = ROOT / "docs" / "operate.md"
NEW_ACCOUNT = ROOT / "events" / "control-tower-create-managed-account.json"
# What is told does not depend on the Kubernetes underneath.
pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
REFUSED = {"cluster": {"name": "Not A Name"}}


class Inbox:
    """A queue that is subscribed to the stack's topic, as a team's program would be."""

    def __init__(self, cloud: EmbeddedCloud, topic: str) -> None:
        self._sqs = cloud.client("sqs")
        self.url = self._sqs.create_queue(QueueName="inbox")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def take(self) -> list[dict[str, Any]]:
        """The envelopes that SNS put messages into, which are in the queue now."""
        return [json.loads(message["Body"]) for message in messages(self._sqs, self.url)]

    def told_of(self, execution_arn: str) -> dict[str, Any]:
        """The one about an execution, once it is there: nobody waits for a function that an event invokes."""
        found: list[dict[str, Any]] = []

        def has_come() -> bool:
            found.extend(each for each in self.take() if execution_arn in each["Message"])
            return bool(found)

        until(has_come, f"to be told of {execution_arn}")
        (envelope,) = found
        return envelope


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


@pytest.fixture(scope="module")
def chat(cloud: EmbeddedCloud, machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    """What Amazon Q Developer subscribes with."""
    with listening(tmp_path_factory.mktemp("chat")) as hook:
        topic = {"TopicArn": machine.outputs["NotificationsArn"]}
        arn = cloud.client("sns").subscribe(**topic, Protocol="https", Endpoint=hook.url)["SubscriptionArn"]
        yield hook
        cloud.client("sns").unsubscribe(SubscriptionArn=arn)


def drifted(execution: str) -> dict[str, Any]:
    drift = [{"resource": "mount target in apne1-az1", "path": "status", "expected": "available", "actual": None}]
    return {
        "account_id": "123456789012",
        "region": "ap-northeast-1",
        "cluster": {"name": "one"},
        "drift": drift,
        "execution_arn": f"arn:aws:states:ap-northeast-1:123456789012:execution:reverify:{execution}",
    }


def test_a_failed_run_is_told_to_a_program_as_the_event_and_to_a_chat_in_words(
    inbox: Inbox, chat: Webhook, machine: Machine
) -> None:
    run = machine.run(REFUSED)
    envelope = inbox.told_of(run.arn)
    assert envelope["Subject"] == "Storage cluster (refused) failed (123456789012, ap-northeast-1)"
    event = json.loads(envelope["Message"])
    assert (event["detail-type"], event["detail"]["execution_arn"]) == ("Storage Cluster Failed", run.arn)
    said = next(each for each in chat_messages(chat) if run.arn in each["content"]["description"])
    assert (said["source"], said["content"]["title"]) == ("custom", envelope["Subject"])
    what, why, link = said["content"]["description"].split("\n")
    assert what == "A request that was refused: a run failed in the state Validate request."
    assert "'Not A Name'" in why
    assert link.startswith("https://ap-northeast-1.console.aws.amazon.com/states/home?")
    assert link.endswith(run.arn)


def chat_messages(chat: Webhook) -> Iterator[dict[str, Any]]:
    """What SNS posts, but for the alarms."""
    while True:
        _, envelope = chat.take()
        message = json.loads(envelope["Message"])
        if "content" in message:
            yield message


def test_drift_is_told_with_every_difference(inbox: Inbox, cloud: EmbeddedCloud, machine: Machine) -> None:
    detail = drifted("every-difference")
    published(cloud, machine, "Storage Cluster Drifted", detail)
    envelope = inbox.told_of(detail["execution_arn"])
    assert envelope["Subject"] == "Storage cluster one has drifted (123456789012, ap-northeast-1)"
    assert json.loads(envelope["Message"])["detail"] == detail
    assert envelope["MessageAttributes"]["detail-type"]["Value"] == "Storage Cluster Drifted"


def kept_events(cloud: EmbeddedCloud) -> list[dict[str, Any]]:
    pages = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/events/{STACK_NAME}")
    return [json.loads(event["message"]) for page in pages for event in page["events"]]


def test_good_news_are_kept_in_the_log_and_told_to_nobody(cloud: EmbeddedCloud, machine: Machine) -> None:
    good_news = {"request_id": "good news"}
    published(cloud, machine, "Storage Cluster Ready", good_news)
    delivered = [each for each in cloud.server.delivered_events if _detail(each.payload) == good_news]
    assert [each.target_arn.split(":")[2] for each in delivered] == ["logs"]
    assert good_news in [event["detail"] for event in kept_events(cloud)]


def _detail(payload: Any) -> Any:
    return payload.get("detail") if isinstance(payload, dict) else None


def alarm_names(cloud: EmbeddedCloud) -> list[str]:
    pages = cloud.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{STACK_NAME}-")
    return [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]]


def test_every_alarm_reaches_the_topic(inbox: Inbox, cloud: EmbeddedCloud) -> None:
    inbox.take()
    names = alarm_names(cloud)
    for name in names:
        cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    assert names
    assert sorted(alarms_in(inbox)) == sorted(names)


def alarms_in(inbox: Inbox) -> list[str]:
    told = [json.loads(envelope["Message"]) for envelope in inbox.take()]
    return [message["AlarmName"] for message in told if "AlarmName" in message]


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


def test_without_its_statement_in_the_key_policy_nobody_would_be_told_of_an_alarm(
    inbox: Inbox, cloud: EmbeddedCloud
) -> None:
    inbox.take()
    name = alarm_names(cloud)[0]
    with key_policy_without(cloud, "MessagesToEncryptedTopicsAndQueues"):
        cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    assert alarms_in(inbox) == []


def waiting_in(cloud: EmbeddedCloud, machine: Machine) -> dict[str, Any]:
    """The one message in the queue of what could not be told, once it is there."""
    found: list[dict[str, Any]] = []

    def has_come() -> bool:
        found.extend(messages(cloud.client("sqs"), machine.outputs["NotificationDeadLettersUrl"]))
        return bool(found)

    until(has_come, "what could not be told")
    (waiting,) = found
    return waiting


def test_what_sns_does_not_take_is_tried_three_times_and_waits_in_its_queue(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    tries: list[Call] = []

    def refuse(call: Call) -> None:
        tries.append(call)
        raise refusal("AuthorizationError", "User is not authorized to perform: SNS:Publish")

    detail = drifted("untold")
    undo = cloud.server.hooks.before("sns:Publish", refuse)
    try:
        published(cloud, machine, "Storage Cluster Drifted", detail)
        waiting = waiting_in(cloud, machine)
    finally:
        undo()
    assert json.loads(waiting["Body"])["detail"] == detail
    assert "not authorized to perform: SNS:Publish" in waiting["MessageAttributes"]["ErrorMessage"]["StringValue"]
    assert len(tries) == 3


def test_what_the_function_is_not_given_waits_in_its_queue_with_the_reason(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    functions = cloud.client("lambda")
    (function,) = [
        arn
        for each in functions.get_paginator("list_functions").paginate()
        for arn in (each["FunctionArn"] for each in each["Functions"])
        if "Notify" in arn
    ]
    (statement,) = json.loads(functions.get_policy(FunctionName=function)["Policy"])["Statement"]
    functions.remove_permission(FunctionName=function, StatementId=statement["Sid"])
    try:
        published(cloud, machine, "Storage Cluster Drifted", drifted("not-given"))
        waiting = waiting_in(cloud, machine)
    finally:
        rule = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
        given = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "SourceArn": rule}
        functions.add_permission(FunctionName=function, StatementId="again", **given)
    assert json.loads(waiting["Body"])["detail-type"] == "Storage Cluster Drifted"
    assert waiting["MessageAttributes"]["TARGET_ARN"]["StringValue"] == function


@pytest.fixture
def tickets(cloud: EmbeddedCloud, machine: Machine, tmp_path: Path) -> Iterator[tuple[Webhook, str]]:
    """The sample's web server, and the queue of what it did not take."""
    stacks, name = cloud.client("cloudformation"), "tickets"
    with listening(tmp_path) as hook:
        given = {name: machine.outputs[name] for name in ("EventBusName", "NotificationsArn")}
        given |= {"Endpoint": hook.url, "HeaderValue": "Bearer secret"}
        with cloud.server.instantly():
            stacks.create_stack(
                StackName=name,
                TemplateBody=json.dumps(load_template(ROOT / "operations" / "webhook.yaml")),
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
                Capabilities=["CAPABILITY_IAM"],
            )
        (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack
        yield hook, stack["Outputs"][0]["OutputValue"]
        with cloud.server.instantly():
            stacks.delete_stack(StackName=name)


def test_the_sample_posts_an_event_with_its_secret_and_keeps_what_the_server_does_not_take(
    cloud: EmbeddedCloud, machine: Machine, tickets: tuple[Webhook, str]
) -> None:
    hook, queue = tickets
    hostile = 'the pod said "}, {<aws.events.event> \n\u202e'
    cause = {"rule": "unknown", "verdict": "proved", "cause": hostile, "symptom": "s", "fix": "mend it"}
    failure = {"state": "Verify storage", "error": "TerminalError", "cause": hostile}
    detail = {**drifted("ticket"), "failure": failure, "diagnosis": [cause]}
    published(cloud, machine, "Storage Cluster Failed", detail)
    headers, body = hook.take()
    assert headers["Authorization"] == "Bearer secret"
    assert {**body, "id": "any"} == {
        "id": "any",
        "what": "Storage Cluster Failed",
        "cluster": "one",
        "account": "123456789012",
        "region": "ap-northeast-1",
        "error": "TerminalError",
        "said": hostile,
        "cause": hostile,
        "fix": "mend it",
        "drift": detail["drift"],
        "execution": detail["execution_arn"],
    }
    hook.status = 503
    published(cloud, machine, "Storage Cluster Drifted", drifted("no-ticket"))
    hook.take()
    (waiting,) = messages(cloud.client("sqs"), queue)
    assert json.loads(waiting["Body"])["detail"] == drifted("no-ticket")
    assert "answered 503" in waiting["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]


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
    return lambda: emit(event, cloud.account_id, cloud.region)


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
    done = subprocess.run(shell, env=environment, check=False, timeout=COMMAND_SECONDS, capture_output=True, text=True)
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
    assert len(patterns) == 7


def test_what_the_bus_carries_is_what_the_registry_describes(cloud: EmbeddedCloud, machine: Machine) -> None:
    machine.run(REFUSED)
    resources = load_template(ROOT / "operations" / "event-schemas.yaml")["Resources"]
    contents = [json.loads(each["Properties"].get("Content", "{}")) for each in resources.values()]
    schemas = {content["properties"]["detail-type"]["enum"][0]: content for content in contents if content}
    whole = [event for event in kept_events(cloud) if event["detail"].get("schema_version")]
    assert {"Storage Cluster Failed", "Storage Cluster Ready"} <= {event["detail-type"] for event in whole}
    for event in whole:
        Draft4Validator(schemas[event["detail-type"]]).validate(event)
