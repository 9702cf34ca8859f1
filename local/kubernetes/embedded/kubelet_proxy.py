"""Logs and exec go to the kubelet of the pod's node, as kube-apiserver passes them on.

Source: k8s.io/kubernetes pkg/registry/core/pod/strategy.go (LogLocation, ExecLocation); the kubelet's certificate
is not verified, which is kube-apiserver's default.
"""

import asyncio
from typing import Any

import aiohttp
from aiohttp import web

from local.kubernetes.embedded.errors import ApiError, bad_request, not_found
from local.kubernetes.embedded.queries import is_set
from local.kubernetes.embedded.resources import NODES
from local.kubernetes.embedded.store import Store

Object = dict[str, Any]
_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_EXEC_STREAMS = {"stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10)


async def log(request: web.Request, store: Store, pod: Object) -> web.StreamResponse:
    """The container's log, followed when asked to. Raises ApiError BadRequest."""
    container = _container(request, pod)
    metadata = pod["metadata"]
    if not pod["spec"].get("nodeName"):
        return web.Response()  # an unscheduled pod has logged nothing
    url = f"{_kubelet(store, pod)}/containerLogs/{metadata['namespace']}/{metadata['name']}/{container}"
    query = [(name, value) for name, value in request.query.items() if name != "container"]
    _check_reached(url, "Get ")
    async with _session() as session, session.get(url, params=query) as upstream:
        if upstream.status != 200:
            text = (await upstream.text()).strip()
            raise bad_request(text or f'container "{container}" in pod "{metadata["name"]}" is not available')
        if not is_set(request.query, "follow"):
            return web.Response(body=await upstream.read(), content_type="text/plain")
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
    return response


async def execute(request: web.Request, store: Store, pod: Object) -> web.StreamResponse:
    """A command in the container over a WebSocket. Raises ApiError BadRequest, NotFound."""
    container = _container(request, pod)
    metadata = pod["metadata"]
    if not pod["spec"].get("nodeName"):
        raise bad_request(f"pod {metadata['name']} does not have a host assigned")
    offered = {one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",")}
    protocol = next((one for one in _PROTOCOLS if one in offered), None)
    downstream = web.WebSocketResponse(protocols=(protocol,) if protocol else (), max_msg_size=0)
    if protocol is None or not downstream.can_prepare(request).ok:
        raise bad_request("Upgrade request required")
    commands = [("command", value) for value in request.query.getall("command", [])]
    streams = [
        (name, "1") for asked, name in _EXEC_STREAMS.items() if request.query.get(asked) in ("1", "true", "True")
    ]
    url = f"{_kubelet(store, pod)}/exec/{metadata['namespace']}/{metadata['name']}/{container}"
    _check_reached(url, "error dialing backend: ")
    async with _session() as session:
        try:
            opened = session.ws_connect(url, params=[*commands, *streams], protocols=(protocol,), max_msg_size=0)
            upstream = await opened
        except aiohttp.WSServerHandshakeError as refused:
            raise ApiError(500, "InternalError", f"unable to upgrade connection: {refused.message}") from None
        await downstream.prepare(request)
        async with upstream:
            await _pump(downstream, upstream)
        await downstream.close()
    return downstream


async def _pump(downstream: web.WebSocketResponse, upstream: aiohttp.ClientWebSocketResponse) -> None:
    """Both ways until the kubelet, which knows the exit code, has closed its side."""

    async def send_input() -> None:
        async for message in downstream:
            if message.type == aiohttp.WSMsgType.BINARY:
                await upstream.send_bytes(message.data)
            elif message.type == aiohttp.WSMsgType.TEXT:
                await upstream.send_str(message.data)
        await upstream.close()

    inputs = asyncio.create_task(send_input())
    try:
        async for message in upstream:
            if message.type == aiohttp.WSMsgType.BINARY:
                await downstream.send_bytes(message.data)
            elif message.type == aiohttp.WSMsgType.TEXT:
                await downstream.send_str(message.data)
    finally:
        inputs.cancel()


def _check_reached(url: str, words: str) -> None:
    """Raises ApiError where the node's address is its own: nothing of this machine answers there.

    A kube-apiserver dials for 30 s first (k8s.io/apimachinery pkg/util/net, SetTransportDefaults).
    """
    address = url.removeprefix("https://").partition("/")[0]
    if not address.startswith("127."):
        asked = f'{words}"{url}": ' if words == "Get " else words
        raise ApiError(500, "", f"{asked}dial tcp {address}: i/o timeout")


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=_NO_TIMEOUT, connector=aiohttp.TCPConnector(ssl=False))


def _container(request: web.Request, pod: Object) -> str:
    name = pod["metadata"]["name"]
    containers = [one["name"] for kind in ("containers", "initContainers") for one in pod["spec"].get(kind, [])]
    asked = request.query.get("container")
    if asked and asked not in containers:
        raise bad_request(f"container {asked} is not valid for pod {name}")
    if not asked and len(pod["spec"]["containers"]) > 1:
        listing = " ".join(one["name"] for one in pod["spec"]["containers"])
        raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{listing}]")
    return asked or str(containers[0])


def _kubelet(store: Store, pod: Object) -> str:
    node = store.get(NODES, "", pod["spec"]["nodeName"])
    if node is None:
        raise not_found(NODES, pod["spec"]["nodeName"])
    status = node.get("status", {})
    addresses = [one["address"] for one in status.get("addresses", []) if one["type"] == "InternalIP"]
    port = status.get("daemonEndpoints", {}).get("kubeletEndpoint", {}).get("Port")
    if not addresses or not port:
        raise ApiError(500, "InternalError", f"no preferred addresses found for node {node['metadata']['name']}")
    return f"https://{addresses[0]}:{port}"
