"""A shared event loop ends with its last user."""

import asyncio
import socket
import threading
from contextlib import suppress

from local.kubernetes.event_loops import SharedLoop


def test_the_last_one_leaves_no_connection_open() -> None:
    loop, accepted = SharedLoop("left"), threading.Semaphore(0)

    class Silent(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.release()

    async def listen() -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(Silent, "127.0.0.1", 0)

    loop.enter()
    server = loop.begin(listen()).result()
    clients = [socket.create_connection(server.sockets[0].getsockname(), timeout=10) for _ in range(3)]
    for _ in clients:
        assert accepted.acquire(timeout=60)
    loop.call(server.close)
    loop.leave()
    for client in clients:
        with client, suppress(ConnectionResetError):
            assert client.recv(1) == b""
