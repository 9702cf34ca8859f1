"""`make demo-remove`: a cluster is removed and its data stays; a new cluster has it again; then all of it goes."""

import argparse
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from eks_efs.endings import Exit
from local.account_snapshot import difference, snapshot
from local.demo import request_in
from local.demo_drift import heading
from local.faults.scene import Scene
from local.stage import Stage, add_arguments, set_up, shown

DATA: Final = "orders of 2026: 4711"
_POD: Final = "/api/v1/namespaces/{namespace}/pods"
_ENDED: Final = ("Succeeded", "Failed")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo-remove", description=__doc__)
    add_arguments(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    asked = arguments(argv)
    console = Console(highlight=False)
    request = request_in(asked.request)
    if request is None:
        return Exit.WRONG_INPUT
    with set_up(asked, console) as stage:
        return 0 if has_ended_well(stage, asked.request) else 1


def has_ended_well(stage: Stage, request: Path) -> bool:
    """Whether the data outlived its first cluster, and the account is in the end as it was before."""
    console, before = stage.console, snapshot(stage.cloud)
    heading(console, "A cluster with data in it")
    if not ended_well(stage, "provision", shown(request)):
        return False
    ready = stage.last_output("Provision")
    cluster, file_system_id = ready["cluster"]["name"], ready["file_system"]["id"]
    in_pod(stage, cluster, f"echo '{DATA}' > /data/orders.txt")
    console.print(f"[bold green]Ready[/]: a pod has written [bold]{DATA!r}[/] into {file_system_id}.")

    heading(console, "What a removal would do")
    if not ended_well(stage, "remove", cluster, "--plan"):
        return False
    heading(console, "The removal, without a word about the data")
    if not ended_well(stage, "remove", cluster, "--yes", "--reason", "demonstration"):
        return False

    heading(console, "A new cluster of the same name, on the kept file system")
    if not ended_well(stage, "provision", shown(request), "--set", f"file_system.existing={file_system_id}"):
        return False
    read = in_pod(stage, cluster, "cat /data/orders.txt")
    console.print(f"[bold green]Ready[/]: a pod of the new cluster reads [bold]{read!r}[/].")

    heading(console, "The removal, with the data, by the id of its file system")
    if not ended_well(stage, "remove", cluster, "--yes", "--delete-data", file_system_id, "--delete-logs"):
        return False
    return told(console, read, difference(before, snapshot(stage.cloud)))


def ended_well(stage: Stage, *command: str | Path) -> bool:
    return stage.command(*command, "--save", stage.runs) == Exit.AS_ASKED


def told(console: Console, read: str, changed: list[str]) -> bool:
    """Whether everything is as it should be; otherwise what is not."""
    problems = [*([] if read == DATA else [f"the new cluster reads {read!r}, written was {DATA!r}"]), *changed]
    for problem in problems:
        console.print(f"[bold red]Not as it should be[/]: {problem}", soft_wrap=True)
    if not problems:
        console.print("[bold green]As before[/]: what the account's APIs list is what was there before the first run.")
    return not problems


def in_pod(stage: Stage, cluster: str, command: str) -> str:
    """What a pod with the claim prints, as anybody's application would run in the cluster."""
    scene = Scene.recorded(stage.cloud, stage.outputs["ClaimsTableName"], cluster)
    pods = _POD.format_map(scene.storage)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "application"},
        "spec": {
            "restartPolicy": "Never",
            "containers": [
                {
                    "name": "application",
                    "image": "public.ecr.aws/docker/library/busybox:1.37",
                    "command": ["sh", "-c", command],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }
            ],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": scene.storage["claim"]}}],
        },
    }
    scene.create(pods, pod)
    scene.until(lambda: ((scene.get(f"{pods}/application") or {}).get("status") or {}).get("phase") in _ENDED)
    printed = scene.text(f"{pods}/application/log").strip()
    scene.remove(f"{pods}/application")
    return printed


if __name__ == "__main__":
    sys.exit(main())
