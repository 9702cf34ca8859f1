"""`make demo-remove`: a cluster is removed and its data stays; a new cluster has it again; then all of it goes."""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console

from local.account_snapshot import difference, snapshot
from local.demo import show_failed
from local.demo_drift import heading
from local.faults.scene import Scene
from local.outcome_view import removal_tables
from local.stage import Stage, add_arguments, request_in, set_up

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
        return 2
    with set_up(asked, console) as stage:
        return 0 if has_ended_well(stage, request) else 1


def has_ended_well(stage: Stage, request: Mapping[str, Any]) -> bool:
    """Whether the data outlived its first cluster, and the account is in the end as it was before."""
    console, before = stage.console, snapshot(stage.cloud)
    heading(console, "A cluster with data in it")
    ready = run(stage, "Provision", request)
    if ready is None:
        return False
    cluster, file_system_id = ready["cluster"]["name"], ready["file_system"]["id"]
    in_pod(stage, cluster, f"echo '{DATA}' > /data/orders.txt")
    console.print(f"[bold green]Ready[/]: a pod has written [bold]{DATA!r}[/] into {file_system_id}.")

    heading(console, "What a removal would do")
    if not show(stage, run(stage, "Teardown", {"cluster_name": cluster, "mode": "plan"})):
        return False
    heading(console, "The removal, without a word about the data")
    if not show(stage, run(stage, "Teardown", {"cluster_name": cluster, "reason": "a demonstration"})):
        return False

    heading(console, "A new cluster of the same name, on the kept file system")
    kept = {**request, "file_system": {**request.get("file_system", {}), "existing": file_system_id}}
    if run(stage, "Provision", kept) is None:
        return False
    read = in_pod(stage, cluster, "cat /data/orders.txt")
    console.print(f"[bold green]Ready[/]: a pod of the new cluster reads [bold]{read!r}[/].")

    heading(console, "The removal, with the data, by the id of its file system")
    asked = {"cluster_name": cluster, "delete_data": {"file_system_id": file_system_id}, "delete_logs": True}
    if not show(stage, run(stage, "Teardown", asked)):
        return False
    return told(console, read, difference(before, snapshot(stage.cloud)))


def told(console: Console, read: str, changed: list[str]) -> bool:
    """Whether everything is as it should be; otherwise what is not."""
    problems = [*([] if read == DATA else [f"the new cluster reads {read!r}, written was {DATA!r}"]), *changed]
    for problem in problems:
        console.print(f"[bold red]Not as it should be[/]: {problem}", soft_wrap=True)
    if not problems:
        console.print("[bold green]As before[/]: what the account's APIs list is what was there before the first run.")
    return not problems


def run(stage: Stage, machine: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Its output; None when it failed, which is then shown."""
    ended = stage.run(machine, request)
    if ended["status"] != "SUCCEEDED":
        show_failed(stage, ended)
        return None
    output: dict[str, Any] = json.loads(ended["output"])
    if output.get("report_url"):
        stage.console.print(f"[dim]Report: {stage.saved(output['report_url'], ended)}[/]", soft_wrap=True)
    return output


def show(stage: Stage, output: Mapping[str, Any] | None) -> bool:
    for table in removal_tables(output or {}):
        stage.console.print(table)
    return output is not None


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
