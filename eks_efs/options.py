"""The options that commands have in common."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from eks_efs.screen import Screen
from eks_efs.stack import DEFAULT_NAME, Stack

F = TypeVar("F", bound=Callable[..., Any])


def of_a_stack(function: F) -> F:
    """Hands the function `stack`."""

    @click.option("--stack", "stack_name", default=DEFAULT_NAME, envvar="EKS_EFS_STACK", help="The stack's name.")
    @click.option("--profile", help="A profile of ~/.aws, instead of AWS_PROFILE.")
    @click.option("--region", help="The stack's region, instead of AWS_REGION or the profile's.")
    @functools.wraps(function)
    def wrapped(*args: Any, stack_name: str, profile: str | None, region: str | None, **more: Any) -> Any:
        return function(*args, stack=Stack(stack_name, profile, region), **more)

    return wrapped  # type: ignore[return-value]


def with_json(function: F) -> F:
    """Hands the function `screen`."""

    @click.option("--json", "is_json", is_flag=True, help="One JSON document on standard output, and nothing else.")
    @functools.wraps(function)
    def wrapped(*args: Any, is_json: bool, **more: Any) -> Any:
        return function(*args, screen=Screen(is_json), **more)

    return wrapped  # type: ignore[return-value]


def with_saving(function: F) -> F:
    """Hands the function `save`, a folder or None."""
    return click.option(
        "--save",
        type=click.Path(file_okay=False, writable=True, path_type=Path),
        metavar="FOLDER",
        help="Keep evidence and report there, in a folder per execution.",
    )(function)


def waiting(function: F) -> F:
    """Hands the function `wait`."""
    return click.option("--wait/--no-wait", default=True, help="Watch until it has ended, or only start it.")(function)


def examples(*lines: str) -> str:
    """What `--help` ends with; tests run these lines."""
    return "\b\nExamples:\n" + "\n".join(f"  $ {line}" for line in lines)
