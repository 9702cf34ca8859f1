"""EventBridge Scheduler: schedules in templates, and firing one by hand.

moto lacks: AWS::Scheduler::Schedule in CloudFormation, and a clock: it stores schedules and never fires them. Tests and
people fire one with `fire`.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.scheduler.models import scheduler_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.aws.patches.permissions import check_role
from local.aws.patches.resource_types import define
from local.aws.permissions.demand import Demand

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    define("AWS::Scheduler::Schedule", "Name", _create, attributes={"Arn": lambda made: made.model.arn}, delete=_delete)
    define(
        "AWS::Scheduler::ScheduleGroup",
        "Name",
        lambda made: scheduler_backends[made.account_id][made.region].create_schedule_group(made.name, []),
        attributes={"Arn": lambda made: made.model.arn},
    )


def fire(server: AwsServer, name: str, group: str = "default") -> str:
    """Start what an enabled schedule starts, as if its time had come; the execution's ARN."""
    schedule = scheduler_backends[server.account_id][server.region].get_schedule(group, name)
    if schedule.state != "ENABLED":
        raise ValueError(f"schedule {name} is {schedule.state}")
    values = {
        "<aws.scheduler.schedule-arn>": schedule.arn,
        "<aws.scheduler.scheduled-time>": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "<aws.scheduler.execution-id>": uuid.uuid4().hex,
        "<aws.scheduler.attempt-number>": "1",
    }
    text = schedule.target.get("Input") or "{}"
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    target = schedule.target
    check_role(server, target["RoleArn"], schedule.name, Demand("states:StartExecution", target["Arn"]))
    backend = stepfunctions_parser_backends[server.account_id][server.region]
    return str(backend.start_execution(schedule.target["Arn"], None, text).execution_arn)


def _create(made: Any) -> Any:
    properties = made.properties
    return scheduler_backends[made.account_id][made.region].create_schedule(
        description=properties.get("Description"),
        end_date=properties.get("EndDate"),
        flexible_time_window=properties["FlexibleTimeWindow"],
        group_name=properties.get("GroupName", "default"),
        kms_key_arn=properties.get("KmsKeyArn"),
        name=made.name,
        schedule_expression=properties["ScheduleExpression"],
        schedule_expression_timezone=properties.get("ScheduleExpressionTimezone"),
        start_date=properties.get("StartDate"),
        state=properties.get("State", "ENABLED"),
        target=properties["Target"],
        action_after_completion=properties.get("ActionAfterCompletion"),
    )


def _delete(made: Any) -> None:
    backend = scheduler_backends[made.account_id][made.region]
    backend.delete_schedule(made.properties.get("GroupName", "default"), made.name)
