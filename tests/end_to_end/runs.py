"""Starting executions in the embedded cloud and reading what Step Functions tells about them."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from eks_efs.follow import events_after
from eks_efs.progress import Event
from local.aws.hooks import Call
from local.aws.patches.stepfunctions import is_running, watched
from local.aws.refusals import refusal
from local.cloud import EmbeddedCloud

PATIENCE_SECONDS = 600.0
POLL_SECONDS = 0.05
HELD_SECONDS = 20.0


@dataclass(frozen=True)
class Run:
    """An execution that has ended."""

    arn: str
    status: str
    output: dict[str, Any]
    error: str
    cause: str
    read_history: Callable[[str], list[dict[str, Any]]] = field(repr=False)

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        return self.read_history(self.arn)

    def entered(self, state: str) -> list[dict[str, Any]]:
        return [e for e in self.history if e.get("stateEnteredEventDetails", {}).get("name") == state]

    def exited(self, state: str) -> list[dict[str, Any]]:
        return [e for e in self.history if e.get("stateExitedEventDetails", {}).get("name") == state]


class Machine:
    """A machine of one deployed stack: Provision, Reverify or Fleet."""

    def __init__(self, cloud: EmbeddedCloud, outputs: Mapping[str, str], name: str = "Provision") -> None:
        self.cloud = cloud
        self.outputs = outputs
        self.arn = outputs[f"{name}StateMachineArn"]
        self.client = cloud.client("stepfunctions")

    def start(self, request: Any) -> str:
        arn: str = self.client.start_execution(stateMachineArn=self.arn, input=json.dumps(request))["executionArn"]
        return arn

    def run(self, request: Any) -> Run:
        return self.wait(self.start(request))

    def stop_in(self, state: str, request: Any) -> Run:
        """Stops the execution as soon as it has entered `state`, or lets it end if it never does."""
        arn = self.start(request)
        self.until_entered(arn, state)
        self.client.stop_execution(executionArn=arn, error="Stopped", cause="by a test")
        return self.wait(arn)

    def until_entered(self, arn: str, state: str) -> None:
        seen: list[Event] = []

        def entered() -> bool:
            seen.extend(events_after(self.client, arn, seen[-1]["id"] if seen else 0))
            return _has_entered(seen, state) or self.has_ended(arn)

        until(entered, f"{arn} to enter {state}")

    def has_ended(self, arn: str) -> bool:
        return not is_running(arn)  # asking as everybody else does costs a third of a run

    def executions(self) -> list[str]:
        pages = self.client.get_paginator("list_executions").paginate(stateMachineArn=self.arn)
        return [execution["executionArn"] for page in pages for execution in page["executions"]]

    def history(self, arn: str) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def wait(self, arn: str) -> Run:
        runs = watched(arn)
        until(lambda: not runs(), f"{arn} to end")
        ended = self.client.describe_execution(executionArn=arn)
        output = json.loads(ended.get("output") or "{}")
        return Run(arn, ended["status"], output, ended.get("error", ""), ended.get("cause", ""), self.history)


@contextmanager
def held(cloud: EmbeddedCloud, function: str) -> Iterator[threading.Event]:
    """The function's invocations wait until the event is set, however long that takes: their states, which have a
    minute and a half, are sent away before that is over, and come again."""
    go_on = threading.Event()

    def hold(call: Call) -> None:
        if f"-{function}Function-" in call.path and not go_on.wait(HELD_SECONDS):
            raise refusal("TooManyRequestsException", "Rate Exceeded.")

    undo = cloud.server.hooks.before("lambda:Invoke", hold)
    try:
        yield go_on
    finally:
        go_on.set()
        undo()


def _has_entered(history: Sequence[Event], state: str) -> bool:
    return any(e.get("stateEnteredEventDetails", {}).get("name") == state for e in history)


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS:g} s for {what}"
        time.sleep(POLL_SECONDS)
