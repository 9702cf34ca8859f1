"""What a fault makes of the requests that it is for, and of no others."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from campaign.faults import OF_A_CLOCK, OF_A_STATE, OF_A_TRIGGER, TIMES, Fault, Striker, applies, throttling_code
from campaign.requests import Request, request_of
from campaign.results import Combination
from campaign.runs import IN_TURN, TOGETHER, batches
from local.aws.hooks import Call
from local.aws.server import AwsServer
from local.wire import FATE, Answer, Exchange

FUNCTION = "arn:aws:sts::123456789012:assumed-role/eks-efs-provisioner-provisioner/app-EnsureClusterFunction-0A1B"
MACHINE = "arn:aws:sts::123456789012:assumed-role/app-ProvisionStateMachineRole-0A1B/run"
LOOK = Request("EnsureCluster", "eks:DescribeCluster")
CLAIM = Request("ClaimCluster", "dynamodb:UpdateItem")


def exchange(body: bytes = b"{}", name: str = LOOK.name, caller: str = FUNCTION, path: str = "/clusters") -> Exchange:
    call = Call(name, "123456789012", "ap-northeast-1", path, "")
    return Exchange(
        call,
        caller,
        "rest-json",
        path,
        lambda: Answer(200, {}, body),
        lambda status, code, _message: Answer(status, {"code": code}),
    )


def test_a_request_is_known_by_the_function_or_machine_that_makes_it() -> None:
    assert request_of(exchange()) == LOOK
    invoked = "/2015-03-31/functions/app-EnsureClusterFunction-0A1B/invocations"
    assert str(request_of(exchange(name="lambda:Invoke", caller=MACHINE, path=invoked))) == (
        "Provision lambda:Invoke EnsureCluster"
    )
    assert request_of(exchange(caller="arn:aws:iam::123456789012:root")) is None


@pytest.mark.parametrize(
    ("times", "struck"),
    [("once", [0]), ("five times", [*range(5)]), ("for ever", [*range(7)]), ("the second time", [1])],
)
def test_a_fault_strikes_as_often_as_it_is_to_and_no_other_request(times: str, struck: list[int]) -> None:
    striker = Striker(LOOK, Fault.THROTTLED, TIMES[times])
    assert striker(exchange(caller=MACHINE)).status == 200
    assert [number for number in range(7) if striker(exchange()).status == 400] == struck
    assert striker.struck == len(struck)


def test_an_old_answer_comes_once_more_and_only_where_there_is_one() -> None:
    striker = Striker(LOOK, Fault.STALE_READ, TIMES["once"])
    bodies = [striker(exchange(body)).body for body in (b"none", b"none", b"made", b"made", b"gone")]
    assert bodies == [b"none", b"none", b"none", b"made", b"gone"]
    assert striker.struck == 1


def test_what_is_lost_or_mangled_has_had_its_effect_and_what_is_reset_has_not() -> None:
    performed = []

    def after(fault: Fault) -> Answer:
        def perform() -> Answer:
            performed.append(fault)
            return Answer(200, {}, b'{"cluster": {}}')

        return Striker(LOOK, fault, TIMES["once"])(replace(exchange(), perform=perform))

    assert after(Fault.ANSWER_LOST).headers[FATE] == after(Fault.CONNECTION_RESET).headers[FATE]
    assert after(Fault.MALFORMED_BODY).body.startswith(b'{"clust')
    assert performed == [Fault.ANSWER_LOST, Fault.MALFORMED_BODY]


def test_throttling_is_called_as_each_service_calls_it() -> None:
    named = {service: throttling_code(service) for service in ("ec2", "s3", "cloudformation", "efs", "lambda")}
    assert named == {
        "ec2": "RequestLimitExceeded",
        "s3": "SlowDown",
        "cloudformation": "Throttling",
        "efs": "ThrottlingException",
        "lambda": "TooManyRequestsException",
    }


def test_only_states_have_clocks_triggers_and_ends() -> None:
    state = Request("Provision", "lambda:Invoke EnsureCluster")
    for fault in (*OF_A_STATE, *OF_A_TRIGGER, *OF_A_CLOCK):
        assert applies(fault, state, "once")
        assert not applies(fault, LOOK, "once")
        assert applies(fault, state, "for ever") is (fault in OF_A_CLOCK)


def test_each_conditional_write_may_find_that_its_condition_does_not_hold() -> None:
    """A machine has two, and with the first refused it releases its claim, which is one more."""
    for caller in ("ClaimCluster", "Provision", "Teardown"):
        write = Request(caller, "dynamodb:UpdateItem")
        met = [each for each in TIMES if applies(Fault.CONDITION_FAILED, write, each)]
        assert met == ["once", "the second time", "for ever"]
    assert not applies(Fault.THROTTLED, write, "the second time")


def test_a_condition_that_fails_tells_the_item_where_that_is_asked_for(tmp_path: Path) -> None:
    with AwsServer(tmp_path) as server:
        dynamodb, key = server.client("dynamodb"), {"cluster": {"S": "one"}}
        dynamodb.create_table(
            TableName="claims",
            KeySchema=[{"AttributeName": "cluster", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "cluster", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        item = {**key, "claimed_by": {"S": "somebody's"}}
        dynamodb.put_item(TableName="claims", Item=item)
        undo = server.wire.put_between(failed_condition)
        told = [
            refusal_of(dynamodb, Key=each, **asked).get("Item")
            for each in (key, {"cluster": {"S": "none"}})
            for asked in ({"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}, {})
        ]
        undo()
    assert told == [item, None, None, None]


def failed_condition(exchange: Exchange) -> Answer:
    caller = FUNCTION.replace("EnsureCluster", "ClaimCluster")
    return Striker(CLAIM, Fault.CONDITION_FAILED, TIMES["once"])(replace(exchange, caller=caller))


def refusal_of(dynamodb: Any, **asked: Any) -> dict[str, Any]:
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as refused:
        dynamodb.update_item(TableName="claims", UpdateExpression="REMOVE claimed_by", **asked)
    told: dict[str, Any] = refused.value.response
    return told


def test_what_a_run_is_expected_to_outlive_meets_it_together() -> None:
    requests = [f"EnsureCluster eks:Describe{number}" for number in range(TOGETHER + 1)]
    passing = [Combination("Provision", each, "access denied", "once") for each in requests]
    twice = Combination("Provision", requests[0], "throttled", "once")
    lasting = [Combination("Provision", each, "throttled", "for ever") for each in requests[: IN_TURN + 1]]
    ending = [Combination("Provision", each, "condition failed", "for ever") for each in requests[:2]]
    old = Combination("Provision", "EnsureCluster eks:List", "stale read", "for ever")
    assert list(batches([*passing, *lasting, *ending, twice, old])) == [
        passing[:TOGETHER],
        lasting[:IN_TURN],
        *([each] for each in ending),
        [*passing[TOGETHER:], twice, old],
        lasting[IN_TURN:],
    ]


def test_only_what_reads_can_be_answered_with_what_is_old() -> None:
    assert applies(Fault.STALE_READ, LOOK, "once")
    assert not applies(Fault.STALE_READ, Request("EnsureCluster", "eks:CreateCluster"), "once")
    assert not applies(Fault.STALE_READ, Request("Provision", "lambda:Invoke EnsureCluster"), "once")
