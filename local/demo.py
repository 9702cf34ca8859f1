"""`make demo`: the embedded cloud, one provisioning run with live progress, then the evidence or the diagnosis."""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from local.cloud import KUBERNETES_KINDS, EmbeddedCloud
from local.faults import FAULTS
from local.follow import follow
from local.outcome_view import diagnosis_tables, evidence_tables

ROOT = Path(__file__).resolve().parents[1]
DIRECTORY = ROOT / ".local"


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--request", type=Path, required=True, help="the input of the execution, a JSON file")
    parser.add_argument("--scale", type=float, default=0.0, help="1: real durations; 0: as fast as it goes")
    parser.add_argument("--kubernetes", choices=KUBERNETES_KINDS, default="embedded")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where the evidence and all state go")
    parser.add_argument("--fault", metavar="NAME", help="what to break behind the program's back; empty: list them")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    asked = arguments(argv)
    console = Console(highlight=False)
    if asked.fault is not None and asked.fault not in FAULTS:
        return list_faults(asked.fault, console)
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
        seconds = time.monotonic() - started
        console.print(f"[dim]Deployed template.yaml through CloudFormation; {seconds:.1f} s so far[/]")
        console.print(f"Provisioning with {_shown(asked.request)}")
        if asked.fault:
            fault = FAULTS[asked.fault]
            fault.install(cloud)
            # Nobody wants to watch a broken mount being retried for the 15 minutes that a run would give it.
            request = fault.asked(
                {**request, "verification": {"timeout_seconds": 240, **request.get("verification", {})}}
            )
            console.print(f"[yellow]Broken behind its back: {fault.description}[/]")
        console.print()
        stepfunctions = cloud.client("stepfunctions")
        execution_arn = stepfunctions.start_execution(
            stateMachineArn=outputs["ProvisionStateMachineArn"], input=json.dumps(request)
        )["executionArn"]
        ended = follow(stepfunctions, execution_arn, console)
        console.print()
        show = show_ready if ended["status"] == "SUCCEEDED" else show_failed
        return show(cloud, ended, asked.directory / "runs" / ended["name"], console)


def list_faults(asked: str, console: Console) -> int:
    if asked:
        console.print(f"There is no fault {asked!r}. There are:", markup=False)
    for name, fault in FAULTS.items():
        console.print(f"  FAULT={name:28} {fault.description}", markup=False, soft_wrap=True)
    return 2 if asked else 0


def show_ready(cloud: EmbeddedCloud, ended: dict[str, Any], folder: Path, console: Console) -> int:
    """The evidence, and where it was saved."""
    output = json.loads(ended["output"])
    if output["status"] == "AlreadyInProgress":
        console.print(f"Already in progress: {output['holder']}", soft_wrap=True)
        return 0
    for table in evidence_tables(output):
        console.print(table)
    console.print("\n[bold green]Ready[/]: the storage is proven.")
    for name, url in (("Evidence", output["evidence_url"]), ("Report", output["report_url"])):
        console.print(f"{name}: {_shown(saved(cloud, url, folder))}", soft_wrap=True)
    return 0


def show_failed(cloud: EmbeddedCloud, ended: dict[str, Any], folder: Path, console: Console) -> int:
    """The cause, the probe's finding and the fix; and where the page is."""
    details = [event["Detail"] for event in cloud.server.published_events]
    failed = [detail for detail in details if detail["execution_arn"] == ended["executionArn"]]
    if not failed:
        console.print(f"{ended['status']}: {ended.get('error', '')} {ended.get('cause', '')}", markup=False)
        return 1
    detail = failed[-1]
    console.print(
        f"[bold red]Failed[/] in the state [bold]{detail['failure']['state']}[/]: {detail['failure']['error']}"
    )
    console.print(detail["failure"]["cause"], markup=False, soft_wrap=True, style="dim")
    for table in diagnosis_tables(detail["diagnosis"]):
        console.print(table)
    if detail["report_url"]:
        console.print(f"Report: {_shown(saved(cloud, detail['report_url'], folder))}", soft_wrap=True)
    return 1


def saved(cloud: EmbeddedCloud, url: str, folder: Path) -> Path:
    """Downloads s3://bucket/key into the folder."""
    parts = urlsplit(url)
    path = folder / Path(parts.path).name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cloud.client("s3").get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read())
    return path


def _shown(path: Path) -> Path:
    return path.resolve().relative_to(ROOT) if path.resolve().is_relative_to(ROOT) else path


if __name__ == "__main__":
    sys.exit(main())
