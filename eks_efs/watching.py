"""An execution from its start to its outcome, as every command that starts one shows it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eks_efs.endings import Exit, Interrupted
from eks_efs.executions import Described, start
from eks_efs.follow import ended, follow
from eks_efs.outcome import Outcome
from eks_efs.screen import Screen
from eks_efs.stack import Stack


def run(
    stack: Stack, screen: Screen, machine: str, asked: Mapping[str, Any], *, wait: bool = True, save: Path | None = None
) -> Exit:
    """Starts the machine; how it ended, or that it was started when nobody is to wait for it."""
    execution_arn = start(stack, machine, asked)
    if wait:
        return watch(stack, screen, execution_arn, save=save)
    name = execution_arn.rsplit(":", 1)[-1]
    screen.result(
        {"execution_arn": execution_arn, "status": "RUNNING"},
        lambda console: console.print(f"Started. To watch it: eks-efs watch {name}{stack.options}", soft_wrap=True),
    )
    return Exit.AS_ASKED


def watch(stack: Stack, screen: Screen, execution_arn: str, *, save: Path | None = None) -> Exit:
    """Raises: Interrupted."""
    outcome = Outcome.of(stack, _ended(stack, screen, execution_arn))
    saved = outcome.save(stack, save)
    screen.result(outcome.as_json(saved), outcome.show)
    if not screen.is_json:
        for path in saved or outcome.urls:
            kind = "Evidence" if str(path).endswith(".json") else "Report"
            screen.console.print(f"{kind}: {path}", soft_wrap=True)
    return outcome.exit_code


def _ended(stack: Stack, screen: Screen, execution_arn: str) -> Described:
    client = stack.client("stepfunctions")
    try:
        if not screen.watches:
            return ended(client, execution_arn)
        screen.progress.print()
        followed = follow(client, execution_arn, screen.progress)
        screen.progress.print()
    except KeyboardInterrupt:
        name = execution_arn.rsplit(":", 1)[-1]
        raise Interrupted(
            f"the execution goes on; to come back to it: eks-efs watch {name}{stack.options}; "
            f"to end it: aws stepfunctions stop-execution --execution-arn {execution_arn}"
        ) from None
    return followed
