"""`make demo-drift`: a proven cluster, three things broken behind the program's back, found, repaired, proven again."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from eks_efs.endings import Exit
from local.demo import request_in
from local.faults.drift import CHANGES, names_of
from local.faults.scene import Scene
from local.stage import Stage, add_arguments, set_up, shown

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
        return Exit.WRONG_INPUT
    with set_up(asked, console) as stage:
        heading(console, "A cluster that works")
        code = stage.command("provision", shown(asked.request), "--save", stage.runs)
        if code:
            return code
        return 0 if has_recovered(stage, stage.last_output("Provision")["cluster"]["name"]) else 1


def has_recovered(stage: Stage, cluster: str) -> bool:
    """Whether what was broken, and only that, was found and repaired, and the storage works again."""
    console = stage.console
    heading(console, "A week later")
    broken = break_behind_its_back(stage, cluster)
    heading(console, "The re-verification, as it runs every day")
    stage.command("check", cluster)
    found = stage.last_output("Reverify").get("drift", [])
    heading(console, "The same, told to repair what can be repaired")
    stage.command("check", cluster, "--repair")
    repaired = stage.last_output("Reverify").get("repaired", [])
    heading(console, "Once more, with pods that write and read")
    stage.command("check", cluster, "--behaviour")
    behaviour = stage.last_output("Reverify").get("behaviour") or {"proven": False}
    return told(console, broken, found, repaired, is_proven=behaviour["proven"])


def break_behind_its_back(stage: Stage, cluster: str) -> set[Place]:
    """Where the differences are then."""
    scene = Scene.recorded(stage.cloud, stage.outputs["ClaimsTableName"], cluster)
    names, changes = names_of(scene), [CHANGES[name] for name in BROKEN]
    for change in changes:
        change.make(scene)
        stage.console.print(f"[yellow]✗[/] {change.description}", soft_wrap=True)
    return {(change.resource.format_map(names), change.path.format_map(names)) for change in changes}


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
