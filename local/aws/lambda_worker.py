"""Execution environments for Lambda functions, forked from one process that has already imported the big libraries.

Standard library only. It is started as `python -I lambda_worker.py <socket> <module>...`, so that neither the
repository nor the environment of whoever started the cloud is on `sys.path`. It imports the named modules (a cold start
would otherwise cost a second of processor time for every function) and forks one child per execution environment.

Errors have the shapes of AWS's own runtime interface client (Source: aws-lambda-python-runtime-interface-client,
bootstrap.py: error types Runtime.ImportModuleError, Runtime.HandlerNotFound, Runtime.MarshalError, ...).
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn, TextIO, cast
from urllib.parse import urlsplit

MAXIMUM_RESPONSE_BYTES = 6 * 1024 * 1024 + 100
"""Source: "Response payload size exceeded maximum allowed payload size (6291556 bytes)."""

SYN_SECONDS = 127
"""How long Linux tries to connect to who does not answer. Source: tcp(7), tcp_syn_retries."""

TIMED_OUT_STATUS = 124
"""Of a process whose invocation would have taken longer than Lambda lets it."""

FATE, UNANSWERED = "x-embedded-fate", "unanswered"
"""As in local/wire.py, which is not to be imported here."""

SERVICES = ("cloudformation", "ec2", "efs", "eks", "iam", "s3", "ssm", "stepfunctions", "sts", "xray")
"""What the SDK is asked for in any function. It reads a megabyte about EC2 alone."""

_true_time = time.time
"""Lambda's own, whatever the function takes the time for."""

JsonObject = dict[str, Any]
Handler = Callable[[Any, "LambdaContext"], Any]


