"""`make bench-diagnosis`: everything that can be broken is, once, and what the diagnosis says of it first.

Things take no time here, so that what a run has waited in a loop it would have waited beyond what AWS takes.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.cloud import EmbeddedCloud
from local.faults import DOUBLE_FAULTS, FAULTS

AT_ONCE = 3
SLOW = ("add-on-degraded", "role-not-assumable", "throttling")
"""They wait long for what does not come; first, so that the others run meanwhile."""

LONGEST_WAIT_SECONDS = 600


@dataclass(frozen=True)
class Scenario:
    """What was broken together, and the diagnosis of the failure event."""

    names: Sequence[str]
    causes: Sequence[dict[str, Any]]
    waited_seconds: int
    """In the loop of the state that failed, which the machine counts."""
    seconds: float

    @property
    def expected(self) -> set[tuple[str, str]]:
        return {(FAULTS[name].expected_rule, FAULTS[name].verdict) for name in self.names}

    @property
    def first(self) -> Sequence[dict[str, Any]]:
        return self.causes[: len(self.names)]

    @property
    def is_right(self) -> bool:
        """These and nothing else proved, in time."""
        if self.waited_seconds > LONGEST_WAIT_SECONDS:
            return False
        first = {(cause["rule"], cause["verdict"]) for cause in self.first}
        return first == self.expected and all(cause["verdict"] != "proved" for cause in self.causes[len(self.first) :])


def rows() -> list[tuple[str, ...]]:
    """What is broken together."""
    return [*((name,) for name in FAULTS), *DOUBLE_FAULTS]


def run(cloud: EmbeddedCloud, machine_arn: str, names: Sequence[str]) -> Scenario:
    cluster, started = "-".join(["broken", *names]), time.perf_counter()
    request: dict[str, Any] = {"cluster": {"name": cluster}, "verification": {"writers": 2}}
    for name in names:
        request = FAULTS[name].asked(request, cloud)
    disarm = [FAULTS[name].install(cloud, cluster) for name in names]
    stepfunctions = cloud.client("stepfunctions")
    try:
        arn = stepfunctions.start_execution(stateMachineArn=machine_arn, input=json.dumps(request))["executionArn"]
        while stepfunctions.describe_execution(executionArn=arn)["status"] == "RUNNING":
            time.sleep(0.05)
    finally:
        for undo in disarm:
            undo()
    seconds = time.perf_counter() - started
    failed = [event["Detail"] for event in cloud.server.published_events if "failure" in event["Detail"]]
    told = next((detail for detail in failed if detail["execution_arn"] == arn), None)
    if told is None:
        return Scenario(names, [], 0, seconds)
    return Scenario(names, told["diagnosis"], waited(stepfunctions, arn, told["failure"]["state"]), seconds)


def waited(stepfunctions: Any, execution_arn: str, state: str) -> int:
    """What the loop of `state` had counted when it was entered for the last time."""
    pages = stepfunctions.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    entered = [
        json.loads(event["stateEnteredEventDetails"]["input"]).get("waited_seconds", 0)
        for page in pages
        for event in page["events"]
        if event.get("stateEnteredEventDetails", {}).get("name") == state
    ]
    return int(entered[-1]) if entered else 0


def table_of(scenarios: Sequence[Scenario]) -> Table:
    table = Table("broken", "first cause", "proved?", "what was seen", "waited", "seconds")
    for scenario in scenarios:
        table.add_row(
            " + ".join(scenario.names),
            "\n".join(cause["rule"] for cause in scenario.first) or "none",
            "\n".join(cause["verdict"] for cause in scenario.first),
            "\n".join(cause["probe"]["saw"][:90] for cause in scenario.first),
            f"{scenario.waited_seconds} s",
            f"{scenario.seconds:.1f}",
            style="" if scenario.is_right else "bold red",
        )
    return table


def main() -> int:
    wanted = sorted(rows(), key=lambda names: names[0] not in SLOW)
    with tempfile.TemporaryDirectory() as directory, EmbeddedCloud(Path(directory)) as cloud:
        machine_arn = cloud.deploy()["ProvisionStateMachineArn"]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            scenarios = list(pool.map(lambda names: run(cloud, machine_arn, names), wanted))
    right = sum(scenario.is_right for scenario in scenarios)
    console = Console()
    console.print(table_of(scenarios))
    console.print(
        f"The first cause was right, nothing else proved, and nothing waited for beyond {LONGEST_WAIT_SECONDS} s, "
        f"in {right} of {len(scenarios)} scenarios."
    )
    return 0 if right == len(scenarios) else 1


if __name__ == "__main__":
    sys.exit(main())
