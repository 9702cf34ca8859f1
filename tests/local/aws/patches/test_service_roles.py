"""A service runs under a role only if the role's trust policy lets it in, which sees what the service says it shows."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.patches import scheduler
from tests.local.aws.patches.conftest import EVERYTHING, Sandbox
from tests.local.aws.patches.test_deliveries import delivers, queue, received
from tests.local.aws.patches.test_events import policy

HERE = "ap-northeast-1:123456789012"
DEFINITION = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
Takes = Callable[[Sandbox, str], bool]


def role_of(aws: Sandbox, service: str, **condition: Any) -> str:
    """With every permission, trusting one service."""
    people, name = aws.server.client("iam"), f"r-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**trust, "Condition": condition}]})
    arn = str(people.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"])
    people.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=json.dumps(EVERYTHING))
    return arn


def makes_a_function(aws: Sandbox, role: str) -> bool:
    body = "def handler(event, context):\n    return 1\n"
    return accepted(lambda: aws.function(body, Role=role), "cannot be assumed by Lambda")


def makes_a_machine(aws: Sandbox, role: str) -> bool:
    machine = {"name": f"m-{uuid.uuid4().hex[:8]}", "definition": DEFINITION, "roleArn": role}
    said = "Neither the global service principal states.amazonaws.com"
    return accepted(lambda: aws.states.create_state_machine(**machine), said)


def makes_a_schedule(aws: Sandbox, role: str) -> bool:
    return accepted(lambda: scheduled(aws, role), "must allow AWS EventBridge Scheduler to assume the role")


def accepted(call: Callable[[], object], refusal: str) -> bool:
    """Or else refused in these words."""
    try:
        call()
    except ClientError as error:
        if refusal not in str(error):
            raise
        return False
    return True


def reaches_a_machine(aws: Sandbox, role: str) -> bool:
    return delivers(aws, {"Arn": aws.machine({"A": {"Type": "Succeed"}}), "RoleArn": role})


def scheduled(aws: Sandbox, role: str) -> str:
    name, machine = f"s-{uuid.uuid4().hex[:8]}", aws.machine({"A": {"Type": "Succeed"}})
    target = {"Arn": machine, "RoleArn": role, "Input": "{}"}
    times = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}}
    aws.server.client("scheduler").create_schedule(Name=name, Target=target, **times)
    return name


SERVICES: dict[str, tuple[Takes, str]] = {
    "lambda": (makes_a_function, f"arn:aws:lambda:{HERE}:function:f-*"),
    "states": (makes_a_machine, f"arn:aws:states:{HERE}:stateMachine:m-*"),
    "scheduler": (makes_a_schedule, f"arn:aws:scheduler:{HERE}:schedule-group/default"),
    "events": (reaches_a_machine, f"arn:aws:events:{HERE}:rule/*"),
}
"""What a role of each is needed for, and on whose behalf the service then comes."""


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_takes_no_role_that_trusts_another(aws: Sandbox, service: str) -> None:
    takes, _ = SERVICES[service]
    assert takes(aws, role_of(aws, service))
    assert not takes(aws, role_of(aws, "ec2"))
    assert not takes(aws, "arn:aws:iam::123456789012:role/nobody")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_shows_for_what_and_for_which_account_it_comes_and_nothing_else(aws: Sandbox, service: str) -> None:
    takes, source = SERVICES[service]
    here = {"aws:SourceAccount": "123456789012"}
    assert takes(aws, role_of(aws, service, ArnLike={"aws:SourceArn": source}, StringEquals=here))
    assert not takes(aws, role_of(aws, service, ArnLike={"aws:SourceArn": f"{source}-another"}))
    assert not takes(aws, role_of(aws, service, StringEquals={"aws:SourceAccount": "999999999999"}))
    assert not takes(aws, role_of(aws, service, StringEquals={"aws:PrincipalAccount": "123456789012"}))


def distrust(aws: Sandbox, role: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.server.client("iam").update_assume_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyDocument=document)


def test_what_runs_under_a_role_stops_when_the_role_no_longer_trusts_its_service(aws: Sandbox) -> None:
    role = role_of(aws, "lambda")
    function = aws.function("def handler(event, context):\n    return 1\n", Role=role)
    assert aws.invoke(function) == (1, None)
    distrust(aws, role)
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        aws.invoke(function)
    role = role_of(aws, "scheduler")
    name = scheduled(aws, role)
    distrust(aws, role)
    with pytest.raises(Exception, match="must allow AWS EventBridge Scheduler to assume the role"):
        scheduler.fire(aws.server, name)
    role = role_of(aws, "states")
    machine = aws.states.create_state_machine(name="trusted", definition=DEFINITION, roleArn=role)["stateMachineArn"]
    distrust(aws, role)
    with pytest.raises(ClientError, match="Neither the global service principal"):
        aws.states.update_state_machine(stateMachineArn=machine, definition=DEFINITION)


def test_an_event_whose_rule_gets_no_role_waits_with_that_reason(aws: Sandbox) -> None:
    dead, machine = queue(aws, Policy=policy("sqs:SendMessage", "*")), aws.machine({"A": {"Type": "Succeed"}})
    target = {"Arn": machine, "RoleArn": role_of(aws, "ec2"), "DeadLetterConfig": {"Arn": dead}}
    assert not delivers(aws, target)
    (message,) = received(aws, dead)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "FAILED_TO_ASSUME_ROLE"
