"""A clock that moves only when a test says so."""

from __future__ import annotations

import asyncio


class Clock:
    """Seconds; those who sleep on it wake when it has been moved far enough, in order."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        awake = asyncio.Event()
        self._sleepers.append((self.now + seconds, awake))
        await awake.wait()

    async def move(self, seconds: float) -> None:
        """Lets that much time pass, and everything happen that happens in it."""
        await settled()
        until = self.now + seconds
        while due := [each for each in self._sleepers if each[0] <= until]:
            first = min(due, key=lambda each: each[0])
            self._sleepers.remove(first)
            self.now = max(self.now, first[0])
            first[1].set()
            await settled()
        self.now = until


async def settled() -> None:
    """Returns when every task has gone as far as it can without time passing."""
    for _ in range(20):
        await asyncio.sleep(0)
