"""docs/assumptions.md: every entry has an id, and names the checks that tick it off or says why there is none."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from first_contact.root import ROOT

DOCUMENT = ROOT / "docs" / "assumptions.md"
ENTRY = re.compile(r"- \*\*(?P<id>[A-Z0-9]+-[0-9]{2,})\*\* (?P<text>.+) \[(?P<kind>check|no check): (?P<ends>[^\]]+)\]")
FORM = "- **ID-01** what is relied on (source) [check: name] or [no check: why]"


@dataclass(frozen=True)
class Assumption:
    """`checks` are names, or name/item; `why_none` is empty when there are some."""

    id: str
    text: str
    checks: tuple[str, ...]
    why_none: str


def assumptions(text: str) -> list[Assumption]:
    """Raises: ValueError, which names every entry that is not of the form."""
    wrong = [line for line in _entries(text) if not ENTRY.fullmatch(line)]
    if wrong:
        raise ValueError("\n".join([f"{DOCUMENT.name}: an entry has the form {FORM}; these have not:", *wrong]))
    return [_assumption(match) for line in _entries(text) if (match := ENTRY.fullmatch(line))]


def untied(entries: Iterable[Assumption], checks: Iterable[str]) -> list[str]:
    """What is wrong with the entries, given the names of all checks: ids that are there twice, checks that are not."""
    known, seen, wrong = set(checks), set(), []
    for entry in entries:
        if entry.id in seen:
            wrong.append(f"{entry.id} is there twice")
        seen.add(entry.id)
        wrong += [
            f"{entry.id} names the check {name}, which does not exist" for name in entry.checks if name not in known
        ]
    return wrong


def _entries(text: str) -> Iterator[str]:
    yield from (line for line in text.splitlines() if line.startswith("- "))


def _assumption(match: re.Match[str]) -> Assumption:
    named = match["kind"] == "check"
    checks = tuple(name.strip() for name in match["ends"].split(",")) if named else ()
    return Assumption(match["id"], match["text"], checks, "" if named else match["ends"])
