"""Names in Step Functions' own service integrations.

moto lacks: turning PascalCase arguments into what an API takes and its answers back (it left LocalStack's code for that
empty), and the error prefixes of most services ("Eks.ResourceNotFoundException"); a refused PutEvents as a task that
failed, which can be caught: it ends the execution as by a mistake in its definition.
Source: Step Functions developer guide, "Learning to use AWS service SDK integrations" and "Handling errors"; of the
integration with EventBridge only the error EventBridge.FailedEntry is published.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import functools
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_aws_sdk,
    state_task_service_events,
)

from local.aws.patches.stepfunctions import iso_time

if TYPE_CHECKING:
    from local.aws.server import AwsServer

BOTO_NAMES = {"eventbridge": "events", "cloudwatchlogs": "logs"}
ERROR_PREFIXES = {
    "cloudformation": "CloudFormation",
    "cloudwatchlogs": "CloudWatchLogs",
    "ec2": "Ec2",
    "efs": "Efs",
    "eks": "Eks",
    "eventbridge": "EventBridge",
    "iam": "Iam",
    "lambda": "Lambda",
    "organizations": "Organizations",
    "s3": "S3",
    "sns": "Sns",
    "sqs": "Sqs",
    "ssm": "Ssm",
    "sts": "Sts",
}


def install(server: AwsServer) -> None:
    task = state_task_service.StateTaskService
    plain_value = task._from_boto_response_value

    @functools.lru_cache
    def operation(service: str, action: str) -> Any:
        client = server.client(service)
        return client.meta.service_model.operation_model(client.meta.method_to_api_mapping[action])

    def operation_of(self: Any, service: str | None, action: str | None) -> Any:
        return operation(self._get_boto_service_name(service), self._get_boto_service_action(action))

    def normalise_parameters(
        self: Any, parameters: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        shape = operation_of(self, boto_service_name, service_action_name).input_shape
        if shape:
            self._to_boto_request(parameters, shape)

    def normalise_response(
        self: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        shape = operation_of(self, boto_service_name, service_action_name).output_shape
        if shape:
            self._from_boto_response(response, shape)

    def from_response_value(value: Any) -> Any:
        return iso_time(value) if isinstance(value, datetime) else plain_value(value)

    task._normalise_parameters = normalise_parameters
    task._normalise_response = normalise_response
    task._from_boto_response_value = staticmethod(from_response_value)
    task._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES.update(BOTO_NAMES)
    state_task_service_aws_sdk._SERVICE_ERROR_NAMES.update(ERROR_PREFIXES)
    _name_refused_events()


def _name_refused_events() -> None:
    service = state_task_service_events.StateTaskServiceEvents
    from_error = service._from_error

    def refused(self: Any, env: Any, ex: Exception) -> Any:
        if not isinstance(ex, ClientError):
            return from_error(self, env=env, ex=ex)
        error = f"EventBridge.{ex.response['Error']['Code']}"
        told = {"error": error, "cause": str(ex), "resource": "putEvents", "resourceType": "events"}
        details: Any = {"taskFailedEventDetails": told}
        return FailureEvent(env, CustomErrorName(error), HistoryEventType.TaskFailed, details)

    service._from_error = refused
