"""Each way in which an execution ends, for people and as an exit code."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from eks_efs.endings import Exit
from eks_efs.outcome import Outcome
from tests.unit.functions.report_seam import evidence

DIFFERENCE = {
    "resource": "security group sg-1",
    "path": "ingress.2049/tcp.10.0.0.0/19",
    "severity": "critical",
    "expected": "allowed",
    "actual": None,
    "fix": "a run allows it again",
}
DRIFTED = {"status": "Drifted", "drift": [DIFFERENCE], "remediation": None, "refused": [], "behaviour": None}
ATTENTION = {
    "cluster_name": "eks-a",
    "account_id": "1",
    "region": "r",
    "status": "Drifted",
    "cause": None,
    "differences": 2,
}


def succeeded(**output: Any) -> Outcome:
    return Outcome("arn", "SUCCEEDED", output)


def told(outcome: Outcome) -> str:
    console = Console(file=StringIO(), width=120, highlight=False)
    outcome.show(console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        (
            succeeded(status="Verified", repaired=[], behaviour=None),
            Exit.AS_ASKED,
            "Verified: no difference.",
        ),
        (
            succeeded(status="Verified", repaired=[DIFFERENCE], behaviour=None),
            Exit.AS_ASKED,
            "Repaired: 1 difference, by a provisioning run.",
        ),
        (succeeded(**DRIFTED), Exit.DRIFTED, "Drifted: 1 difference. Nothing was touched."),
        (
            succeeded(**{**DRIFTED, "refused": ["cluster.version"]}),
            Exit.DRIFTED,
            "Nothing was touched: not all of it can be repaired by a run.",
        ),
        (
            succeeded(status="Removed"),
            Exit.AS_ASKED,
            "Removed: nothing was touched.",
        ),
        (
            succeeded(status="AlreadyInProgress", holder="arn:one"),
            Exit.BUSY,
            "Busy: arn:one works on the cluster.",
        ),
        (succeeded(counts={"verified": 3}, attention=[]), Exit.AS_ASKED, "verified"),
        (succeeded(counts={"drifted": 1}, attention=[ATTENTION]), Exit.DRIFTED, "2 differences"),
        (Outcome("arn", "FAILED", error="Busy", cause="arn:one works"), Exit.BUSY, "FAILED: Busy arn:one works"),
        (Outcome("arn", "TIMED_OUT"), Exit.FAILED, "TIMED_OUT:"),
        (Outcome("arn", "ABORTED", error="Stopped", cause="by me"), Exit.FAILED, "ABORTED: Stopped by me"),
    ],
)
def test_an_end_has_its_exit_code_and_its_sentence(outcome: Outcome, code: Exit, said: str) -> None:
    assert outcome.exit_code == code
    assert said in told(outcome)


def test_a_failure_is_told_with_its_cause_what_proves_it_and_what_to_do() -> None:
    probe = {"looked_at": "ingress of sg-1", "saw": "nothing of the pods"}
    proved = {"rule": "closed", "verdict": "proved", "cause": "The port is closed.", "probe": probe, "fix": "open it"}
    failure = {
        "failure": {"state": "Verify storage", "error": "TerminalError", "cause": "VerificationFailed: no pod [sic]"},
        "diagnosis": [proved, {**proved, "rule": "other", "verdict": "refuted"}],
    }
    shown = told(Outcome("arn", "FAILED", failure=failure))
    assert "Failed in the state Verify storage: TerminalError" in shown
    for text in ("no pod [sic]", "Proved: closed", "ingress of sg-1: nothing of the pods", "open it"):
        assert text in shown
    assert "other" not in shown


def test_a_check_with_pods_tells_how_fast_it_was_and_that_slower_is_no_drift() -> None:
    slower = {
        **DIFFERENCE,
        "path": "small_write_milliseconds.eu-west-1a",
        "severity": "information",
        "expected": 9.5,
        "actual": 80.0,
        "fix": "its burst credits are spent [sic]",
    }
    behaviour = {"proven": True, "evidence": evidence()}
    outcome = succeeded(status="Verified", repaired=[], behaviour=behaviour, slower=[slower, slower])
    shown = told(outcome)
    assert outcome.exit_code == Exit.AS_ASKED
    assert "How fast it was" in shown
    assert "Slower than before: small_write_milliseconds.eu-west-1a: 80, usually 9.5" in shown
    assert shown.count("its burst credits are spent [sic]") == 1
    assert "Verified: no difference, and a fresh pod read what 1 pods wrote." in shown
    assert "How fast it was" in told(succeeded(**{**DRIFTED, "behaviour": behaviour}))
