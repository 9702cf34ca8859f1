"""Nothing passes for a good end that differs from that of a run without fault."""

from dataclasses import replace

import pytest

from campaign.judge import Outcome, Seen, judged, judged_twice
from campaign.machines import Ended
from campaign.requests import Request
from campaign.state import State

REQUEST = Request("EnsureCluster", "eks:CreateCluster")
READY = Ended("arn", "SUCCEEDED", "", "", {}, ("Storage Cluster Ready",))
GOOD = Seen(READY, {"file systems": ["fs"], "record": {"status": "Ready"}, "proofs": []})
FAILED = Ended(
    "arn", "FAILED", "TerminalError", "Ensure cluster: AccessDenied: CreateCluster", {}, ("Storage Cluster Failed",)
)
FREE = {"file systems": [], "record": {"status": "Failed"}, "proofs": []}


def test_the_same_end_is_as_without_fault() -> None:
    assert judged(GOOD, GOOD, None, REQUEST) == (Outcome.AS_WITHOUT, "")


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (Seen(READY, {**GOOD.state, "file systems": ["fs", "fs"]}), "file systems"),
        (Seen(READY, {**GOOD.state, "record": {"status": "Ready", "claimed_by": "arn"}}), "record"),
        (Seen(READY, {**GOOD.state, "proofs": ["pod"]}), "proofs"),
        (Seen(replace(READY, events=()), GOOD.state), "events"),
        (Seen(replace(READY, events=READY.events * 2), GOOD.state), "events"),
    ],
)
def test_a_success_that_left_anything_else_is_unexpected(seen: Seen, why: str) -> None:
    outcome, told = judged(GOOD, seen, None, REQUEST)
    assert outcome is Outcome.UNEXPECTED
    assert told.startswith(why)


def test_a_failure_that_says_why_and_after_which_the_next_run_is_good_has_converged() -> None:
    assert judged(GOOD, Seen(FAILED, FREE), GOOD, REQUEST)[0] is Outcome.CONVERGED


@pytest.mark.parametrize(
    ("met", "again", "why"),
    [
        (Seen(FAILED, FREE), Seen(READY, {**GOOD.state, "file systems": ["fs", "fs"]}), "file systems"),
        (Seen(FAILED, FREE), Seen(FAILED, FREE), "ended FAILED"),
        (Seen(FAILED, {**FREE, "record": {"claimed_by": "arn"}}), GOOD, "it still holds the claim"),
        (Seen(FAILED, {**FREE, "proofs": ["pod"]}), GOOD, "it left"),
        (Seen(replace(FAILED, events=()), FREE), GOOD, "its events"),
        (Seen(replace(FAILED, cause="Ensure cluster: Unexpected: KeyError"), FREE), GOOD, "its cause says nothing"),
        (Seen(replace(FAILED, cause="Ensure cluster: Task timed out"), FREE), GOOD, "its cause says nothing"),
        (Seen(replace(FAILED, status="TIMED_OUT"), FREE), GOOD, "it ended TIMED_OUT"),
    ],
)
def test_any_other_failure_is_unexpected(met: Seen, again: Seen, why: str) -> None:
    outcome, told = judged(GOOD, met, again, REQUEST)
    assert outcome is Outcome.UNEXPECTED
    assert told.startswith(why)


def test_s3s_requests_are_named_by_their_operation() -> None:
    refused = replace(FAILED, cause="List clusters: Throttled: PutObject: SlowDown")
    assert judged(GOOD, Seen(refused, FREE), GOOD, Request("ListClusters", "s3:PUT object"))[0] is Outcome.CONVERGED
    assert judged(GOOD, Seen(refused, FREE), GOOD, Request("ListClusters", "s3:GET object"))[0] is Outcome.UNEXPECTED


def test_a_role_that_cannot_be_assumed_is_named_by_its_arn() -> None:
    refused = replace(FAILED, cause="Remove network: RoleNotAssumable: arn:aws:iam::1:role/r; deploy it")
    assume, other = Request("RemoveNetwork", "sts:AssumeRole"), Request("RemoveNetwork", "ec2:DescribeNatGateways")
    assert judged(GOOD, Seen(refused, FREE), GOOD, assume)[0] is Outcome.CONVERGED
    assert judged(GOOD, Seen(refused, FREE), GOOD, other)[0] is Outcome.UNEXPECTED


def test_no_event_is_asked_for_where_the_event_itself_was_refused() -> None:
    silent = replace(FAILED, cause="Publish completion: EventBridge.AccessDenied", events=())
    assert judged(GOOD, Seen(silent, FREE), GOOD, Request("Provision", "events:PutEvents"))[0] is Outcome.CONVERGED
    assert judged(GOOD, Seen(silent, FREE), GOOD, Request("Provision", "dynamodb:UpdateItem"))[0] is Outcome.UNEXPECTED


ASIDE = Ended("other", "SUCCEEDED", "", "", {"status": "AlreadyInProgress"}, ())
BUSY = replace(FAILED, cause="Claim cluster: Busy: arn works on the cluster; nothing was removed")


