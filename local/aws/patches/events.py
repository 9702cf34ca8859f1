"""EventBridge that delivers.

moto lacks: targets states, lambda and sns (HTTP 500); Input and InputPath; InputTransformer that quotes as EventBridge
does; dead-letter queues; leaving disabled rules alone; times as text; TestEventPattern. What rules delivered is kept in
`server.delivered_events`, what was put on a bus in `server.published_events`.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
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

from local.aws.patches.event_inputs import transformed

if TYPE_CHECKING:
    from local.aws.server import AwsServer

LOGGER = logging.getLogger(__name__)
TARGETS_WITH_ROLE = ("states",)
"""Source: EventBridge API, PutTargets: "RoleArn is required for target" of these services."""


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
            deliver = DELIVERIES.get(arn.service)
            if deliver is None:
                others.append(target)
                continue
            payload = _payload(self, target, original_event)
            _deliver(server, self, target, payload, lambda d=deliver, a=arn, t=target, p=payload: d(a, t, p))
        if others:
            targets, self.targets = self.targets, others
            try:
                send_elsewhere(self, original_event, transform_input)
            finally:
                self.targets = targets

    def put(self: Any, events: list[dict[str, Any]]) -> Any:
        for event in events:
            if isinstance(event.get("Time"), str):
                event["Time"] = datetime.fromisoformat(event["Time"].replace("Z", "+00:00")).timestamp()
        answers = put_events(self, events)
        accepted = zip(events, answers, strict=True)
        server.published_events.extend(
            {**event, "Detail": json.loads(event["Detail"])} for event, answer in accepted if "EventId" in answer
        )
        return answers

    def put_checked(self: Any, name: str, event_bus_arn: Any, targets: list[dict[str, Any]]) -> Any:
        for target in targets:
            if parse_arn(target["Arn"]).service in TARGETS_WITH_ROLE and not target.get("RoleArn"):
                raise JsonRESTError("ValidationException", f"RoleArn is required for target {target['Arn']}.")
        return put_targets(self, name=name, event_bus_arn=event_bus_arn, targets=targets)

    def test_event_pattern(self: Any) -> str:
        pattern = models.EventPattern.load(self._get_param("EventPattern"))
        return json.dumps({"Result": pattern.matches_event(json.loads(self._get_param("Event")))})

    models.Rule.send_to_targets = send_to_targets
    models.EventsBackend.put_events = put
    models.EventsBackend.put_targets = put_checked
    EventsHandler.test_event_pattern = test_event_pattern
    models.EventBus.physical_resource_id = property(lambda self: self.name)
    models.EventBus.has_cfn_attr = staticmethod(lambda name: name in ("Arn", "Name", "Policy"))
    models.Archive.physical_resource_id = property(lambda self: self.name)


def _deliver(
    server: AwsServer, rule: Any, target: dict[str, Any], payload: Any, deliver: Callable[[], str | None]
) -> None:
    """A delivery that fails is EventBridge's affair, not the publisher's."""
    from local.aws.server import DeliveredEvent

    try:
        execution_arn = deliver()
    except Exception:
        LOGGER.warning("rule %s could not deliver to %s", rule.name, target["Arn"], exc_info=True)
        dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
        if dead_letters:
            _send_message(parse_arn(dead_letters), {}, payload)
        return
    server.delivered_events.append(DeliveredEvent(rule.name, target["Arn"], payload, execution_arn))


def _payload(rule: Any, target: dict[str, Any], event: dict[str, Any]) -> Any:
    event = {name: value for name, value in event.items() if name != "ingestion-time"}
    event.setdefault("version", "0")
    if isinstance(event.get("time"), int | float):
        event["time"] = datetime.fromtimestamp(event["time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
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


def _send_message(arn: Arn, target: dict[str, Any], payload: Any) -> None:
    group_id = target.get("SqsParameters", {}).get("MessageGroupId")
    sqs_backends[arn.account][arn.region].send_message(arn.resource_id, json.dumps(payload), group_id=group_id)


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
}
