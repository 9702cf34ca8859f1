"""What Step Functions does under a machine's role besides its tasks.

It sets log delivery up, and the rule by which it learns of the end of executions that tasks wait for; it sends traces.
moto lacks: asking whether the role may, and whether it lets Step Functions in at all. Tasks are calls of their own,
which the authoriser sees.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, union-attr, misc"

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import moto.stepfunctions.models as models
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local.aws import service_roles
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

WAITS = re.compile(r'"Resource": *"arn:[a-z-]+:states:::states:startExecution\.sync(:2)?"')
MANAGED_RULE = "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
RULE_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
"""For a machine that waits for executions, when it is made or changed.

Source: Step Functions guide, "IAM policies for calling AWS Step Functions"; nasa/cumulus#2693 (the refusal).
"""

TRACING = tuple(
    Demand(f"xray:{action}")
    for action in ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
)
"""Source: Step Functions developer guide, "Trace Step Functions request data in AWS X-Ray", IAM."""


def install(server: AwsServer) -> None:
    """After the patches that these calls go through."""
    machine, backend = models.StateMachine, StepFunctionsParserBackend
    from_template, by_template = (
        machine.create_from_cloudformation_json.__func__,
        machine.update_from_cloudformation_json.__func__,
    )
    create, update, start = backend.create_state_machine, backend.update_state_machine, backend.start_execution

    def checked(made: Any) -> Any:
        """A template's logging is set once the machine is made (stepfunctions_cloudformation.py)."""
        _check_logging(server, made.roleArn, made.loggingConfiguration)
        return made

    def created(self: Any, name: str, definition: str, roleArn: str, **options: Any) -> Any:  # noqa: N803
        _check_trust(roleArn, f"arn:{self.partition}:states:{self.region_name}:{self.account_id}:stateMachine:{name}")
        _check_waiting(server, self, roleArn, definition)
        _check_logging(server, roleArn, options.get("loggingConfiguration"))
        return create(self, name, definition, roleArn, **options)

    def updated(self: Any, arn: str, definition: str | None = None, role_arn: str | None = None, **options: Any) -> Any:
        now = self.describe_state_machine(arn)
        _check_trust(role_arn or now.roleArn, arn)
        _check_waiting(server, self, role_arn or now.roleArn, definition or now.definition)
        logging = options.get("logging_configuration") or now.loggingConfiguration
        _check_logging(server, role_arn or now.roleArn, logging)
        return update(self, arn, definition, role_arn, **options)

    def started(self: Any, state_machine_arn: str, *args: Any, **kwargs: Any) -> Any:
        execution = start(self, state_machine_arn, *args, **kwargs)
        made = self.describe_state_machine(execution.state_machine_arn)
        if (getattr(made, "tracingConfiguration", None) or {}).get("enabled"):
            is_allowed(server, made.roleArn, execution.name, *TRACING)  # without, the trace is lost
        return execution

    machine.create_from_cloudformation_json = classmethod(lambda *a, **options: checked(from_template(*a, **options)))
    machine.update_from_cloudformation_json = classmethod(lambda *a, **options: checked(by_template(*a, **options)))
    backend.create_state_machine = created
    backend.update_state_machine = updated
    backend.start_execution = started


def _check_trust(role_arn: str, machine_arn: str) -> None:
    """Source: lumigo-io/lumigo-CLI#83 (the text)."""
    if not service_roles.lets_in(role_arn, service_roles.STATES, machine_arn):
        raise refusal(
            "AccessDeniedException",
            "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume "
            "the provided role.",
        )


def _check_logging(server: AwsServer, role_arn: str, logging: Any) -> None:
    if (logging or {}).get("destinations"):
        refused = "The state machine IAM Role is not authorized to access the Log Destination"
        _check(server, role_arn, LOG_DELIVERY, refused)


def _check_waiting(server: AwsServer, backend: Any, role_arn: str, definition: str) -> None:
    if WAITS.search(definition):
        rule = f"arn:{backend.partition}:events:{backend.region_name}:{backend.account_id}:{MANAGED_RULE}"
        demands = tuple(Demand(action, rule) for action in RULE_ACTIONS)
        _check(server, role_arn, demands, f"'{role_arn}' is not authorized to create managed-rule.")


def _check(server: AwsServer, role_arn: str, demands: tuple[Demand, ...], refused: str) -> None:
    try:
        check_role(server, role_arn, "stepfunctions", *demands)
    except AccessDenied as denied:
        raise refusal("AccessDeniedException", refused) from denied
