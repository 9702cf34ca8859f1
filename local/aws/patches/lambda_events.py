"""Asynchronous invocations of Lambda: tried again when the function fails, and kept in its dead-letter queue then.

moto lacks: them. Sources: Lambda developer guide, "How Lambda handles errors and retries with asynchronous invocation",
and "Dead-letter queues" (attributes, and the right that the execution role needs); the refusal is CreateFunction's
(elastic/beats#13963). What is throttled waits longer and longer, for six hours at most; where the function has no
concurrency at all, the guide says, it is not tried again.
"""
# mypy: disable-error-code="attr-defined, arg-type"

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.core.exceptions import JsonRESTError
from moto.sqs.models import sqs_backends
from moto.utilities.arns import parse_arn

from local.aws.lambda_runtime import Outcome
from local.aws.patches.permissions import is_allowed
from local.aws.permissions.demand import Demand

if TYPE_CHECKING:
    from local.aws.server import AwsServer

LOGGER = logging.getLogger(__name__)
WAITS_SECONDS = (0.0, 60.0, 120.0)
FIRST_THROTTLED_SECONDS, MOST_THROTTLED_SECONDS = 1.0, 300.0
OLDEST_SECONDS = 6 * 3600.0
SAID_CHARACTERS = 1024


class TooManyRequestsError(JsonRESTError):
    """Source: Lambda API, Invoke, errors."""

    code = 429

    def __init__(self) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.")


def start(server: AwsServer, function: Any, event: Any, run: Callable[[Any, Any], Outcome]) -> None:
    """What Lambda does with an event that it has taken; whoever sent it hears no more of it."""
    threading.Thread(target=_handle, args=(server, function, event, run), daemon=True, name="lambda-event").start()


def keep_dead_letters(server: AwsServer, function: Any, queue_arn: str | None) -> None:
    """Raises: InvalidParameterValueException unless the function's role may send to the queue."""
    function.dead_letters = queue_arn
    if queue_arn and not _may_send(server, function):
        raise InvalidParameterValueException(
            "The provided execution role does not have permissions to call SendMessage on SQS"
        )


def _handle(server: AwsServer, function: Any, event: Any, run: Callable[[Any, Any], Outcome]) -> None:
    said = ""
    for wait in WAITS_SECONDS:
        time.sleep(server.scaled(wait))
        try:
            outcome = _once_let_in(server, function, event, run)
        except Exception as error:
            said = str(error)
        else:
            if not outcome.failed:
                return
            said = str(json.loads(outcome.payload).get("errorMessage", ""))
        if not server.is_running:
            return
    LOGGER.warning("function %s did not get an event done: %s", function.function_name, said)
    _bury(server, function, event, said)


def _once_let_in(server: AwsServer, function: Any, event: Any, run: Callable[[Any, Any], Outcome]) -> Outcome:
    """Raises: TooManyRequestsError when there was no room for it in time, and what `run` does."""
    age, wait = 0.0, FIRST_THROTTLED_SECONDS
    while True:
        try:
            return run(function, event)
        except TooManyRequestsError:
            age += wait
            if age > OLDEST_SECONDS or str(function.reserved_concurrency) == "0" or not server.is_running:
                raise
        time.sleep(server.scaled(wait))
        wait = min(2 * wait, MOST_THROTTLED_SECONDS)


def _bury(server: AwsServer, function: Any, event: Any, said: str) -> None:
    if not function.dead_letters or not _may_send(server, function):
        return
    queue = parse_arn(function.dead_letters)
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": str(uuid.uuid4())},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": said[:SAID_CHARACTERS] or "Unknown"},
    }
    backend = sqs_backends[queue.account][queue.region]
    backend.send_message(queue.resource_id, json.dumps(event), message_attributes=attributes)


def _may_send(server: AwsServer, function: Any) -> bool:
    return is_allowed(server, function.role, function.function_name, Demand("sqs:SendMessage", function.dead_letters))
