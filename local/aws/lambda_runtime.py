"""Runs Lambda functions as processes: one per execution environment, warm ones reused, under their role's credentials.

What a function sees is what Lambda shows it: its own code and its layers on `sys.path`, the environment of the template
plus the AWS_* variables, its role's temporary credentials. Third-party packages come from the interpreter that runs the
embedded cloud (`sys.executable`): the dependency layer holds only a list of requirements here, because that interpreter
has exactly those installed and loads them once for all functions. tests/artifacts gives the functions the built layers
and nothing else. The repository itself is not on the path.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
import threading
import time
import uuid
import zipfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.aws.lambda_environment import EnvironmentDiedError, ExecutionEnvironment, ForkServer, Interpreter
from local.aws.lambda_gate import Gate


@dataclass(frozen=True)
class Archive:
    """A zip file of code, known by its content."""

    content: bytes = field(repr=False, compare=False)
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> Archive:
        return cls(content, hashlib.sha256(content).hexdigest())


@dataclass(frozen=True)
class Credentials:
    access_key_id: str
    secret_access_key: str
    session_token: str | None


@dataclass(frozen=True)
class Function:
    """What decides whether two invocations may share an execution environment."""

    name: str
    arn: str
    region: str
    role_arn: str
    runtime: str
    handler: str
    memory_mib: int
    timeout_seconds: float
    environment: tuple[tuple[str, str], ...]
    code: Archive
    layers: tuple[Archive, ...]
    log_group: str
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    """Of its VPC, if it is in one."""


@dataclass(frozen=True)
class Outcome:
    """What the Invoke API answers with: the payload, whether it is an error, and the log of this invocation."""

    payload: str
    failed: bool
    log: str


MOST_IDLE = 48
"""Environments that wait for another invocation; each is a process with 40 to 90 MB of its own, and five clouds beside
each other took 18 GB with 64. A run needs about 25 functions: with fewer, each call is a cold start, and so are many
where three runs go on at once.

