"""A proxy that intercepts TLS: it answers in place of a cluster's API, with certificates of an authority of its own."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.aws.hooks import Undo
from local.cloud import EmbeddedCloud
from local.faults.fault import before
from local.faults.scene import Scene
from local.kubernetes.certificates import Authority

AUTHORITY = "Example Corp TLS inspection"


class Interceptor:
    """Listens in a thread of its own until it is stopped. Who does trust it gets no further: 502."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _BadGateway)
        context = Authority.new(AUTHORITY).serving("intercepted").server_context()
        # Handshakes happen in the request's own thread: a stuck client must not stop the others.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="interceptor", daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what it is for."""


class _BadGateway(BaseHTTPRequestHandler):
    def handle_one_request(self) -> None:
        self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: nobody reads it."""


def intercept(cloud: EmbeddedCloud, cluster_name: str | None) -> Undo:
    """From the first call to the cluster's API on, everybody who asks EKS for its address meets the proxy."""
    interceptor = Interceptor()

    def put_in_between(scene: Scene) -> None:
        scene.cluster.reached_at = interceptor.url

    disarm = before("Apply storage", put_in_between)(cloud, cluster_name)

    def undo() -> None:
        disarm()
        interceptor.stop()

    return undo
