"""Whom the roles, queues, topics and functions let in: the stack's own functions and rules, and nobody in their place,
whether another account, another stack, somebody else of the hub, or a service of AWS on behalf of any of them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import service_roles
from local.aws.patches import deliveries
from local.cloud import ROOT, STACK_NAME, EmbeddedCloud
from tests.end_to_end.accounts import Organization
from tests.end_to_end.runs import Machine
from tools.templates import load_template

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
TARGETS = ("provisioner", "inspector", "remover")
EXTERNAL_ID = "eks-efs-provisioner"
RESOURCES = load_template(ROOT / "template.yaml")["Resources"]


@pytest.fixture(scope="module")
def stranger(organization: Organization) -> str:
    """Another account of the same organization, with everything that an account may do."""
    return organization.new_account("stranger")


def role_arn(cloud: EmbeddedCloud, target: str) -> str:
    """Of the hub itself, whose stack has the roles of a target account too."""
    return f"arn:aws:iam::{cloud.account_id}:role/eks-efs-provisioner-{target}"


def hub_roles(cloud: EmbeddedCloud) -> dict[str, str]:
    """The roles of the stack's template: logical id -> ARN."""
    stack = cloud.client("cloudformation").list_stack_resources(StackName=STACK_NAME)["StackResourceSummaries"]
    names = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in stack}
    wanted = [name for name, each in RESOURCES.items() if each["Type"] == "AWS::IAM::Role" and name in names]
    return {name: f"arn:aws:iam::{cloud.account_id}:role/{names[name]}" for name in wanted}


def may_become(sts: Any, arn: str, **how: str) -> bool:
    """Whether STS lets that caller in; refused in the one way in which it refuses whoever is not let in."""
    try:
        sts.assume_role(RoleArn=arn, RoleSessionName="deputy", **how)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def person(cloud: EmbeddedCloud, name: str, *resources: str) -> Any:
    """STS as a role of the hub that may assume those."""
    iam, trust = cloud.client("iam"), {"Version": "2012-10-17", "Statement": []}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": list(resources)}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="become", PolicyDocument=document)
    credentials = cloud.server.assume_role(f"arn:aws:iam::{cloud.account_id}:role/{name}", "deputy")
    return cloud.server.client("sts", credentials=credentials)


def test_each_function_becomes_what_its_template_says_and_nothing_else(cloud: EmbeddedCloud, machine: Machine) -> None:
    become = {f"Become{target.capitalize()}": target for target in TARGETS}
    expected = {
        (name, become[policy["Ref"]])
        for name, each in RESOURCES.items()
        for policy in each.get("Properties", {}).get("ManagedPolicyArns", [])
        if each["Type"] == "AWS::IAM::Role" and policy.get("Ref") in become
    }
    found = set()
    for name, arn in hub_roles(cloud).items():
        sts = cloud.server.client("sts", credentials=cloud.server.assume_role(arn, "deputy"))
        found |= {(name, each) for each in TARGETS if may_become(sts, role_arn(cloud, each), ExternalId=EXTERNAL_ID)}
    assert len(expected) > 10
    assert found == expected


@pytest.mark.parametrize("target", TARGETS)
def test_nobody_becomes_a_role_without_its_external_id_whatever_else_he_may(
    cloud: EmbeddedCloud, machine: Machine, target: str
) -> None:
    arn = role_arn(cloud, target)
    sts = person(cloud, f"holder-of-{target}", arn)
    assert may_become(sts, arn, ExternalId=EXTERNAL_ID)
    assert not may_become(sts, arn)
    assert not may_become(sts, arn, ExternalId=EXTERNAL_ID.upper())
    assert not may_become(sts, arn, ExternalId=f"{EXTERNAL_ID}-")


@pytest.mark.parametrize("target", TARGETS)
def test_the_external_id_alone_lets_in_nobody_of_the_hub_and_no_function_of_another_stack(
    cloud: EmbeddedCloud, machine: Machine, target: str
) -> None:
    arn = role_arn(cloud, target)
    others = f"arn:aws:iam::*:role/other-{target}"
    assert not may_become(person(cloud, f"other-function-for-{target}", others), arn, ExternalId=EXTERNAL_ID)


