from collections.abc import Sequence
from pathlib import Path

import click

from eks_efs import documents, requests
from eks_efs.endings import Exit
from eks_efs.options import examples, of_a_stack, waiting, with_json, with_saving
from eks_efs.screen import Screen
from eks_efs.stack import Stack
from eks_efs.watching import run


@click.command(
    short_help="Make or mend a cluster and prove its storage.",
    epilog=examples(
        "eks-efs provision --set cluster.name=eks-example --set verification.writers=2 --plan",
        "eks-efs provision --set cluster.name=eks-example --set verification.writers=2",
    ),
)
@click.argument("request", required=False, metavar="[REQUEST]")
@click.option(
    "--set", "settings", multiple=True, metavar="FIELD=VALUE", help="A field of the request; may be repeated."
)
@click.option("--plan", is_flag=True, help="Say what a run would create and change, and touch nothing.")
@waiting
@with_saving
@with_json
@of_a_stack
def provision(
    request: str | None,
    settings: Sequence[str],
    plan: bool,
    wait: bool,
    save: Path | None,
    screen: Screen,
    stack: Stack,
) -> Exit:
    """Make a cluster with shared storage, or mend it, and prove that the storage works.

    REQUEST is a YAML or JSON file, - for standard input; what it leaves out comes from the stack's defaults, and
    nothing at all is a complete request. It is judged before anything is started. `eks-efs schema --sample` prints
    one with comments.
    """
    asked = requests.with_settings(documents.load(request), [*settings, *(["mode=plan"] if plan else [])])
    judged = requests.judged(stack, asked)
    what = "Planning" if judged.mode == "plan" else "Provisioning"
    if not screen.is_json:
        screen.console.print(f"{what} {judged.cluster.name} in {judged.account_id}, {judged.region}", soft_wrap=True)
        for warning in judged.warnings:
            screen.console.print(f"[yellow]Warning[/]: {warning.replace('_', ' ')}")
    return run(stack, screen, "Provision", asked, wait=wait, save=save)
