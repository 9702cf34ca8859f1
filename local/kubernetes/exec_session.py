"""One exec over a WebSocket: channels 0 stdin, 1 stdout, 2 stderr, 3 the final status, 4 the terminal's size.

Source: Kubernetes remotecommand protocol v4.channel.k8s.io; v5 adds the closing of a channel (255, number).
"""

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import struct
import termios
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping

from aiohttp import web
from multidict import MultiMapping

from local.kubernetes.containers import Container

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDIN, _STDOUT, _STDERR, _STATUS, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255
_TRUE = {"true", "1"}
_CHUNK_BYTES = 32 * 1024


async def refuse(socket: web.WebSocketResponse, message: str) -> None:
    await _send_status(socket, {"status": "Failure", "reason": "InternalError", "message": message, "code": 500})


async def serve_exec(socket: web.WebSocketResponse, container: Container, query: MultiMapping[str]) -> None:
    """Runs query's command and ends with its exit code in the status. Takes the kubelet's and the API's names."""
    command = query.getall("command", [])
    wants_input = query.get("input") in _TRUE or query.get("stdin") in _TRUE
    if query.get("tty") in _TRUE:
        code = await _with_terminal(socket, container, command)
    else:
        code = await _with_pipes(socket, container, command, wants_input)
    if code == 0:
        await _send_status(socket, {"status": "Success"})
        return
    causes = {"causes": [{"reason": "ExitCode", "message": str(code)}]}
    message = f"command terminated with non-zero exit code: error executing command {command}, exit code {code}"
    failure = {"status": "Failure", "reason": "NonZeroExitCode", "message": message, "details": causes}
    await _send_status(socket, failure)


async def _with_pipes(
    socket: web.WebSocketResponse, container: Container, command: list[str], wants_input: bool
) -> int:
    process = await container.execute(command, PIPE if wants_input else DEVNULL, PIPE, PIPE)

    async def forward(stream: asyncio.StreamReader | None, channel: int) -> None:
        while stream is not None and (data := await stream.read(_CHUNK_BYTES)):
            await socket.send_bytes(bytes([channel]) + data)

    async def feed(data: bytes | None) -> None:
        assert process.stdin is not None  # noqa: S101 - feed is only used with a pipe
        with contextlib.suppress(ConnectionError):
            if data is None:
                process.stdin.close()
            else:
                process.stdin.write(data)
                await process.stdin.drain()

    async def listen() -> None:
        async for channel, data in _messages(socket):
            if wants_input and channel == _STDIN:
                await feed(data)
            elif wants_input and channel == _CLOSE and data[:1] == b"\0":
                await feed(None)
        _kill(process)  # the client hung up

    listening = asyncio.create_task(listen())
    try:
        await asyncio.gather(forward(process.stdout, _STDOUT), forward(process.stderr, _STDERR))
        return _exit_code(await process.wait())
    finally:
        listening.cancel()
        _kill(process)


async def _with_terminal(socket: web.WebSocketResponse, container: Container, command: list[str]) -> int:
    master, slave = pty.openpty()
    loop = asyncio.get_running_loop()
    try:
        process = await container.execute(command, slave, slave, slave, tty=True)
    finally:
        os.close(slave)
    output: asyncio.Queue[bytes] = asyncio.Queue()

    def readable() -> None:
        try:
            data = os.read(master, _CHUNK_BYTES)
        except OSError:  # Linux's way to say that the terminal has no more users
            data = b""
        if not data:
            loop.remove_reader(master)
        output.put_nowait(data)

    async def listen() -> None:
        async for channel, data in _messages(socket):
            if channel == _STDIN:
                os.write(master, data)
            elif channel == _RESIZE:
                size = json.loads(data)
                packed = struct.pack("HHHH", size.get("Height", 24), size.get("Width", 80), 0, 0)
                fcntl.ioctl(master, termios.TIOCSWINSZ, packed)
        _kill(process)

    loop.add_reader(master, readable)
    listening = asyncio.create_task(listen())
    try:
        while data := await output.get():
            await socket.send_bytes(bytes([_STDOUT]) + data)
        return _exit_code(await process.wait())
    finally:
        listening.cancel()
        _kill(process)
        loop.remove_reader(master)
        os.close(master)


async def _messages(socket: web.WebSocketResponse) -> AsyncIterator[tuple[int, bytes]]:
    """(channel, data) of each message until the socket closes."""
    async for message in socket:
        data = message.data.encode() if isinstance(message.data, str) else message.data
        if data:
            yield data[0], data[1:]


def _kill(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def _exit_code(returncode: int) -> int:
    return 128 - returncode if returncode < 0 else returncode


async def _send_status(socket: web.WebSocketResponse, status: Mapping[str, object]) -> None:
    with contextlib.suppress(ConnectionError):
        body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, **status}
        await socket.send_bytes(bytes([_STATUS]) + json.dumps(body).encode())
