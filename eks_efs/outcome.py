"""How an execution ended: for people, for programs, and as an exit code."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from eks_efs import reports
from eks_efs.endings import Exit
from eks_efs.executions import Described, failure_of
from eks_efs.speed import show_slower, show_speed
from eks_efs.stack import Stack
from eks_efs.tables import (
    diagnosis_tables,
    drift_table,
    evidence_tables,
    fleet_tables,
    plan_tables,
    removal_tables,
    repaired_table,
)
from provisioner.report.attestation import ATTESTATION


@dataclass(frozen=True)
class Outcome:
    """`output` is {} unless it succeeded; `failure` the failure event's detail, None where no event came out."""

    execution_arn: str
    status: str
    output: Mapping[str, Any] = field(default_factory=dict)
    failure: Mapping[str, Any] | None = None
    error: str = ""
    cause: str = ""

    @classmethod
    def of(cls, stack: Stack, ended: Described) -> "Outcome":
        arn, status = ended["executionArn"], ended["status"]
        if status == "SUCCEEDED":
            return cls(arn, status, json.loads(ended["output"]))
        return cls(
            arn, status, failure=failure_of(stack, arn), error=ended.get("error", ""), cause=ended.get("cause", "")
        )

    @property
    def exit_code(self) -> Exit:
        if self.status != "SUCCEEDED":
            return Exit.BUSY if self.error == "Busy" else Exit.FAILED
        if self.output.get("status") in ("AlreadyInProgress", "Busy"):
            return Exit.BUSY
        is_drifted = self.output.get("status") == "Drifted" or self.output.get("attention")
        return Exit.DRIFTED if is_drifted else Exit.AS_ASKED

    @property
    def urls(self) -> Iterator[str]:
        """s3://bucket/key of what it left in the bucket: the evidence first, and what is signed of it."""
        told = self.output or self.failure or {}
        if url := told.get("evidence_url"):
            yield from (url, f"{url}{ATTESTATION}")
        if url := told.get("report_url"):
            yield url

    def as_json(self, saved: list[Path]) -> dict[str, Any]:
        return {
            "execution_arn": self.execution_arn,
            "status": self.status,
            "output": dict(self.output) or None,
            "failure": self.failure,
            "error": self.error or None,
            "cause": self.cause or None,
            "saved": [str(path) for path in saved],
        }

    def show(self, console: Console) -> None:
        if self.status != "SUCCEEDED":
            self._show_failure(console)
            return
        match self.output.get("status"):
            case "Ready":
                _show_tables(console, evidence_tables(self.output))
                console.print("\n[bold green]Ready[/]: the storage is proven.")
            case "Planned":
                is_removal = "goes" in self.output
                _show_tables(console, removal_tables(self.output) if is_removal else plan_tables(self.output))
                console.print(f"\n[bold]Planned[/]: {self.output['summary']}. Nothing was touched.")
            case "Verified":
                self._show_behaviour(console)
                self._show_verified(console)
            case "Drifted":
                self._show_behaviour(console)
                console.print(drift_table(self.output["drift"]))
                count = _differences(len(self.output["drift"]))
                console.print(f"[bold red]Drifted[/]: {count}. {_touched(self.output)}")
            case "Removed" if "removed" in self.output:
                _show_tables(console, removal_tables(self.output))
                console.print(f"\n[bold green]Removed[/]: {self.output['cluster']['name']}.")
            case "AlreadyInProgress" | "Busy":
                console.print(f"[bold]Busy[/]: {self.output['holder']} works on the cluster.", soft_wrap=True)
            case "LeftOut":
                console.print(f"[bold]Left out[/]: {self.output['because']}. Nothing was touched.", soft_wrap=True)
            case _ if "counts" in self.output:
                _show_tables(console, fleet_tables(self.output))
            case status:
                console.print(f"[bold]{status}[/]: nothing was touched.")

    def save(self, stack: Stack, folder: Path | None) -> list[Path]:
        return [] if folder is None else list(reports.saved(stack, self.urls, folder))

    def _show_failure(self, console: Console) -> None:
        """The cause, the probe's finding and the fix."""
        if self.failure is None:
            console.print(f"{self.status}: {self.error} {self.cause}".rstrip(), markup=False, soft_wrap=True)
            return
        failed = self.failure["failure"]
        console.print(f"[bold red]Failed[/] in the state [bold]{failed['state']}[/]: {failed['error']}")
        console.print(failed["cause"], markup=False, soft_wrap=True, style="dim")
        _show_tables(console, diagnosis_tables(self.failure["diagnosis"]))

    def _show_behaviour(self, console: Console) -> None:
        """A check from before there were times has none of what is slower."""
        behaviour = self.output["behaviour"]
        if behaviour and behaviour["proven"]:
            show_speed(console, behaviour["evidence"])
            show_slower(console, self.output.get("slower", []))

    def _show_verified(self, console: Console) -> None:
        repaired, behaviour = self.output["repaired"], self.output["behaviour"]
        if repaired:
            console.print(repaired_table(repaired))
            console.print(f"[bold green]Repaired[/]: {_differences(len(repaired))}, by a provisioning run.")
        proof = ""
        if behaviour and behaviour["proven"]:
            proof = f", and a fresh pod read what {len(behaviour['evidence']['writers'])} pods wrote"
        console.print(f"[bold green]Verified[/]: no difference{proof}.")


def _show_tables(console: Console, tables: Iterator[Any]) -> None:
    for table in tables:
        console.print(table)


def _differences(count: int) -> str:
    return "1 difference" if count == 1 else f"{count} differences"


def _touched(output: Mapping[str, Any]) -> str:
    if output["remediation"]:
        return f"What {output['remediation']['execution_arn']} could repair is repaired."
    if output["refused"]:
        return "Nothing was touched: not all of it can be repaired by a run."
    return "Nothing was touched."