@pytest.mark.parametrize("target", TARGETS)
def test_another_hub_is_not_let_in_though_it_knows_the_external_id(
    cloud: EmbeddedCloud, machine: Machine, organization: Organization, stranger: str, target: str
) -> None:
    sts = organization.client("sts", stranger)
    assert not may_become(sts, role_arn(cloud, target), ExternalId=EXTERNAL_ID)


def test_no_service_takes_the_stacks_roles_on_behalf_of_another_account(
    cloud: EmbeddedCloud, machine: Machine, organization: Organization, stranger: str
) -> None:
    """As if a stranger could have handed its services our roles, which AWS keeps it from in other ways as well."""
    roles = hub_roles(cloud)
    code = {"ZipFile": b"not looked into"}
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        organization.client("lambda", stranger).create_function(
            FunctionName="theirs",
            Role=roles["CheckAccountRole"],
            Code=code,
            Handler="app.handler",
            Runtime="python3.13",
        )
    with pytest.raises(ClientError, match=r"Neither the global service principal states\.amazonaws\.com"):
        organization.client("stepfunctions", stranger).create_state_machine(
            name="theirs",
            roleArn=roles["ProvisionStateMachineRole"],
            definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}),
        )


def test_a_rule_of_another_account_starts_nothing_under_the_role_of_ours(
    cloud: EmbeddedCloud, machine: Machine, organization: Organization, stranger: str
) -> None:
    before, events = set(machine.executions()), organization.client("events", stranger)
    role = hub_roles(cloud)["ProvisionStateMachineControlTowerAccountRole"]
    events.put_rule(Name="theirs", EventPattern=json.dumps({"source": ["theirs"]}))
    target = {"Id": "machine", "Arn": machine.outputs["ProvisionStateMachineArn"], "RoleArn": role, "Input": "{}"}
    events.put_targets(Rule="theirs", Targets=[target])
    answer = events.put_events(Entries=[{"Source": "theirs", "DetailType": "d", "Detail": "{}"}])
    assert answer["FailedEntryCount"] == 0
    assert set(machine.executions()) == before


def test_the_queues_the_topic_and_the_function_take_nothing_of_strangers_that_a_service_brings(
    cloud: EmbeddedCloud, machine: Machine, stranger: str
) -> None:
    foreign_rule = f"arn:aws:events:{cloud.region}:{stranger}:rule/NotificationRule"
    foreign_alarm = f"arn:aws:cloudwatch:{cloud.region}:{stranger}:alarm:failed"
    own_rule = foreign_rule.replace(stranger, cloud.account_id)
    (function,) = [
        each["FunctionArn"]
        for each in cloud.client("lambda").list_functions()["Functions"]
        if "NotifyFunction" in each["FunctionName"]
    ]
    sqs = cloud.client("sqs")
    queues = [
        sqs.get_queue_attributes(QueueUrl=machine.outputs[name], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for name in ("NewAccountDeadLettersUrl", "NotificationDeadLettersUrl")
    ]
    for arn in (*queues, function):
        for rule in (foreign_rule, own_rule):  # of that name: not the rule of the stack
            with pytest.raises(deliveries.UndeliverableError, match=r"does not let events\.amazonaws\.com"):
                deliveries.check(service_roles.EVENTS, rule, arn)
    topic = machine.outputs["NotificationsArn"]
    deliveries.check(deliveries.CLOUDWATCH, foreign_alarm.replace(stranger, cloud.account_id), topic)
    with pytest.raises(deliveries.UndeliverableError, match=r"does not let cloudwatch\.amazonaws\.com sns:Publish"):
        deliveries.check(deliveries.CLOUDWATCH, foreign_alarm, topic)
    with pytest.raises(deliveries.UndeliverableError, match=r"does not let events\.amazonaws\.com sns:Publish"):
        deliveries.check(service_roles.EVENTS, foreign_rule, topic)
