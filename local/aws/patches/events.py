"""EventBridge that delivers.

moto lacks: targets states, lambda and sns (HTTP 500), and what is sent to API destinations; where an event came from
once it is on another bus; refusing customers what is AWS's to put; Input and InputPath; InputTransformer that quotes as
EventBridge does; dead-letter queues; policies of targets (deliveries.py); trying again (event_retries.py); leaving
disabled rules alone; times as text; TestEventPattern. What rules delivered is kept in `server.delivered_events`, what
was put on a bus in `server.published_events`.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import groupby
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import moto.events.models as models
from jsonpath_ng.ext.parser import parse as parse_path
from moto.awslambda.utils import get_backend as lambda_backend
from moto.core.exceptions import JsonRESTError
from moto.events.responses import EventsHandler
from moto.logs.models import logs_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.utilities.arns import Arn, parse_arn

from local.aws import service_events, service_roles
from local.aws.patches import api_destinations, deliveries, event_retries
from local.aws.patches.event_inputs import transformed
from local.aws.patches.permissions import check_role
from local.aws.permissions.authoriser import AccessDenied
from local.aws.permissions.demand import Demand
from local.aws.rates import ThrottledError

if TYPE_CHECKING:
    from local.aws.server import AwsServer

LOGGER = logging.getLogger(__name__)
UNDER_A_ROLE = {
    "states": "states:StartExecution",
    "event-bus": "events:PutEvents",
    "api-destination": "events:InvokeApiDestination",
}
"""By the kind of target. Source: EventBridge API, PutTargets: "RoleArn is required for target" of these."""


class RoleNotAssumableError(Exception):
    """The target's role is gone, or does not trust EventBridge."""


ERROR_CODES: dict[type[Exception], str] = {
    AccessDenied: "NO_PERMISSIONS",
    deliveries.UndeliverableError: "NO_PERMISSIONS",
    RoleNotAssumableError: "FAILED_TO_ASSUME_ROLE",
    ThrottledError: "THROTTLING",
}
"""Source: EventBridge user guide, "Using dead-letter queues to process undelivered events"."""

NOT_OF_CUSTOMERS = {
    "ErrorCode": "NotAuthorizedForSourceException",
    "ErrorMessage": "Not authorized for the source.",
}
"""Sources: EventBridge API, PutEventsResultEntry; as an account answered, aws-samples/serverless-patterns#3089."""


def install(server: AwsServer) -> None:
    send_elsewhere = models.Rule.send_to_targets
    put_events, put_targets = models.EventsBackend.put_events, models.EventsBackend.put_targets

    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
        if self.state != "ENABLED" or not self.event_pattern.get_pattern():
            return
        if not self.event_pattern.matches_event(original_event):
            return
        others = []
        for target in self.targets:
            arn = parse_arn(target["Arn"])
            deliver = DELIVERIES.get(_kind(arn))
            if deliver is None:
                others.append(target)
                continue
            event, payload = _shown(original_event), _payload(self, target, original_event)
            _deliver(server, self, target, event, payload, lambda d=deliver, a=arn, t=target, p=payload: d(a, t, p))
        if others:
            targets, self.targets = self.targets, others
            try:
                send_elsewhere(self, original_event, transform_input)
            finally:
                self.targets = targets

    def put(self: Any, events: list[dict[str, Any]]) -> Any:
        """A customer's: the entries that it may not put are refused one by one, and the others taken."""
        allowed = [event for event in events if not _is_of_aws(event)]
        answers = iter(take(self, allowed) if allowed else [])
        return [NOT_OF_CUSTOMERS if _is_of_aws(event) else next(answers) for event in events]

    def take(self: Any, events: list[dict[str, Any]]) -> Any:
        for event in events:
            if isinstance(event.get("Time"), str):
                event["Time"] = datetime.fromisoformat(event["Time"].replace("Z", "+00:00")).timestamp()
        answers = []
        for owner, entries in groupby(events, key=lambda event: _owner_of_bus(self, event)):
            answers += put_events(_sender_to(self, owner), list(entries))
        accepted = zip(events, answers, strict=True)
        server.published_events.extend(
            {**event, "Detail": json.loads(event["Detail"])} for event, answer in accepted if "EventId" in answer
        )
        return answers

    def put_checked(self: Any, name: str, event_bus_arn: Any, targets: list[dict[str, Any]]) -> Any:
        for target in targets:
            if _kind(parse_arn(target["Arn"])) in UNDER_A_ROLE and not target.get("RoleArn"):
                raise JsonRESTError("ValidationException", f"RoleArn is required for target {target['Arn']}.")
        return put_targets(self, name=name, event_bus_arn=event_bus_arn, targets=targets)

    def test_event_pattern(self: Any) -> str:
        pattern = models.EventPattern.load(self._get_param("EventPattern"))
        return json.dumps({"Result": pattern.matches_event(json.loads(self._get_param("Event")))})

    def list_rules(self: Any) -> Any:
        """Who created a rule is told by DescribeRule alone."""
        body, headers = listed(self)
        answer = json.loads(body)
        answer["Rules"] = [{k: v for k, v in rule.items() if k != "CreatedBy"} for rule in answer["Rules"]]
        return json.dumps(answer), headers

    listed = EventsHandler.list_rules
    EventsHandler.list_rules = list_rules
    models.Rule.send_to_targets = send_to_targets
    models.EventsBackend.put_events = put
    models.EventsBackend.take_events = take
    models.EventsBackend.put_targets = put_checked
    EventsHandler.test_event_pattern = test_event_pattern
    models.EventBus.physical_resource_id = property(lambda self: self.name)
    models.EventBus.has_cfn_attr = staticmethod(lambda name: name in ("Arn", "Name", "Policy"))
    models.Archive.physical_resource_id = property(lambda self: self.name)


