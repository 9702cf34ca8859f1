"""`make bench-fleet`: what checking 10, 100 and 1,000 recorded clusters costs, and that it grows with their number.

The records are of one real cluster: each check looks at all of it, in an execution of its own. With --failing every
third is not well: by turns a cluster that has drifted, and one whose account has no roles any more; and AWS's limits
are those of a new account. Transitions are counted as Step Functions bills them: a state entered is one, so is every
retry, and so is each child that a Distributed Map starts. Invocations are those of Lambda.

With --replayed N the fleet of N that follows is the fleet's machine, functions, map and event alone: in place of the
checks, which would take this machine hours, is one that answers what each kind of them has answered just now.
Source: AWS Step Functions pricing, "Standard Workflows"; developer guide, "Using Map state in Distributed mode".
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.aws.patches.stepfunctions import is_running
from local.cloud import EmbeddedCloud
from local.limits import of_new_accounts

SIZES = (10, 100, 1_000)
CONCURRENCY = 20
CLUSTER, BROKEN = "eks-example", "eks-broken"
DEPARTED = "444455556666"
"""An account without the app's roles."""
MOST_TRANSITIONS, MOST_INVOCATIONS = 15, 6


@dataclass(frozen=True)
class Cost:
    """Of one run over `clusters` recorded ones."""

    clusters: int
    counts: Mapping[str, int]
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
        for name in (CLUSTER, BROKEN):
            self._run("ProvisionStateMachineArn", {"cluster": {"name": name}})
        self._good, self._broken = self._record_of(CLUSTER), self._record_of(BROKEN)
        self._close_nfs(BROKEN)
        # Checked with the others only as one of those that are not well.
        self._table.delete_item(TableName=self._outputs["ClaimsTableName"], Key={"cluster": self._broken["cluster"]})

    def cost(self, clusters: int, *, failing: bool = False) -> Cost:
        """Brings the records to that number, never fewer than before, and checks them all."""
        for number in range(1, clusters):
            self._table.put_item(
                TableName=self._outputs["ClaimsTableName"], Item=self._item(number, failing=failing and number % 3 == 0)
            )
        calls, seen = len(self._cloud.server.calls), set(self._executions())
        started = time.perf_counter()
        output = self._run("FleetStateMachineArn", {})
        seconds = time.perf_counter() - started
        return Cost(
            clusters,
            output["counts"],
            seconds,
            sum(self._transitions(arn) for arn in self._executions() if arn not in seen),
            self._cloud.server.calls[calls:].count("lambda:Invoke"),
        )

    def replay_checks(self) -> None:
        """From now on every check ends at once, as the last one of its kind has ended."""

        def last(of: int) -> dict[str, Any]:
            record = self._item(of, failing=of % 3 == 0)["cluster"]["S"].split("#")
            asked = dict(zip(("account_id", "region", "cluster_name"), record, strict=True))
            for arn in self._listed(stateMachineArn=self._outputs["ReverifyStateMachineArn"]):
                described: dict[str, Any] = self._states.describe_execution(executionArn=arn)
                if asked.items() <= json.loads(described["input"]).items():
                    return described
            raise SystemExit(f"nobody has checked {asked}")

        departed, drifted, good = last(6), last(3), last(1)
        name = "$states.input.cluster_name"
        numbered, number = f"$contains({name}, '{CLUSTER}-')", f"$number($split({name}, '{CLUSTER}-')[-1])"
        states = {
            "Which?": {
                "Type": "Choice",
                "Choices": [
                    {"Condition": f"{{% $states.input.account_id = '{DEPARTED}' %}}", "Next": "Departed"},
                    {"Condition": f"{{% {numbered} and {number} % 3 = 0 %}}", "Next": "Drifted"},
                ],
                "Default": "Good",
            },
            "Departed": {"Type": "Fail", "Error": departed["error"], "Cause": departed["cause"]},
            "Drifted": {"Type": "Succeed", "Output": json.loads(drifted["output"])},
            "Good": {"Type": "Succeed", "Output": json.loads(good["output"])},
        }
        definition = {"QueryLanguage": "JSONata", "StartAt": "Which?", "States": states}
        self._states.update_state_machine(
            stateMachineArn=self._outputs["ReverifyStateMachineArn"], definition=json.dumps(definition)
        )

    def _item(self, number: int, *, failing: bool) -> dict[str, Any]:
        departed = failing and number % 2 == 0
        record = self._broken if failing and not departed else self._good
        account_id = DEPARTED if departed else self._cloud.account_id
        request = {**json.loads(record["request"]["S"]), "account_id": account_id}
        key = f"{account_id}#{self._cloud.region}#{CLUSTER}-{number}"
        return {**record, "cluster": {"S": key}, "request": {"S": json.dumps(request)}}

    def _record_of(self, cluster: str) -> dict[str, Any]:
        key = {"cluster": {"S": f"{self._cloud.account_id}#{self._cloud.region}#{cluster}"}}
        item: dict[str, Any] = self._table.get_item(TableName=self._outputs["ClaimsTableName"], Key=key)["Item"]
        return item

    def _close_nfs(self, cluster: str) -> None:
        ec2 = self._cloud.client("ec2")
        owned = [{"Name": "tag:eks-efs-provisioner/cluster", "Values": [cluster]}]
        (group,) = ec2.describe_security_groups(Filters=owned)["SecurityGroups"]
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])

    def _run(self, machine: str, given: dict[str, Any]) -> dict[str, Any]:
        arn = self._states.start_execution(stateMachineArn=self._outputs[machine], input=json.dumps(given))
        while is_running(arn["executionArn"]):
            time.sleep(0.1)
        ended = self._states.describe_execution(executionArn=arn["executionArn"])
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
        "found",
        "wall time, s",
        "per cluster, ms",
        "transitions per cluster",
        "invocations per cluster",
        title=f"A configuration check, {CONCURRENCY} clusters at a time",
    )
    for cost in costs:
        table.add_row(
            f"{cost.clusters:,}",
            ", ".join(f"{number:,} {what}" for what, number in cost.counts.items() if number),
            f"{cost.seconds:.1f}",
            f"{1000 * cost.per_cluster(cost.seconds):.0f}",
            f"{cost.per_cluster(cost.transitions):.2f}",
            f"{cost.per_cluster(cost.invocations):.2f}",
        )
    return table


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make bench-fleet", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many clusters, ascending")
    parser.add_argument("--failing", action="store_true", help="every third is not well, under a new account's limits")
    parser.add_argument("--replayed", type=int, default=0, help="and then so many, whose checks end at once")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as directory, EmbeddedCloud(Path(directory)) as cloud:
        bench = Bench(cloud)
        bench.cost(1)  # the functions' cold starts
        with of_new_accounts(cloud) if asked.failing else nullcontext():
            costs = [bench.cost(size, failing=asked.failing) for size in asked.sizes]
            if asked.replayed:
                bench.replay_checks()
                costs.append(bench.cost(asked.replayed, failing=asked.failing))
        refused = Counter(cloud.server.rates.refused)
    console = Console()
    console.print(table_of(costs))
    for call, number in refused.items():
        console.print(f"Throttled and repeated: {call}, {number:,} times.")
    console.print(f"Allowed per cluster: {MOST_TRANSITIONS} transitions, {MOST_INVOCATIONS} invocations.")


if __name__ == "__main__":
    main()
