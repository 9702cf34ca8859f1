"""What every role may do, and how often the scenarios needed it."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from local.aws.permissions.audit import Decision
from tests.permissions.rights import Right, uses

WIDTHS = (46, 34, 44, 6)


def lines(rights: Sequence[Right], decisions: Sequence[Decision]) -> list[str]:
    """One per role, statement and action; who holds a right twice is told twice."""
    return [_line(("role", "statement", "action", "uses")), *_rows(rights, decisions)]


def _rows(rights: Sequence[Right], decisions: Sequence[Decision]) -> Iterator[str]:
    for role, its in groupby(rights, key=lambda right: right.role):
        for right in its:
            count = uses(right, decisions)
            for action in right.actions:
                total = sum(number for (used, _), number in count.items() if used == action)
                yield _line((role, right.name, action, str(total)))


def _line(cells: Sequence[str]) -> str:
    return " ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()
