"""moto's HTTP server, with connections that stay open.

werkzeug closes each connection after its answer and waits for the client to do the same: a thread, a connection and a
poll more for every call, of which a check of one cluster makes thirty.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import traceback
import uuid
from collections.abc import Collection
from io import BytesIO
from typing import Any, cast

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.exceptions import InternalServerError
from werkzeug.serving import ThreadedWSGIServer

from local.wire import FATE, RESET

IDLE_SECONDS = 20
"""How long a function's connection stays open without a request: each is a thread here, and a warm one leaves dozens.

Not published; S3 was seen to keep them so long, DynamoDB and IAM a minute (vectordotdev/vector#9703,
aws/aws-sdk-java#1365, JuliaCloud/AWSCore.jl#35). SDKs look whether a connection is still open before they use it, and
repeat what one swallowed that closed just then. The embedded cloud's own clients repeat nothing: they keep theirs.
"""
IN_LAMBDA = "exec-env/AWS_Lambda"
"""In an SDK's User-Agent. Source: botocore.useragent, from AWS_EXECUTION_ENV."""
REQUEST_ID_HEADERS = {"x-amzn-requestid", "x-amz-request-id"}
"""One of them is on every answer of AWS: clients, moto's Step Functions too, look for it in an error without asking."""


class HttpServer(ThreadedWSGIServer):
    """On 127.0.0.1; `server_close` also ends the connections that nobody uses at the time."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.connections: set[socket.socket] = set()
        self.broken_off: set[socket.socket] = set()
        super().__init__("127.0.0.1", port, DomainDispatcherApplication(create_backend_app), _RequestHandler)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self.connections):
            self.shutdown_request(connection)

    def break_off(self, connection: socket.socket) -> None:
        """Ends it with a reset instead of an end, once its handler returns."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.broken_off.add(connection)

    def shutdown_request(self, request: Any) -> None:
        if request in self.broken_off:
            self.broken_off.discard(request)
            self.close_request(request)
        else:
            super().shutdown_request(request)


class _RequestHandler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body go out together: the client wakes up once

    def handle(self) -> None:
        connections = cast(HttpServer, self.server).connections
        connections.add(self.connection)
        try:
            super().handle()
        finally:
            connections.discard(self.connection)

    def finish(self) -> None:
        """A client that went away before its answer, a killed function say, is no error: `handle` has ended by it."""
        with contextlib.suppress(ConnectionError):
            super().finish()

    def run_wsgi(self) -> None:
        """The body is read whole before it is asked for, so that what follows it is the next request."""
        if IN_LAMBDA in self.headers.get("User-Agent", ""):
            self.connection.settimeout(IDLE_SECONDS)
        self.wfile.flush()  # "100 Continue", if the client expects it
        if "Transfer-Encoding" in self.headers:
            super().run_wsgi()  # which closes the connection
            return
        self.environ = self.make_environ()
        self.environ["wsgi.input"] = BytesIO(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        try:
            self._send(*self._answer_of(self.server.app))
        except ConnectionError:
            raise
        except Exception:
            self.server.log("error", f"Error on request:\n{traceback.format_exc()}")
            self._send(*self._answer_of(InternalServerError()))

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: server.calls has every call, and a line for nobody costs as much as a header."""

    def log_error(self, format: str, *args: Any) -> None:
        """Nothing: that a connection was idle for too long is no error, and `run_wsgi` tells what else fails."""

    def _answer_of(self, application: Any) -> tuple[str, list[tuple[str, str]], bytes]:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
            started[:] = status, headers

        body = b"".join(application(self.environ, start_response))
        status, headers = started
        return status, headers, body

    def _send(self, status: str, headers: Collection[tuple[str, str]], body: bytes) -> None:
        if (FATE, RESET) in headers:
            cast(HttpServer, self.server).break_off(self.connection)
            self.close_connection = True
            return
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        names = set()
        for name, value in headers:
            self.send_header(name, value)
            names.add(name.lower())
        if not names & REQUEST_ID_HEADERS:
            self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        if "content-length" not in names and code != "204":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
