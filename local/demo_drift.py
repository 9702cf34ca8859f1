"""`make demo-drift`: a proven cluster, three things broken behind the program's back, found, repaired, proven again."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from local.demo import show_failed
from local.faults.drift import CHANGES, names_of
from local.faults.scene import Scene
from local.outcome_view import drift_table, repaired_table
from local.stage import Stage, add_arguments, request_in, set_up, shown

Place = tuple[str, str]
"""Resource and path of a difference."""
Differences = Sequence[Mapping[str, Any]]
BROKEN = ("port-closed", "mount-target-gone", "csi-driver-gone")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo-drift", description=__doc__)
    add_arguments(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    asked = arguments(argv)
    console = Console(highlight=False)
    request = request_in(asked.request)
    if request is None:
        return 2
    with set_up(asked, console) as stage:
        heading(console, "A cluster that works")
        console.print(f"Provisioning with {shown(asked.request)}")
        ended = stage.run("Provision", request)
        if ended["status"] != "SUCCEEDED":
            return show_failed(stage, ended)
        cluster = json.loads(ended["output"])["cluster"]["name"]
        console.print(f"[bold green]Ready[/]: the storage of [bold]{cluster}[/] is proven.")
        return 0 if has_recovered(stage, cluster) else 1


def has_recovered(stage: Stage, cluster: str) -> bool:
    """Whether what was broken, and only that, was found and repaired, and the storage works again."""
    console = stage.console
    heading(console, "A week later")
    broken = break_behind_its_back(stage, cluster)
    heading(console, "The re-verification, as it runs every day")
    found = check(stage, cluster).get("drift", [])
    console.print(drift_table(found))
    console.print(f"[bold red]Drifted[/]: {len(found)} differences. Nothing was touched.")
    heading(console, "The same, told to repair what can be repaired")
    repaired = check(stage, cluster, remediate=True).get("repaired", [])
    console.print(repaired_table(repaired))
    console.print(f"[bold green]Repaired[/]: {len(repaired)} differences, by a provisioning run.")
    heading(console, "Once more, with pods that write and read")
    behaviour = check(stage, cluster, depth="behaviour").get("behaviour") or {"proven": False}
    if behaviour["proven"]:
        writers = len(behaviour["evidence"]["writers"])
        console.print(f"[bold green]Verified[/]: no difference, and a fresh pod read what {writers} pods wrote.")
    return told(console, broken, found, repaired, is_proven=behaviour["proven"])


def break_behind_its_back(stage: Stage, cluster: str) -> set[Place]:
    """Where the differences are then."""
    scene = Scene.recorded(stage.cloud, stage.outputs["ClaimsTableName"], cluster)
    names, changes = names_of(scene), [CHANGES[name] for name in BROKEN]
    for change in changes:
        change.make(scene)
        stage.console.print(f"[yellow]✗[/] {change.description}", soft_wrap=True)
    return {(change.resource.format_map(names), change.path.format_map(names)) for change in changes}


def check(stage: Stage, cluster: str, **how: Any) -> dict[str, Any]:
    """The detail of the event that the re-verification published; {} when it failed."""
    ended = stage.run("Reverify", {"cluster_name": cluster, **how})
    if ended["status"] != "SUCCEEDED":
        show_failed(stage, ended)
        return {}
    detail: dict[str, Any] = json.loads(ended["output"])
    return detail


def told(console: Console, broken: set[Place], found: Differences, repaired: Differences, *, is_proven: bool) -> bool:
    """Whether everything is as it should be; otherwise what is not."""
    problems = [
        *(f"not found: {' '.join(each)}" for each in broken - places(found)),
        *(f"found, and nobody broke it: {' '.join(each)}" for each in places(found) - broken),
        *(f"not repaired: {' '.join(each)}" for each in broken - places(repaired)),
        *([] if is_proven else ["the storage is not proven to work again"]),
    ]
    for problem in problems:
        console.print(f"[bold red]Not as it should be[/]: {problem}", soft_wrap=True)
    return not problems


def places(differences: Differences) -> set[Place]:
    return {(each["resource"], each["path"]) for each in differences}


def heading(console: Console, text: str) -> None:
    console.print()
    console.rule(f"[bold]{text}", align="left", style="dim")


if __name__ == "__main__":
    sys.exit(main())
