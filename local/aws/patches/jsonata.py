"""JSONata for moto's Step Functions interpreter.

moto lacks: the evaluator itself (it ships the wiring, taken from LocalStack, which calls a Java library). Its wiring
also writes every variable into the text of every expression, without escaping strings; here they are bound as values.

AWS's rules kept here (Source: Step Functions developer guide, "Transforming data with JSONata in Step Functions"):
an expression that fails or that yields nothing (undefined) is States.QueryEvaluationError; `$eval` does not exist;
`$partition`, `$range`, `$hash`, `$random`, `$uuid` and `$parse` do.
"""
# mypy: disable-error-code="method-assign, assignment, typeddict-item"

from __future__ import annotations

import copy
import hashlib
import json
import math
import random
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import moto.stepfunctions.parser.asl.component.common.string.string_expression as expressions
from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.utils import Utils
from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds import SecondsJSONata
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

if TYPE_CHECKING:
    from local.aws.server import AwsServer

UNDEFINED = object()
LARGEST_WAIT_SECONDS = 99_999_999


class QueryError(Exception):
    """What Step Functions reports as States.QueryEvaluationError."""


def install(server: AwsServer) -> None:
    expressions.StringJSONata._eval_body = _evaluate_in_state
    SecondsJSONata._get_wait_seconds = _wait_seconds


def evaluate(expression: str, variables: dict[str, Any]) -> Any:
    """The value of an expression as JSON, or UNDEFINED. Raises QueryError."""
    try:
        # A copy, because it keeps what it is evaluated with; of which the library's functions ask their thread.
        query = Jsonata.CURRENT.jsonata = copy.copy(_parsed(expression))
        bound = {name: Utils.NULL_VALUE if value is None else value for name, value in variables.items()}
        result = query.evaluate(None, bound)
    except (JException, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise QueryError(str(error)) from error
    return UNDEFINED if result is None else _plain(result)


@lru_cache(maxsize=1024)
def _parsed(expression: str) -> Jsonata:
    query = Jsonata(expression)
    query.set_output_convert_nulls(False)
    for name, function in FUNCTIONS.items():
        query.register_lambda(name, function)
    return query


def _plain(value: Any) -> Any:
    """JSON of Python's own types: the library has its own null, its own lists, and floats for whole numbers."""
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise QueryError("the result is not a finite number")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, str | bool | int):
        return value
    raise QueryError("the result is of an unsupported type (a function)")


def _evaluate_in_state(self: Any, env: Any) -> None:
    states = env.states._states_data
    # `result` and `errorOutput` exist only where there is one; moto keeps None for "none".
    known = {name: value for name, value in states.items() if name in ("input", "context") or value is not None}
    store = env.variable_store
    try:
        result = evaluate(self.expression, {**store._outer_scope, **store._inner_scope, "states": known})
    except QueryError as failure:
        raise _failure(env, f"The JSONata expression '{self.expression}' threw an error: {failure}") from failure
    if result is UNDEFINED:
        raise _failure(env, f"The JSONata expression '{self.expression}' returned nothing (undefined).")
    env.stack.append(result)


def _failure(env: Any, cause: str) -> FailureEventException:
    name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = EvaluationFailedEventDetails(error=name.error_name, cause=cause)
    event = FailureEvent(
        env=env,
        error_name=name,
        event_type=HistoryEventType.EvaluationFailed,
        event_details=EventDetails(evaluationFailedEventDetails=details),
    )
    details["state"] = event.state_name
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.EvaluationFailed,
        event_details=EventDetails(evaluationFailedEventDetails=details),
    )
    return FailureEventException(event)


def _wait_seconds(self: Any, env: Any) -> int:
    """Seconds must be an integer from 0 to 99999999. Source: Step Functions developer guide, Wait state."""
    self.string_jsonata.eval(env=env)
    seconds = env.stack.pop()
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds <= LARGEST_WAIT_SECONDS:
        expression = self.string_jsonata.expression
        raise _failure(
            env, f"The JSONata expression '{expression}' for 'Seconds' returned {seconds!r}, not an integer."
        )
    return seconds


def _hash(data: str, algorithm: str) -> str:
    names = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
    if algorithm not in names:
        raise ValueError(f"unknown hash algorithm {algorithm}")
    return hashlib.new(names[algorithm], data.encode(), usedforsecurity=False).hexdigest()


def _partition(items: list[Any], size: float) -> list[list[Any]]:
    return [items[start : start + int(size)] for start in range(0, len(items), int(size))]


def _range(first: float, last: float, step: float) -> list[int]:
    return list(range(int(first), int(last) + (1 if step > 0 else -1), int(step)))


def _random(seed: float | None = None) -> float:
    return random.random() if seed is None else random.Random(seed).random()


def _no_eval(*_: Any) -> Any:
    raise ValueError("$eval is not supported, use $parse")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "uuid": lambda: str(uuid.uuid4()),
    "parse": json.loads,
    "random": _random,
    "hash": _hash,
    "partition": _partition,
    "range": _range,
    "eval": _no_eval,
}
