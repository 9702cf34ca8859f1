"""How the command ends: its exit codes, and what ends it before its time."""

from enum import IntEnum

import click


class Exit(IntEnum):
    AS_ASKED = 0
    FAILED = 1
    WRONG_INPUT = 2
    DRIFTED = 3
    NOT_ANSWERED = 4
    BUSY = 5
    INTERRUPTED = 130


MEANINGS = {
    Exit.AS_ASKED: "it ended as asked for",
    Exit.FAILED: "it failed, timed out or was stopped; an assumption or evidence was refuted; a file was not written",
    Exit.WRONG_INPUT: "wrong input; nothing was started",
    Exit.DRIFTED: "a check found differences and did not repair them",
    Exit.NOT_ANSWERED: "AWS refused or did not answer",
    Exit.BUSY: "nothing was done: another execution works on the cluster",
    Exit.INTERRUPTED: "Ctrl-C; an execution that was started goes on",
}


class WrongInput(click.ClickException):
    exit_code = Exit.WRONG_INPUT


class NotAnswered(click.ClickException):
    exit_code = Exit.NOT_ANSWERED


class Interrupted(Exception):  # noqa: N818 (KeyboardInterrupt is none either)
    """Ctrl-C while an execution was watched, which goes on; says how to come back to it."""
