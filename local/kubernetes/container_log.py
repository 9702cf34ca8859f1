"""What a container wrote, line by line with its time, as the kubelet keeps it."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass

_KEPT_BYTES = 10 * 1024 * 1024  # the kubelet's containerLogMaxSize
_LONGEST_LINE_BYTES = 16 * 1024  # the runtime splits longer ones


@dataclass(frozen=True)
class LogLine:
    written: dt.datetime
    data: bytes

    def stamped(self) -> bytes:
        return self.written.strftime("%Y-%m-%dT%H:%M:%S.%f000Z ").encode() + self.data


class ContainerLog:
    """Grows until closed; old lines go once it holds 10 MiB."""

    def __init__(self) -> None:
        self.closed = False
        self._lines: list[LogLine] = []
        self._dropped = 0
        self._bytes = 0
        self._partial = b""
        self._grown = asyncio.Event()

    def write(self, data: bytes) -> None:
        *complete, self._partial = (self._partial + data).split(b"\n")
        for line in complete:
            self._append(line + b"\n")
        if len(self._partial) >= _LONGEST_LINE_BYTES:
            self._append(self._partial)
            self._partial = b""
        self._wake()

    def close(self) -> None:
        if self._partial:
            self._append(self._partial)
        self.closed = True
        self._wake()

    def lines(self, *, tail: int | None = None, since: dt.datetime | None = None) -> list[LogLine]:
        kept = [line for line in self._lines if since is None or line.written >= since]
        return kept if tail is None else kept[max(0, len(kept) - tail) :]

    async def follow(self, *, tail: int | None = None, since: dt.datetime | None = None) -> AsyncIterator[LogLine]:
        """Existing lines as asked for, then new ones until the container has ended."""
        position = self._dropped + len(self._lines)
        for line in self.lines(tail=tail, since=since):
            yield line
        while True:
            grown = self._grown
            for line in self._lines[max(0, position - self._dropped) :]:
                position += 1
                yield line
            if self.closed and position >= self._dropped + len(self._lines):
                return
            if grown is self._grown:
                await grown.wait()

    def _append(self, data: bytes) -> None:
        self._lines.append(LogLine(dt.datetime.now(dt.UTC), data))
        self._bytes += len(data)
        while self._bytes > _KEPT_BYTES:
            self._bytes -= len(self._lines.pop(0).data)
            self._dropped += 1

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
