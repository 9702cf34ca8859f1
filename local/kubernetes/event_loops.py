"""Event loops in threads of their own, each shared by all of one kind that run in this process.

A loop for every cluster is three open files, a thread, and as many as its executor may start: hundreds of clusters have
no need of that, for Python runs one of them at a time anyway.
"""

import asyncio
import asyncio.sslproto
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

MOST_THREADS = 64
"""Who asks AWS in a thread waits for as long as it is made to wait; the others go on meanwhile."""


asyncio.sslproto.SSLProtocol.max_size = 32 * 1024
"""What each end of a connection with TLS reads into: 256 KiB by default, and a cluster has sixteen idle ends."""


class SharedLoop:
    """Begins with the first who enters it, and ends, with its threads, when the last has left."""

    def __init__(self, name: str) -> None:
        self._name, self._lock, self._users = name, threading.Lock(), 0
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread

    def enter(self) -> None:
        with self._lock:
            if self._users == 0:
                self._loop = asyncio.new_event_loop()
                self._loop.set_default_executor(ThreadPoolExecutor(MOST_THREADS, self._name))
                self._thread = threading.Thread(target=self._run, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            self._users += 1

    def leave(self) -> None:
        """What the leaving one began there is to have ended."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """From any other thread, between entering and leaving."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, action: Callable[[], object]) -> None:
        """As `begin`, and nobody waits for it."""
        self._loop.call_soon_threadsafe(action)

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(_hang_up(loop))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _hang_up(loop: asyncio.AbstractEventLoop) -> None:
    """A connection with TLS still waits for the other end's goodbye when its server has stopped: without its loop it
    would be left open, and be complained of wherever it is collected."""
    transports: list[asyncio.Transport] = list(getattr(loop, "_transports", {}).values())
    for transport in transports:
        transport.abort()
    while any(transport.get_extra_info("socket").fileno() != -1 for transport in transports):
        await asyncio.sleep(0)
