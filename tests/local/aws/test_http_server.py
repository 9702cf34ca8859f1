"""Connections to the embedded AWS: they serve one request after the other, and end with the server."""

import select
import socket
import struct
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import pytest
from botocore.useragent import UserAgentString

from local.aws import http_server
from local.aws.http_server import IN_LAMBDA
from local.aws.server import AwsServer


def test_a_connection_stays_open_for_the_next_request_and_ends_with_the_server(tmp_path: Path) -> None:
    with AwsServer(tmp_path) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
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
        connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", "/")
        assert connection.getresponse().status == 500


def test_a_client_that_goes_away_before_its_answer_is_no_error_of_the_embedded_cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asked, gone, ended = threading.Event(), threading.Event(), threading.Event()

    def answer(_: object, start_response: Callable[[str, list[tuple[str, str]]], object]) -> list[bytes]:
        asked.set()
        gone.wait(60)
        start_response("200 OK", [])
        return [b"too late"]

    with AwsServer(tmp_path) as server:
        monkeypatch.setattr(server._server, "app", answer)
        monkeypatch.setattr(server._server, "shutdown_request", lambda _: ended.set())
        connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", "/")
        assert asked.wait(60)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # as if killed
        connection.close()
        gone.set()
        assert ended.wait(60)
    assert capfd.readouterr().err == ""


def test_a_connection_that_no_function_uses_any_more_is_closed_as_aws_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "IDLE_SECONDS", 0.2)
    with AwsServer(tmp_path) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        function = {"User-Agent": "Boto3/1.43 md/Botocore#1.43 exec-env/AWS_Lambda_python3.13"}
        for headers in ({}, function):
            connection.request("POST", "/moto-api/reset", headers=headers)
            connection.getresponse().read()
            opened = connection.sock
            readable, _, _ = select.select([opened], [], [], 60 if headers is function else 0.5)
            assert bool(readable) == (headers is function)
        assert opened.recv(1) == b""


def test_the_sdk_of_a_function_says_that_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13")
    assert IN_LAMBDA in UserAgentString.from_environment().to_string()
