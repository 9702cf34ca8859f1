"""Where functions get through to: their processes ask here before they connect to anything but AWS."""

import json
import threading
from collections.abc import Callable
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import cast

LetsThrough = Callable[[str, int], bool]
"""Who asks, by the name it was given, and the port that it is about to connect to."""


class Gate:
    """Answers on a port of 127.0.0.1 until it is stopped: `{"name": …, "port": …}` a line, true or false a line."""

    def __init__(self, lets_through: LetsThrough) -> None:
        self._server = _Server(lets_through)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="lambda-gate", daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, lets_through: LetsThrough) -> None:
        self.lets_through = lets_through
        super().__init__(("127.0.0.1", 0), _Question)


class _Question(StreamRequestHandler):
    def handle(self) -> None:
        question = json.loads(self.rfile.readline())
        answer = cast(_Server, self.server).lets_through(question["name"], question["port"])
        self.wfile.write(json.dumps(answer).encode() + b"\n")
