"""A run of a state machine as people watch it: a line per state, both branches at once, waits by what they wait for.

Reads nothing but what Step Functions tells everybody: the definition and the execution's history.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

Event = Mapping[str, Any]


@dataclass
class Step:
    """A Task or Parallel state, with the Choice and Wait of its loop folded in."""

    name: str
    depth: int
    branch: int | None
    wait: str | None = None
    """The state that waits before this one looks again."""
    over: frozenset[str] = frozenset()
    """States whose entry means that this step has ended well."""
    entered: datetime | None = None
    ended: datetime | None = None
    looks: int = 0
    waiting: bool = False
    reason: str = ""
    retry_after_seconds: float = 0
    error: str = ""

    @property
    def state(self) -> str:
        if self.error:
            return "failed"
        if self.ended:
            return "done"
        if self.entered is None:
            return "to come"
        return "waiting" if self.waiting else "running"

    def elapsed_seconds(self, now: datetime) -> float | None:
        return ((self.ended or now) - self.entered).total_seconds() if self.entered else None

    @property
    def what(self) -> str:
        """What a person wants to know about it now."""
        if self.error:
            return self.error
        if self.waiting:
            spoken = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.reason).lower()
            return f"{spoken}; look {self.looks + 1} in {self.retry_after_seconds:g} s"
        return f"after {self.looks} looks" if self.ended and self.looks > 1 else ""


def _edges(state: Mapping[str, Any]) -> list[str]:
    holders = [state, *state.get("Choices", [])]
    return [h["Next"] for h in holders if "Next" in h] + ([state["Default"]] if "Default" in state else [])


def _good_path(definition: Mapping[str, Any]) -> set[str]:
    """States reachable without a Catch and not only by running out of patience."""
    failing = {
        catch["Next"]
        for state in definition["States"].values()
        for catch in state.get("Catch", [])
        if state["Type"] in ("Task", "Parallel")
    }
    seen: set[str] = set()
    todo = [definition["StartAt"]]
    while todo:
        name = todo.pop()
        if name not in seen and name not in failing:
            seen.add(name)
            todo += _edges(definition["States"][name])
    return seen


def steps_of(definition: Mapping[str, Any], depth: int = 0, branch: int | None = None) -> Iterator[Step]:
    """The steps of the way that a good run takes, in the order of the definition."""
    states = definition["States"]
    good = _good_path(definition)
    for name, state in states.items():
        if name not in good or state["Type"] not in ("Task", "Parallel"):
            continue
        after = states[state["Next"]] if "Next" in state else {}
        ways = set(_edges(after)) if after.get("Type") == "Choice" else set()
        wait = next((way for way in ways if states[way]["Type"] == "Wait"), None)
        over = (ways - {wait}) & good if wait else {state["Next"]} if "Next" in state else set()
        yield Step(name, depth, branch, wait, frozenset(over))
        for index, inner in enumerate(state.get("Branches", [])):
            yield from steps_of(inner, depth + 1, index)


@dataclass
class Progress:
    """Feed it every event of the history once, in order; draw it whenever."""

    definition: Mapping[str, Any]
    steps: list[Step] = field(init=False)
    _names: dict[int, str] = field(default_factory=dict)
    """Event id -> the state it belongs to."""

    def __post_init__(self) -> None:
        self.steps = list(steps_of(self.definition))
        self._by_name = {step.name: step for step in self.steps}
        self._by_wait = {step.wait: step for step in self.steps if step.wait}

    def feed(self, events: Sequence[Event]) -> None:
        for event in events:
            self._feed(event)

    def _feed(self, event: Event) -> None:
        kind, when = event["type"], event["timestamp"]
        if kind.endswith("StateEntered"):
            name = event["stateEnteredEventDetails"]["name"]
            self._names[event["id"]] = name
            self._enter(name, when)
            return
        name = self._names.get(event.get("previousEventId", 0), "")
        self._names[event["id"]] = name
        step = self._by_name.get(name)
        if step and kind == "TaskSucceeded":
            self._observe(step, event["taskSucceededEventDetails"].get("output", "{}"))
        elif step and kind in ("TaskFailed", "LambdaFunctionFailed", "TaskTimedOut"):
            details = next(v for k, v in event.items() if k.endswith("EventDetails"))
            step.reason = details.get("error", kind)
        elif kind == "ExecutionSucceeded":
            for unfinished in self.steps:
                unfinished.ended = unfinished.ended or (when if unfinished.entered else None)
        elif kind in ("ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"):
            self._fail(event)

    def _enter(self, name: str, when: datetime) -> None:
        for step in self.steps:
            if name in step.over and step.entered and not step.ended:
                step.ended, step.waiting = when, False
        if waiting := self._by_wait.get(name):
            waiting.waiting = True
        if step := self._by_name.get(name):
            step.entered = step.entered or when
            step.looks += 1
            step.waiting = False

    @staticmethod
    def _observe(step: Step, output: str) -> None:
        payload = json.loads(output).get("Payload") or {}
        step.reason = payload.get("reason", "")
        step.retry_after_seconds = payload.get("retry_after_seconds", 0)

    def _fail(self, event: Event) -> None:
        details: Mapping[str, str] = next((v for k, v in event.items() if k.endswith("EventDetails")), {})
        named = details.get("cause", "").split(":", 1)[0]
        for step in self.steps:
            if step.entered and not step.ended:
                step.ended, step.waiting = event["timestamp"], False
                step.error = details.get("error", event["type"]) if named in (step.name, "") else "stopped"

    def draw(self, now: datetime) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(width=1)
        table.add_column(min_width=28)
        table.add_column(ratio=1, overflow="fold")
        table.add_column(justify="right", min_width=8)
        marks = {
            "to come": Text("·", "dim"),
            "done": Text("✓", "green"),
            "failed": Text("✗", "bold red"),
            "waiting": Text("◷", "yellow"),
        }
        styles = {"to come": "dim", "done": "", "failed": "bold red", "waiting": "yellow", "running": "bold"}
        for step in self.steps:
            seconds = step.elapsed_seconds(now)
            elapsed = "" if seconds is None else f"{seconds:.1f} s"
            mark = marks.get(step.state) or Spinner("dots", style="cyan")
            bar = "" if step.branch is None else ("┃ ", "┊ ")[step.branch % 2]
            name = Text("  " * max(0, step.depth - 1) + bar + step.name, styles[step.state])
            table.add_row(mark, name, Text(step.what, "dim" if step.state != "failed" else "red"), Text(elapsed, "dim"))
        return table
