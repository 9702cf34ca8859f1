"""How fast the storage was in a proof, and what of it is slower than before."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from provisioner.report.speed import speed


def show_speed(console: Console, evidence: Mapping[str, Any]) -> None:
    """A column per zone, and what AWS documents; nothing for evidence that is none."""
    found = speed(evidence)
    if found is None:
        return
    table = Table(
        "",
        *found.zones,
        "documented",
        title="How fast it was",
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
    )
    for column in table.columns:
        column.overflow = "fold"
    for row in found.rows:
        table.add_row(row.title, *row.cells, Text(row.documented, "dim"))
    console.print(table)
    console.print(f"{found.meaning} {found.clock}.", style="dim")


def show_slower(console: Console, slower: Sequence[Mapping[str, Any]]) -> None:
    """A line for each; one explanation serves all, as all are of one file system."""
    for each in slower:
        console.print(f"[bold]Slower than before[/]: {each['path']}: {each['actual']:g}, usually {each['expected']:g}")
    for fix in dict.fromkeys(each["fix"] for each in slower):
        console.print(f"  {fix}", markup=False, soft_wrap=True)
