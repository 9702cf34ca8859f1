"""Schedules fire by scaled time, and only those that are enabled."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloud import EmbeddedCloud
from local.schedules import PassingTime

SCALE = 1 / 86_400
"""A day takes a second."""


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path, scale=SCALE) as cloud:
        yield cloud


def test_a_daily_schedule_starts_its_machine_as_days_pass_and_a_disabled_one_does_not(cloud: EmbeddedCloud) -> None:
    states, schedules = cloud.client("stepfunctions"), cloud.client("scheduler")
    services = {"Service": ["scheduler.amazonaws.com", "states.amazonaws.com"]}
    trust = {"Effect": "Allow", "Principal": services, "Action": "sts:AssumeRole"}
    start = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": "*"}
    role = cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    cloud.client("iam").put_role_policy(
        RoleName="r", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [start]})
    )
    machines = [
        states.create_state_machine(
            name=name,
            definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
            roleArn=role["Role"]["Arn"],
        )["stateMachineArn"]
        for name in ("daily", "never")
    ]
    for machine, state in zip(machines, ("ENABLED", "DISABLED"), strict=True):
        schedules.create_schedule(
            Name=state,
            ScheduleExpression="cron(17 3 * * ? *)",
            FlexibleTimeWindow={"Mode": "OFF"},
            State=state,
            Target={"Arn": machine, "RoleArn": role["Role"]["Arn"], "Input": "{}"},
        )
    passing = PassingTime(cloud)
    passing.start()
    try:
        end = time.monotonic() + 300
        while time.monotonic() < end and len(states.list_executions(stateMachineArn=machines[0])["executions"]) < 2:
            time.sleep(0.1)
    finally:
        passing.stop()
    assert len(states.list_executions(stateMachineArn=machines[0])["executions"]) >= 2
    assert states.list_executions(stateMachineArn=machines[1])["executions"] == []


def test_at_scale_0_no_time_passes_and_nothing_fires(tmp_path: Path) -> None:
    passing = PassingTime(EmbeddedCloud(tmp_path))
    passing.start()
    passing.stop()
