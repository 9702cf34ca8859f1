"""What a diagnosis is made of: signals are seen, rules recognise them by symptoms, probes look, causes are told."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from provisioner.verbatim import without_queries

if TYPE_CHECKING:
    from provisioner.diagnosis.live import Live

Words = Annotated[str, AfterValidator(without_queries)]
"""Others' words may be in it, but no credential."""

Verdict = Literal["proved", "possible", "refuted"]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class Failure(_Told):
    """What the state machine knows: the state that failed, the error's name, and its words."""

    state: str
    error: str
    cause: str


class ProbeReport(_Told):
    looked_at: Words
    saw: Words


class Cause(_Told):
    """One rule's answer, as the failure event carries it."""

    rule: str
    verdict: Verdict
    cause: Words
    symptom: Words
    probe: ProbeReport
    fix: Words


@dataclass(frozen=True)
class Signal:
    """One thing that AWS, Kubernetes or this application said, verbatim, with the structure it came in."""

    text: str
    reasons: frozenset[str]
    """Event or waiting reason, condition or state, ErrorReason, AWS error code."""
    component: str = ""
    """Who said it: an event's component, "cluster", "add-on" …, or the AWS operation; empty when that is not known."""
    is_news: bool = True
    """Whether it is reported as unknown when no rule knows it."""


@dataclass(frozen=True)
class Symptom:
    """Structure first: one of `reasons`, said by `component` if that is known; then `text`, a regular expression."""

    reasons: frozenset[str]
    text: str = ""
    component: str = ""

    def shows_in(self, signal: Signal) -> bool:
        return (
            not self.reasons.isdisjoint(signal.reasons)
            and (not self.component or signal.component in ("", self.component))
            and re.search(self.text, signal.text) is not None
        )


def seen(*reasons: str, text: str = "", component: str = "") -> Symptom:
    return Symptom(frozenset(reasons), text, component)


@dataclass(frozen=True)
class Finding:
    """What a probe saw in the live state, and the ids that the rule's fix is to name."""

    verdict: Verdict
    looked_at: str
    saw: str
    ids: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def proved(cls, looked_at: str, saw: str, **ids: str) -> "Finding":
        return cls("proved", looked_at, saw, ids)

    @classmethod
    def refuted(cls, looked_at: str, saw: str) -> "Finding":
        return cls("refuted", looked_at, saw)

    @classmethod
    def possible(cls, looked_at: str, saw: str, **ids: str) -> "Finding":
        return cls("possible", looked_at, saw, ids)


Probe = Callable[["Live", str], Finding]
"""Looks at the live state; the text is that of the signal in which the rule's symptom showed, or empty."""


class _InWords(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return name.replace("_", " ")


@dataclass(frozen=True)
class Rule:
    """A cause that we know. `states` are those after whose failure it is looked for."""

    id: str
    states: frozenset[str]
    symptoms: tuple[Symptom, ...]
    cause: str
    probe: Probe
    fix: str
    """One sentence; a {placeholder} reads as words where the probe names no id for it."""
    may_follow: bool = False
    """Unless proved it may be a consequence, which is told after what nobody knows."""

    def signal_in(self, signals: list[Signal]) -> Signal | None:
        return next((signal for signal in signals if any(each.shows_in(signal) for each in self.symptoms)), None)

    def fix_with(self, ids: Mapping[str, str]) -> str:
        return self.fix.format_map(_InWords(ids))
