"""What came of a run that a fault has met, compared with one that none has met."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from campaign.machines import Ended
from campaign.requests import Request
from campaign.state import State, differences


class Outcome(StrEnum):
    AS_WITHOUT = "as without fault"
    CONVERGED = "failed and converged"
    NOT_MET = "not met"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True)
class Seen:
    """An execution's end, and the state that it left."""

    ended: Ended
    state: State


_NOTHING_SAID: Final = re.compile(r"\bUnexpected: \w+")
_WHERE: Final = re.compile(
    r"\bat [\w.-]+|HTTP \d{3}|the cluster's API|ServiceUnavailable|SdkClientException|Bad Gateway"
)
_AFTER_THE_EVENT: Final = "Record removal: "
"""What fails there is told beside the event that says that all is gone."""


def is_as_well(good: Ended, other: Ended) -> bool:
    """A fleet's run outlives the check of a cluster that fails, and tells of it."""
    return other.status == good.status and other.output.get("counts") == good.output.get("counts")


def judged(
    good: Seen, met: Seen, again: Seen | None, request: Request, *, is_stopped: bool = False, may_repeat: bool = False
) -> tuple[Outcome, str]:
    """`again` is the next run, once the fault is gone, if the one that has met it did not end as well as the good one.

    `request` is what the fault befell. An execution that was stopped says nothing and frees nothing. `may_repeat`: the
    answer to an event was lost, and EventBridge has no key by which it would know the same one again.
    """
    if may_repeat:
        once = tuple(sorted(set(met.ended.events)))
        met = replace(met, ended=replace(met.ended, events=once))
    if again is None and is_as_well(good.ended, met.ended):
        problems = _unlike(good, met)
        return (Outcome.UNEXPECTED, "; ".join(problems)) if problems else (Outcome.AS_WITHOUT, "")
    is_ours = is_stopped and met.ended.status == "ABORTED"
    badly = [] if is_ours else _badly_failed(good, met, request)
    if again and is_ours:  # what was out before it was stopped need not come again
        events = tuple(sorted({*met.ended.events, *again.ended.events}))
        again = replace(again, ended=replace(again.ended, events=events))
    problems = [*badly, *(_unlike(good, again) if again else ["it was not run again"])]
    if problems:
        return Outcome.UNEXPECTED, "; ".join([*problems, f"{met.ended.status}: {_told(met.ended)[:300]}"])
    return Outcome.CONVERGED, _told(met.ended)[:200]


def judged_twice(good: Seen, met: Seen, second: Ended, again: Seen | None, request: Request) -> tuple[Outcome, str]:
    """Of two executions that one trigger has started: one is as without fault, the other as well, or it steps aside.

    It steps aside if it says so and does nothing, or if it fails and says on whom. `met.state` is what both have left;
    `again` is the next run, if neither succeeded.
    """
    ends = [met.ended, second]
    done = [each for each in ends if not _unlike(good, Seen(each, met.state))]
    if not done:
        return judged(good, met, again, request)
    for other in ends:
        if other not in done and (problems := _in_the_way(good, other)):
            return Outcome.UNEXPECTED, "; ".join(["the other execution", *problems])
    return Outcome.AS_WITHOUT, ""


def _in_the_way(good: Seen, other: Ended) -> Sequence[str]:
    if other.status == "SUCCEEDED":
        # The fleet's second check of a cluster leaves it to the first.
        return [] if not other.events or "counts" in good.ended.output else [f"events {other.events}"]
    says_why = other.status == "FAILED" and other.cause.startswith("Claim cluster: Busy: ")
    return [] if says_why and other.events == ("Storage Cluster Failed",) else [f"{other.status}: {other.cause[:300]}"]


def _unlike(good: Seen, other: Seen) -> Sequence[str]:
    if other.ended.status != good.ended.status:
        return [f"ended {other.ended.status}: {other.ended.cause[:300]}"]
    events = [] if other.ended.events == good.ended.events else [f"events {other.ended.events}"]
    checked = [] if is_as_well(good.ended, other.ended) else [f"counts {other.ended.output.get('counts')}"]
    return [*events, *checked, *differences(good.state, other.state)]


def _badly_failed(good: Seen, met: Seen, request: Request) -> Sequence[str]:
    """The event and the claim are asked for unless it was they that the fault took away."""
    problems = []
    is_of_a_check = met.ended.status == good.ended.status
    if met.ended.status != "FAILED" and not is_of_a_check:
        problems.append(f"it ended {met.ended.status}")
    if _NOTHING_SAID.search(_told(met.ended)) or not _names(_told(met.ended), request):
        problems.append("its cause says nothing of the fault")
    # The fleet's own failure has an alarm and no event.
    of_a_failure = () if "Storage Fleet Checked" in good.ended.events else ("Storage Cluster Failed",)
    announced = good.ended.events if is_of_a_check else of_a_failure
    if met.ended.cause.startswith(_AFTER_THE_EVENT):
        announced = tuple(sorted({*announced, *good.ended.events}))
    if request.name != "events:PutEvents" and met.ended.events != announced:
        problems.append(f"its events are {met.ended.events}")
    # The next run takes over a claim whose execution no longer runs.
    is_the_claim = request.caller.startswith("Claim") or (
        request.is_the_machines and ("dynamodb:" in request.name or "Claim" in request.name)
    )
    if met.state["record"].get("claimed_by") and not is_the_claim:
        problems.append("it still holds the claim")
    if met.state.get("proofs"):
        problems.append(f"it left {met.state['proofs']}")
    return problems


def _told(ended: Ended) -> str:
    """The cause of the failure, or of a check's that the fleet's run has outlived."""
    return ended.cause or "; ".join(str(each["cause"]) for each in ended.output.get("attention", ()))


def _names(cause: str, request: Request) -> bool:
    """The operation, or where the request went; of what Step Functions asks, the state."""
    if request.is_the_machines:
        # Of a check that a fleet's run has outlived, the service that Step Functions asked.
        return re.match(r"[A-Z][a-z ]*[\w ]*: \S", cause) is not None or "(Service: " in cause
    service, _, operation = request.name.partition(":")
    # S3's requests are known by their verb: PUT object is PutObject.
    named = operation.title().replace(" ", "") if service == "s3" else operation
    if service == "dynamodb" and re.match(r"Claim [a-z ]+: Conflict: ", cause):
        return True
    if service == "sts" and "RoleNotAssumable: arn:" in cause:
        return True
    return named in cause or _WHERE.search(cause) is not None