@pytest.mark.parametrize("other", [ASIDE, READY, BUSY])
def test_of_two_executions_one_works_and_the_other_does_the_same_or_steps_aside(other: Ended) -> None:
    for first, second in ((READY, other), (other, READY)):
        told = judged_twice(GOOD, Seen(first, GOOD.state), second, None, REQUEST)
        assert told == (Outcome.AS_WITHOUT, "")


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        (READY, replace(ASIDE, events=("Storage Cluster Removed",)), GOOD.state),
        (READY, FAILED, GOOD.state),
        (READY, replace(BUSY, events=()), GOOD.state),
        (READY, replace(ASIDE, status="TIMED_OUT"), GOOD.state),
        (ASIDE, ASIDE, GOOD.state),
        (READY, ASIDE, {**GOOD.state, "file systems": ["fs", "fs"]}),
    ],
)
def test_two_that_are_in_each_others_way_are_unexpected(first: Ended, second: Ended, state: State) -> None:
    assert judged_twice(GOOD, Seen(first, state), second, None, REQUEST)[0] is Outcome.UNEXPECTED


CHECKED = Ended("arn", "SUCCEEDED", "", "", {"counts": {"verified": 1}}, ("Storage Fleet Checked",))
FLEET = Seen(CHECKED, GOOD.state)
START = Request("Fleet", "stepfunctions:StartExecution")


def _unchecked(cause: str) -> Seen:
    output = {"counts": {"unreachable": 1}, "attention": [{"cluster_name": "one", "cause": cause}]}
    return Seen(replace(CHECKED, output=output), GOOD.state)


def test_a_fleets_run_may_outlive_a_check_that_could_not_be_made_if_it_says_why() -> None:
    throttled = _unchecked("Rate exceeded (Service: AWSStepFunctions; Status Code: 400)")
    assert judged(FLEET, throttled, FLEET, START)[0] is Outcome.CONVERGED
    assert judged(FLEET, throttled, throttled, START)[0] is Outcome.UNEXPECTED
    assert judged(FLEET, _unchecked("no cause was given"), FLEET, START)[0] is Outcome.UNEXPECTED
    silent = Seen(replace(throttled.ended, events=()), GOOD.state)
    assert judged(FLEET, silent, FLEET, START)[0] is Outcome.UNEXPECTED


def test_an_event_comes_again_only_where_its_answer_was_lost() -> None:
    twice = Seen(replace(READY, events=READY.events * 2), GOOD.state)
    publish = Request("Provision", "events:PutEvents")
    assert judged(GOOD, twice, None, publish, may_repeat=True)[0] is Outcome.AS_WITHOUT
    assert judged(GOOD, twice, None, publish)[0] is Outcome.UNEXPECTED
    none = Seen(replace(READY, events=()), GOOD.state)
    assert judged(GOOD, none, None, publish, may_repeat=True)[0] is Outcome.UNEXPECTED


def test_what_was_out_before_somebody_stopped_the_execution_need_not_come_again() -> None:
    stopped = Seen(replace(READY, status="ABORTED"), GOOD.state)
    nothing_to_do = Seen(replace(READY, events=()), GOOD.state)
    write_pages = Request("Teardown", "lambda:Invoke WritePages")
    assert judged(GOOD, stopped, nothing_to_do, write_pages, is_stopped=True)[0] is Outcome.CONVERGED
    before = Seen(replace(stopped.ended, events=()), GOOD.state)
    assert judged(GOOD, before, nothing_to_do, write_pages, is_stopped=True)[0] is Outcome.UNEXPECTED


def test_who_cannot_hear_whether_it_has_the_claim_may_leave_it() -> None:
    unheard = replace(FAILED, cause="Claim cluster: ServiceUnavailable: ConnectionClosedError at 127.0.0.1")
    held = Seen(unheard, {**FREE, "record": {"claimed_by": "arn"}})
    assert judged(GOOD, held, GOOD, Request("ClaimCluster", "dynamodb:UpdateItem"))[0] is Outcome.CONVERGED
    assert judged(GOOD, held, GOOD, Request("EnsureCluster", "dynamodb:UpdateItem"))[0] is Outcome.UNEXPECTED


def test_a_removal_that_is_told_and_not_recorded_is_told_twice() -> None:
    gone = Seen(replace(READY, events=("Storage Cluster Removed",)), GOOD.state)
    both = ("Storage Cluster Failed", "Storage Cluster Removed")
    unrecorded = replace(FAILED, cause="Record removal: The conditional request failed", events=both)
    write = Request("Teardown", "dynamodb:UpdateItem")
    assert judged(gone, Seen(unrecorded, FREE), gone, write)[0] is Outcome.CONVERGED
    elsewhere = replace(unrecorded, cause="Remove network: AccessDenied: DeleteVpc")
    assert judged(gone, Seen(elsewhere, FREE), gone, write)[0] is Outcome.UNEXPECTED
