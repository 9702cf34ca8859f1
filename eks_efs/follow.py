"""Shows an execution until it ends: live on a terminal, one line per change elsewhere."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from eks_efs.durations import Usual, usual
from eks_efs.progress import Event, Progress

_SHORTEST_SECONDS: Final = 0.15
# Step Functions answers GetExecutionHistory 5 to 20 times a second for the whole account: others ask it too.
_LONGEST_SECONDS: Final = 2.0


def ended(stepfunctions: Any, execution_arn: str) -> dict[str, Any]:
    """DescribeExecution's answer once the execution has ended, with nothing shown."""
    pause = _SHORTEST_SECONDS
    while True:
        described: dict[str, Any] = stepfunctions.describe_execution(executionArn=execution_arn)
        if described["status"] != "RUNNING":
            return described
        time.sleep(pause)
        pause = _longer(pause)


def follow(stepfunctions: Any, execution_arn: str, console: Console) -> dict[str, Any]:
    """DescribeExecution's answer once the execution has ended; what it still takes is told of one that runs."""
    described = stepfunctions.describe_execution(executionArn=execution_arn)
    machine_arn = described["stateMachineArn"]
    definition = json.loads(stepfunctions.describe_state_machine(stateMachineArn=machine_arn)["definition"])
    is_running = described["status"] == "RUNNING"
    earlier = usual(stepfunctions, machine_arn, definition, json.loads(described["input"])) if is_running else None
    progress = Progress(definition)
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8) as live:
            for events in _new_events(stepfunctions, execution_arn):
                progress.feed(events)
                now = datetime.now(UTC)
                live.update(Group(progress.draw(now), *_to_go(earlier, progress, now)))
            live.update(progress.draw(datetime.now(UTC)))
    else:
        for line in _to_go(earlier, progress, described["startDate"]):
            console.print(line, soft_wrap=True)
        _print_changes(stepfunctions, execution_arn, progress, console)
    return ended(stepfunctions, execution_arn)


def _to_go(earlier: Usual | None, progress: Progress, now: datetime) -> Iterator[Text]:
    if earlier is None or not earlier.executions:
        return
    seconds = earlier.seconds_to_go(progress.steps, now)
    took = "the one before took" if earlier.executions == 1 else f"the {earlier.executions} before took"
    what = f"about {_duration(seconds)} to go" if seconds >= 1 else "should be over"
    yield Text(f"{what}, by what {took}", "dim")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _new_events(stepfunctions: Any, execution_arn: str) -> Iterator[list[Event]]:
    """Batches of events that were not seen before, until the execution has ended and all of them are out."""
    last_seen, pause = 0, _SHORTEST_SECONDS
    while True:
        running = stepfunctions.describe_execution(executionArn=execution_arn)["status"] == "RUNNING"
        events = events_after(stepfunctions, execution_arn, last_seen)
        yield events
        last_seen = events[-1]["id"] if events else last_seen
        if not running:
            return
        pause = _SHORTEST_SECONDS if events else _longer(pause)
        time.sleep(pause)


def _longer(pause: float) -> float:
    return min(pause * 1.5, _LONGEST_SECONDS)


def events_after(stepfunctions: Any, execution_arn: str, last_seen: int) -> list[Event]:
    """Events with a higher id, in order. Read from the end: a history is long, what is new in it is not."""
    pages = stepfunctions.get_paginator("get_execution_history").paginate(
        executionArn=execution_arn, reverseOrder=True, PaginationConfig={"PageSize": 20}
    )
    latest_first = (event for page in pages for event in page["events"])
    return list(takewhile(lambda event: event["id"] > last_seen, latest_first))[::-1]


def _print_changes(stepfunctions: Any, execution_arn: str, progress: Progress, console: Console) -> None:
    shown: dict[str, tuple[str, str]] = {}
    for events in _new_events(stepfunctions, execution_arn):
        for event in events:
            progress.feed([event])
            for step in progress.steps:
                now = step.state, step.reason if step.waiting else ""
                if step.state in ("done", "failed", "stopped", "waiting") and shown.get(step.name) != now:
                    shown[step.name] = now
                    name = "  " * step.depth + step.name
                    seconds = step.elapsed_seconds(event["timestamp"])
                    line = f"{step.state:8} {name:32} {seconds:6.1f} s  {step.what}"
                    console.print(line.rstrip(), soft_wrap=True, markup=False)
