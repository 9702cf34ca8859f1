import json
from pathlib import Path

import click

from eks_efs import documents
from eks_efs.endings import Exit, WrongInput
from eks_efs.options import examples, of_a_stack, with_json
from eks_efs.screen import Screen
from eks_efs.stack import Stack


@click.command(
    "first-contact",
    short_help="Ask the account whether AWS is as taken to be.",
    epilog=examples("eks-efs first-contact --save answers.json"),
)
@click.option("--run", metavar="REQUEST", help="Also one real provisioning, which costs.")
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("first-contact.json"),
    show_default=True,
    help="Where the answers are kept.",
)
@click.option("--compare", type=click.Path(dir_okay=False), help="Earlier answers; what has changed is told.")
@click.option("--look-again", type=float, default=10.0, metavar="SECONDS", show_default=True, help="At a run's state.")
@with_json
@of_a_stack
def first_contact(
    run: str | None, save: Path, compare: str | None, look_again: float, screen: Screen, stack: Stack
) -> Exit:
    """Ask the account whether AWS is as the code takes it to be.

    It reads, validates and makes dry runs, and names every call before it makes it; nothing costs without --run.
    """
    from first_contact.__main__ import naming, report  # what it asks with takes a second to load
    from first_contact.contact import Contact

    request = documents.load(run) if run else None
    earlier = documents.load(compare) if compare else None
    contact = Contact(
        stack.session, stack.name, naming(screen.progress), request=request, look_again_seconds=look_again
    )
    try:
        code = report(contact, screen.progress, save, earlier)
    except ValueError as problem:
        raise WrongInput(str(problem)) from problem
    screen.result(json.loads(save.read_text()), lambda _: None)
    return Exit.FAILED if code else Exit.AS_ASKED
