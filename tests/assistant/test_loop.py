"""The loop thread: blocking calls from anywhere, streams, and what stopping means."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing

import pytest

from assistant.loop import Consult, LoopThread
from indexes.errors import CarrelError


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


async def doubled(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


async def counting(upto: int) -> AsyncIterator[int]:
    for number in range(upto):
        yield number


class Endless:
    """A stream that never ends by itself and says when it has been tidied up."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.ended = threading.Event()

    async def stream(self, consult: Consult[str, str]) -> AsyncIterator[int]:
        try:
            async with asyncio.timeout(60):
                yield 1
                self.began.set()
                await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.ended.set()


def test_a_blocking_call_works_without_a_running_loop(loop: LoopThread) -> None:
    assert loop.run(doubled(4)) == 8


async def test_a_blocking_call_works_within_a_running_loop(loop: LoopThread) -> None:
    assert loop.run(doubled(4)) == 8


async def test_an_awaited_call_gives_the_same(loop: LoopThread) -> None:
    assert await loop.arun(doubled(4)) == 8


def test_an_error_reaches_the_caller(loop: LoopThread) -> None:
    async def fails() -> None:
        raise CarrelError("It broke.")

    with pytest.raises(CarrelError, match=r"It broke\."):
        loop.run(fails())


def test_a_stream_arrives_whole_and_in_order(loop: LoopThread) -> None:
    assert list(loop.iterate(lambda consult: counting(5))) == [0, 1, 2, 3, 4]


async def test_a_stream_arrives_in_a_loop_too(loop: LoopThread) -> None:
    assert [number async for number in loop.aiterate(lambda consult: counting(5))] == [0, 1, 2, 3, 4]


def test_closing_a_stream_waits_until_it_has_tidied_up(loop: LoopThread) -> None:
    endless = Endless()
    with closing(loop.iterate(endless.stream)) as numbers:
        assert next(numbers) == 1
        assert endless.began.wait(5)
    assert endless.ended.is_set()


async def test_closing_an_async_stream_waits_until_it_has_tidied_up(loop: LoopThread) -> None:
    endless = Endless()
    async with aclosing(loop.aiterate(endless.stream)) as numbers:
        assert await anext(numbers) == 1
        assert await asyncio.to_thread(endless.began.wait, 5)
    assert endless.ended.is_set()


async def test_cancelling_an_awaited_call_cancels_its_work(loop: LoopThread) -> None:
    began, ended = threading.Event(), threading.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(loop.arun(work()))
    assert await asyncio.to_thread(began.wait, 5)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()


async def consulting(consult: Consult[str, str]) -> AsyncIterator[str]:
    """Consults before its consumer has seen the question, as a graph whose events arrive late does."""
    answer = asyncio.ensure_future(consult("May I?"))
    await asyncio.sleep(0)
    yield "before"
    yield "May I?"
    yield await answer


def test_a_stream_is_answered_in_the_consumers_own_thread_once_its_question_was_seen(
    loop: LoopThread,
) -> None:
    happened: list[str] = []

    def answer(question: str) -> str:
        happened.append(f"answered in {threading.current_thread().name}")
        return "yes"

    for item in loop.iterate(consulting, answer):
        happened.append(item)
    assert happened == ["before", "May I?", f"answered in {threading.current_thread().name}", "yes"]


async def test_an_async_stream_is_answered_in_the_consumers_own_loop(loop: LoopThread) -> None:
    here = asyncio.get_running_loop()

    async def answer(question: str) -> str:
        assert asyncio.get_running_loop() is here
        return "yes"

    assert [item async for item in loop.aiterate(consulting, answer)] == ["before", "May I?", "yes"]


async def test_an_async_stream_goes_on_while_its_question_is_open(loop: LoopThread) -> None:
    seen, decided = [], asyncio.Event()

    async def more_to_tell(consult: Consult[str, str]) -> AsyncIterator[str]:
        answer = asyncio.ensure_future(consult("May I?"))
        yield "May I?"
        yield "meanwhile"
        yield await answer

    async def answer(question: str) -> str:
        await decided.wait()
        return "yes"

    async for item in loop.aiterate(more_to_tell, answer):
        seen.append(item)
        if item == "meanwhile":
            decided.set()
    assert seen == ["May I?", "meanwhile", "yes"]


async def test_an_answer_that_fails_ends_the_stream_with_its_error(loop: LoopThread) -> None:
    async def answer(question: str) -> str:
        raise CarrelError("Nobody there.")

    with pytest.raises(CarrelError, match="Nobody there"):
        _ = [item async for item in loop.aiterate(consulting, answer)]


def test_closing_the_loop_ends_a_stream_with_a_clear_error(loop: LoopThread) -> None:
    endless = Endless()
    numbers = loop.iterate(endless.stream)
    assert next(numbers) == 1
    assert endless.began.wait(5)
    loop.close()
    with pytest.raises(CarrelError, match="stopped"):
        next(numbers)


def test_the_loop_can_be_used_again_after_closing(loop: LoopThread) -> None:
    loop.run(doubled(1))
    loop.close()
    assert loop.run(doubled(2)) == 4