def _is_of_aws(event: dict[str, Any]) -> bool:
    return str(event.get("Source") or "").startswith(service_events.OWN)


def _owner_of_bus(backend: Any, event: dict[str, Any]) -> str:
    bus = event.get("EventBusName") or "default"
    return str(parse_arn(bus).account if bus.startswith("arn:") else backend.account_id)


def _sender_to(backend: Any, owner: str) -> Any:
    """The sender's backend, but that the bus is its owner's (moto takes the sender's own of that name)."""
    return SimpleNamespace(
        account_id=backend.account_id,
        region_name=backend.region_name,
        describe_event_bus=models.events_backends[owner][backend.region_name].describe_event_bus,
        _normalize_event_bus_arn=backend._normalize_event_bus_arn,
    )


def _deliver(
    server: AwsServer,
    rule: Any,
    target: dict[str, Any],
    event: Any,
    payload: Any,
    deliver: Callable[[], str | None],
) -> None:
    """A delivery that fails is EventBridge's affair, not the publisher's."""
    from local.aws.server import DeliveredEvent

    arn = parse_arn(target["Arn"])

    def attempt() -> None:
        if _kind(arn) in UNDER_A_ROLE:
            _take_role(server, rule, target, event)
        elif target.get("RoleArn"):
            # The guide says both that it may and that it must not have one; nothing to build on.
            raise deliveries.UndeliverableError(f"{target['Arn']} is reached by its own policy, not under a role")
        else:
            deliveries.check(service_roles.EVENTS, rule.arn, target["Arn"])
        if _kind(arn) == "states":
            server.rates.check("stepfunctions:StartExecution", arn.account, arn.region)
        server.delivered_events.append(DeliveredEvent(rule.name, target["Arn"], payload, deliver()))

    def give_up(error: Exception, **after: str) -> None:
        LOGGER.warning("rule %s could not deliver to %s: %s", rule.name, target["Arn"], error, exc_info=error)
        _bury(rule, target, event, error, after)

    event_retries.deliver(server, target.get("RetryPolicy") or {}, attempt, give_up)


def _take_role(server: AwsServer, rule: Any, target: dict[str, Any], event: Any) -> None:
    """What the target is asked for under the role, with what EventBridge tells of the rule.

    Sources: EventBridge user guide, "Using IAM policy conditions" and the example policies of event buses; Service
    Authorization Reference, "Amazon EventBridge", PutEvents.
    """
    arn, role_arn = target["Arn"], target["RoleArn"]
    if not service_roles.lets_in(role_arn, service_roles.EVENTS, rule.arn):
        raise RoleNotAssumableError(f"there is no role {role_arn} that trusts {service_roles.EVENTS} for {rule.arn}")
    context: dict[str, str | tuple[str, ...]] = {}
    if _kind(parse_arn(arn)) == "event-bus":
        context = {
            "aws:SourceArn": rule.arn,
            "aws:SourceAccount": rule.account_id,
            "events:source": (event["source"],),
            "events:detail-type": (event["detail-type"],),
            "events:eventBusInvocation": "true",
        }
    check_role(server, role_arn, rule.name, Demand(UNDER_A_ROLE[_kind(parse_arn(arn))], arn, context))


