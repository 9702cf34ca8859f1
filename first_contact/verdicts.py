"""What was asked, and what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from first_contact.assumptions import Assumption

Status = Literal["ticked", "refuted", "cannot be asked"]


class Refuted(Exception):  # noqa: N818 - a finding, not a fault
    """AWS is not as we think; the text is what it said."""


class CannotBeAsked(Exception):  # noqa: N818 - as above
    """The text says why: no right, not deployed yet, no such API here."""


@dataclass(frozen=True)
class Verdict:
    """`said` is what was seen, what AWS said against it, or why it could not be asked."""

    check: str
    item: str
    status: Status
    said: str

    @property
    def name(self) -> str:
        return f"{self.check}/{self.item}" if self.item else self.check

    def is_of(self, named: str) -> bool:
        """Whether an assumption that names that check, or that item of it, is about this."""
        return named in (self.check, self.name)


def status_of(verdicts: Sequence[Verdict]) -> Status:
    """Of several together: one that is refuted refutes; nothing is ticked that could not all be asked."""
    found = {verdict.status for verdict in verdicts}
    if "refuted" in found:
        return "refuted"
    return "ticked" if found == {"ticked"} else "cannot be asked"


def of_assumption(assumption: Assumption, verdicts: Iterable[Verdict]) -> Verdict:
    """Its own verdict, by those of its checks."""
    if not assumption.checks:
        return Verdict(assumption.id, "", "cannot be asked", f"no check: {assumption.why_none}")
    every = list(verdicts)
    its: list[Verdict] = []
    for named in assumption.checks:
        found = [verdict for verdict in every if verdict.is_of(named)]
        its += found or [Verdict(named, "", "cannot be asked", "was not asked this time")]
    status = status_of(its)
    said = [f"{verdict.name}: {verdict.said}" for verdict in its if verdict.status == status]
    return Verdict(assumption.id, "", status, "; ".join(said[:3]))


def as_json(
    account_id: str, region: str, stack: str, verdicts: Sequence[Verdict], entries: Sequence[Assumption]
) -> dict[str, Any]:
    """In an order that does not change, so that two can be compared line by line."""
    ids = [asdict(of_assumption(entry, verdicts)) for entry in entries]
    return {
        "account_id": account_id,
        "region": region,
        "stack": stack,
        "checks": [asdict(verdict) for verdict in sorted(verdicts, key=lambda verdict: verdict.name)],
        "assumptions": [{"id": each["check"], "status": each["status"], "said": each["said"]} for each in ids],
    }
