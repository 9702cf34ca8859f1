"""`make serve` as a process, and the unmodified `aws` and `kubectl` in a shell that has sourced its serve.env."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3

from local.control_plane.build import find_assets
from local.serve import is_taken

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300.0
COMMAND_SECONDS = 300.0
POLL_SECONDS = 0.1
PORTS, PORTS_OF_A_PROCESS, PORTS_OF_A_SERVE = range(10_000, 30_000), 200, 10
_PORTS = itertools.islice(itertools.cycle(PORTS), os.getpid() * PORTS_OF_A_PROCESS % len(PORTS), None, PORTS_OF_A_SERVE)
T = TypeVar("T")
LAMBDA_FUNCTION = re.compile(r"lambda_worker\.py")
CONTROL_PLANE = {"embedded": [], "real": [re.compile(rf"/{name} ") for name in ("etcd", "kube-apiserver")]}


def _find(name: str, *folders: Path) -> Path | None:
    found = shutil.which(name, path=os.pathsep.join(map(str, folders))) or shutil.which(name)
    return Path(found) if found else None


AWS = _find("aws", ROOT / ".venv-aws" / "bin")
ASSETS = find_assets()
KUBECTL = Path(on_path) if (on_path := shutil.which("kubectl")) else _find("kubectl", *([ASSETS] if ASSETS else []))


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    exit_code: int
    output: str
    errors: str


@dataclass(frozen=True)
class Process:
    """Known by its start time too: another process may get the same id later."""

    pid: int
    started: str
    command: str = field(compare=False)


@dataclass
class Serve:
    """A running `python -m local.serve`."""

    directory: Path
    process: subprocess.Popen[str]
    options: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def env_file(self) -> Path:
        return self.directory / "serve.env"

    def run(
        self, *command: str | Path, stdin: str = "", environment: Mapping[str, str] | None = None, ok: bool = True
    ) -> Done:
        """The command in a shell that has sourced serve.env; it has to succeed unless `ok` is false."""
        done = subprocess.run(
            list(map(str, command)),
            env={**self.environment, **(environment or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert not ok or done.returncode == 0, f"{command} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Done(done.returncode, done.stdout, done.stderr)

    def aws(self, *arguments: str) -> Any:
        """What the command prints, read as JSON."""
        assert AWS, "the tests that need it are not collected without it"
        output = self.run(AWS, *arguments, "--output", "json").output
        return json.loads(output) if output.strip() else None

    def start_provisioning(self, **request: Any) -> str:
        """The ARN of an execution that makes the administrator an administrator of the cluster too."""
        me = self.aws("iam", "get-user", "--user-name", "administrator")["User"]["Arn"]
        text = json.dumps({"cluster": {"admin_principal_arns": [me]}, **request})
        machine = self.environment["PROVISION_STATE_MACHINE_ARN"]
        started = self.aws("stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", text)
        return str(started["executionArn"])

    def wait_for(self, execution_arn: str) -> dict[str, Any]:
        """DescribeExecution's answer once the execution has ended; not asked by `aws`: it takes a second."""
        client = boto3.client(
            "stepfunctions",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

        def ended() -> dict[str, Any] | None:
            now: Any = client.describe_execution(executionArn=execution_arn)
            return now if now["status"] != "RUNNING" else None

        return until(ended, "the execution to end")

    def end(self, number: signal.Signals) -> int:
        """Sends the signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def descendants(self) -> set[Process]:
        return descendants(self.process.pid)


def options(kind: str, directory: Path) -> list[str]:
    ports = ["--aws-port", str(_free_port()), "--kubernetes-port", str(_free_port())]
    return ["--kubernetes", kind, "--directory", str(directory), *ports]


def start_serve(asked: Sequence[str], directory: Path) -> Serve:
    """Returns once serve.env is there."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "serve.log").open("w") as log:
        process = subprocess.Popen(serve_command(asked), cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, text=True)
    serve = Serve(directory, process, asked)
    try:
        until(lambda: serve.env_file.exists() or process.poll() is not None, "serve.env")
        assert serve.env_file.exists(), (directory / "serve.log").read_text()
        serve.environment = sourced(serve.env_file)
    except BaseException:
        process.kill()
        raise
    return serve


def serve_command(asked: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "local.serve", *asked]


def sourced(env_file: Path) -> dict[str, str]:
    """The environment of a shell that had other credentials and has then sourced the file."""
    paths = [str(program.parent) for program in (AWS, KUBECTL) if program]
    before = {
        "PATH": os.pathsep.join([*paths, os.environ["PATH"]]),
        "HOME": str(env_file.parent),
        "AWS_SESSION_TOKEN": "of-another-account",
        "AWS_PROFILE": "of-another-account",
    }
    script = '. "$0" && env -0'
    listed = subprocess.run(["sh", "-c", script, env_file], env=before, capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in listed.stdout.split("\0") if line)


def _processes() -> dict[Process, int]:
    """Every process that is not a zombie -> its parent's id."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,lstart=,args="], capture_output=True, text=True, check=True
    )
    found = {}
    for line in listed.stdout.splitlines():
        pid, parent, state, *started, command = [*line.split(None, 8), ""][:9]
        if not state.startswith("Z"):
            found[Process(int(pid), " ".join(started), command)] = int(parent)
    return found


def descendants(ancestor: int) -> set[Process]:
    parents = _processes()
    by_pid = {process.pid: parent for process, parent in parents.items()}

    def descends(pid: int) -> bool:
        while (pid := by_pid.get(pid, 0)) > 0:
            if pid == ancestor:
                return True
        return False

    return {process for process in parents if descends(process.pid)}


def still_running(processes: set[Process]) -> set[Process]:
    return processes & _processes().keys()


def until(condition: Callable[[], T | None], what: str) -> T:
    """What the condition gives once it gives something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (result := condition()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS:g} s for {what}"
        time.sleep(POLL_SECONDS)
    return result


def running(serve: Serve, wanted: Sequence[re.Pattern[str]]) -> set[Process] | None:
    """All its processes, once there is one of each sort."""
    processes = serve.descendants()
    found = all(any(pattern.search(process.command) for process in processes) for pattern in wanted)
    return processes if found else None


def _free_port() -> int:
    """Below those that the system gives whoever asks for none: one of them may be somebody's connection before a serve,
    or its first cluster, comes to listen. Other processes that run tests begin elsewhere."""
    return next(port for port in _PORTS if not is_taken(port))
