"""The command itself: its verbs, and how every way of ending becomes one sentence and an exit code."""

import sys
from collections.abc import Sequence

import click
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError, ProfileNotFound

from eks_efs import __version__
from eks_efs.endings import MEANINGS, Exit, Interrupted
from eks_efs.verbs.check import check
from eks_efs.verbs.completion import completion
from eks_efs.verbs.explain import explain
from eks_efs.verbs.first_contact import first_contact
from eks_efs.verbs.provision import provision
from eks_efs.verbs.remove import remove
from eks_efs.verbs.report import report
from eks_efs.verbs.schema import schema
from eks_efs.verbs.status import status
from eks_efs.verbs.watch import watch
from provisioner.verbatim import without_queries

VERBS = (provision, watch, status, check, report, remove, schema, explain, first_contact, completion)
_CODES = "\b\nExit codes:\n" + "\n".join(f"  {code:<3} {meaning}" for code, meaning in MEANINGS.items())


@click.group(epilog=_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="%(version)s")
def root() -> None:
    """Clusters with shared storage that is proven to work: made, watched, checked, repaired and removed.

    Accounts, regions and endpoints are found as the aws CLI finds them.
    """


for verb in VERBS:
    root.add_command(verb)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        return int(root.main(arguments, prog_name="eks-efs", standalone_mode=False) or 0)
    except Interrupted as interrupted:
        return _said(str(interrupted), Exit.INTERRUPTED)
    except (click.Abort, KeyboardInterrupt):
        return _said("interrupted; nothing was started", Exit.INTERRUPTED)
    except click.ClickException as problem:
        return _said(problem.format_message(), problem.exit_code)
    except (ProfileNotFound, NoRegionError) as problem:
        return _said(str(problem), Exit.WRONG_INPUT)
    except ClientError as problem:
        return _said(_refused(problem), Exit.NOT_ANSWERED)
    except BotoCoreError as problem:
        return _said(without_queries(str(problem)), Exit.NOT_ANSWERED)


def _said(sentence: str, code: int) -> int:
    print(f"eks-efs: {sentence}", file=sys.stderr)
    return int(code)


def _refused(error: ClientError) -> str:
    """What a wrong signature's message quotes is not for the screen: the session's token is in it."""
    code = error.response["Error"]["Code"]
    message = "" if code == "SignatureDoesNotMatch" else f": {error.response['Error'].get('Message', '')}"
    return without_queries(f"AWS refused {error.operation_name} with {code}{message}".replace("\n", " "))
