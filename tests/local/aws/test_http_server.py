"""Connections to the embedded AWS: they serve one request after the other, and end with the server."""

import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from local.aws.http_server import IDLE_SECONDS, _RequestHandler
from local.aws.server import AwsServer


def test_a_connection_stays_open_for_the_next_request_and_ends_with_the_server(tmp_path: Path) -> None:
    with AwsServer(tmp_path) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.connect()
        opened = connection.sock
        for body in ("nobody reads this, and it is not taken for the next request", ""):
            connection.request("POST", "/moto-api/reset", body)
            answer = connection.getresponse()
            assert (answer.status, answer.will_close, connection.sock) == (200, False, opened)
            answer.read()
    assert opened.recv(1) == b""


def test_an_error_of_the_embedded_cloud_itself_is_an_answer_too(tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    with AwsServer(tmp_path) as server:
        server._server.app = fail
        connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("GET", "/")
        assert connection.getresponse().status == 500


def test_a_connection_that_nobody_uses_is_closed_as_aws_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _RequestHandler.timeout == IDLE_SECONDS
    monkeypatch.setattr(_RequestHandler, "timeout", 0.2)
    with AwsServer(tmp_path) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("POST", "/moto-api/reset")
        connection.getresponse().read()
        assert connection.sock.recv(1) == b""
        assert server.client("sts").get_caller_identity()["Account"] == server.account_id
        time.sleep(0.5)
        assert server.client("sts").get_caller_identity()["Account"] == server.account_id  # over another connection
