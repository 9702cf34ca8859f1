"""`make first-contact`: asks the account of AWS_PROFILE and AWS_REGION what docs/assumptions.md relies on."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from first_contact.assumptions import DOCUMENT, Assumption, assumptions
from first_contact.check import Check, verdicts
from first_contact.checks import EVERY
from first_contact.contact import Contact
from first_contact.table import compared, tables
from first_contact.verdicts import CannotBeAsked, Verdict, as_json

STACK = "eks-efs-provisioner"
SAVED = Path(".local", "first-contact.json")
WRONG_USE = 2


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make first-contact", description=__doc__)
    parser.add_argument("--stack", default=STACK, help="the stack that is asked about, deployed or not")
    parser.add_argument("--run", type=Path, metavar="REQUEST", help="also one real provisioning, which costs")
    parser.add_argument("--save", type=Path, default=SAVED, help="where the answers are kept, as JSON")
    parser.add_argument("--look-again", type=float, default=10.0, metavar="SECONDS", help="at a run that goes on")
    parser.add_argument("--compare", type=Path, metavar="JSON", help="earlier answers; what has changed is told")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """0: nothing was refuted; 1: something was; 2: it could not be begun."""
    asked, console = arguments(argv), Console(highlight=False)
    try:
        request = _json_in(asked.run)
        earlier = _json_in(asked.compare)
        contact = Contact(
            boto3.Session(), asked.stack, naming(console), request=request, look_again_seconds=asked.look_again
        )
        return report(contact, console, asked.save, earlier)
    except (OSError, ValueError) as problem:
        print(f"Cannot be begun: {problem}", file=sys.stderr)
    return WRONG_USE


def report(contact: Contact, console: Console, save: Path, earlier: Mapping[str, Any] | None = None) -> int:
    """Asks everything, shows and saves the answers. Raises: ValueError when nobody can be asked."""
    entries = assumptions(DOCUMENT.read_text())
    _introduce(contact, console)
    found = ask(contact, EVERY)
    for table in tables(found, entries):
        console.print(table)
    answers = as_json(contact.account_id, contact.region, contact.stack, found, entries)
    save.parent.mkdir(parents=True, exist_ok=True)
    save.write_text(json.dumps(answers, indent=1) + "\n")
    if earlier is not None:
        for line in compared(earlier, answers):
            console.print(line, markup=False, soft_wrap=True)
    refuted = [verdict for verdict in found if verdict.status == "refuted"]
    console.print(f"{_count(found, entries)}. Kept in {save}.", soft_wrap=True)
    return 1 if refuted else 0


def ask(contact: Contact, checks: Sequence[Check]) -> list[Verdict]:
    return [verdict for check in checks for verdict in verdicts(check, contact)]


def _introduce(contact: Contact, console: Console) -> None:
    if not contact.region:
        raise ValueError("no region: set AWS_REGION, or one in the profile of AWS_PROFILE")
    try:
        account_id, arn = contact.account_id, contact.identity["Arn"]
    except (CannotBeAsked, ClientError, BotoCoreError) as problem:
        raise ValueError(f"no account: set AWS_PROFILE ({problem})") from problem
    console.print(f"Account {account_id}, {contact.region}, as {arn}", soft_wrap=True)
    costs = "One real provisioning follows, which costs." if contact.request is not None else "Nothing here costs."
    console.print(f"{costs} Every call is named before it is made.\n")


def naming(console: Console) -> Callable[[str, str], None]:
    return lambda call, purpose: console.print(f"[dim]{call:48}[/] {purpose}", soft_wrap=True)


def _json_in(file: Path | None) -> dict[str, Any] | None:
    """Raises: OSError, ValueError."""
    if file is None:
        return None
    found = json.loads(file.read_text())
    if not isinstance(found, dict):
        raise ValueError(f"{file} is not a JSON object")
    return found


def _count(found: Sequence[Verdict], entries: Sequence[Assumption]) -> str:
    number = {status: sum(verdict.status == status for verdict in found) for status in ("ticked", "refuted")}
    rest = len(found) - sum(number.values())
    return (
        f"{number['ticked']} ticked, {number['refuted']} refuted, {rest} could not be asked; {len(entries)} assumptions"
    )


if __name__ == "__main__":
    sys.exit(main())
