"""Listening to the engine: a stream of events that is closed when the listener leaves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

__all__ = ["listening"]

E = TypeVar("E")


@asynccontextmanager
async def listening(events: AsyncIterator[E]) -> AsyncIterator[AsyncIterator[E]]:
    """Gives `events` and closes them however the block is left, which tells the engine to stop."""
    try:
        yield events
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()
