"""`make bench-critical-path`: where a run's time goes, and how far that is from the longest chain that AWS imposes.

A first run of provision on the embedded cloud, cold; or any execution that there was: HISTORY= names a file of
`aws stepfunctions get-execution-history`, EXECUTION= an execution that is asked for with the caller's credentials.

What AWS takes is known on the embedded cloud, whose clock has the durations. Of a real execution a look told each time
that it was not done yet: AWS is given the time until the last of those looks, the least it can have taken, so that the
ratio is never too good.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console
from rich.table import Column, Table

from bench import by_terraform
from bench.cost import run_to_the_end
from local import vpcs
from local.clock import TYPICAL_SECONDS
from local.cloud import EmbeddedCloud
from provisioner.report.history import History, Visit, read

GOAL = 1.04
PROOF = "Verify storage"
NETWORK = ("Ensure network", "Ensure NAT gateways")
MADE_BY: Mapping[str, Sequence[str]] = {
    "Ensure network": ["stack of subnets"],
    "Ensure NAT gateways": ["stack", "NAT gateway"],
    "Ensure cluster": ["cluster"],
    "Ensure Fargate profile": ["Fargate profile"],
    "Ensure file system": ["file system"],
    "Ensure mount targets": ["mount target"],
    "Ensure cluster DNS": ["pod", "add-on"],
    PROOF: ["pod", "pod"],
}
"""State -> what AWS makes meanwhile, one after the other: the proof's writers, and then their reader.

