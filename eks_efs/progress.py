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
MARKS = {
    "to come": Text("·", "dim"),
    "done": Text("✓", "green"),
    "failed": Text("✗", "bold red"),
    "stopped": Text("–", "dim"),
    "waiting": Text("◷", "yellow"),
}
STYLES = {"to come": "dim", "done": "", "failed": "bold red", "stopped": "dim", "waiting": "yellow", "running": "bold"}
BARS = ("┃ ", "┊ ", "╎ ")
"""One sort of line per branch of a Parallel."""
LONGEST_NOTE = 160
"""Characters; the whole of a cause is shown when the run has ended."""


@dataclass
class Step:
    """A Task, Parallel or Map state, with the Choice and Wait of its loop folded in."""

    name: str
    depth: int
    branch: int | None
    holds: frozenset[str] = frozenset()
    """The states of a Parallel's branches."""
    wait: str | None = None
    """The state that waits before this one looks again."""
    over: frozenset[str] = frozenset()
    """States whose entry means that this step has ended well."""
    entered: datetime | None = None
    ended: datetime | None = None
    looks: int = 0
    waiting: bool = False
    reason: str = ""
    """What it waits for, or the error of its last attempt."""
    retry_after_seconds: float = 0
    failed: bool = False
    note: str = ""
    """What there is to say about an end that is not a good one."""

    @property
    def state(self) -> str:
        if self.failed:
            return "failed"
        if self.note:
            return "stopped"
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
        match self.state:
            case "waiting":
                when = f"in {self.retry_after_seconds:g} s" if self.retry_after_seconds else "at once"
                return f"{self.reason}; next look {when}"
            case "running" if self.reason:
                return f"{self.reason}; look {self.looks}" if self.looks > 1 else self.reason
            case "done" if self.looks > 1:
                return f"after {self.looks} looks"
        return self.note


def _edges(state: Mapping[str, Any]) -> list[str]:
    holders = [state, *state.get("Choices", [])]
    return [h["Next"] for h in holders if "Next" in h] + ([state["Default"]] if "Default" in state else [])


def _good_path(definition: Mapping[str, Any]) -> set[str]:
    """States reachable without a Catch and not only by running out of patience.

    A Catch may also lead on to what comes next in any case; a good state leads there too.
    """
    states = definition["States"].values()
    failing = {catch["Next"] for state in states for catch in state.get("Catch", [])}
    failing -= {state["Next"] for state in states if "Next" in state}
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
        if name not in good or state["Type"] not in ("Task", "Parallel", "Map"):
            continue
        after = states[state["Next"]] if "Next" in state else {}
        ways = set(_edges(after)) if after.get("Type") == "Choice" else set()
        wait = next((way for way in ways if states[way]["Type"] == "Wait"), None)
        over = (ways - {wait}) & good if wait else {state["Next"]} if "Next" in state else set()
        branches = [list(steps_of(inner, depth + 1, index)) for index, inner in enumerate(state.get("Branches", []))]
        inside = [step for branch_steps in branches for step in branch_steps]
        yield Step(name, depth, branch, frozenset(step.name for step in inside), wait, frozenset(over))
        yield from inside


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
        elif step and kind in ("TaskFailed", "TaskTimedOut", "LambdaFunctionFailed"):
            step.reason = _first_line(_details(event))
        elif kind == "ExecutionSucceeded":
            for unfinished in self._unfinished():
                unfinished.ended = when
            self.steps = [step for step in self.steps if step.entered]  # there was no need for the others
        elif kind in ("ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"):
            self._fail(event)

    def _unfinished(self) -> list[Step]:
        return [step for step in self.steps if step.entered and not step.ended]

    def _enter(self, name: str, when: datetime) -> None:
        for left in self._unfinished():
            if name in left.over:
                self._end(left, when)
        if waiting := self._by_wait.get(name):
            waiting.waiting = True
        if step := self._by_name.get(name):
            step.entered = step.entered or when
            step.looks += 1
            step.waiting = False

    def _end(self, step: Step, when: datetime) -> None:
        """With what it holds: a branch may end in the step itself."""
        for each in (step, *(self._by_name[name] for name in step.holds)):
            if each.entered and not each.ended:
                each.ended, each.waiting = when, False

    @staticmethod
    def _observe(step: Step, output: str) -> None:
        payload = json.loads(output).get("Payload") or {}
        step.reason = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", payload.get("reason") or "").lower()
        step.retry_after_seconds = payload.get("retry_after_seconds", 0)

    def _fail(self, event: Event) -> None:
        """The cause of a failed execution begins with the name of the state that failed."""
        details = _details(event)
        named, _, cause = details.get("cause", "").partition(": ")
        for step in self._unfinished():
            step.ended, step.waiting = event["timestamp"], False
            if event["type"] == "ExecutionFailed" and step.name == named:
                step.failed, step.note = True, _first_line({**details, "cause": cause})
            elif event["type"] == "ExecutionFailed" and named in step.holds:
                step.failed = True
            else:
                step.note = {"ExecutionAborted": "aborted", "ExecutionTimedOut": "timed out"}.get(
                    event["type"], "stopped"
                )

    def draw(self, now: datetime) -> Table:
        """The narrow columns come first, so that nothing moves when the text of the last one changes."""
        table = Table.grid(padding=(0, 2))
        table.add_column(width=1)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", min_width=8, no_wrap=True)
        table.add_column(overflow="fold")
        for step in self.steps:
            seconds = step.elapsed_seconds(now)
            mark = MARKS.get(step.state) or Spinner("dots", style="cyan")
            bar = "" if step.branch is None else BARS[step.branch % len(BARS)]
            name = Text("  " * max(0, step.depth - 1) + bar + step.name, STYLES[step.state])
            elapsed = Text("" if seconds is None else f"{seconds:.1f} s", "dim")
            table.add_row(mark, name, elapsed, Text(step.what, "red" if step.failed else "dim"))
        return table


def _details(event: Event) -> dict[str, str]:
    return next((value for key, value in event.items() if key.endswith("EventDetails")), {})


def _first_line(details: Mapping[str, str]) -> str:
    """Error and cause on one line: a function's cause is JSON, its message may have many."""
    cause = details.get("cause", "")
    if cause.startswith("{"):
        cause = json.loads(cause).get("errorMessage", "")
    line = f"{details.get('error', '')}: {cause.strip()}".split("\n", 1)[0].strip(": ")
    return line if len(line) <= LONGEST_NOTE else f"{line[: LONGEST_NOTE - 1].rstrip()}…"
