"""What work tells while it goes on, as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import TypeVar

__all__ = ["told"]

T = TypeVar("T")


async def told(
    work: Callable[[Callable[[T], None]], Coroutine[object, object, object]],
) -> AsyncGenerator[T, None]:
    """Yields what `work` tells until it is over, and raises what it raises; closing the stream cancels it.

    Args:
        work: Given what to tell things to, which never waits.
    """
    arrived: asyncio.Queue[T | None] = asyncio.Queue()
    working = asyncio.create_task(work(arrived.put_nowait))
    working.add_done_callback(lambda task: arrived.put_nowait(None))
    try:
        while (each := await arrived.get()) is not None:
            yield each
        await working
    finally:
        working.cancel()
        await asyncio.wait([working])
