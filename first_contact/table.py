"""The answers as people read them: what was refuted in full, the rest in a line per check."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.table import Table

from first_contact.assumptions import Assumption
from first_contact.verdicts import Verdict, of_assumption, status_of

MARKS = {"ticked": "[green]✓[/]", "refuted": "[bold red]✗[/]", "cannot be asked": "[yellow]–[/]"}
MOST_REFUTED = 10


def tables(verdicts: Sequence[Verdict], entries: Sequence[Assumption]) -> Iterator[Table]:
    yield _table("What was asked", ("check", "what came of it"), _checks(verdicts))
    tied = [entry for entry in entries if entry.checks]
    untied = len(entries) - len(tied)
    title = f"What docs/assumptions.md relies on; {untied} more can be asked by no check, as it says"
    yield _table(title, ("assumption", "what came of it"), (_row(of_assumption(each, verdicts)) for each in tied))


def compared(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """A line for everything whose status is another one."""
    before, after = _statuses(earlier), _statuses(now)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    yield f"Compared: {len(changed)} changes." if changed else "Compared: no change."
    yield from (f"  {name}: {before.get(name, 'not asked')} -> {after.get(name, 'not asked')}" for name in changed)


def _statuses(answers: Mapping[str, Any]) -> dict[str, str]:
    checks = {f"{each['check']}/{each['item']}".rstrip("/"): each["status"] for each in answers["checks"]}
    return checks | {each["id"]: each["status"] for each in answers["assumptions"]}


def _checks(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str, str]]:
    for check, its in groupby(verdicts, key=lambda verdict: verdict.check):
        group = list(its)
        yield MARKS[status_of(group)], check, _told(group)


def _told(group: Sequence[Verdict]) -> str:
    parts = []
    refuted = [verdict for verdict in group if verdict.status == "refuted"]
    parts += [f"{verdict.item or 'refuted'}: {verdict.said}" for verdict in refuted[:MOST_REFUTED]]
    if len(refuted) > MOST_REFUTED:
        parts.append(f"and {len(refuted) - MOST_REFUTED} more")
    if ticked := [verdict for verdict in group if verdict.status == "ticked"]:
        parts.append(ticked[0].said if len(group) == 1 else f"{len(ticked)} of {len(group)} ticked")
    unasked = [verdict for verdict in group if verdict.status == "cannot be asked"]
    for why in dict.fromkeys(verdict.said for verdict in unasked):
        its = [verdict.item for verdict in unasked if verdict.said == why and verdict.item]
        parts.append(f"{', '.join(its[:3])}{' …' if len(its) > 3 else ''}{': ' if its else ''}{why}")
    return "\n".join(parts)


def _row(verdict: Verdict) -> tuple[str, str, str]:
    return MARKS[verdict.status], verdict.check, verdict.said


def _table(title: str, columns: tuple[str, str], rows: Iterator[tuple[str, str, str]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column(columns[0], no_wrap=True)
    table.add_column(columns[1], overflow="fold")
    for mark, name, told in rows:
        table.add_row(mark, name, told.replace("[", r"\["))
    return table
