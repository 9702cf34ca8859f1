"""An obstacle, and the kinds that there are: each is a line of docs/removal.md."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Obstacle:
    """`what` names the thing and what it holds up; `looked_at` and `saw` say what was read, and what it said."""

    kind: "Kind"
    what: str
    owner: str
    looked_at: str
    saw: str
    fix: str

    def payload(self) -> dict[str, Any]:
        """As the cause of a failure is told: {rule, verdict, cause, symptom, probe: {looked_at, saw}, fix}."""
        return {
            "rule": self.kind.rule,
            "verdict": "proved",
            "cause": f"{self.what} (most likely of {self.owner})",
            "symptom": self.what,
            "probe": {"looked_at": self.looked_at, "saw": self.saw},
            "fix": self.fix,
        }


@dataclass(frozen=True)
class Kind:
    """`holds` says what cannot go before it, `owner` who likely put it there, `source` where it is known from.

    `what` and `fix` are templates; `found` fills them in.
    """

    rule: str
    what: str
    holds: str
    owner: str
    looked_at: str
    fix: str
    source: str

    def found(self, saw: str, *, owner: str | None = None, **names: str) -> Obstacle:
        """`owner` says more than the kind does about this very one."""
        what = f"{self.what.format_map(names)}, and {self.holds.format_map(names)}"
        return Obstacle(self, what, owner or self.owner, self.looked_at, saw, self.fix.format_map(names))