No state waits for an access entry: it takes effect while the profile is made.
"""
NEEDS: Mapping[str, Sequence[str]] = {
    "Ensure network": [],
    "Ensure NAT gateways": [],
    "Ensure cluster": [],
    "Ensure Fargate profile": ["Ensure cluster"],
    "Ensure file system": [],
    "Ensure mount targets": ["Ensure file system"],
    "Ensure cluster DNS": ["Ensure NAT gateways", "Ensure Fargate profile"],
    PROOF: ["Ensure NAT gateways", "Ensure Fargate profile", "Ensure mount targets"],
}
"""What AWS refuses, or cannot do, before the other is there. A cluster and mount targets need subnets, which EC2 makes
at once, so that all of Ensure network is our excess: that CloudFormation makes them is our choice (NETWORK=existing has
them made before the run). Only pods need what leads out of them."""


@dataclass(frozen=True)
class Stay:
    """A state with all its looks and waits, in seconds of real time from the start of the execution.

    `last_wait`: before the look that found it ready, which can have been so for that long.
    """

    state: str
    began: float
    seconds: float
    aws_seconds: float
    last_wait: float

    @property
    def excess(self) -> float:
        return self.seconds - self.aws_seconds


@dataclass(frozen=True)
class CriticalPath:
    """`chain`: the longest of what AWS imposes, with the seconds of each link."""

    seconds: float
    stays: Sequence[Stay]
    chain: Sequence[tuple[str, float]]

    @property
    def chain_seconds(self) -> float:
        return sum(seconds for _, seconds in self.chain)

    @property
    def ratio(self) -> float:
        return self.seconds / self.chain_seconds


def longest_chain(seconds: Mapping[str, float]) -> list[tuple[str, float]]:
    """`seconds`: of each state that was there. The states that have to follow each other and take the longest."""

    def ending_with(state: str) -> list[tuple[str, float]]:
        before = max((ending_with(each) for each in NEEDS[state]), key=_total, default=[])
        return [*before, (state, seconds.get(state, 0.0))]

    return max((ending_with(each) for each in NEEDS), key=_total)


def _total(chain: Iterable[tuple[str, float]]) -> float:
    return sum(seconds for _, seconds in chain)


def on_the_clock() -> dict[str, float]:
    return {state: sum(TYPICAL_SECONDS[each] for each in things) for state, things in MADE_BY.items()}


def measured(
    events: Iterable[Mapping[str, Any]], *, scale: float = 1.0, aws: Mapping[str, float] | None = None
) -> CriticalPath:
    """`aws`: seconds that AWS takes for each state, where they are known; else what the looks told.

    Raises: ValueError where nothing happened that AWS takes time for.
    """
    history = read(events)
    looks = _looks(history)
    known = {state: _told(state, each) / scale for state, each in looks.items() if state in NEEDS}
    known |= {state: seconds for state, seconds in (aws or {}).items() if state in known}
    stays = [
        Stay(
            state,
            (each[0].entered - history.started).total_seconds() / scale,
            (history.end_of(each[-1]) - each[0].entered).total_seconds() / scale,
            known.get(state, 0.0),
            _last_wait(history, each) / scale,
        )
        for state, each in looks.items()
    ]
    chain = longest_chain(known)
    if not _total(chain):
        raise ValueError("nothing in this execution waited for AWS: there is no chain to compare it with")
    return CriticalPath((history.ended - history.started).total_seconds() / scale, stays, chain)


def _looks(history: History) -> dict[str, list[Visit]]:
    """Of each Task all visits, and the Waits that followed them; in the order in which they began."""
    found: dict[str, list[Visit]] = defaultdict(list)
    latest: dict[Any, str] = {}
    for visit in history.visits:
        if visit.kind == "Task":
            latest[visit.lane] = visit.name
        elif visit.kind != "Wait" or visit.lane not in latest:
            continue
        found[latest[visit.lane]].append(visit)
    return found


def _told(state: str, visits: Sequence[Visit]) -> float:
    """Seconds from the state's beginning to the last look that found it unready, after which a Wait is entered.

    Of the proof, only those between the first and the last look that found pods starting: the rest is ours.
    """
    waits: dict[str, list[datetime]] = defaultdict(list)
    for look, wait in pairwise(visits):
        if wait.kind == "Wait":
            waits[str((look.payload or {}).get("reason"))].append(wait.entered)
    if state == PROOF:
        starting = [times for reason, times in waits.items() if reason.endswith("Starting")]
        return sum((times[-1] - times[0]).total_seconds() for times in starting)
    last = max((time for times in waits.values() for time in times), default=visits[0].entered)
    return (last - visits[0].entered).total_seconds()


def _last_wait(history: History, visits: Sequence[Visit]) -> float:
    waits = [(history.end_of(each) - each.entered).total_seconds() for each in visits if each.kind == "Wait"]
    return waits[-1] if waits else 0.0


def table_of(found: CriticalPath) -> Table:
    columns = "began", "seconds", "of them AWS's", "our excess", "last wait"
    table = Table(Column("state", no_wrap=True), *columns, title="Seconds of real time")
    for stay in found.stays:
        numbers = stay.began, stay.seconds, stay.aws_seconds, stay.excess, stay.last_wait
        table.add_row(stay.state, *(f"{each:.1f}" for each in numbers))
    return table


def _said(found: CriticalPath) -> list[str]:
    links = " + ".join(f"{state} {seconds:.0f}" for state, seconds in found.chain if seconds)
    return [
        f"The longest chain that AWS imposes: {links} = {found.chain_seconds:.0f} s",
        f"The run took {found.seconds:.0f} s; at most {GOAL} of the chain is the goal.",
        f"ratio {found.ratio:.2f}",
    ]


def events_in(file: Path) -> list[dict[str, Any]]:
    """Of `aws stepfunctions get-execution-history`, which writes times as text, or in version 1 as numbers."""
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["events"]
    return [{**event, "timestamp": _time(event["timestamp"])} for event in found]


def _time(told: str | float) -> datetime:
    return datetime.fromisoformat(told) if isinstance(told, str) else datetime.fromtimestamp(told).astimezone()


def events_of(execution_arn: str, stepfunctions: Any) -> list[dict[str, Any]]:
    pages = stepfunctions.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [event for page in pages for event in page["events"]]


def run_here(scale: float, console: Console, *, in_existing_network: bool = False) -> CriticalPath:
    """`terraform apply` makes a network too, so that it is compared with a run that does."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedCloud(Path(directory), scale=scale) as cloud:
        machine = cloud.deploy()["ProvisionStateMachineArn"]
        request = vpcs.existing(cloud) if in_existing_network else {}
        with nullcontext() if in_existing_network else by_terraform.beside(cloud, scale) as other:
            run_to_the_end(cloud, machine, request)
        stepfunctions = cloud.client("stepfunctions")
        (execution,) = stepfunctions.list_executions(stateMachineArn=machine)["executions"]
        known = on_the_clock() | (dict.fromkeys(NETWORK, 0.0) if in_existing_network else {})
        found = measured(events_of(execution["executionArn"], stepfunctions), scale=scale, aws=known)
    console.print(table_of(found))
    beside = f"; {other.said}" if other else ""
    console.print(f"Until all but the proof stood, this run took {_without_proof(found):.0f} s{beside}.")
    return found


def _without_proof(found: CriticalPath) -> float:
    """Until the last of what AWS makes was there, other than the proof's pods."""
    return max(stay.began + stay.seconds for stay in found.stays if stay.state in NEEDS and stay.state != PROOF)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make bench-critical-path", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1: real durations, about a quarter of an hour")
    parser.add_argument("--network", choices=["own", "existing"], default="own", help="made by the run, or before it")
    parser.add_argument("--history", type=Path, help="a file of `aws stepfunctions get-execution-history`")
    parser.add_argument("--execution", help="the ARN of an execution")
    asked = parser.parse_args(argv)
    console = Console()
    if asked.history or asked.execution:
        client = None if asked.history else boto3.client("stepfunctions", region_name=asked.execution.split(":")[3])
        found = measured(events_in(asked.history) if asked.history else events_of(asked.execution, client))
        console.print(table_of(found))
    else:
        found = run_here(asked.scale, console, in_existing_network=asked.network == "existing")
    for line in _said(found):
        console.print(line, highlight=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
