"""A web server over TLS that keeps what is posted to it, as a chat's or a ticket system's would."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from local.kubernetes.certificates import FORMS, Authority

PATIENCE_SECONDS = 600.0


class Webhook:
    """`status` is what it answers; `posted` has (headers, body) of each request that has not been taken yet."""

    def __init__(self, port: int) -> None:
        self.url = f"https://127.0.0.1:{port}/hook"
        self.status = 200
        self.posted: queue.Queue[tuple[dict[str, str], Any]] = queue.Queue()

    def take(self) -> tuple[dict[str, str], Any]:
        return self.posted.get(timeout=PATIENCE_SECONDS)


@contextmanager
def listening(folder: Path) -> Iterator[Webhook]:
    """Trusted by what the embedded AWS posts with, as a public authority's server is by AWS."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            hook.posted.put((dict(self.headers.items()), json.loads(self.rfile.read(length))))
            self.send_response(hook.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    authority = Authority.new("a public authority", FORMS[-1])
    trusted = folder / "authority.pem"
    trusted.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook = Webhook(server.server_port)
    context = authority.serving("webhook", ("127.0.0.1",)).server_context()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
            yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
