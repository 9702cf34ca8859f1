"""`make bench-teardown`: how long a removal takes at real durations, beside the longest chain of what has to wait.

What is removed was made by a run of provision for the empty request, as fast as it goes; only its end takes real time.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.aws.patches.cloudformation_delete_stack import LEAST_SECONDS
from local.clock import TYPICAL_SECONDS
from local.cloud import EmbeddedCloud

CLUSTER = "eks-example"
MOST = 1.05
STACK = "stack deletion"
SECONDS = {**TYPICAL_SECONDS, STACK: LEAST_SECONDS}
CHAINS: Sequence[Sequence[str]] = (
    ("Fargate profile deletion", "cluster deletion", "control plane interface"),
    ("Fargate profile deletion", "cluster deletion", STACK, "NAT gateway deletion"),
    ("mount target deletion", "mount target interface", "file system deletion"),
)
"""Each begins when the one before it is through: EKS deletes no cluster with a profile, EC2 no subnet with an interface
in it, EFS no file system with a mount target; a network may go when nothing uses it any more."""


@dataclass(frozen=True)
class Took:
    """Seconds, at real durations; `timings` by step as the event tells them."""

    seconds: float
    chain: Sequence[str]
    chain_seconds: float
    timings: Mapping[str, float]

    @property
    def ratio(self) -> float:
        return self.seconds / self.chain_seconds


def took(cloud: EmbeddedCloud, scale: float) -> Took:
    """Provisions as fast as it goes, and removes with the data at the given time scale."""
    outputs = cloud.deploy()
    ready = _run(cloud, outputs["ProvisionStateMachineArn"], {"cluster": {"name": CLUSTER}})
    cloud.clock.scale = scale
    given = {"cluster_name": CLUSTER, "delete_data": {"file_system_id": ready["file_system"]["id"]}}
    started = time.perf_counter()
    removed = _run(cloud, outputs["TeardownStateMachineArn"], given)
    seconds = (time.perf_counter() - started) / scale
    chain = max(CHAINS, key=_seconds)
    return Took(seconds, chain, _seconds(chain), removed["timings"])


def _run(cloud: EmbeddedCloud, machine_arn: str, given: Mapping[str, Any]) -> dict[str, Any]:
    states = cloud.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine_arn, input=json.dumps(given))["executionArn"]
    while (ended := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.1)
    if ended["status"] != "SUCCEEDED":
        raise SystemExit(f"{ended['status']}: {ended.get('cause')}")
    output: dict[str, Any] = json.loads(ended["output"])
    return output


def _seconds(chain: Sequence[str]) -> float:
    return sum(SECONDS[each] for each in chain)


def table_of(found: Took, scale: float) -> Table:
    table = Table("a removal with its data", "seconds", title=f"Real durations, time scale {scale:g}")
    for step, seconds in found.timings.items():
        table.add_row(f"  {step}", f"{seconds / scale:.0f}")
    table.add_row("wall time", f"{found.seconds:.0f}")
    links = ", ".join(f"{each} {SECONDS[each]:.0f}" for each in found.chain)
    table.add_row(f"the longest chain ({links})", f"{found.chain_seconds:.0f}")
    table.add_row("wall time / chain", f"{found.ratio:.3f}", style="" if found.ratio <= MOST else "bold red")
    return table


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make bench-teardown", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1: real durations, about six minutes")
    scale = parser.parse_args(argv).scale
    with tempfile.TemporaryDirectory() as directory, EmbeddedCloud(Path(directory)) as cloud:
        found = took(cloud, scale)
    console = Console()
    console.print(table_of(found, scale))
    console.print(f"Allowed: {MOST} of the longest chain.")
    return 0 if found.ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
