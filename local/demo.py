"""`make demo`: the embedded cloud, and one provisioning run in it by `eks-efs provision`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from eks_efs.documents import load
from eks_efs.endings import Exit, WrongInput
from local.faults import FAULTS
from local.stage import Stage, add_arguments, set_up, shown


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
        return Exit.WRONG_INPUT
    with set_up(asked, console) as stage:
        file = broken(stage, request, asked.fault) if asked.fault else asked.request
        return stage.command("provision", shown(file), "--save", stage.runs)


def request_in(file: Path) -> dict[str, Any] | None:
    """None when the file cannot be used, which is told before an embedded cloud is started for nothing."""
    try:
        request: dict[str, Any] = load(str(file))
    except WrongInput as problem:
        print(problem.format_message(), file=sys.stderr)
        return None
    return request


def broken(stage: Stage, request: dict[str, Any], fault_name: str) -> Path:
    """Arms the fault; the file of a request that meets it."""
    fault = FAULTS[fault_name]
    fault.install(stage.cloud)
    # Nobody wants to watch a broken mount being retried for the eight minutes that a run gives it.
    patient = {**request, "verification": {"timeout_seconds": 240, **request.get("verification", {})}}
    asked = fault.asked(patient, stage.cloud)
    stage.console.print(f"[yellow]Broken behind its back: {fault.description}[/]")
    file = stage.folder / "request.json"
    file.write_text(json.dumps(asked))
    return file


def list_faults(asked: str, console: Console) -> int:
    if asked:
        console.print(f"There is no fault {asked!r}. There are:", markup=False)
    for name, fault in FAULTS.items():
        console.print(f"  FAULT={name:28} {fault.description}", markup=False, soft_wrap=True)
    return Exit.WRONG_INPUT if asked else Exit.AS_ASKED


if __name__ == "__main__":
    sys.exit(main())
