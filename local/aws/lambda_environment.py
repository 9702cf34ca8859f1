"""Execution environments of Lambda: processes forked from one that has the libraries loaded (see lambda_worker.py)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.lambda_worker import TIMED_OUT_STATUS

WORKER = Path(__file__).with_name("lambda_worker.py")
INIT_SECONDS = 60.0
"""Lambda gives the init phase 10 s of its own, here on a processor that others may want too. Source: Lambda developer
guide, execution environment life cycle."""

PRELOADED_MODULES = (
    "boto3",
    "botocore.auth",
    "botocore.endpoint",
    "botocore.parsers",
    "botocore.signers",
    "aws_lambda_powertools",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.tracing",
    "aws_lambda_powertools.utilities.parser",
    "aws_xray_sdk.core",
    "pydantic",
    "yaml",
    "kubernetes.dynamic",
    "kubernetes.watch",
)

JsonObject = dict[str, Any]


class EnvironmentDiedError(Exception):
    """The process ended instead of answering."""


@dataclass(frozen=True)
class Interpreter:
    """The Python that the functions run on, and what it has loaded before they start.

    By default this very one, as it has the packages of the dependency layer installed. With `-S` and nothing preloaded
    a function finds nothing but the standard library and its layers, as on AWS.
    """

    command: tuple[str, ...] = (sys.executable, "-I")
    preloaded: tuple[str, ...] = PRELOADED_MODULES


class ForkServer:
    """The process that forks execution environments. They all die when it dies, and it dies with this process."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        inherited = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
        with theirs:
            self._process = subprocess.Popen(
                [*interpreter.command, str(WORKER), str(theirs.fileno()), *interpreter.preloaded],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                env={name: os.environ[name] for name in inherited if name in os.environ},
                start_new_session=True,  # Ctrl-C is the server's to handle
            )

    def fork(self, channel: socket.socket, lifeline: socket.socket, log_fd: int) -> int:
        pid = self._ask({"start": True}, [channel.fileno(), lifeline.fileno(), log_fd])
        assert pid is not None  # noqa: S101 (the protocol: only a poll is answered with null)
        return pid

    def poll(self, pid: int) -> int | None:
        """Exit status of a child that has ended (negative: the signal), None while it runs."""
        return self._ask({"poll": pid}, [])

    def stop(self) -> None:
        with self._lock:
            self._control.close()
        self._process.wait()

    def _ask(self, request: JsonObject, descriptors: list[int]) -> int | None:
        with self._lock:
            try:
                socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)
                answer = self._control.recv(64)
            except OSError as error:
                raise EnvironmentDiedError("the embedded Lambda has been stopped") from error
        if not answer:
            raise EnvironmentDiedError("the process that forks execution environments is gone")
        status: int | None = json.loads(answer)
        return status


class ExecutionEnvironment:
    """One process that runs one function's invocations, one at a time."""

    def __init__(self, forks: ForkServer, settings: JsonObject, log_stream: str) -> None:
        self.log_stream = log_stream
        self.initialised = False
        self.alive = True
        self._forks = forks
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the environment)
        self._log_position = 0
        self._channel, their_channel = socket.socketpair()
        self._lifeline, their_lifeline = socket.socketpair()
        with their_channel, their_lifeline:
            self._pid = forks.fork(their_channel, their_lifeline, self._log.fileno())
        self._answers = self._channel.makefile("rb")
        self._settings = settings

    def initialise(self, request_id: str) -> JsonObject | None:
        """Load the handler: None, or the error payload AWS has for it. An environment that failed is not used again."""
        answer = self._exchange(self._settings, INIT_SECONDS, request_id)
        error: JsonObject | None = answer.get("error")
        if error is not None:
            self.end()
        self.initialised = error is None
        return error

    def invoke(self, invocation: JsonObject, timeout_seconds: float) -> JsonObject:
        """{"payload": JSON text} or {"error": error payload}."""
        return self._exchange(invocation, timeout_seconds, invocation["request_id"])

    def new_log_lines(self) -> list[str]:
        data = os.pread(self._log.fileno(), 1 << 26, self._log_position)
        self._log_position += len(data)
        return data.decode(errors="replace").splitlines()

    def interrupt(self) -> None:
        """End the process from another thread; whoever waits for its answer sees it die."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    def end(self, grace_seconds: float = 0.0) -> int:
        """Wait so long for it to end by itself, then kill it; its exit status (negative: the signal)."""
        self.alive = False
        deadline = time.monotonic() + grace_seconds
        while (status := self._forks.poll(self._pid)) is None:
            if time.monotonic() >= deadline:
                self.interrupt()
            time.sleep(0.002)
        self._channel.close()
        self._lifeline.close()
        return status

    def close(self) -> None:
        """Forget what it logged."""
        self._answers.close()
        self._log.close()

    def _exchange(self, message: JsonObject, timeout_seconds: float, request_id: str) -> JsonObject:
        try:
            return self._ask(message, timeout_seconds)
        except TimeoutError:
            self.end()
            return _timed_out(timeout_seconds, request_id)
        except EnvironmentDiedError:
            status = self.end(grace_seconds=1.0)
            if status == TIMED_OUT_STATUS:
                return _timed_out(timeout_seconds, request_id)
            return _error("Runtime.ExitError", _why_it_exited(status), request_id)

    def _ask(self, message: JsonObject, timeout_seconds: float) -> JsonObject:
        self._channel.settimeout(timeout_seconds)
        try:
            self._channel.sendall(json.dumps(message).encode() + b"\n")
            line = self._answers.readline()
        except (ConnectionError, ValueError) as error:
            raise EnvironmentDiedError from error
        if not line:
            raise EnvironmentDiedError
        answer: JsonObject = json.loads(line)
        return answer


def _timed_out(timeout_seconds: float, request_id: str) -> JsonObject:
    return _error("Sandbox.Timedout", f"Task timed out after {timeout_seconds:.2f} seconds", request_id)


def _error(error_type: str, reason: str, request_id: str) -> JsonObject:
    return {"error": {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {reason}"}}


def _why_it_exited(status: int) -> str:
    if status == 0:
        return "Runtime exited without providing a reason"
    if status < 0:
        return f"Runtime exited with error: signal: {signal.strsignal(-status) or -status}".lower().replace(
            "runtime", "Runtime", 1
        )
    return f"Runtime exited with error: exit status {status}"
