"""Waiting, scaled."""

import asyncio
from typing import Protocol


class TimeScale(Protocol):
    """What this part needs of the embedded cloud's clock."""

    def seconds(self, real: float) -> float: ...


class BackOff:
    """Doubling waits from `first` to `longest` seconds, scaled; at scale 0 still short ones, so that nothing spins."""

    _SHORTEST_SECONDS = 0.2
    _LONGEST_UNSCALED_SECONDS = 3.0

    def __init__(self, clock: TimeScale, first: float, longest: float) -> None:
        self._clock, self._longest = clock, longest
        self.next_seconds = first
        self._floor = self._SHORTEST_SECONDS

    async def wait(self) -> None:
        seconds = max(self._clock.seconds(self.next_seconds), self._floor)
        self.next_seconds = min(self.next_seconds * 2, self._longest)
        self._floor = min(self._floor * 2, self._LONGEST_UNSCALED_SECONDS)
        await asyncio.sleep(seconds)

    async def wait_shortly(self) -> None:
        """The least wait: between two states that a watcher is to see."""
        await asyncio.sleep(self._SHORTEST_SECONDS)
