"""Token buckets, the account's concurrency, and what AWS's own services do with what they had no room for."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import quotas
from local.aws.rates import RATES, TRANSITIONS, Rate, Rates
from tests.local.aws.patches.conftest import Sandbox
from tests.local.aws.patches.test_events import policy
from tests.local.aws.patches.test_stepfunctions import call

REGION = "ap-northeast-1"
START = "stepfunctions:StartExecution"
ECHO = "def handler(event, context):\n    return event\n"
QUOTA = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}
PASS = {"Show": {"Type": "Pass", "End": True}}


@pytest.fixture
def only(aws: Sandbox) -> Iterator[Callable[..., Any]]:
    """Buckets that hold so many and are never filled again."""
    undos = []

    def enforce(name: str, burst: int, code: str = "ThrottlingException") -> Callable[[], None]:
        undos.append(aws.server.rates.enforce(Rate((name,), burst, 0, code)))
        return undos[-1]

    yield enforce
    for undo in undos:
        undo()


@pytest.fixture
def concurrent(aws: Sandbox) -> Iterator[Callable[[int], None]]:
    here = (aws.server.account_id, aws.server.region, quotas.CONCURRENT_EXECUTIONS)
    yield lambda most: quotas.APPLIED.update({here: most})
    quotas.APPLIED.pop(here, None)


def test_a_bucket_holds_its_burst_and_is_filled_as_time_passes_here(monkeypatch: pytest.MonkeyPatch) -> None:
    now = itertools.count(0.0, 0.125)
    monkeypatch.setattr("local.aws.rates.time", SimpleNamespace(monotonic=lambda: next(now)))
    rates = Rates(lambda: 0.0625)  # two seconds of AWS pass between two calls
    rates.enforce(Rate(("a:Call",), 3, 0.25, "Throttled"))
    let_in = []
    for _ in range(8):
        try:
            rates.check("a:Call", "1", "r")
            let_in.append(True)
        except Exception:
            let_in.append(False)
    assert let_in == [True, True, True, True, True, False, True, False]


def test_every_account_and_region_has_a_bucket_of_its_own() -> None:
    rates = Rates(lambda: 1.0)
    rates.enforce(Rate(("a:Call", "a:Other"), 1, 0, "Throttled"))
    for account, region in (("1", "r"), ("2", "r"), ("1", "s")):
        rates.check("a:Call", account, region)
        with pytest.raises(Exception, match="Rate exceeded"):
            rates.check("a:Other", account, region)


def test_nothing_is_throttled_until_somebody_wants_it(aws: Sandbox) -> None:
    for _ in range(300):  # DescribeExecution has 250
        with pytest.raises(ClientError, match="ExecutionDoesNotExist"):
            aws.states.describe_execution(executionArn=f"arn:aws:states:{REGION}:{aws.server.account_id}:execution:a:b")
    assert aws.server.rates.refused == []


@pytest.mark.parametrize("rate", [each for each in RATES if each.calls != (TRANSITIONS,)], ids=lambda r: r.calls[0])
def test_a_refusal_has_the_services_own_code(aws: Sandbox, rate: Rate) -> None:
    undo = aws.server.rates.enforce(Rate(rate.calls, 0, 0, rate.code, rate.message))
    service, _, operation = rate.calls[0].partition(":")
    client = aws.server.client(service)
    method = next(name for name, each in client.meta.method_to_api_mapping.items() if each == operation)
    model = client.meta.service_model.operation_model(operation)
    given = {name: _any(model.input_shape.members[name]) for name in model.input_shape.required_members} | {
        name: value for name, value in QUOTA.items() if name in model.input_shape.required_members
    }
    try:
        with pytest.raises(ClientError) as refused:
            getattr(client, method)(**given)
    finally:
        undo()
    assert refused.value.response["Error"]["Code"] == rate.code


def _any(shape: Any) -> Any:
    if shape.type_name == "structure":
        return {name: _any(shape.members[name]) for name in shape.required_members}
    return {"list": [], "string": "111122223333", "integer": 1}[shape.type_name]


def test_an_execution_waits_for_its_transitions(
    aws: Sandbox, only: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = aws.machine({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "End": True}})
    undo = only(TRANSITIONS, 1)
    looks: list[float] = []

    def look() -> float:
        looks.append(0.001)
        return looks[-1]

    monkeypatch.setattr(aws.server.rates, "_seconds_here", look)
    execution = aws.start(machine)
    _until(lambda: len(looks) >= 10)  # two a look: it has looked in vain
    assert [e["type"] for e in aws.events(execution)] == ["ExecutionStarted", "PassStateEntered", "PassStateExited"]
    undo()
    assert aws.finished(execution)["status"] == "SUCCEEDED"


def test_functions_share_what_their_account_may_run_at_once(
    aws: Sandbox, concurrent: Callable[[int], None], tmp_path: Path
) -> None:
    begun, over = tmp_path / "begun", tmp_path / "over"
    slow = aws.function(
        "import os, time\ndef handler(event, context):\n"
        f"    open({str(begun)!r}, 'w').close()\n"
        f"    while not os.path.exists({str(over)!r}):\n        time.sleep(0.01)\n"
    )
    other = aws.function(ECHO)
    concurrent(1)
    busy = threading.Thread(target=aws.invoke, args=(slow,))
    busy.start()
    _until(begun.exists)
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        aws.invoke(other)
    over.touch()
    busy.join()
    assert aws.invoke(other, 1) == (1, None)


def test_what_a_function_has_reserved_the_others_lack(aws: Sandbox, concurrent: Callable[[int], None]) -> None:
    reserved, other = aws.function(ECHO), aws.function(ECHO)
    aws.functions.put_function_concurrency(FunctionName=reserved, ReservedConcurrentExecutions=2)
    concurrent(2)
    assert aws.invoke(reserved, 1) == (1, None)
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        aws.invoke(other)
    aws.functions.delete_function_concurrency(FunctionName=reserved)


def test_an_asynchronous_event_waits_until_there_is_room(
    aws: Sandbox, concurrent: Callable[[int], None], tmp_path: Path
) -> None:
    note = tmp_path / "note"
    function = aws.function(f"def handler(event, context):\n    open({str(note)!r}, 'a').write('.')\n")
    concurrent(0)
    met = len(aws.server.rates.refused)
    aws.functions.invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")
    _until(lambda: len(aws.server.rates.refused) >= met + 5)  # one that fails is tried three times
    assert not note.exists()
    concurrent(1)
    _until(note.exists)
    assert note.read_text() == "."


def test_a_target_that_throttles_is_tried_again(aws: Sandbox, only: Callable[..., Any]) -> None:
    undo = only(START, 0)
    rule = _rule(aws, aws.machine(PASS), {})
    delivered = len(aws.server.delivered_events)
    _put(aws)
    _until(lambda: aws.server.rates.refused.count(START) >= 20)
    undo()
    _until(lambda: len(aws.server.delivered_events) > delivered)
    assert len(aws.server.delivered_events) == delivered + 1
    _forget(aws, rule)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"MaximumRetryAttempts": 3}, ("MaximumRetryAttempts", "3")),
        ({"MaximumEventAgeInSeconds": 60}, ("MaximumEventAgeInSeconds", None)),
    ],
    ids=["attempts", "age"],
)
def test_what_is_throttled_for_too_long_is_a_dead_letter_that_says_so(
    aws: Sandbox, only: Callable[..., Any], limits: dict[str, int], said: tuple[str, str | None]
) -> None:
    sqs = aws.server.client("sqs")
    queue = sqs.create_queue(QueueName="late", Attributes={"Policy": policy("sqs:SendMessage", "*")})["QueueUrl"]
    dead = {"DeadLetterConfig": {"Arn": f"arn:aws:sqs:{aws.server.region}:{aws.server.account_id}:late"}}
    only(START, 0)
    rule = _rule(aws, aws.machine(PASS), {"RetryPolicy": limits, **dead})
    _put(aws)
    received: list[dict[str, Any]] = []

    def arrived() -> bool:
        received.extend(sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"]).get("Messages", []))
        return bool(received)

    _until(arrived)
    attributes = {name: value["StringValue"] for name, value in received[0]["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "THROTTLING"
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == said[0]
    assert said[1] in (None, attributes["RETRY_ATTEMPTS"])
    sqs.delete_queue(QueueUrl=queue)
    _forget(aws, rule)


def test_a_throttled_invocation_is_repeated_by_the_machines_own_retriers(
    aws: Sandbox, concurrent: Callable[[int], None]
) -> None:
    retry = {
        "ErrorEquals": ["Lambda.TooManyRequestsException"],
        "IntervalSeconds": 2,
        "MaxAttempts": 1000,
        "MaxDelaySeconds": 2,
        "JitterStrategy": "FULL",
    }
    machine = aws.machine({"Call": call(aws.function(ECHO), {"a": 1}, Retry=[retry])})
    concurrent(0)
    execution = aws.start(machine)
    met = len(aws.server.rates.refused)
    _until(lambda: len(aws.server.rates.refused) >= met + 3)
    concurrent(1)
    assert aws.finished(execution)["status"] == "SUCCEEDED"


def _rule(aws: Sandbox, machine: str, target: dict[str, Any]) -> str:
    events = aws.server.client("events")
    events.put_rule(Name="throttled", EventPattern=json.dumps({"source": ["t"]}))
    events.put_targets(Rule="throttled", Targets=[{"Id": "one", "Arn": machine, "RoleArn": aws.role_arn, **target}])
    return "throttled"


def _forget(aws: Sandbox, rule: str) -> None:
    events = aws.server.client("events")
    events.remove_targets(Rule=rule, Ids=["one"])
    events.delete_rule(Name=rule)


def _put(aws: Sandbox) -> None:
    aws.server.client("events").put_events(Entries=[{"Source": "t", "DetailType": "d", "Detail": "{}"}])


def _until(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
