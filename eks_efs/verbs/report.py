import webbrowser
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from eks_efs import records, reports
from eks_efs.completions import clusters
from eks_efs.endings import Exit, WrongInput
from eks_efs.options import examples, of_a_stack, with_json, with_saving
from eks_efs.reports import INDEX, LINK_SECONDS, Report
from eks_efs.screen import Screen
from eks_efs.stack import Stack


@click.command(
    short_help="Link to the newest reports.",
    epilog=examples("eks-efs report", "eks-efs report eks-example --save reports"),
)
@click.argument("cluster", required=False, shell_complete=clusters)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@with_saving
@with_json
@of_a_stack
def report(cluster: str | None, opens: bool, save: Path | None, screen: Screen, stack: Stack) -> Exit:
    """Link to the newest report of a cluster, or of every recorded cluster.

    A link is good for an hour, without an account: who has it can read the page. --open opens the newest page of the
    cluster, or without CLUSTER the page of all of them, with links that are good as long.
    """
    about = [records.one(stack, cluster)] if cluster is not None else records.every(stack)
    found = [each for each in (reports.latest(stack, record) for record in about) if each]
    if cluster is not None and not found:
        raise WrongInput(f"there is no report about {cluster} yet: a provisioning run or a removal writes one")
    if save:
        urls = (url for each in found for url in each.urls)
        paths = list(reports.saved(stack, urls, save))
        if cluster is None and (page := reports.index(stack)):
            paths.append(_save_index(stack, page, found, save))
        for path in paths:
            screen.progress.print(f"Saved {path}", soft_wrap=True)
    screen.result([each.as_json() for each in found], lambda console: _show(console, found))
    if opens and cluster is not None:
        webbrowser.open(found[0].link)
    elif opens and (page := reports.index(stack)):
        webbrowser.open(reports.opened(stack, page))
    return Exit.AS_ASKED


def _save_index(stack: Stack, page: str, found: Sequence[Report], folder: Path) -> Path:
    """Beside the reports that were saved, and linking to them."""
    keys = (each.report_url.split("/", 3)[3] for each in found)
    kept = {key: Path(*key.split("/")[-2:]) for key in keys}
    path = folder / INDEX
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reports.with_links(stack, page, kept), encoding="utf-8")
    return path


def _show(console: Console, found: Sequence[Report]) -> None:
    if not found:
        console.print("There is no report yet: a provisioning run or a removal writes one.")
        return
    for each in found:
        console.print(f"[bold]{each.cluster}[/] in {each.account_id}, {each.region}; written {each.written_at}")
        console.print(each.link, soft_wrap=True, markup=False)
    console.print(f"[dim]Good for {LINK_SECONDS // 60} minutes; who has the link can read the page.[/]")
