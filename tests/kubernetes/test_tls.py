"""Whom the product's clients trust: every form of authority that EKS has made, and nobody else."""

import datetime
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import SSLError

from local.kubernetes.certificates import FORMS, POOREST, Authority, Form
from provisioner.aws.errors import connection_error
from provisioner.errors import BoundaryError, ErrorReason, TerminalError, UnsettledError
from provisioner.kubernetes.client import ClusterApi

DAY = datetime.timedelta(days=1)
NAMESPACE = b'{"kind": "Namespace", "metadata": {"name": "default"}}'


@dataclass
class Server:
    """Listens on 127.0.0.1; `connections` counts who came, `requests` who trusted it enough to ask."""

    url: str
    connections: int = 0
    requests: list[str] = field(default_factory=list)


@contextmanager
def serving(context: ssl.SSLContext | None) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            server.connections += 1
            super().setup()

        def do_GET(self) -> None:
            server.requests.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(NAMESPACE)

        def log_message(self, format: str, *args: Any) -> None: ...

    class Listening(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None: ...

    with Listening(("127.0.0.1", 0), Handler) as listening:
        if context:
            listening.socket = context.wrap_socket(listening.socket, server_side=True, do_handshake_on_connect=False)
        server = Server(f"https://127.0.0.1:{listening.server_port}")
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        listening.shutdown()


def asking(server: Server, authority: Authority) -> BoundaryError:
    """What asking for a namespace fails with."""
    with pytest.raises(BoundaryError) as caught:
        ClusterApi(server.url, authority.certificate_pem, lambda: "token").get("Namespace", "default")
    return caught.value


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_an_authority_of_every_form_is_trusted(form: Form) -> None:
    authority = Authority.new(form=form)
    with serving(authority.serving("kube-apiserver").server_context()) as server:
        found = ClusterApi(server.url, authority.certificate_pem, lambda: "token").get("Namespace", "default")
    assert found is not None
    assert found["metadata"]["name"] == "default"


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_strict_verification_which_is_the_runtimes_default_takes_the_complete_form_only(form: Form) -> None:
    assert verified_strictly(form) is (form == Form(True, True, True))


def verified_strictly(form: Form) -> bool:
    authority = Authority.new(form=form)
    with serving(authority.serving("kube-apiserver").server_context()) as server:
        context = ssl.create_default_context(cadata=authority.certificate_pem)
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does by itself
        host, port = "127.0.0.1", int(server.url.rpartition(":")[2])
        try:
            with socket.create_connection((host, port)) as raw, context.wrap_socket(raw, server_hostname=host):
                return True
        except ssl.SSLCertVerificationError:
            return False


OTHERS: dict[str, tuple[Callable[[Authority], ssl.SSLContext], str]] = {
    "another authority": (lambda _: Authority.new("Example Corp").serving("x").server_context(), "local issuer"),
    "one of the same name": (lambda _: Authority.new().serving("x").server_context(), "certificate signature failure"),
    "another host": (lambda own: own.serving("x", ["192.0.2.1"]).server_context(), "IP address mismatch"),
    "an expired certificate": (
        lambda own: own.serving("x", begins_in=-2 * DAY, lifetime=DAY).server_context(),
        "has expired",
    ),
}


@pytest.mark.parametrize(("context", "why"), OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("form", [POOREST, Form(True, True, True)], ids=["poorest", "complete"])
def test_whom_tls_does_not_trust_is_refused_at_once_with_the_cause_and_is_told_nothing(
    context: Callable[[Authority], ssl.SSLContext], why: str, form: Form
) -> None:
    authority = Authority.new(form=form)
    with serving(context(authority)) as server:
        error = asking(server, authority)
    assert type(error) is TerminalError
    assert error.reason is ErrorReason.UNTRUSTED_ENDPOINT
    assert why in error.subject
    assert server.connections == 1
    assert server.requests == []


def test_who_speaks_no_tls_is_refused_at_once() -> None:
    with serving(None) as server:
        error = asking(server, Authority.new())
    assert type(error) is TerminalError
    assert error.reason is ErrorReason.UNTRUSTED_ENDPOINT
    assert server.requests == []


def test_of_an_endpoint_of_aws_that_is_not_trusted_the_same_is_said() -> None:
    with serving(Authority.new().serving("x").server_context()) as server:
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-west-1"}
        once = Config(retries={"total_max_attempts": 1})
        with pytest.raises(SSLError) as caught:
            boto3.client("eks", endpoint_url=server.url, config=once, **keys).list_clusters()  # type: ignore[call-overload]
    error = connection_error(caught.value)
    assert type(error) is TerminalError
    assert error.subject == "what answers at 127.0.0.1 is not trusted: unable to get local issuer certificate"
    assert server.requests == []


@pytest.mark.parametrize("how", ["reset", "closed"])
def test_a_handshake_that_is_cut_off_is_worth_another_try(how: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            connection, _ = listening.accept()
            connection.recv(1)
            if how == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                connection.recv(4096)
                connection.shutdown(socket.SHUT_WR)
            connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        error = asking(Server(f"https://127.0.0.1:{listening.getsockname()[1]}"), Authority.new())
    assert type(error) is UnsettledError
    assert error.reason is ErrorReason.SERVICE_UNAVAILABLE
    assert "\n" not in str(error)


def test_a_certificate_that_begins_to_be_valid_in_a_moment_is_worth_another_try() -> None:
    authority = Authority.new()
    with serving(authority.serving("x", begins_in=DAY).server_context()) as server:
        error = asking(server, authority)
    assert type(error) is UnsettledError


@pytest.mark.parametrize("begins_in", [-DAY, -3 * DAY], ids=["valid", "expired"])
def test_who_answers_instead_is_told_and_gets_no_request(begins_in: datetime.timedelta) -> None:
    inspection = Authority.new("Example Corp inspection")
    own = Authority.new()
    with serving(inspection.serving("inspected", begins_in=begins_in, lifetime=2 * DAY).server_context()) as server:
        said = ClusterApi(server.url, own.certificate_pem, lambda: "token").presented_certificate()
    assert "CN=inspected issued by CN=Example Corp inspection, valid until " in said
    assert "DescribeCluster names the authority CN=kubernetes" in said
    assert server.requests == []


def test_where_nobody_answers_there_is_no_certificate_to_tell() -> None:
    with serving(None) as server:
        said = ClusterApi(server.url, Authority.new().certificate_pem, lambda: "token").presented_certificate()
    assert said.startswith("nothing that can be read")
