"""`make bench-fleet`: what checking 10, 100 and 1,000 recorded clusters costs, and that it grows with their number.

The records are of one real cluster: each check looks at all of it, in an execution of its own. Transitions are counted
as Step Functions bills them: a state entered is one, so is every retry, and so is each child that a Distributed Map
starts. Invocations are those of Lambda.
Source: AWS Step Functions pricing, "Standard Workflows"; developer guide, "Using Map state in Distributed mode".
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.cloud import EmbeddedCloud

SIZES = (10, 100, 1_000)
CONCURRENCY = 20
CLUSTER = "eks-example"
MOST_TRANSITIONS, MOST_INVOCATIONS = 15, 6


@dataclass(frozen=True)
class Cost:
    """Of one run over `clusters` recorded ones."""

    clusters: int
    verified: int
    seconds: float
    transitions: int
    invocations: int

    def per_cluster(self, what: float) -> float:
        return what / self.clusters


class Bench:
    """One embedded cloud with one real cluster."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self._cloud = cloud
        self._outputs = cloud.deploy(parameters={"FleetConcurrency": str(CONCURRENCY)})
        self._states, self._table = cloud.client("stepfunctions"), cloud.client("dynamodb")
        self._run("ProvisionStateMachineArn", {"cluster": {"name": CLUSTER}})
        (self._record,) = self._table.scan(TableName=self._outputs["ClaimsTableName"])["Items"]

    def cost(self, clusters: int) -> Cost:
        """Brings the records to that number, never fewer than before, and checks them all."""
        home = f"{self._cloud.account_id}#{self._cloud.region}"
        for number in range(1, clusters):
            item = {**self._record, "cluster": {"S": f"{home}#{CLUSTER}-{number}"}}
            self._table.put_item(TableName=self._outputs["ClaimsTableName"], Item=item)
        calls, seen = len(self._cloud.server.calls), set(self._executions())
        started = time.perf_counter()
        output = self._run("FleetStateMachineArn", {})
        seconds = time.perf_counter() - started
        return Cost(
            clusters,
            output["counts"]["verified"],
            seconds,
            sum(self._transitions(arn) for arn in self._executions() if arn not in seen),
            self._cloud.server.calls[calls:].count("lambda:Invoke"),
        )

    def _run(self, machine: str, given: dict[str, Any]) -> dict[str, Any]:
        arn = self._states.start_execution(stateMachineArn=self._outputs[machine], input=json.dumps(given))
        while (ended := self._states.describe_execution(executionArn=arn["executionArn"]))["status"] == "RUNNING":
            time.sleep(0.1)
        if ended["status"] != "SUCCEEDED":
            raise SystemExit(f"{ended['status']}: {ended.get('cause')}")
        output: dict[str, Any] = json.loads(ended["output"])
        return output

    def _executions(self) -> list[str]:
        """Of the fleet and the re-verification, and the children of every map."""
        parents = [
            arn
            for machine in ("FleetStateMachineArn", "ReverifyStateMachineArn")
            for arn in self._listed(stateMachineArn=self._outputs[machine])
        ]
        runs = [
            run["mapRunArn"]
            for arn in self._listed(stateMachineArn=self._outputs["FleetStateMachineArn"])
            for run in self._states.list_map_runs(executionArn=arn)["mapRuns"]
        ]
        return [*parents, *(child for run in runs for child in self._listed(mapRunArn=run))]

    def _listed(self, **of: str) -> list[str]:
        pages = self._states.get_paginator("list_executions").paginate(**of)
        return [each["executionArn"] for page in pages for each in page["executions"]]

    def _transitions(self, execution_arn: str) -> int:
        pages = self._states.get_paginator("get_execution_history").paginate(
            executionArn=execution_arn, includeExecutionData=False, PaginationConfig={"PageSize": 1000}
        )
        types: list[str] = [event["type"] for page in pages for event in page["events"]]
        entered = sum(each.endswith("StateEntered") for each in types)
        retries = types.count("TaskScheduled") - types.count("TaskStateEntered")
        started_by_the_map = int("/" in execution_arn.split(":")[6])
        return entered + retries + started_by_the_map


def table_of(costs: list[Cost]) -> Table:
    table = Table(
        "clusters",
        "verified",
        "wall time, s",
        "per cluster, ms",
        "transitions per cluster",
        "invocations per cluster",
        title=f"A configuration check, {CONCURRENCY} clusters at a time",
    )
    for cost in costs:
        table.add_row(
            f"{cost.clusters:,}",
            f"{cost.verified:,}",
            f"{cost.seconds:.1f}",
            f"{1000 * cost.per_cluster(cost.seconds):.0f}",
            f"{cost.per_cluster(cost.transitions):.2f}",
            f"{cost.per_cluster(cost.invocations):.2f}",
        )
    return table


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make bench-fleet", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many clusters, ascending")
    sizes = parser.parse_args(argv).sizes
    with tempfile.TemporaryDirectory() as directory, EmbeddedCloud(Path(directory)) as cloud:
        bench = Bench(cloud)
        bench.cost(1)  # the functions' cold starts
        costs = [bench.cost(size) for size in sizes]
    console = Console()
    console.print(table_of(costs))
    console.print(f"Allowed per cluster: {MOST_TRANSITIONS} transitions, {MOST_INVOCATIONS} invocations.")


if __name__ == "__main__":
    main()
