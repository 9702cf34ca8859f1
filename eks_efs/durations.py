"""How long a run still takes, from how long each step of earlier ones took."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from statistics import median
from typing import Any, Final

from eks_efs.progress import Progress, Step

# Enough for a median that one slow run does not move; two calls each, so that nobody waits for them.
_EXECUTIONS: Final = 5
_LOOKED_AT: Final = 10
_LIKENESS: Final = {"mode": "apply", "depth": "configuration", "remediate": False}
"""What decides how long it takes, and what it is when nobody says."""


@dataclass(frozen=True)
class Usual:
    """Median seconds per step, of so many executions that ended well; a step that one left out took it no time."""

    executions: int
    seconds: Mapping[str, float]

    def seconds_to_go(self, steps: Sequence[Step], now: datetime) -> float:
        """Of the steps after the last that was entered, and of what runs: the branches of a Parallel side by side."""
        outer = [step for step in steps if step.depth == 0]
        reached = max((index for index, step in enumerate(outer) if step.entered), default=0)
        return sum(self._left(step, steps, now) for index, step in enumerate(outer) if index >= reached or step.entered)

    def _left(self, step: Step, steps: Sequence[Step], now: datetime) -> float:
        if step.ended:
            return 0
        inner = [each for each in steps if each.name in step.holds and each.depth == step.depth + 1]
        if step.entered and inner:
            branches = {each.branch for each in inner}
            return max(
                sum(self._left(each, steps, now) for each in inner if each.branch == branch) for branch in branches
            )
        return max(0, self.seconds.get(step.name, 0) - (step.elapsed_seconds(now) or 0))


def usual(stepfunctions: Any, machine_arn: str, definition: Mapping[str, Any], asked: Mapping[str, Any]) -> Usual:
    """What the latest executions took that were asked for the like and ended well; executions: 0 when none were.

    Source: Step Functions API, ListExecutions, GetExecutionHistory.
    """
    listed = stepfunctions.list_executions(
        stateMachineArn=machine_arn, statusFilter="SUCCEEDED", maxResults=_LOOKED_AT
    )["executions"]
    alike = (
        each["executionArn"]
        for each in listed
        if _likeness(json.loads(stepfunctions.describe_execution(executionArn=each["executionArn"])["input"]))
        == _likeness(asked)
    )
    taken = [_taken(stepfunctions, arn, definition) for arn in islice(alike, _EXECUTIONS)]
    names = {name for each in taken for name in each}
    return Usual(len(taken), {name: median(each.get(name, 0) for each in taken) for name in names})


def _taken(stepfunctions: Any, execution_arn: str, definition: Mapping[str, Any]) -> dict[str, float]:
    progress = Progress(definition)
    pages = stepfunctions.get_paginator("get_execution_history").paginate(
        executionArn=execution_arn, includeExecutionData=False, PaginationConfig={"PageSize": 1000}
    )
    for page in pages:
        progress.feed(page["events"])
        end = page["events"][-1]["timestamp"]
    return {step.name: step.elapsed_seconds(end) or 0 for step in progress.steps}


def _likeness(asked: Any) -> tuple[Any, ...]:
    given = asked if isinstance(asked, Mapping) else {}
    return tuple(given.get(name, default) for name, default in _LIKENESS.items())
