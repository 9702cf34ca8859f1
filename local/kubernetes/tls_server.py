"""An HTTP server with TLS on this machine, in threads of its own."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class TlsServer:
    """Listens on a free port until it is stopped."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext, name: str) -> None:
        self._server = _Server(("127.0.0.1", 0), handler)
        # Handshakes happen in the request's own thread: a stuck client must not stop the others.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name=name, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up, are killed, or are broken off on purpose are no event worth a traceback."""
