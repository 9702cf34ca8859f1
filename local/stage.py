"""What the demonstrations have in common: the embedded cloud with the app in it, and runs shown live."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from local.cloud import KUBERNETES_KINDS, EmbeddedCloud
from local.follow import follow

ROOT = Path(__file__).resolve().parents[1]
DIRECTORY = ROOT / ".local"


@dataclass(frozen=True)
class Stage:
    """`folder` is for what the runs leave behind."""

    cloud: EmbeddedCloud
    outputs: Mapping[str, str]
    console: Console
    folder: Path

    def run(self, machine: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Starts the machine Provision or Reverify and shows it; DescribeExecution's answer once it has ended."""
        stepfunctions = self.cloud.client("stepfunctions")
        execution_arn = stepfunctions.start_execution(
            stateMachineArn=self.outputs[f"{machine}StateMachineArn"], input=json.dumps(request)
        )["executionArn"]
        self.console.print()
        ended = follow(stepfunctions, execution_arn, self.console)
        self.console.print()
        return ended

    def saved(self, url: str, ended: Mapping[str, Any]) -> Path:
        """Downloads s3://bucket/key into the run's folder; as people are shown it."""
        parts = urlsplit(url)
        path = self.folder / "runs" / ended["name"] / Path(parts.path).name
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = self.cloud.client("s3").get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))
        path.write_bytes(stored["Body"].read())
        return shown(path)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--request", type=Path, required=True, help="the input of the execution, a JSON file")
    parser.add_argument("--scale", type=float, default=0.0, help="1: real durations; 0: as fast as it goes")
    parser.add_argument("--kubernetes", choices=KUBERNETES_KINDS, default="embedded")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where the evidence and all state go")


def request_in(file: Path) -> dict[str, Any] | None:
    """None when the file cannot be used, which is then told."""
    try:
        request: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else f"not JSON: {problem}"
        print(f"The request {file} cannot be used: {why}", file=sys.stderr)
        return None
    return request


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
        yield Stage(cloud, outputs, console, asked.directory)


def shown(path: Path) -> Path:
    return path.resolve().relative_to(ROOT) if path.resolve().is_relative_to(ROOT) else path
