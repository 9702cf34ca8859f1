from pathlib import Path

import click

from eks_efs.endings import Exit
from eks_efs.executions import find
from eks_efs.options import examples, of_a_stack, with_json, with_saving
from eks_efs.screen import Screen
from eks_efs.stack import Stack
from eks_efs.watching import watch as watch_to_its_end


@click.command(epilog=examples("eks-efs watch"))
@click.argument("execution", required=False)
@with_saving
@with_json
@of_a_stack
def watch(execution: str | None, save: Path | None, screen: Screen, stack: Stack) -> Exit:
    """Watch an execution until it has ended, and how that was.

    EXECUTION is its name or ARN; the latest one, a running one first, when it is left out. Ctrl-C ends the watching
    only.
    """
    return watch_to_its_end(stack, screen, find(stack, execution), save=save)
