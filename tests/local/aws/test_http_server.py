"""Connections to the embedded AWS: they serve one request after the other, and end with the server."""

from http.client import HTTPConnection
from pathlib import Path

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
