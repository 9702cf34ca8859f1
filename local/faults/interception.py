"""A proxy that intercepts TLS: it answers in place of a cluster's API, with certificates of an authority of its own."""

from http.server import BaseHTTPRequestHandler
from typing import Any

from local.aws.hooks import Undo
from local.cloud import EmbeddedCloud
from local.faults.fault import before
from local.faults.scene import Scene
from local.kubernetes.certificates import Authority
from local.kubernetes.tls_server import TlsServer

AUTHORITY = "Example Corp TLS inspection"


class _BadGateway(BaseHTTPRequestHandler):
    """Who does trust it gets no further."""

    def handle_one_request(self) -> None:
        self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: nobody reads it."""


def intercept(cloud: EmbeddedCloud, cluster_name: str | None) -> Undo:
    """From the first call to the cluster's API on, everybody who asks EKS for its address meets the proxy."""
    context = Authority.new(AUTHORITY).serving("intercepted").server_context()
    interceptor = TlsServer(_BadGateway, context, "interceptor")

    def put_in_between(scene: Scene) -> None:
        scene.cluster.reached_at = interceptor.url

    disarm = before("Apply storage", put_in_between)(cloud, cluster_name)

    def undo() -> None:
        disarm()
        interceptor.stop()

    return undo
