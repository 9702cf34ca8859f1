from typing import Any

import click
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from eks_efs.endings import Exit
from eks_efs.options import examples, with_json
from eks_efs.rules import Rule, rule, rules
from eks_efs.screen import Screen


def _names(_context: Any, _parameter: Any, begun: str) -> list[str]:
    return [name for name in rules() if name.startswith(begun)]


@click.command(
    short_help="Say what a rule means, and what to do.", epilog=examples("eks-efs explain security-group-closed")
)
@click.argument("name", metavar="[RULE]", required=False, shell_complete=_names)
@with_json
def explain(name: str | None, screen: Screen) -> Exit:
    """Say what a rule that a failure names means, how it is proved, and what to do; without RULE, list them."""
    if name is None:
        screen.result([each.as_json() for each in rules().values()], _list)
    else:
        found = rule(name)
        screen.result(found.as_json(), lambda console: _show(console, found))
    return Exit.AS_ASKED


def _list(console: Console) -> None:
    table = Table.grid(padding=(0, 2))
    for each in rules().values():
        table.add_row(each.name, each.about)
    console.print(table)


def _show(console: Console, found: Rule) -> None:
    console.print(f"[bold]{found.name}[/]: {found.about}")
    console.print(Markdown(found.text))
