"""An execution's history as visits to states: who ran when, in which branch, after whom.

Source: Step Functions API, GetExecutionHistory: events carry previousEventId; a branch's first event follows
ParallelStateStarted, and ParallelStateSucceeded or Failed follows an event of a branch.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]

# (index of the Parallel's visit, number of the branch), outermost first.
Lane = tuple[tuple[int, int], ...]


@dataclass
class Visit:
    """One stay in one state. `exited` is None where the state never ended by itself: stopped, or still running."""

    name: str
    kind: str
    lane: Lane
    entered: datetime
    exited: datetime | None = None
    attempts: int = 0
    error: str | None = None
    payload: Mapping[str, Any] | None = None
    branches: int = 0


@dataclass
class History:
    visits: list[Visit]
    started: datetime
    ended: datetime
    """The last thing that was recorded."""

    def payload_of(self, state: str) -> Mapping[str, Any]:
        """What the state's function answered last; empty when it never did."""
        return next((v.payload for v in reversed(self.visits) if v.name == state and v.payload), {})

    def end_of(self, visit: Visit) -> datetime:
        """A state of a branch that another branch's failure stopped has ended with its Parallel."""
        if visit.exited:
            return visit.exited
        outer = [self.visits[parallel].exited for parallel, _ in reversed(visit.lane)]
        return next((end for end in outer if end), self.ended)


@dataclass
class _Walk:
    visits: list[Visit] = field(default_factory=list)
    of_event: dict[int, int] = field(default_factory=dict)
    """Event id -> index of the visit that it belongs to."""
    types: dict[int, str] = field(default_factory=dict)

    def feed(self, event: Event) -> None:
        kind, previous = event["type"], event.get("previousEventId", 0)
        self.types[event["id"]] = kind
        visit: int | None
        if kind.endswith("StateEntered"):
            visit = self._enter(event, kind.removesuffix("StateEntered"), previous)
        elif kind.endswith("StateExited"):
            visit = self._open(event["stateExitedEventDetails"]["name"])
            if visit is not None:
                self.visits[visit].exited = event["timestamp"]
        else:
            visit = self.of_event.get(previous)
            if visit is not None:
                visit = self._happens(event, kind, visit)
        if visit is not None:
            self.of_event[event["id"]] = visit

    def _enter(self, event: Event, kind: str, previous: int) -> int:
        before = self.of_event.get(previous)
        lane: Lane = ()
        if before is not None:
            lane = self.visits[before].lane
            if self.types[previous] == "ParallelStateStarted":
                lane = (*lane, (before, self.visits[before].branches))
                self.visits[before].branches += 1
        self.visits.append(Visit(event["stateEnteredEventDetails"]["name"], kind, lane, event["timestamp"]))
        return len(self.visits) - 1

    def _open(self, name: str) -> int | None:
        found = (i for i, v in reversed(list(enumerate(self.visits))) if v.name == name and v.exited is None)
        return next(found, None)

    def _happens(self, event: Event, kind: str, index: int) -> int:
        visit = self.visits[index]
        if kind in ("ParallelStateSucceeded", "ParallelStateFailed") and visit.kind != "Parallel":
            index = visit.lane[-1][0] if visit.lane else index
            if kind == "ParallelStateFailed":
                self.visits[index].error = "a branch failed"
            return index
        if kind.endswith("StateAborted"):
            visit.exited = event["timestamp"]
        elif kind in ("TaskScheduled", "LambdaFunctionScheduled"):
            visit.attempts += 1
        elif kind in ("TaskSucceeded", "LambdaFunctionSucceeded"):
            visit.error, visit.payload = None, _payload(_details(event).get("output"))
        elif kind.startswith(("Task", "LambdaFunction")) and kind.endswith(("Failed", "TimedOut")):
            visit.error = str(_details(event).get("error") or kind)
        return index


def read(events: Iterable[Event]) -> History:
    """The history as far as it goes; events in any order."""
    ordered = sorted(events, key=lambda event: event["id"])
    walk = _Walk()
    for event in ordered:
        walk.feed(event)
    return History(walk.visits, ordered[0]["timestamp"], ordered[-1]["timestamp"])


def _details(event: Event) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    return found


def _payload(output: str | None) -> Mapping[str, Any] | None:
    """What a Lambda answered; other services' answers are of no interest here."""
    try:
        answer = json.loads(output or "null")
    except ValueError:  # cut off by Step Functions
        return None
    payload = answer.get("Payload") if isinstance(answer, Mapping) else None
    return payload if isinstance(payload, Mapping) else None
