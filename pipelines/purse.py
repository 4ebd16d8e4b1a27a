"""The money of a whole batch, held at the door to the models: no number of questions at once spends more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from pipelines.errors import TotalSpent

__all__ = ["Bill", "Purse", "holding", "spending_from"]

_ROUNDING = 1e-9
"""Share of the total that sums of floating-point prices may be off by."""


class Bill:
    """What one call has cost."""

    def __init__(self) -> None:
        self.cost_usd = 0.0
        """To be set by whoever has made the call, before it gives its place at the door to another."""


class Purse:
    """What all questions of a batch have spent, and what is held back for their calls that run.

    Args:
        total_usd: What they may spend together; `None` is no limit.
    """

    def __init__(self, total_usd: float | None = None) -> None:
        self.total_usd = total_usd
        self.spent_usd = 0.0
        self._held_usd = 0.0
        self._running = 0
        self._too_little = ""
        self._paid = asyncio.Event()

    @property
    def why_empty(self) -> str:
        """That nothing is left, or too little for a call that was to be made, as a sentence; else empty."""
        if self.total_usd is not None and self.spent_usd >= self.total_usd:
            return f"The batch has spent its ${self.total_usd:g}."
        return self._too_little

    @asynccontextmanager
    async def holding(self, worst_usd: float | None) -> AsyncGenerator[Bill]:
        """Holds back what one call can cost at most until it has ended, and then pays what it has cost.

        Waits while calls that run may leave enough.

        Args:
            worst_usd: `None` where the price is not known, and then no limit holds the call back.

        Raises:
            TotalSpent: There is too little left.
        """
        worst = worst_usd or 0.0
        await self._afford(worst)
        self._held_usd += worst
        self._running += 1
        bill = Bill()
        try:
            yield bill
        finally:
            self._held_usd -= worst
            self._running -= 1
            self.spent_usd += bill.cost_usd
            self._paid.set()

    async def _afford(self, worst_usd: float) -> None:
        if self.total_usd is None:
            return
        while self.spent_usd + self._held_usd + worst_usd > self.total_usd * (1 + _ROUNDING):
            if not self._running:
                self._too_little = (
                    f"The batch may cost ${self.total_usd:g}; ${self.spent_usd:.4f} is spent, and the next "
                    f"call could cost ${worst_usd:.4f}."
                )
                raise TotalSpent(self._too_little)
            self._paid.clear()
            await self._paid.wait()


_current: ContextVar[Purse | None] = ContextVar("purse", default=None)


@contextmanager
def spending_from(purse: Purse) -> Iterator[None]:
    """Has the calls that are made inside the block, and by tasks begun there, paid from `purse`."""
    before = _current.set(purse)
    try:
        yield
    finally:
        _current.reset(before)


@asynccontextmanager
async def holding(worst_usd: float | None) -> AsyncGenerator[Bill]:
    """See `Purse.holding`, of the purse that is spent from here; without one nothing is held back."""
    purse = _current.get()
    if purse is None:
        yield Bill()
        return
    async with purse.holding(worst_usd) as bill:
        yield bill
