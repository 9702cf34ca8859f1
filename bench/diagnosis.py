"""`make bench-diagnosis`: everything that can be broken is, once, and what the diagnosis says of it first."""

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


@dataclass(frozen=True)
class Scenario:
    """What was broken together, and the diagnosis of the failure event."""

    names: Sequence[str]
    causes: Sequence[dict[str, Any]]
    seconds: float

    @property
    def expected(self) -> set[tuple[str, str]]:
        return {(FAULTS[name].expected_rule, FAULTS[name].verdict) for name in self.names}

    @property
    def first(self) -> Sequence[dict[str, Any]]:
        return self.causes[: len(self.names)]

    @property
    def is_right(self) -> bool:
        """These and nothing else proved."""
        first = {(cause["rule"], cause["verdict"]) for cause in self.first}
        return first == self.expected and all(cause["verdict"] != "proved" for cause in self.causes[len(self.first) :])


def run(cloud: EmbeddedCloud, machine_arn: str, names: Sequence[str]) -> Scenario:
    cluster, started = "-".join(["broken", *names]), time.perf_counter()
    request: dict[str, Any] = {"cluster": {"name": cluster}, "verification": {"writers": 2, "timeout_seconds": 60}}
    for name in names:
        request = FAULTS[name].asked(request, cloud)
    disarm = [FAULTS[name].install(cloud, cluster) for name in names]
    try:
        stepfunctions = cloud.client("stepfunctions")
        arn = stepfunctions.start_execution(stateMachineArn=machine_arn, input=json.dumps(request))["executionArn"]
        while stepfunctions.describe_execution(executionArn=arn)["status"] == "RUNNING":
            time.sleep(0.05)
    finally:
        for undo in disarm:
            undo()
    failed = [event["Detail"] for event in cloud.server.published_events if "failure" in event["Detail"]]
    causes: Sequence[dict[str, Any]] = next(
        (detail["diagnosis"] for detail in failed if detail["execution_arn"] == arn), []
    )
    return Scenario(names, causes, time.perf_counter() - started)


def table_of(scenarios: Sequence[Scenario]) -> Table:
    table = Table("broken", "first cause", "proved?", "what was seen", "seconds")
    for scenario in scenarios:
        table.add_row(
            " + ".join(scenario.names),
            "\n".join(cause["rule"] for cause in scenario.first) or "none",
            "\n".join(cause["verdict"] for cause in scenario.first),
            "\n".join(cause["probe"]["saw"][:90] for cause in scenario.first),
            f"{scenario.seconds:.1f}",
            style="" if scenario.is_right else "bold red",
        )
    return table


def main() -> int:
    wanted = sorted([*((name,) for name in FAULTS), *DOUBLE_FAULTS], key=lambda names: names[0] not in SLOW)
    with tempfile.TemporaryDirectory() as directory, EmbeddedCloud(Path(directory)) as cloud:
        machine_arn = cloud.deploy()["ProvisionStateMachineArn"]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            scenarios = list(pool.map(lambda names: run(cloud, machine_arn, names), wanted))
    right = sum(scenario.is_right for scenario in scenarios)
    console = Console()
    console.print(table_of(scenarios))
    console.print(f"The first cause was right, and nothing else proved, in {right} of {len(scenarios)} scenarios.")
    return 0 if right == len(scenarios) else 1


if __name__ == "__main__":
    sys.exit(main())
