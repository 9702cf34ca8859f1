"""From a failure to ranked causes: every rule of the failed state is probed, also those that no message names.

One symptom may hide another: while one mount target's port is closed, nobody hears that a zone has none. So a rule
without a symptom is probed too, and told if it is proved. A message of which nothing is so that it usually comes from
is as good as unknown.
"""

from collections.abc import Iterable, Sequence
from threading import Thread
from typing import Final

from botocore.exceptions import ClientError

from provisioner.diagnosis import signals
from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Cause, Failure, Finding, ProbeReport, Rule, Signal, Verdict
from provisioner.diagnosis.rules import RULES
from provisioner.errors import BoundaryError
from provisioner.kubernetes.errors import AccessNotYetEffective

BUDGET_SECONDS: Final = 45.0
UNKNOWN: Final = "unknown"
NO_MESSAGE: Final = "no message: found by looking"
_MOST_UNKNOWN: Final = 5
_RANKS: Final[dict[Verdict, int]] = {"proved": 0, "possible": 1, "refuted": 2}


def diagnose(failure: Failure, live: Live, *, budget_seconds: float = BUDGET_SECONDS) -> list[Cause]:
    """Causes, proved ones first; never raises, and never takes much longer than its budget.

    Raises nothing: a probe that cannot look gives `possible` with what prevented it.
    """
    run = _Diagnosis(failure, live)
    # A call that hangs cannot be broken off; it can be left behind.
    worker = Thread(target=run.work, name="diagnosis", daemon=True)
    worker.start()
    worker.join(budget_seconds)
    return run.causes()


def together(found: Sequence[Sequence[Cause]]) -> list[Cause]:
    """What the diagnoses of several volumes say, each thing once; of a rule that is proved, only where it is."""
    told = sorted((cause for causes in found for cause in causes), key=lambda cause: _RANKS[cause.verdict])
    best: dict[str, Verdict] = {}
    said: dict[tuple[str, str], Cause] = {}
    for cause in told:
        about = cause.symptom if cause.rule == UNKNOWN else cause.rule
        if best.setdefault(about, cause.verdict) == cause.verdict:
            said.setdefault((about, cause.fix), cause)
    return list(said.values())


class _Diagnosis:
    """What one thread finds out and the other may ask for at any time."""

    def __init__(self, failure: Failure, live: Live) -> None:
        self._failure = failure
        self._live = live
        self._rules = [rule for rule in RULES if failure.state in rule.states]
        self._signals = signals.of_failure(failure)
        self._findings: dict[str, Finding] = {}

    def work(self) -> None:
        self._signals = [*self._signals, *signals.of_live_state(self._live, self._failure)]
        for rule in sorted(self._rules, key=lambda each: each.signal_in(self._signals) is None):
            signal = rule.signal_in(self._signals)
            self._findings[rule.id] = _looked(rule, self._live, signal.text if signal else "")

    def causes(self) -> list[Cause]:
        found, said = dict(self._findings), list(self._signals)
        told: list[tuple[int, int, Cause]] = []
        for rule in self._rules:
            signal, finding = rule.signal_in(said), found.get(rule.id)
            if finding is None and signal is not None:
                finding = Finding.possible("nothing yet", "the time for looking was over")
            if finding is not None and (signal is not None or finding.verdict == "proved"):
                last = 2 if rule.may_follow else int(signal is None)
                told.append((_RANKS[finding.verdict], last, _cause(rule, signal, finding)))
        told += [(_RANKS["possible"], 1, each) for each in self._unknown(said)]
        if all(rank == _RANKS["refuted"] for rank, _, _ in told):
            words = list(dict.fromkeys(cause.symptom for *_, cause in told)) or [self._failure.cause]
            own = [text for text in words if not any(other in text for other in words if other != text)]
            told += [(_RANKS["possible"], 1, _unknown(text)) for text in own[:_MOST_UNKNOWN]]
        return [cause for *_, cause in sorted(told, key=lambda each: each[:2])]

    def _unknown(self, said: list[Signal]) -> Iterable[Cause]:
        """Each thing that was said and that no rule of this state knows: once, however many pods said it."""
        news = [
            signal.text
            for signal in said
            if signal.is_news and signal.text and not any(rule.signal_in([signal]) for rule in self._rules)
        ]
        distinct = {signals.gist(text): text for text in reversed(news)}
        return [_unknown(text) for text in list(reversed(distinct.values()))[:_MOST_UNKNOWN]]


def _looked(rule: Rule, live: Live, text: str) -> Finding:
    try:
        return rule.probe(live, text)
    except ClientError as error:
        return _prevented(f"{error.operation_name}: {error.response['Error']['Code']}")
    except (BoundaryError, AccessNotYetEffective) as error:
        return _prevented(str(error))
    except Exception as error:  # whatever a probe meets must not hide the failure, nor the other probes
        return _prevented(type(error).__name__)


def _prevented(why: str) -> Finding:
    return Finding.possible("could not look", why)


def _cause(rule: Rule, signal: Signal | None, finding: Finding) -> Cause:
    return Cause(
        rule=rule.id,
        verdict=finding.verdict,
        cause=rule.cause,
        symptom=signal.text if signal else NO_MESSAGE,
        probe=ProbeReport(looked_at=finding.looked_at, saw=finding.saw),
        fix="nothing to do here" if finding.verdict == "refuted" else rule.fix_with(finding.ids),
    )


def _unknown(text: str) -> Cause:
    return Cause(
        rule=UNKNOWN,
        verdict="possible",
        cause="unknown message",
        symptom=text,
        probe=ProbeReport(looked_at="nothing", saw="no rule knows what is behind this message"),
        fix="read the message; when its cause is found, a rule can be added",
    )
