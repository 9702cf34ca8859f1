"""A wire in front of a real control plane, which lets nobody in between by itself.

It has the control plane's own certificate, so that nobody who asks it sees a difference; what is behind it is asked as
the caller, with the caller's token.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import urllib3

from local.aws.hooks import Call
from local.kubernetes.certificates import client_context
from local.kubernetes.embedded.request_info import request_info
from local.kubernetes.real import RealControlPlane
from local.kubernetes.tls_server import TlsServer
from local.wire import FATE, RESET, Answer, Exchange, Wire, kubernetes_status

if TYPE_CHECKING:
    from local.cloud import EmbeddedCloud

_WHO_AM_I = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class FrontDoor:
    """Listens until it is stopped; all that is asked passes `wire`."""

    def __init__(self, plane: RealControlPlane, wire: Wire) -> None:
        self._wire, self._behind = wire, plane.url
        self._pool = urllib3.PoolManager(ssl_context=client_context(plane.ca_pem), retries=False, maxsize=8)
        self._server = TlsServer(_handler(self), plane.server_context(), "front-door")
        self.url = self._server.url

    def stop(self) -> None:
        self._server.stop()
        self._pool.clear()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        def perform() -> Answer:
            response = self._pool.request(method, self._behind + path, headers=headers, body=body)
            return Answer(response.status, {"Content-Type": response.headers.get("Content-Type", "")}, response.data)

        if not self._wire:
            return perform()
        target = urlsplit(path)
        info = request_info(method, target.path, dict(parse_qsl(target.query, keep_blank_values=True)))
        asked = f"{info.verb} {info.target}" if info else f"{method.lower()} {target.path}"
        call = Call(f"kubernetes:{asked}", "", "", path, body.decode(errors="replace"))
        question = f"{asked} {path} {call.body}"
        caller = self._caller(headers.get("Authorization", ""))
        return self._wire.pass_on(Exchange(call, caller, "kubernetes", question, perform, kubernetes_status))

    def _caller(self, authorization: str) -> str:
        """As the API itself knows its caller; empty of one that it does not let in."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        told = self._pool.request("POST", self._behind + _WHO_AM_I, headers=headers, body=json.dumps(review))
        return str(told.json()["status"]["userInfo"]["username"]) if told.status == 201 else ""


@contextmanager
def front_doors(cloud: EmbeddedCloud, wire: Wire) -> Iterator[None]:
    """Whoever asks EKS for the address of a cluster made in this block gets that of a door before it."""
    doors: list[FrontDoor] = []

    def put_before(cluster: Any, plane: Any) -> None:
        doors.append(FrontDoor(plane, wire))
        cluster.reached_at = doors[-1].url

    cloud.on_cluster_ready.append(put_before)
    try:
        yield
    finally:
        cloud.on_cluster_ready.remove(put_before)
        for door in doors:
            door.stop()


def _handler(door: FrontDoor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            named = ("Accept", "Authorization", "Content-Type", "User-Agent")
            headers = {name: value for name in named if (value := self.headers.get(name))}
            answer = door.answer(self.command, self.path, headers, body)
            if answer.headers.get(FATE) == RESET:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def do_GET(self) -> None:
            self._pass()

        def do_POST(self) -> None:
            self._pass()

        def do_PUT(self) -> None:
            self._pass()

        def do_PATCH(self) -> None:
            self._pass()

        def do_DELETE(self) -> None:
            self._pass()

        def log_message(self, format: str, *args: Any) -> None:
            """Silent: nobody reads it."""

    return Handler
