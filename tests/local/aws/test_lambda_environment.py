"""The Python that functions run on: this one with its packages, or a bare one with nothing but what it is given."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws.lambda_environment import ExecutionEnvironment, ForkServer, Interpreter
from local.aws.lambda_gate import Gate

Run = Callable[[Interpreter, str], Any]

CLOSED_PORT = 9
BARE = Interpreter((sys.executable, "-I", "-S"), preloaded=())


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs the lines of a module with a `handler`; what that returned, or the error's type."""
    gate = Gate(lambda _name, port: port != CLOSED_PORT)
    servers: list[ForkServer] = []

    def answer(interpreter: Interpreter, source: str) -> Any:
        (tmp_path / "app.py").write_text(source)
        servers.append(ForkServer(interpreter))
        settings = {
            "handler": "app.handler",
            "time_factor": 0.0,
            "seconds_ahead": 0.0,
            "gate": {"port": gate.port, "name": "stream"},
            "task_root": str(tmp_path),
            "path": [str(tmp_path)],
            "environment": {"LAMBDA_TASK_ROOT": str(tmp_path)} | {f"AWS_LAMBDA_{name}": "x" for name in CONTEXT},
        }
        environment = ExecutionEnvironment(servers[-1], settings, "stream")
        if (error := environment.initialise("request-1")) is not None:
            return error["errorType"]
        invocation = {"event": {}, "request_id": "request-1", "function_arn": "arn", "trace_id": "Root=1"}
        return json.loads(environment.invoke({**invocation, "deadline_epoch_seconds": 0}, 120)["payload"])

    yield answer
    gate.stop()
    for server in servers:
        server.stop()


CONTEXT = ("FUNCTION_NAME", "FUNCTION_VERSION", "FUNCTION_MEMORY_SIZE", "LOG_GROUP_NAME", "LOG_STREAM_NAME")


def test_a_bare_interpreter_has_no_packages_but_those_that_a_function_brings(run: Run) -> None:
    source = "import botocore\ndef handler(event, context):\n    return True"
    assert run(Interpreter(), source) is True
    assert run(BARE, source) == "Runtime.ImportModuleError"


@pytest.mark.parametrize("preloaded", [("botocore.endpoint",), ()])
def test_the_waits_between_the_sdks_retries_are_scaled_however_it_was_loaded(
    preloaded: tuple[str, ...], run: Run
) -> None:
    lines = "start = time.monotonic(); botocore.endpoint.time.sleep(30); return time.monotonic() - start < 25"
    source = f"import time, botocore.endpoint\ndef handler(event, context):\n    {lines}"
    assert run(Interpreter(preloaded=preloaded), source) is True


def test_the_tracing_sdk_knows_that_it_is_in_lambda_though_it_was_loaded_before(run: Run) -> None:
    """Otherwise it complains in the function's log about every call."""
    source = (
        "from aws_xray_sdk.core import xray_recorder\n"
        "def handler(event, context):\n    return type(xray_recorder.context).__name__"
    )
    assert run(Interpreter(), source) == "LambdaContext"


@pytest.mark.parametrize(("port", "error"), [(CLOSED_PORT, "TimeoutError"), (1, "ConnectionRefusedError")])
def test_where_the_network_lets_nothing_through_nobody_answers(port: int, error: str, run: Run) -> None:
    lines = f"socket.create_connection(('127.0.0.1', {port}), timeout=600)"
    source = f"""import socket
def handler(event, context):
    try:
        {lines}
    except OSError as refused:
        return type(refused).__name__"""
    assert run(BARE, source) == error
