"""An execution from its start to its outcome, as every command that starts one shows it."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eks_efs.endings import Exit, Interrupted
from eks_efs.executions import Described, start
from eks_efs.follow import ended, follow
from eks_efs.outcome import Outcome
from eks_efs.screen import Screen
from eks_efs.stack import Stack
from provisioner.report.attestation import ATTESTATION, EVIDENCE


def run(
    stack: Stack, screen: Screen, machine: str, asked: Mapping[str, Any], *, wait: bool = True, save: Path | None = None
) -> Exit:
    """Starts the machine; how it ended, or that it was started when nobody is to wait for it. Raises: Interrupted."""
    name = str(uuid.uuid4())
    with _saying_how_to_come_back(stack, name):
        execution_arn = start(stack, machine, asked, name)
        if wait:
            return _watched(stack, screen, execution_arn, save)
    screen.result(
        {"execution_arn": execution_arn, "status": "RUNNING"},
        lambda console: console.print(f"Started. To watch it: {_to_come_back(stack, name)}", soft_wrap=True),
    )
    return Exit.AS_ASKED


def watch(stack: Stack, screen: Screen, execution_arn: str, *, save: Path | None = None) -> Exit:
    """How it ended. Raises: Interrupted."""
    with _saying_how_to_come_back(stack, execution_arn.rsplit(":", 1)[-1]):
        return _watched(stack, screen, execution_arn, save)


def _watched(stack: Stack, screen: Screen, execution_arn: str, save: Path | None) -> Exit:
    outcome = Outcome.of(stack, _ended(stack, screen, execution_arn))
    saved = outcome.save(stack, save)
    screen.result(outcome.as_json(saved), outcome.show)
    if not screen.is_json:
        for path in saved or outcome.urls:
            screen.console.print(f"{_kind(str(path))}: {path}", soft_wrap=True)
    return outcome.exit_code


def _kind(path: str) -> str:
    if path.endswith(ATTESTATION):
        return "Signature"
    return "Evidence" if path.endswith(EVIDENCE) else "Report"


def _ended(stack: Stack, screen: Screen, execution_arn: str) -> Described:
    client = stack.client("stepfunctions")
    if not screen.watches:
        return ended(client, execution_arn)
    screen.progress.print()
    followed = follow(client, execution_arn, screen.progress)
    screen.progress.print()
    return followed


@contextmanager
def _saying_how_to_come_back(stack: Stack, name: str) -> Iterator[None]:
    """An interrupt ends the watching only, whenever it comes: also while the execution is being started."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted; the execution goes on, and {_to_come_back(stack, name)} comes back to it"
        ) from None


def _to_come_back(stack: Stack, name: str) -> str:
    return f"eks-efs watch {name}{stack.options}"
