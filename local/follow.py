"""Starts an execution and shows it until it ends: live on a terminal, one line per change elsewhere."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from rich.console import Console
from rich.live import Live

from local.progress import Event, Progress

POLL_SECONDS = 0.15


def _new_events(stepfunctions: Any, execution_arn: str) -> Iterator[list[Event]]:
    """Batches of events that were not seen before, until the execution has ended and all of them are out."""
    last_seen = 0
    while True:
        running = stepfunctions.describe_execution(executionArn=execution_arn)["status"] == "RUNNING"
        events = events_after(stepfunctions, execution_arn, last_seen)
        yield events
        last_seen = events[-1]["id"] if events else last_seen
        if not running:
            return
        time.sleep(POLL_SECONDS)


def events_after(stepfunctions: Any, execution_arn: str, last_seen: int) -> list[Event]:
    """Events with a higher id, in order. Read from the end: a history is long, what is new in it is not."""
    pages = stepfunctions.get_paginator("get_execution_history").paginate(
        executionArn=execution_arn, reverseOrder=True, PaginationConfig={"PageSize": 20}
    )
    latest_first = (event for page in pages for event in page["events"])
    return list(takewhile(lambda event: event["id"] > last_seen, latest_first))[::-1]


def follow(stepfunctions: Any, execution_arn: str, console: Console) -> dict[str, Any]:
    """DescribeExecution's answer once the execution has ended."""
    machine_arn = stepfunctions.describe_execution(executionArn=execution_arn)["stateMachineArn"]
    definition = stepfunctions.describe_state_machine(stateMachineArn=machine_arn)["definition"]
    progress = Progress(json.loads(definition))
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8) as live:
            for events in _new_events(stepfunctions, execution_arn):
                progress.feed(events)
                live.update(progress.draw(datetime.now(UTC)))
    else:
        _print_changes(stepfunctions, execution_arn, progress, console)
    ended: dict[str, Any] = stepfunctions.describe_execution(executionArn=execution_arn)
    return ended


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
