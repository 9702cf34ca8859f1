"""The kubelets' HTTPS endpoints the API server proxies to: container logs and exec.

One server on the loopback interface stands for all nodes. TLS because a kube-apiserver insists; it does not verify the
certificate unless told to, as here.
"""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.kubernetes.container_log import ContainerLog, LogLine
from local.kubernetes.containers import Container
from local.kubernetes.exec_session import PROTOCOLS, refuse, serve_exec
from local.kubernetes.kubelet import RunningContainer

FindContainer = Callable[[str, str, str], RunningContainer | None]
"""(namespace, pod, container) -> its processes, when the pod runs on one of our nodes."""

_TRUE = {"true", "1"}


class KubeletServer:
    def __init__(self, find: FindContainer) -> None:
        self._find = find
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, directory: Path) -> None:
        app = web.Application()
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        for add in (app.router.add_get, app.router.add_post):
            add("/exec/{namespace}/{pod}/{container}", self._exec)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=_self_signed(directory))
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        entry = self._entry(request)
        if entry is None:
            return web.Response(status=404, text="pod does not run on this node\n")
        previous = request.query.get("previous") in _TRUE
        log = entry.previous_log if previous else entry.container.log if entry.container else None
        if log is None:
            name = request.match_info["container"]
            state = "previous terminated container" if previous else "container"
            return web.Response(
                status=400, text=f'{state} "{name}" in pod "{request.match_info["pod"]}" is not available\n'
            )
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await _write_log(request, response, log)
        return response

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=PROTOCOLS, max_msg_size=0)
        if not socket.can_prepare(request).ok:
            return web.Response(status=400, text="exec needs a WebSocket upgrade\n")
        await socket.prepare(request)
        entry = self._entry(request)
        container: Container | None = entry.container if entry else None
        if container is None or not container.running:
            await refuse(socket, f'container not found ("{request.match_info["container"]}")')
        else:
            await serve_exec(socket, container, request.query)
        await socket.close()
        return socket

    def _entry(self, request: web.Request) -> RunningContainer | None:
        names = request.match_info
        return self._find(names["namespace"], names["pod"], names["container"])


async def _write_log(request: web.Request, response: web.StreamResponse, log: ContainerLog) -> None:
    query = request.query
    tail = int(query["tailLines"]) if query.get("tailLines") else None
    since = None
    if query.get("sinceSeconds"):
        since = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=int(query["sinceSeconds"]))
    elif query.get("sinceTime"):
        since = dt.datetime.fromisoformat(query["sinceTime"].replace("Z", "+00:00"))
    left = int(query["limitBytes"]) if query.get("limitBytes") else None
    stamped = query.get("timestamps") in _TRUE

    async def write(lines: list[LogLine]) -> bool:
        """False when the byte limit is reached."""
        nonlocal left
        data = b"".join(line.stamped() if stamped else line.data for line in lines)
        if left is not None:
            data, left = data[:left], left - len(data)
        if data:
            await response.write(data)
        return left is None or left > 0

    if query.get("follow") not in _TRUE:
        await write(log.lines(tail=tail, since=since))
        return
    try:
        async for line in log.follow(tail=tail, since=since):
            if not await write([line]):
                return
    except (ConnectionError, asyncio.CancelledError):
        return  # the reader went away


def _self_signed(directory: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fargate-kubelet")])
    now = dt.datetime.now(dt.UTC)
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(days=30))
    certificate = builder.add_extension(addresses, critical=False).sign(key, hashes.SHA256())
    pem = directory / "kubelet.pem"
    pem.touch(mode=0o600)
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
