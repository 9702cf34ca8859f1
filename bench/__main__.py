"""`make bench`: what a provisioning run costs on the embedded cloud, on each kind of Kubernetes, side by side."""

import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.cloud import EmbeddedCloud
from local.control_plane.build import find_assets

ROUNDS = 3


class Stopwatch:
    """Seconds by name, of every round."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def measures(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name].append(time.perf_counter() - started)


def run_to_the_end(cloud: EmbeddedCloud, machine_arn: str) -> None:
    stepfunctions = cloud.client("stepfunctions")
    arn = stepfunctions.start_execution(stateMachineArn=machine_arn, input="{}")["executionArn"]
    while (ended := stepfunctions.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.02)
    if ended["status"] != "SUCCEEDED":
        raise SystemExit(json.dumps(ended, default=str))


def one_round(kubernetes: str, watch: Stopwatch) -> None:
    with tempfile.TemporaryDirectory() as directory:
        cloud = EmbeddedCloud(Path(directory), kubernetes=kubernetes)
        with watch.measures("start the embedded AWS"):
            cloud.start()
        try:
            with watch.measures("deploy the template"):
                outputs = cloud.deploy()
            with watch.measures("first run: creates everything, functions cold"):
                run_to_the_end(cloud, outputs["ProvisionStateMachineArn"])
            with watch.measures("second run: finds everything, functions warm"):
                run_to_the_end(cloud, outputs["ProvisionStateMachineArn"])
        finally:
            with watch.measures("stop"):
                cloud.stop()


def main() -> None:
    kinds = ["embedded", "real"] if find_assets() else ["embedded"]
    watches = {kind: Stopwatch() for kind in kinds}
    for _ in range(ROUNDS):
        for kind in kinds:
            one_round(kind, watches[kind])
    table = Table(
        "seconds, median of 3", *(f"{kind} Kubernetes" for kind in kinds), *(["ratio"] if len(kinds) > 1 else [])
    )
    for name in watches["embedded"].seconds:
        medians = [statistics.median(watches[kind].seconds[name]) for kind in kinds]
        ratio = [f"{medians[1] / medians[0]:.1f}"] if len(medians) > 1 else []
        table.add_row(name, *(f"{median:.2f}" for median in medians), *ratio)
    Console().print(table)
    if len(kinds) == 1:
        print("The real Kubernetes is not on this machine: make control-plane builds it.")


if __name__ == "__main__":
    main()
