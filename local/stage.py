"""What the demonstrations have in common: the embedded cloud with the app in it, and `eks-efs`, which does the rest."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from local.cloud import KUBERNETES_KINDS, EmbeddedCloud
from local.serve import DIRECTORY, FOREIGN, ROOT, as_administrator

PACKAGES = (ROOT, ROOT / "layers" / "provisioner")
"""Where the command's packages are in the repository."""


@dataclass(frozen=True)
class Stage:
    """`environment` is that of a person who administers the embedded account; `folder` for what the runs leave."""

    cloud: EmbeddedCloud
    outputs: Mapping[str, str]
    console: Console
    folder: Path
    environment: Mapping[str, str]

    def command(self, *arguments: str | Path) -> int:
        """Runs `eks-efs`, which writes to this terminal; its exit code."""
        self.console.print(f"[dim]$ eks-efs {' '.join(map(str, arguments))}[/]", soft_wrap=True)
        sys.stdout.flush()
        command = [sys.executable, "-m", "eks_efs", *map(str, arguments)]
        return subprocess.run(command, env=self.environment, check=False).returncode

    def last_output(self, machine: str) -> dict[str, Any]:
        """What the machine's latest execution answered, as Step Functions tells everybody; {} when it failed."""
        client = self.cloud.client("stepfunctions")
        latest, *_ = client.list_executions(stateMachineArn=self.outputs[f"{machine}StateMachineArn"])["executions"]
        output: dict[str, Any] = json.loads(
            client.describe_execution(executionArn=latest["executionArn"]).get("output") or "{}"
        )
        return output

    @property
    def runs(self) -> Path:
        """Where evidence and reports are kept."""
        return shown(self.folder / "runs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--request", type=Path, required=True, help="the input of the execution, a YAML or JSON file")
    parser.add_argument("--scale", type=float, default=0.0, help="1: real durations; 0: as fast as it goes")
    parser.add_argument("--kubernetes", choices=KUBERNETES_KINDS, default="embedded")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where the evidence and all state go")


@contextmanager
def set_up(asked: argparse.Namespace, console: Console) -> Iterator[Stage]:
    """A new embedded cloud, and the app deployed in it."""
    state = asked.directory / "demo"
    shutil.rmtree(state, ignore_errors=True)
    started = time.monotonic()
    console.print(f"[dim]Starting the embedded cloud (time scale {asked.scale:g}, {asked.kubernetes} Kubernetes)…[/]")
    with EmbeddedCloud(state, scale=asked.scale, kubernetes=asked.kubernetes) as cloud:
        outputs = cloud.deploy()
        seconds = time.monotonic() - started
        console.print(f"[dim]Deployed template.yaml through CloudFormation; {seconds:.1f} s so far[/]")
        yield Stage(cloud, outputs, console, asked.directory, _environment(cloud))


def shown(path: Path) -> Path:
    return path.resolve().relative_to(ROOT) if path.resolve().is_relative_to(ROOT) else path


def _environment(cloud: EmbeddedCloud) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name not in (*FOREIGN, "AWS_REGION")}
    packages = {"PYTHONPATH": os.pathsep.join(map(str, PACKAGES))}
    return {**ours, **as_administrator(cloud), **packages}
