"""What can befall a request, so many times; what can befall a state is in deaths.py, triggers.py and clocks.py."""

import functools
import json
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Final

import botocore.session
from botocore.retries.standard import ThrottledRetryableChecker
from moto.dynamodb.models import dynamodb_backends

from campaign.requests import Request, request_of
from local.wire import FATE, MANGLED, RESET, UNANSWERED, Answer, Exchange


class Fault(StrEnum):
    THROTTLED = "throttled"
    SERVER_ERROR = "5xx"
    TIME_OUT = "time-out"
    ANSWER_LOST = "answer lost"
    ACCESS_DENIED = "access denied"
    STALE_READ = "stale read"
    CONNECTION_RESET = "connection reset"
    MALFORMED_BODY = "malformed body"
    CREDENTIALS_ENDED = "credentials ended"
    CONDITION_FAILED = "condition failed"
    KILLED_BEFORE = "killed before"
    KILLED_IN_THE_MIDDLE = "killed in the middle"
    KILLED_AFTER = "killed after"
    STOPPED = "execution stopped"
    TRIGGERED_AGAIN = "triggered again"
    STARTED_AGAIN = "started again"
    CLOCK_AHEAD = "clock an hour ahead"
    CLOCK_BEHIND = "clock an hour behind"


OF_A_STATE: Final = (Fault.KILLED_BEFORE, Fault.KILLED_IN_THE_MIDDLE, Fault.KILLED_AFTER, Fault.STOPPED)
OF_A_TRIGGER: Final = (Fault.TRIGGERED_AGAIN, Fault.STARTED_AGAIN)
OF_A_CLOCK: Final = (Fault.CLOCK_AHEAD, Fault.CLOCK_BEHIND)
UNHEARD: Final = (Fault.ANSWER_LOST, Fault.MALFORMED_BODY)
"""The request had its effect, which who made it cannot know."""
TIMES: Final = {
    "once": range(1),
    "the second time": range(1, 2),
    "five times": range(5),
    "for ever": range(sys.maxsize),
}
"""Which of the same requests meet the fault, counted from 0."""

_BAD_GATEWAY: Final = b"<html><body>Bad Gateway</body></html>"
_PER_ANSWER: Final = re.compile(rb"<(requestId|RequestId)>[^<]*<")


def applies(fault: Fault, request: Request, times: str) -> bool:
    """Only what is read can be old; how Step Functions waits, reads, signs and looks after a child is not ours."""
    if request.is_the_machines and request.name.startswith(("s3:", "stepfunctions:DescribeExecution")):
        return False
    if times == "the second time" and fault is not Fault.CONDITION_FAILED:
        return False
    match fault:
        case Fault.STALE_READ:
            return request.reads and not request.is_the_machines
        case Fault.TIME_OUT | Fault.MALFORMED_BODY:
            return not request.is_the_machines
        case Fault.CREDENTIALS_ENDED:  # of Kubernetes' tokens, signed for each call, there is none that is old
            return not request.is_the_machines and not request.name.startswith("kubernetes:")
        case Fault.CONDITION_FAILED:
            # Of a machine's writes the last is the release of its claim, once another has failed.
            return request.name in ("dynamodb:UpdateItem", "dynamodb:PutItem") and times != "five times"
        case _ if fault in OF_A_CLOCK:
            return request.name.startswith("lambda:Invoke ")
        case _ if fault in (*OF_A_STATE, *OF_A_TRIGGER):
            return request.name.startswith("lambda:Invoke ") and times == "once"
        case _:
            return True


class Striker:
    """Stands on the wire: those `times` of one request meet the fault, all others pass."""

    def __init__(self, request: Request, fault: Fault, times: range) -> None:
        self.struck = 0
        self._asked = -1
        self._request, self._fault, self._times = request, fault, times
        self._answers: dict[str, Answer] = {}
        self._lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> Answer:
        if self._fault is Fault.STALE_READ:
            return self._read(exchange)
        with self._lock:
            is_due = self._is_due(exchange)
        return _ANSWERS[self._fault](exchange) if is_due else exchange.perform()

    def _is_due(self, exchange: Exchange) -> bool:
        """Counts; to be asked under the lock."""
        if request_of(exchange) != self._request:
            return False
        self._asked += 1
        is_due = self._asked in self._times
        self.struck += is_due
        return is_due

    def _read(self, exchange: Exchange) -> Answer:
        """What the same question was answered the last time, by whomever it was asked."""
        question, answer = exchange.question, exchange.perform()
        with self._lock:
            before, self._answers[question] = self._answers.get(question), answer
            if before is None or _told(before) == _told(answer) or not self._is_due(exchange):
                return answer
            return before


