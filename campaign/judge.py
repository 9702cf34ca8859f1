"""What came of a run that a fault has met, compared with one that none has met."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
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
_WHERE: Final = re.compile(r"\bat [\w.-]+|HTTP \d{3}|the cluster's API|ServiceUnavailable|SdkClientException")


def judged(
    good: Seen, met: Seen, again: Seen | None, request: Request, *, is_stopped: bool = False
) -> tuple[Outcome, str]:
    """`again` is the next run, once the fault is gone, if the one that has met it did not succeed.

    `request` is what the fault befell. An execution that was stopped says nothing and frees nothing.
    """
    if met.ended.status == "SUCCEEDED":
        problems = _unlike(good, met)
        return (Outcome.UNEXPECTED, "; ".join(problems)) if problems else (Outcome.AS_WITHOUT, "")
    badly = [] if is_stopped and met.ended.status == "ABORTED" else _badly_failed(good, met, request)
    problems = [*badly, *(_unlike(good, again) if again else ["it was not run again"])]
    if problems:
        return Outcome.UNEXPECTED, "; ".join([*problems, f"{met.ended.status}: {met.ended.cause[:300]}"])
    return Outcome.CONVERGED, met.ended.cause[:200]


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
    counts = other.ended.output.get("counts")
    checked = [] if counts == good.ended.output.get("counts") else [f"counts {counts}"]
    return [*events, *checked, *differences(good.state, other.state)]


def _badly_failed(good: Seen, met: Seen, request: Request) -> Sequence[str]:
    """The event and the claim are asked for unless it was they that the fault took away."""
    problems = []
    if met.ended.status != "FAILED":
        problems.append(f"it ended {met.ended.status}")
    if _NOTHING_SAID.search(met.ended.cause) or not _names(met.ended.cause, request):
        problems.append("its cause says nothing of the fault")
    # The fleet's own failure has an alarm and no event.
    announced = () if "Storage Fleet Checked" in good.ended.events else ("Storage Cluster Failed",)
    if request.name != "events:PutEvents" and met.ended.events != announced:
        problems.append(f"its events are {met.ended.events}")
    # The next run takes over a claim whose execution no longer runs.
    is_the_claim = request.is_the_machines and ("dynamodb:" in request.name or "Claim" in request.name)
    if met.state["record"].get("claimed_by") and not is_the_claim:
        problems.append("it still holds the claim")
    if met.state.get("proofs"):
        problems.append(f"it left {met.state['proofs']}")
    return problems


def _names(cause: str, request: Request) -> bool:
    """The operation, or where the request went; of what Step Functions asks, the state."""
    if request.is_the_machines:
        return bool(re.match(r"[A-Z][a-z ]*[\w ]*: \S", cause))
    service, _, operation = request.name.partition(":")
    # S3's requests are known by their verb: PUT object is PutObject.
    named = operation.title().replace(" ", "") if service == "s3" else operation
    if service == "sts" and "RoleNotAssumable: arn:" in cause:
        return True
    return named in cause or _WHERE.search(cause) is not None
