"""The TokenReview endpoint that EKS runs beside its API server: bearer token in, user out."""

from __future__ import annotations

import json
import ssl
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from local.kubernetes.interfaces import Authenticate
from local.kubernetes.real_certificates import Certificates
from local.kubernetes.tls_server import TlsServer


class TokenWebhook:
    """Serves authentication.k8s.io/v1 TokenReview over TLS.

    Source: Kubernetes documentation, "Webhook Token Authentication".
    """

    def __init__(self, authenticate: Authenticate, certificates: Certificates) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.serving_certificate, certificates.serving_key)
        self._server, self._authority = (
            TlsServer(_handler(authenticate), context, "token-webhook"),
            certificates.authority,
        )

    def write_kubeconfig(self, path: Path) -> Path:
        """The form in which kube-apiserver is told where its webhook is."""
        return write_kubeconfig(path, f"{self._server.url}/authenticate", self._authority, token=None)

    def stop(self) -> None:
        self._server.stop()


def write_kubeconfig(path: Path, server: str, authority: Path, token: str | None) -> Path:
    """A kubeconfig with one cluster and one user; JSON is YAML."""
    user = {"token": token} if token else {}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": {"server": server, "certificate-authority": str(authority)}}],
        "users": [{"name": "local", "user": user}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
        "current-context": "local",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content))
    return path


def review(authenticate: Authenticate, token: str) -> dict[str, Any]:
    """The TokenReview that answers for this token."""
    user = authenticate(token)
    status: dict[str, Any] = {"authenticated": user is not None}
    if user:
        extra = {key: list(values) for key, values in user.extra.items()}
        status["user"] = {"username": user.username, "uid": user.uid, "groups": list(user.groups), "extra": extra}
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}


def _handler(authenticate: Authenticate) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(review(authenticate, request["spec"]["token"])).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Silent: the line would be about a token."""

    return Handler
