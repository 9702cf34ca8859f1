"""What Step Functions does under a machine's role besides its tasks: it sets log delivery up, and sends traces.

moto lacks: asking whether the role may. Tasks are calls of their own, which the authoriser sees.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, union-attr, misc"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import moto.stepfunctions.models as models
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local.aws.patches.permissions import check_role, is_allowed
from local.aws.permissions.authoriser import AccessDenied
from local.aws.permissions.demand import Demand
from local.aws.refusals import refusal

if TYPE_CHECKING:
    from local.aws.server import AwsServer

LOG_DELIVERY = tuple(
    Demand(f"logs:{action}")
    for action in (
        "CreateLogDelivery",
        "GetLogDelivery",
        "UpdateLogDelivery",
        "DeleteLogDelivery",
        "ListLogDeliveries",
        "PutResourcePolicy",
        "DescribeResourcePolicies",
        "DescribeLogGroups",
    )
)
"""Asked for as one when a machine gets a log destination. Source: Step Functions guide, "IAM Policies for logging"."""

TRACING = tuple(
    Demand(f"xray:{action}")
    for action in ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
)
"""Source: Step Functions developer guide, "Trace Step Functions request data in AWS X-Ray", IAM."""


def install(server: AwsServer) -> None:
    """After the patches that these calls go through."""
    machine = models.StateMachine
    from_template, by_template = (
        machine.create_from_cloudformation_json.__func__,
        machine.update_from_cloudformation_json.__func__,
    )
    update = StepFunctionsParserBackend.update_state_machine
    start = StepFunctionsParserBackend.start_execution

    def checked(made: Any) -> Any:
        if (getattr(made, "loggingConfiguration", None) or {}).get("destinations"):
            try:
                check_role(server, made.roleArn, "stepfunctions", *LOG_DELIVERY)
            except AccessDenied as denied:
                message = "The state machine IAM Role is not authorized to access the Log Destination"
                raise refusal("AccessDeniedException", message) from denied
        return made

    def started(self: Any, state_machine_arn: str, *args: Any, **kwargs: Any) -> Any:
        execution = start(self, state_machine_arn, *args, **kwargs)
        made = self.describe_state_machine(execution.state_machine_arn)
        if (getattr(made, "tracingConfiguration", None) or {}).get("enabled"):
            is_allowed(server, made.roleArn, execution.name, *TRACING)  # without, the trace is lost
        return execution

    machine.create_from_cloudformation_json = classmethod(lambda *a, **options: checked(from_template(*a, **options)))
    machine.update_from_cloudformation_json = classmethod(lambda *a, **options: checked(by_template(*a, **options)))
    StepFunctionsParserBackend.update_state_machine = lambda *a, **options: checked(update(*a, **options))
    StepFunctionsParserBackend.start_execution = started
