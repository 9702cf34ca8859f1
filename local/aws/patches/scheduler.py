"""EventBridge Scheduler: schedules in templates, and firing one by hand.

moto lacks: AWS::Scheduler::Schedule in CloudFormation, and a clock: it stores schedules and never fires them. Tests and
people fire one with `fire`. What does not start goes to the dead-letter queue, also under its role.
Source: EventBridge Scheduler user guide, "Configuring a dead-letter queue".
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, scheduler_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.aws import service_roles
from local.aws.patches.permissions import check_role, is_allowed
from local.aws.patches.resource_types import define
from local.aws.permissions.authoriser import AccessDenied
from local.aws.permissions.demand import Demand

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    create, update = EventBridgeSchedulerBackend.create_schedule, EventBridgeSchedulerBackend.update_schedule

    def created(self: Any, **schedule: Any) -> Any:
        _let_in(self, schedule["group_name"], schedule["target"])
        return create(self, **schedule)

    def updated(self: Any, **schedule: Any) -> Any:
        _let_in(self, schedule["group_name"], schedule["target"])
        return update(self, **schedule)

    EventBridgeSchedulerBackend.create_schedule = created
    EventBridgeSchedulerBackend.update_schedule = updated
    define("AWS::Scheduler::Schedule", "Name", _create, attributes={"Arn": lambda made: made.model.arn}, delete=_delete)
    define(
        "AWS::Scheduler::ScheduleGroup",
        "Name",
        lambda made: scheduler_backends[made.account_id][made.region].create_schedule_group(made.name, []),
        attributes={"Arn": lambda made: made.model.arn},
    )


def _let_in(backend: Any, group: str | None, target: dict[str, Any]) -> None:
    """Raises: ValidationException. Source: aws/aws-sdk-js-v3#6494 (the text)."""
    source = backend.get_schedule_group(group).arn
    if not service_roles.lets_in(target["RoleArn"], service_roles.SCHEDULER, source):
        raise ValidationException(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        )


def fire(server: AwsServer, name: str, group: str = "default") -> str:
    """Start what an enabled schedule starts, as if its time had come; the execution's ARN.

    Raises: AccessDenied, or what Step Functions says, once the event is where it can be found.
    """
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
    backend = stepfunctions_parser_backends[server.account_id][server.region]
    # Without its role Scheduler reaches neither the target nor the dead-letter queue.
    _let_in(scheduler_backends[server.account_id][server.region], group, target)
    try:
        check_role(server, target["RoleArn"], schedule.name, Demand("states:StartExecution", target["Arn"]))
        return str(backend.start_execution(target["Arn"], None, text).execution_arn)
    except Exception as error:
        _bury(server, schedule, text, error)
        raise


def _bury(server: AwsServer, schedule: Any, text: str, error: Exception) -> None:
    target = schedule.target
    queue_arn = target.get("DeadLetterConfig", {}).get("Arn")
    if not queue_arn or not is_allowed(server, target["RoleArn"], schedule.name, Demand("sqs:SendMessage", queue_arn)):
        return
    said = {
        "SCHEDULE_ARN": schedule.arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": "AccessDeniedException" if isinstance(error, AccessDenied) else type(error).__name__,
        "ERROR_MESSAGE": str(error),
    }
    sqs_backends[server.account_id][server.region].send_message(
        queue_arn.rsplit(":", 1)[1],
        json.dumps({"StateMachineArn": target["Arn"], "Input": text}),
        message_attributes={name: {"DataType": "String", "StringValue": value} for name, value in said.items()},
    )


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
