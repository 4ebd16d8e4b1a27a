"""What work tells is a stream that ends with it, fails with it and stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import pytest

from assistant.telling import told


async def test_what_is_told_comes_in_order_up_to_the_end() -> None:
    async def work(tell: Callable[[int], None]) -> None:
        for number in range(3):
            tell(number)
            await asyncio.sleep(0)

    assert [number async for number in told(work)] == [0, 1, 2]


async def test_what_the_work_raises_comes_after_what_it_told() -> None:
    async def work(tell: Callable[[str], None]) -> None:
        tell("begun")
        raise ValueError("it broke")

    async with aclosing(told(work)) as stream:
        assert await anext(stream) == "begun"
        with pytest.raises(ValueError, match="it broke"):
            await anext(stream)


async def test_closing_the_stream_stops_the_work_and_waits_for_its_end() -> None:
    ended = asyncio.Event()

    async def work(tell: Callable[[str], None]) -> None:
        tell("begun")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    async with aclosing(told(work)) as stream:
        assert await anext(stream) == "begun"
    assert ended.is_set()