class InitError(Exception):
    """The handler could not be loaded; the environment is of no use."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class LambdaContext:
    """The second argument of a handler, with the attributes AWS documents for Python."""

    def __init__(self, invocation: JsonObject) -> None:
        self._deadline_epoch_seconds: float = invocation["deadline_epoch_seconds"]
        self.aws_request_id: str = invocation["request_id"]
        self.invoked_function_arn: str = invocation["function_arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = None
        self.identity = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline_epoch_seconds - _true_time()) * 1000))


def load_handler(name: str) -> Handler:
    """Import `module.function` as the runtime interface client does."""
    module_name, _, function_name = name.rpartition(".")
    if not module_name:
        raise InitError("Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise InitError(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error.msg or error}"
        ) from error
    except SyntaxError as error:
        raise InitError("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}") from error
    handler: Handler | None = getattr(module, function_name, None)
    if handler is None:
        raise InitError("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")
    return handler


def error_payload(error: BaseException, request_id: str) -> JsonObject:
    return {
        "errorMessage": str(error),
        "errorType": error.error_type if isinstance(error, InitError) else type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def invoke(handler: Handler, invocation: JsonObject) -> JsonObject:
    """Run the handler once: {"payload": JSON text} or {"error": error payload}."""
    request_id = invocation["request_id"]
    os.environ["_X_AMZN_TRACE_ID"] = invocation["trace_id"]
    try:
        result = handler(invocation["event"], LambdaContext(invocation))
    except Exception as error:
        # Both the text in the log and the payload, as AWS has them.
        print(f"[ERROR] {type(error).__name__}: {error}\n{''.join(traceback.format_tb(error.__traceback__))}")
        return {"error": error_payload(error, request_id)}
    try:
        payload = json.dumps(result, allow_nan=False)
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return {"error": {"errorMessage": message, "errorType": "Runtime.MarshalError", "requestId": request_id}}
    if len(payload.encode()) > MAXIMUM_RESPONSE_BYTES:
        message = f"Response payload size exceeded maximum allowed payload size ({MAXIMUM_RESPONSE_BYTES} bytes)."
        return {"error": {"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}}
    return {"payload": payload}


def serve(lines: TextIO, handler_name: str, time_factor: float) -> None:
    """Load the handler, say how that went, then answer one invocation per line until the other side closes."""

    def say(message: JsonObject) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        lines.write(json.dumps(message) + "\n")
        lines.flush()

    try:
        handler = load_handler(handler_name)
    except Exception as error:
        print(f"[ERROR] {error}\n{traceback.format_exc()}")
        say({"error": error_payload(error, "")})
        return
    scale_retries(time_factor)
    unanswered = Unanswered(time_factor)
    unanswered.listen()
    say({"ready": True})
    for line in lines:
        invocation = json.loads(line)
        unanswered.begin(invocation["deadline_epoch_seconds"])
        say(invoke(handler, invocation))


def die_with(channel: socket.socket) -> None:
    """End this process when the server's end of `channel` closes, even in the middle of a handler.

    The kernel closes it when the server dies, however it dies: nothing is left behind after kill -9.
    """
    with contextlib.suppress(OSError):
        channel.recv(1)
    os._exit(1)


def scale_retries(factor: float) -> None:
    """Let the SDK's waits between its retries take as much less time as every other wait of the embedded cloud.

    Once the handler is loaded, as it is what brings the SDK when nothing was preloaded.
    """
    endpoint: Any = sys.modules.get("botocore.endpoint")
    if endpoint is not None:
        endpoint.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * factor))


class Unanswered:
    """What the embedded AWS marks as never answered: its client waits in vain, by scaled time.

    Lambda's own limit passes by the time that it would have been; the process ends then, and says so by its status.
    """

    def __init__(self, time_factor: float) -> None:
        self._time_factor = time_factor
        self._seconds_left = float("inf")

    def begin(self, deadline_epoch_seconds: float) -> None:
        """An invocation begins."""
        self._seconds_left = deadline_epoch_seconds - _true_time()

    def listen(self) -> None:
        """To whatever a client of the SDK or of Kubernetes hears."""
        connection: Any = sys.modules.get("urllib3.connection")
        if connection is None:
            return
        getresponse = connection.HTTPConnection.getresponse

        def heard(of: Any) -> Any:
            response = getresponse(of)
            if response.headers.get(FATE) == UNANSWERED:
                self._wait(of.timeout)
                raise TimeoutError("timed out")
            return response

        connection.HTTPConnection.getresponse = heard

    def _wait(self, seconds: float) -> None:
        self._seconds_left -= seconds
        time.sleep(max(0.0, min(seconds, seconds + self._seconds_left)) * self._time_factor)
        if self._seconds_left <= 0:
            sys.stdout.flush()
            os._exit(TIMED_OUT_STATUS)


def mind_the_gate(gate: JsonObject, aws_port: int | None, time_factor: float) -> None:
    """Ask before a connection is made whether the network lets it through; if not, nobody ever answers it."""
    connect = socket.socket.connect

    def is_open(port: int) -> bool:
        with socket.socket() as asking:
            connect(asking, ("127.0.0.1", gate["port"]))
            asking.sendall(json.dumps({"name": gate["name"], "port": port}).encode() + b"\n")
            return bool(json.loads(asking.makefile().readline()))

    def connect_if_open(self: socket.socket, address: Any) -> None:
        if self.family == socket.AF_INET and address[1] != aws_port and not is_open(address[1]):
            time.sleep((self.gettimeout() or SYN_SECONDS) * time_factor)
            raise TimeoutError("timed out")
        connect(self, address)

    socket.socket.connect = connect_if_open  # type: ignore[method-assign, assignment]


def set_clock(seconds_ahead: float) -> None:
    """From now on whoever asks this process for the time is told it so much later than it is.

    But for who has taken `datetime.datetime` over already: of the preloaded packages those that sign have not.
    """
    if not seconds_ahead:
        return
    true_datetime, ahead = datetime.datetime, datetime.timedelta(seconds=seconds_ahead)

    class AnyDatetime(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, true_datetime)

    class WrongDatetime(datetime.datetime, metaclass=AnyDatetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return true_datetime.now(tz) + ahead

        @classmethod
        def utcnow(cls) -> Any:
            return true_datetime.utcnow() + ahead

    time.time = lambda: _true_time() + seconds_ahead
    datetime.datetime = WrongDatetime  # type: ignore[misc]


def trace_as_in_lambda() -> None:
    """The tracing SDK asks whether it is in Lambda when it is imported only, and that was before this process was."""
    if tracing := cast(Any, sys.modules.get("aws_xray_sdk.core")):
        tracing.xray_recorder.context = tracing.recorder.check_in_lambda()


def run_environment(channel: socket.socket, lifeline: socket.socket, log_fd: int) -> NoReturn:
    """The life of one forked child: become the function, serve, exit as an interpreter would."""
    status = 1
    try:
        lines = cast(TextIO, channel.makefile("rw", encoding="utf-8", newline="\n"))
        settings = json.loads(lines.readline())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's; it closes the lifeline.
        os.dup2(log_fd, 1)
        os.dup2(log_fd, 2)
        sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
        os.environ.clear()
        os.environ.update(settings["environment"])
        time.tzset()
        set_clock(settings["seconds_ahead"])
        trace_as_in_lambda()
        os.chdir(settings["task_root"])
        sys.path[:0] = settings["path"]
        mind_the_gate(settings["gate"], urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).port, settings["time_factor"])
        threading.Thread(target=die_with, args=(lifeline,), daemon=True).start()
        serve(lines, settings["handler"], settings["time_factor"])
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def preload(modules: list[str]) -> None:
    """Import the modules, and let all sessions of the SDK share what it reads about the services.

    Reading that is half of what a function's first call would cost.
    """
    for name in modules:
        with contextlib.suppress(Exception):  # what is not installed is for the function to complain about
            importlib.import_module(name)
    if sdk := cast(Any, sys.modules.get("botocore.session")):
        sdk.create_loader = functools.cache(sdk.create_loader)
        agent = cast(Any, sys.modules["botocore.useragent"])  # which takes it apart at every call
        agent.sanitize_user_agent_string_component = functools.cache(agent.sanitize_user_agent_string_component)
        session = sdk.Session()
        session.set_credentials("-", "-")
        for service in SERVICES:
            session.create_client(service, region_name="us-east-1")


def exit_status_of(pid: int, ended: dict[int, int]) -> int | None:
    """None while the child runs. The kernel tells its end once, but two may ask for it."""
    if pid not in ended:
        reaped, status = os.waitpid(pid, os.WNOHANG)
        if reaped:
            ended[pid] = os.waitstatus_to_exitcode(status)
    return ended.get(pid)


def main(control_fd: int, modules: list[str]) -> None:
    """Fork on request: {"start": true} with three descriptors -> pid; {"poll": pid} -> exit status or null."""
    control = socket.socket(fileno=control_fd)
    preload(modules)
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, the shared pages
    ended: dict[int, int] = {}
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1024, 3)
        if not data:
            return
        request = json.loads(data)
        answer: int | None
        if "poll" in request:
            answer = exit_status_of(request["poll"], ended)
        else:
            answer = os.fork()
            ended.pop(answer, None)
            if answer == 0:
                control.close()
                channel, lifeline = socket.socket(fileno=descriptors[0]), socket.socket(fileno=descriptors[1])
                run_environment(channel, lifeline, descriptors[2])
            for descriptor in descriptors:
                os.close(descriptor)
        control.sendall(json.dumps(answer).encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
