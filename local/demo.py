"""`make demo`: the embedded cloud, one provisioning run with live progress, then the evidence."""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from local.cloud import KUBERNETES_KINDS, EmbeddedCloud
from local.evidence_view import evidence_tables
from local.follow import follow

ROOT = Path(__file__).resolve().parents[1]
DIRECTORY = ROOT / ".local"


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--request", type=Path, required=True, help="the input of the execution, a JSON file")
    parser.add_argument("--scale", type=float, default=0.0, help="1: real durations; 0: as fast as it goes")
    parser.add_argument("--kubernetes", choices=KUBERNETES_KINDS, default="embedded")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where the evidence and all state go")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    asked = arguments(argv)
    console = Console(highlight=False)
    try:
        request = json.loads(asked.request.read_text())
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else f"not JSON: {problem}"
        print(f"The request {asked.request} cannot be used: {why}", file=sys.stderr)
        return 2
    state = asked.directory / "demo"
    shutil.rmtree(state, ignore_errors=True)
    started = time.monotonic()
    console.print(f"[dim]Starting the embedded cloud (time scale {asked.scale:g}, {asked.kubernetes} Kubernetes)…[/]")
    with EmbeddedCloud(state, scale=asked.scale, kubernetes=asked.kubernetes) as cloud:
        outputs = cloud.deploy()
        console.print(
            f"[dim]Deployed template.yaml through CloudFormation; {time.monotonic() - started:.1f} s so far[/]"
        )
        console.print(f"Provisioning with {_shown(asked.request)}\n")
        stepfunctions = cloud.client("stepfunctions")
        execution_arn = stepfunctions.start_execution(
            stateMachineArn=outputs["ProvisionStateMachineArn"], input=json.dumps(request)
        )["executionArn"]
        ended = follow(stepfunctions, execution_arn, console)
        console.print()
        return show_end(ended, asked.directory / "evidence", console)


def show_end(ended: dict[str, Any], evidence_directory: Path, console: Console) -> int:
    """The evidence, or what went wrong; the exit code of the command."""
    if ended["status"] != "SUCCEEDED":
        console.print(f"[bold red]{ended['status']}[/] {ended.get('error', '')}", soft_wrap=True)
        console.print(ended.get("cause", ""), soft_wrap=True, markup=False)
        return 1
    output = json.loads(ended["output"])
    for table in evidence_tables(output):
        console.print(table)
    path = evidence_directory / f"{ended['name']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(output["evidence"], indent=2) + "\n")
    console.print(f"\n[bold green]Ready[/]: the storage is proven. Evidence: {_shown(path)}", soft_wrap=True)
    return 0


def _shown(path: Path) -> Path:
    return path.resolve().relative_to(ROOT) if path.resolve().is_relative_to(ROOT) else path


if __name__ == "__main__":
    sys.exit(main())
