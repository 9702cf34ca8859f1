"""What is wrong before anything is created: collected, so that one refusal tells all of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from provisioner.errors import ErrorReason, TerminalError

_START_AGAIN: Final = "nothing was created; correct this and start again"


@dataclass(frozen=True)
class Problem:
    """`what` names the thing and its value; `remedy` what to do, the same words for problems that go together."""

    reason: ErrorReason
    what: str
    remedy: str

    @classmethod
    def of(cls, error: TerminalError) -> "Problem":
        return cls(error.reason, error.subject, error.remedy)


def instructions(problems: Iterable[Problem]) -> str:
    """What to do about all of them, each thing once."""
    return "; ".join(dict.fromkeys(problem.remedy for problem in problems))


def refusal(problems: Iterable[Problem]) -> TerminalError:
    """All of them in one error; its reason is theirs if they share one, else UNSUITABLE_ACCOUNT."""
    by_remedy: dict[str, list[str]] = {}
    reasons = []
    for problem in problems:
        by_remedy.setdefault(problem.remedy, []).append(problem.what)
        reasons.append(problem.reason)
    subject = "; ".join(f"{'; '.join(whats)} ({remedy})" for remedy, whats in by_remedy.items())
    reason = reasons[0] if len(set(reasons)) == 1 else ErrorReason.UNSUITABLE_ACCOUNT
    return TerminalError(reason, subject, remedy=_START_AGAIN)
