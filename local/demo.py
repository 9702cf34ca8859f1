"""`make demo`: the embedded cloud, one provisioning run with live progress, then the evidence or the diagnosis."""

import argparse
import json
import sys
from typing import Any

from rich.console import Console

from local.faults import FAULTS
from local.outcome_view import diagnosis_tables, evidence_tables, plan_tables
from local.stage import Stage, add_arguments, request_in, set_up, shown


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--fault", metavar="NAME", help="what to break behind the program's back; empty: list them")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    asked = arguments(argv)
    console = Console(highlight=False)
    if asked.fault is not None and asked.fault not in FAULTS:
        return list_faults(asked.fault, console)
    request = request_in(asked.request)
    if request is None:
        return 2
    with set_up(asked, console) as stage:
        console.print(f"Provisioning with {shown(asked.request)}")
        if asked.fault:
            fault = FAULTS[asked.fault]
            fault.install(stage.cloud)
            # Nobody wants to watch a broken mount being retried for the 15 minutes that a run would give it.
            request = fault.asked(
                {**request, "verification": {"timeout_seconds": 240, **request.get("verification", {})}}
            )
            console.print(f"[yellow]Broken behind its back: {fault.description}[/]")
        ended = stage.run("Provision", request)
        show = show_ready if ended["status"] == "SUCCEEDED" else show_failed
        return show(stage, ended)


def list_faults(asked: str, console: Console) -> int:
    if asked:
        console.print(f"There is no fault {asked!r}. There are:", markup=False)
    for name, fault in FAULTS.items():
        console.print(f"  FAULT={name:28} {fault.description}", markup=False, soft_wrap=True)
    return 2 if asked else 0


def show_ready(stage: Stage, ended: dict[str, Any]) -> int:
    """The evidence, and where it was saved; of a plan what it says."""
    output, console = json.loads(ended["output"]), stage.console
    if output["status"] == "Planned":
        for table in plan_tables(output):
            console.print(table)
        console.print(f"\n[bold]Planned[/]: {output['summary']}. Nothing was touched.")
        return 0
    if output["status"] == "AlreadyInProgress":
        console.print(f"Already in progress: {output['holder']}", soft_wrap=True)
        return 0
    for table in evidence_tables(output):
        console.print(table)
    console.print("\n[bold green]Ready[/]: the storage is proven.")
    for name, url in (("Evidence", output["evidence_url"]), ("Report", output["report_url"])):
        console.print(f"{name}: {stage.saved(url, ended)}", soft_wrap=True)
    return 0


def show_failed(stage: Stage, ended: dict[str, Any]) -> int:
    """The cause, the probe's finding and the fix; and where the page is."""
    details, console = [event["Detail"] for event in stage.cloud.server.published_events], stage.console
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
        console.print(f"Report: {stage.saved(detail['report_url'], ended)}", soft_wrap=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