def _kind(target: Arn) -> str:
    """An archive's target is one of the service's own, without a resource type."""
    own = target.resource_type if target.service == "events" else None
    return str(own or target.service)


def _bury(rule: Any, target: dict[str, Any], event: Any, error: Exception, after: dict[str, str]) -> None:
    """The event as it came, with what EventBridge says of it. Source: EventBridge guide, "dead-letter queues"."""
    dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
    if not dead_letters:
        return
    try:
        deliveries.check(service_roles.EVENTS, rule.arn, dead_letters)
    except deliveries.UndeliverableError:
        LOGGER.warning("rule %s could not reach its dead-letter queue %s", rule.name, dead_letters, exc_info=True)
        return
    said = {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": ERROR_CODES.get(type(error), "ERROR_FROM_TARGET"),
        "ERROR_MESSAGE": str(error) or type(error).__name__,
        **after,
    }
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in said.items()}
    _send_message(parse_arn(dead_letters), {}, event, attributes)


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    """The event as consumers see it."""
    event = {name: value for name, value in event.items() if name != "ingestion-time"}
    event.setdefault("version", "0")
    if isinstance(event.get("time"), int | float):
        event["time"] = datetime.fromtimestamp(event["time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return event


def _payload(rule: Any, target: dict[str, Any], original_event: dict[str, Any]) -> Any:
    event = _shown(original_event)
    if target.get("Input") is not None:
        return json.loads(target["Input"])
    if target.get("InputPath"):
        found = parse_path(target["InputPath"]).find(event)
        return found[0].value if found else None
    if target.get("InputTransformer"):
        return transformed(target["InputTransformer"], event, rule.name, rule.arn)
    return event


def _start_execution(arn: Arn, target: dict[str, Any], payload: Any) -> str:
    backend = stepfunctions_parser_backends[arn.account][arn.region]
    return str(backend.start_execution(target["Arn"], None, json.dumps(payload)).execution_arn)


def _invoke_function(arn: Arn, target: dict[str, Any], payload: Any) -> None:
    headers = {"X-Amz-Invocation-Type": "Event"}
    lambda_backend(arn.account, arn.region).invoke(target["Arn"], None, json.dumps(payload), headers, {})


def _send_message(arn: Arn, target: dict[str, Any], payload: Any, attributes: Any = None) -> None:
    group_id = target.get("SqsParameters", {}).get("MessageGroupId")
    backend = sqs_backends[arn.account][arn.region]
    backend.send_message(arn.resource_id, json.dumps(payload), message_attributes=attributes, group_id=group_id)


def _put_on_bus(arn: Arn, target: dict[str, Any], payload: Any) -> None:
    """Another bus, of another account or region perhaps: where an event came from goes with it."""
    bus = models.events_backends[arn.account][arn.region].describe_event_bus(arn.resource_id)
    for rule in list(bus.rules.values()):
        rule.send_to_targets(payload)


def _publish(arn: Arn, target: dict[str, Any], payload: Any) -> None:
    sns_backends[arn.account][arn.region].publish(json.dumps(payload), arn=target["Arn"])


def _write_log(arn: Arn, target: dict[str, Any], payload: Any) -> None:
    backend = logs_backends[arn.account][arn.region]
    group = target["Arn"].split(":log-group:")[1].removesuffix(":*")
    stream = str(uuid.uuid4())
    backend.create_log_stream(group, stream)
    backend.put_log_events(group, stream, [{"timestamp": int(time.time() * 1000), "message": json.dumps(payload)}])


DELIVERIES: dict[str, Callable[[Arn, dict[str, Any], Any], str | None]] = {
    "states": _start_execution,
    "lambda": _invoke_function,
    "sqs": _send_message,
    "sns": _publish,
    "logs": _write_log,
    "event-bus": _put_on_bus,
    "api-destination": api_destinations.post,
}
