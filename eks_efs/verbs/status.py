from datetime import UTC, datetime

import click
from rich.console import Console

from eks_efs import records
from eks_efs.account_changes import with_account_changes
from eks_efs.completions import clusters
from eks_efs.endings import Exit
from eks_efs.options import examples, of_a_stack, with_json
from eks_efs.records import Record, ago
from eks_efs.screen import Screen
from eks_efs.stack import Stack
from eks_efs.tables import account_changes_table, diagnosis_tables, record_table, records_table


@click.command(
    short_help="Show the recorded clusters.", epilog=examples("eks-efs status", "eks-efs status eks-example --json")
)
@click.argument("cluster", required=False, shell_complete=clusters)
@click.option("--all", "removed_too", is_flag=True, help="Also the clusters that were removed.")
@with_json
@of_a_stack
def status(cluster: str | None, removed_too: bool, screen: Screen, stack: Stack) -> Exit:
    """Show the recorded clusters, or one of them with its last failure.

    Of each: its state, version and last proof, how the last check ended and when, its account and organizational unit.
    And what of its account is other than when it was made, as the newest check of the fleet found it. It reads the
    stack's records and asks no cluster. CLUSTER is its name, or account/region/name.
    """
    if cluster is not None:
        (record,), _ = with_account_changes(stack, [records.one(stack, cluster)])
        screen.result(record.as_json(), lambda console: _show_one(console, record))
        return Exit.AS_ASKED
    listed = [record for record in records.every(stack) if removed_too or record.removed_at is None]
    found, unlisted = with_account_changes(stack, listed)
    screen.result([record.as_json() for record in found], lambda console: _show(console, found, unlisted))
    return Exit.AS_ASKED


def _show(console: Console, found: list[Record], unlisted: int) -> None:
    console.print(records_table(found, datetime.now(UTC)) if found else "No cluster is recorded.")
    _show_account_changes(console, found)
    if unlisted:
        console.print(f"{unlisted} more that the check's event had no room for.", style="dim")


def _show_account_changes(console: Console, found: list[Record]) -> None:
    if changes := [change for record in found for change in record.account_changes or ()]:
        console.print(account_changes_table(changes, ago(found[0].accounts_compared_at, datetime.now(UTC))))


def _show_one(console: Console, record: Record) -> None:
    console.print(record_table(record, datetime.now(UTC)))
    _show_account_changes(console, [record])
    if record.failure:
        console.print(f"[bold red]Failed[/] in the state [bold]{record.failure['state']}[/]: {record.failure['error']}")
        console.print(record.failure["cause"], markup=False, soft_wrap=True, style="dim")
        for table in diagnosis_tables(record.failure.get("diagnosis") or []):
            console.print(table)
