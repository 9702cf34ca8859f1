"""The command itself: its verbs, and how every way of ending becomes one sentence and an exit code."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Sequence
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError, ProfileNotFound

from eks_efs import verbs
from eks_efs.endings import MEANINGS, Exit, Interrupted
from first_contact.root import ROOT
from provisioner.verbatim import without_queries

_CODES = "\b\nExit codes:\n" + "\n".join(f"  {code:<3} {meaning}" for code, meaning in MEANINGS.items())


def _tell_version(context: click.Context, _parameter: Any, is_asked: bool) -> None:
    """The template has it, for the stack and for the command."""
    if is_asked:
        (version,) = re.findall(r"^ *SemanticVersion: (\S+)$", (ROOT / "template.yaml").read_text(), re.MULTILINE)
        click.echo(version)
        context.exit()


@click.group(epilog=_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_tell_version, help="Print it.")
def root() -> None:
    """Clusters with shared storage that is proven to work: made, watched, checked, repaired and removed.

    Accounts, regions and endpoints are found as the aws CLI finds them.
    """


# Each module of eks_efs/verbs is a verb: the click command of the module's own name.
for module in pkgutil.iter_modules(verbs.__path__):
    root.add_command(getattr(importlib.import_module(f"{verbs.__name__}.{module.name}"), module.name))


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        return int(root.main(arguments, prog_name="eks-efs", standalone_mode=False) or 0)
    except Interrupted as interrupted:
        return _said(str(interrupted), Exit.INTERRUPTED)
    except (click.Abort, KeyboardInterrupt):
        return _said("interrupted", Exit.INTERRUPTED)
    except click.UsageError as problem:
        return _said(_with_remedy(problem), Exit.WRONG_INPUT)
    except click.ClickException as problem:
        return _said(problem.format_message(), problem.exit_code)
    except NoRegionError:
        return _said("there is no region: give --region, AWS_REGION, or a profile that has one", Exit.WRONG_INPUT)
    except ProfileNotFound as problem:
        return _said(str(problem), Exit.WRONG_INPUT)
    except ClientError as problem:
        return _said(_refused(problem), Exit.NOT_ANSWERED)
    except BotoCoreError as problem:
        return _said(without_queries(str(problem)), Exit.NOT_ANSWERED)
    except OSError as problem:
        return _said(str(problem), Exit.FAILED)


def _said(sentence: str, code: int) -> int:
    print(f"eks-efs: {sentence}", file=sys.stderr)
    return int(code)


def _with_remedy(problem: click.UsageError) -> str:
    command = problem.ctx.command_path if problem.ctx else "eks-efs"
    said = problem.format_message().rstrip(".")
    return said if said.endswith("?") else f"{said}: {command} --help says what there is"


def _refused(error: ClientError) -> str:
    """What a wrong signature's message quotes is not for the screen: the session's token is in it."""
    code = error.response["Error"]["Code"]
    message = "" if code == "SignatureDoesNotMatch" else f": {error.response['Error'].get('Message', '')}"
    return without_queries(f"AWS refused {error.operation_name} with {code}{message}".replace("\n", " "))
