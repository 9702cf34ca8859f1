"""What was decided about whom, in order."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from local.aws.permissions.demand import Context


@dataclass(frozen=True)
class Decision:
    """`principal` is the role's or user's ARN, `context` everything else that counted; `why` is empty when allowed."""

    principal: str
    action: str
    resource: str
    context: Context
    allowed: bool
    why: str = ""

    @property
    def role_name(self) -> str:
        return self.principal.rsplit("/", 1)[-1]

    def __str__(self) -> str:
        verdict = "may" if self.allowed else "may not"
        return f"{self.role_name} {verdict} {self.action} on {self.resource}{self.why and ': '}{self.why}"


class Audit:
    """Every decision since the cloud started."""

    def __init__(self) -> None:
        self._decisions: list[Decision] = []
        self._lock = threading.Lock()

    def add(self, decision: Decision) -> None:
        with self._lock:
            self._decisions.append(decision)

    def __len__(self) -> int:
        return len(self._decisions)

    def __iter__(self) -> Iterator[Decision]:
        return iter(list(self._decisions))

    def denied(self, since: int = 0) -> list[Decision]:
        """Refusals, of all or of those after the first `since` decisions."""
        return [decision for decision in self._decisions[since:] if not decision.allowed]