Lambda ends those that nobody has needed for a while too. Source: Lambda developer guide, execution environment life
cycle, shutdown phase.
"""


class LambdaRuntime:
    """Execution environments of every function; `invoke` may be called from any thread.

    `credentials_of(role_arn, session_name)` assumes the execution role; `write_log(function, stream, lines)` is
    CloudWatch Logs; `lets_through(function, port)` is the network between a function and all but AWS. Unpacked code
    stays in `directory`, named after its content.
    """

    def __init__(
        self,
        directory: Path,
        endpoint: str,
        credentials_of: Callable[[str, str], Credentials],
        write_log: Callable[[Function, str, list[str]], None],
        *,
        interpreter: Interpreter,
        time_factor: float = 1.0,
        lets_through: Callable[[Function, int], bool] = lambda _function, _port: True,
    ) -> None:
        self._directory = directory
        self._endpoint = endpoint
        self._credentials_of = credentials_of
        self._write_log = write_log
        self._time_factor = time_factor
        self._lock = threading.Lock()
        self._unpacking = threading.Lock()
        self._idle: dict[Function, list[ExecutionEnvironment]] = defaultdict(list)
        self._waiting: dict[ExecutionEnvironment, Function] = {}
        """The idle ones, the longest idle first."""
        self._busy: set[ExecutionEnvironment] = set()
        self._stopped = False
        self._functions: dict[str, Function] = {}
        """By the log stream of an environment."""
        self._clocks: dict[str, float] = {}
        self._gate = Gate(lambda name, port: lets_through(self._functions[name], port))
        self._forks = ForkServer(interpreter)

    def invoke(self, function: Function, event: Any) -> Outcome:
        """Run the function once, in a warm environment when one is idle."""
        request_id = str(uuid.uuid4())
        environment = self._take(function)
        try:
            outcome = self._run(environment, function, event, request_id)
        finally:
            self._give_back(function, environment)
        self._write_log(function, environment.log_stream, outcome.log.splitlines())
        return outcome

    def stop(self) -> None:
        """Kill every environment, also those in the middle of an invocation."""
        with self._lock:
            self._stopped = True
            idle = list(self._waiting)
            self._idle.clear()
            self._waiting.clear()
            for environment in self._busy:
                environment.interrupt()
        for environment in idle:
            environment.end()
            environment.close()
        self._forks.stop()
        self._gate.stop()

    def kill(self, function_part: str) -> bool:
        """End what runs of the functions with this in their names, as a lack of memory does; False: nothing runs."""
        with self._lock:
            found = [each for each in self._busy if function_part in self._functions[each.log_stream].name]
        for environment in found:
            environment.interrupt()
        return bool(found)

    def set_clock(self, function_part: str, seconds_ahead: float) -> None:
        """Of environments that begin from now on, for the functions with this in their names: as on a host whose clock
        is wrong."""
        with self._lock:
            self._clocks[function_part] = seconds_ahead

    def retire(self, function_part: str) -> None:
        """End what is warm of the functions with this in their names: the next invocation is a cold start."""
        with self._lock:
            retired = [
                self._idle[function].pop()
                for function in list(self._idle)
                if function_part in function.name
                for _ in range(len(self._idle[function]))
            ]
            for environment in retired:
                del self._waiting[environment]
        for environment in retired:
            environment.end()
            environment.close()

    def _run(self, environment: ExecutionEnvironment, function: Function, event: Any, request_id: str) -> Outcome:
        log = []
        started = time.monotonic()
        error = None
        init_duration = ""
        if not environment.initialised:
            log.append(f"INIT_START Runtime Version: {function.runtime}")
            error = environment.initialise(request_id)
            init_duration = f"\tInit Duration: {(time.monotonic() - started) * 1000:.2f} ms"
            started = time.monotonic()
        log.append(f"START RequestId: {request_id} Version: $LATEST")
        answer: dict[str, Any] = {"error": error}
        if error is None:
            answer = environment.invoke(_invocation(function, event, request_id), function.timeout_seconds)
        error = answer.get("error")
        log += environment.new_log_lines()
        if error is not None and error["errorType"] in ("Sandbox.Timedout", "Runtime.ExitError"):
            log.append(error["errorMessage"])
        log.append(f"END RequestId: {request_id}")
        duration = f"Duration: {(time.monotonic() - started) * 1000:.2f} ms"
        log.append(f"REPORT RequestId: {request_id}\t{duration}\tMemory Size: {function.memory_mib} MB{init_duration}")
        return Outcome(answer["payload"] if error is None else json.dumps(error), error is not None, "\n".join(log))

    def _take(self, function: Function) -> ExecutionEnvironment:
        with self._lock:
            environment = self._idle[function].pop() if self._idle[function] else None
            if environment is not None:
                del self._waiting[environment]
        if environment is None:
            stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
            environment = ExecutionEnvironment(self._forks, self._settings(function, stream), stream)
        with self._lock:
            self._busy.add(environment)
        return environment

    def _give_back(self, function: Function, environment: ExecutionEnvironment) -> None:
        with self._lock:
            self._busy.discard(environment)
            keep = environment.alive and environment.initialised and not self._stopped
            if keep:
                self._idle[function].append(environment)
                self._waiting[environment] = function
            longest_idle = list(self._waiting)[: max(0, len(self._waiting) - MOST_IDLE)]
            for each in longest_idle:
                self._idle[self._waiting.pop(each)].remove(each)
        if not keep:
            environment.close()
        for each in longest_idle:
            with suppress(EnvironmentDiedError):  # they all have, if it is stopped meanwhile
                each.end()
            each.close()

    def _settings(self, function: Function, log_stream: str) -> dict[str, Any]:
        task_root = self._unpacked(function.code)
        self._functions[log_stream] = function
        # Layers are laid over each other in /opt in their order, so the last one wins.
        layers = [self._unpacked(layer) for layer in reversed(function.layers)]
        site_packages = Path("python", "lib", function.runtime, "site-packages")
        path = [task_root, *(layer / part for layer in layers for part in (Path("python"), site_packages))]
        return {
            "handler": function.handler,
            "time_factor": self._time_factor,
            "seconds_ahead": sum(seconds for part, seconds in self._clocks.items() if part in function.name),
            "gate": {"port": self._gate.port, "name": log_stream},
            "task_root": str(task_root),
            "path": [str(entry) for entry in path if entry.is_dir()],
            "environment": self._environment(function, task_root, log_stream),
        }

    def _environment(self, function: Function, task_root: Path, log_stream: str) -> dict[str, str]:
        """Source: Lambda developer guide, "Defined runtime environment variables"; the reserved ones win."""
        credentials = self._credentials_of(function.role_arn, function.name)
        return {
            "PATH": os.environ.get("PATH", ""),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            **dict(function.environment),
            "_HANDLER": function.handler,
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
            "AWS_SESSION_TOKEN": credentials.session_token or "",
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mib),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "LAMBDA_TASK_ROOT": str(task_root),
        }

    def _unpacked(self, archive: Archive) -> Path:
        """The archive's files on disk, unpacked once; moved into place whole, so that half a copy is never used."""
        target = self._directory / archive.sha256[:32]
        with self._unpacking:
            if not target.is_dir():
                self._directory.mkdir(parents=True, exist_ok=True)
                partial = Path(tempfile.mkdtemp(dir=self._directory))
                with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
                    files.extractall(partial)
                try:
                    partial.rename(target)
                except OSError:  # another embedded cloud was faster
                    shutil.rmtree(partial)
        return target


def _invocation(function: Function, event: Any, request_id: str) -> dict[str, Any]:
    root = f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"
    return {
        "event": event,
        "request_id": request_id,
        "function_arn": function.arn,
        "deadline_epoch_seconds": time.time() + function.timeout_seconds,
        "trace_id": f"Root={root};Parent={uuid.uuid4().hex[:16]};Sampled=0",  # no daemon to take the segments
    }