def _told(answer: Answer) -> tuple[int, bytes]:
    return answer.status, _PER_ANSWER.sub(b"", answer.body)


def _throttled(exchange: Exchange) -> Answer:
    if exchange.protocol == "kubernetes":
        return exchange.refuse(429, "TooManyRequests", "the server has received too many requests")
    service, code = exchange.call.name.partition(":")[0], throttling_code(exchange.call.name.partition(":")[0])
    return exchange.refuse(429 if service == "lambda" else 503 if service == "s3" else 400, code, "Rate exceeded")


@functools.cache
def throttling_code(service: str) -> str:
    """As the service's model names it, if it does. Source: "Common errors" of EC2, S3 and of the query protocol."""
    model = botocore.session.Session().get_service_model(service)
    retried: list[str] = vars(ThrottledRetryableChecker)["_THROTTLED_ERROR_CODES"]
    named = [each for each in retried if each in model.shape_names]
    elsewhere = {"ec2": "RequestLimitExceeded", "s3": "SlowDown"}
    common = "Throttling" if model.protocol == "query" else "ThrottlingException"
    return elsewhere.get(service) or next((each for each in named if "Limit" not in each), common)


def _server_error(exchange: Exchange) -> Answer:
    if exchange.protocol == "kubernetes":
        return exchange.refuse(500, "InternalError", "etcdserver: leader changed")
    service = exchange.call.name.partition(":")[0]
    code = "ServiceException" if service == "lambda" else "ServiceUnavailable"
    return exchange.refuse(500 if service == "lambda" else 503, code, "The service cannot answer just now")


def _access_denied(exchange: Exchange) -> Answer:
    """As a policy that somebody has just put in force."""
    name = exchange.call.name
    if exchange.protocol == "kubernetes":
        asked = name.partition(":")[2]
        return exchange.refuse(403, "Forbidden", f'forbidden: User "{exchange.caller}" cannot {asked}')
    message = f"User: {exchange.caller} is not authorized to perform: {name} with an explicit deny in a policy"
    if exchange.protocol == "ec2":
        return exchange.refuse(403, "UnauthorizedOperation", message)
    in_xml = exchange.protocol in ("query", "rest-xml")
    code = "AccessDenied" if in_xml else "AccessDeniedException"
    return exchange.refuse(400 if exchange.protocol == "json" else 403, code, message)


def _ended(exchange: Exchange) -> Answer:
    """Source: "Common errors" of EC2, of the query protocol and of the JSON ones."""
    codes = {"ec2": "RequestExpired", "query": "ExpiredToken", "rest-xml": "ExpiredToken"}
    code = codes.get(exchange.protocol, "ExpiredTokenException")
    status = 400 if exchange.protocol in ("json", "ec2", "rest-xml") else 403
    return exchange.refuse(status, code, "The security token included in the request is expired")


def _condition_failed(exchange: Exchange) -> Answer:
    """With the item as it is, where that was asked for. Source: DynamoDB API, ReturnValuesOnConditionCheckFailure."""
    refused = exchange.refuse(400, "ConditionalCheckFailedException", "The conditional request failed")
    call = exchange.call
    asked = json.loads(call.body)
    tables = dynamodb_backends[call.account_id][call.region]
    if asked.get("ReturnValuesOnConditionCheckFailure") != "ALL_OLD":
        return refused
    if (item := tables.get_item(asked["TableName"], asked["Key"])) is None:
        return refused
    told = json.loads(refused.body) | {"Item": item.to_json()["Attributes"]}
    return replace(refused, body=json.dumps(told).encode())


def _lost(exchange: Exchange) -> Answer:
    exchange.perform()
    return Answer(200, {FATE: RESET})


def _malformed(exchange: Exchange) -> Answer:
    """Half an answer, and after it what a gateway says."""
    performed = exchange.perform()
    half = performed.body[: len(performed.body) // 2]
    headers = {name: value for name, value in performed.headers.items() if name.lower() != "content-length"}
    return Answer(performed.status, {**headers, FATE: MANGLED}, half + _BAD_GATEWAY)


_ANSWERS: Final[dict[Fault, Callable[[Exchange], Answer]]] = {
    Fault.THROTTLED: _throttled,
    Fault.SERVER_ERROR: _server_error,
    Fault.TIME_OUT: lambda _exchange: Answer(200, {FATE: UNANSWERED}),
    Fault.ANSWER_LOST: _lost,
    Fault.ACCESS_DENIED: _access_denied,
    Fault.CONNECTION_RESET: lambda _exchange: Answer(200, {FATE: RESET}),
    Fault.MALFORMED_BODY: _malformed,
    Fault.CREDENTIALS_ENDED: _ended,
    Fault.CONDITION_FAILED: _condition_failed,
}
