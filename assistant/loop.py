"""One event loop in a thread of its own: blocking calls work anywhere, and every caller shares one engine."""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any, Generic, TypeVar

from indexes.errors import CarrelError

__all__ = ["Consult", "LoopThread", "in_turn"]

T = TypeVar("T")
Q = TypeVar("Q")
A = TypeVar("A")

Consult = Callable[[Q], Awaitable[A]]
"""How a stream puts a question to its consumer: once the stream has yielded that question as an item too."""

_CANCEL_SECONDS = 5.0
"""How long a cancelled call may take to tidy up before its caller goes on without it."""


_IDLE_SECONDS = 0.25
"""How often a caller that waits is told that nothing has come, where it wants to know."""


class LoopThread:
    """Runs coroutines for callers of any kind: with a running loop or without, from any thread.

    The loop starts with the first call. Its thread ends with the process or with `close`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Returns what `work` returns; blocks. Ctrl+C cancels it and is raised again."""
        job = self._submit(work)
        try:
            return job.result.result()
        finally:
            job.stop()

    async def arun(self, work: Coroutine[Any, Any, T]) -> T:
        """Returns what `work` returns; cancelling the caller cancels it."""
        job = self._submit(work)
        try:
            return await asyncio.wrap_future(job.result)
        finally:
            await job.astop()

    def iterate(
        self,
        stream: Callable[[Consult[Q, A]], AsyncIterator[T]],
        answer: Callable[[Q], A] | None = None,
        *,
        idle: Callable[[], object] | None = None,
    ) -> Generator[T, None, None]:
        """Yields what the stream yields; blocks. Closing the iterator cancels the stream.

        Args:
            stream: Given a way to consult the caller, returns the stream.
            answer: Answers what the stream asks, in the caller's own thread.
            idle: Called there too, again and again while nothing comes.
        """
        items: queue.SimpleQueue[Any] = queue.SimpleQueue()
        pump = self._submit(_pump(stream, items.put))
        try:
            while True:
                item = _next(items, idle)
                if isinstance(item, _Consulted):
                    assert answer is not None
                    item.settle(answer(item.question))
                elif isinstance(item, _Ended):
                    item.raise_error()
                    return
                else:
                    yield item
        finally:
            pump.stop()

    async def aiterate(
        self,
        stream: Callable[[Consult[Q, A]], AsyncIterator[T]],
        answer: Callable[[Q], Awaitable[A]] | None = None,
        *,
        idle: Callable[[], object] | None = None,
    ) -> AsyncGenerator[T, None]:
        """Yields what the stream yields. Closing the iterator cancels the stream.

        Args:
            stream: Given a way to consult the caller, returns the stream.
            answer: Answers what the stream asks, in the caller's own task.
            idle: Called there too, again and again while nothing comes.
        """
        caller = asyncio.get_running_loop()
        items: asyncio.Queue[Any] = asyncio.Queue()

        def put(item: object) -> None:
            with suppress(RuntimeError):  # the caller's loop may be gone
                caller.call_soon_threadsafe(items.put_nowait, item)

        pump = self._submit(_pump(stream, put))
        # Answers are waited for beside the stream, which may have more to tell meanwhile.
        answering: set[asyncio.Future[Any]] = set()
        try:
            while True:
                item = await _anext(items, idle)
                if isinstance(item, _Consulted):
                    assert answer is not None
                    reply = asyncio.ensure_future(answer(item.question))
                    reply.add_done_callback(item.settle_from)
                    answering.add(reply)
                elif isinstance(item, _Ended):
                    item.raise_error()
                    return
                else:
                    yield item
        finally:
            for task in answering:
                task.cancel()
            await pump.astop()

    def close(self) -> None:
        """Cancels what still runs and ends the thread."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        with suppress(TimeoutError, concurrent.futures.CancelledError):
            asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(_CANCEL_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_CANCEL_SECONDS)
        if not thread.is_alive():
            loop.close()

    def _submit(self, work: Coroutine[Any, Any, T]) -> _Job[T]:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_serve, args=(self._loop,), name="carrel", daemon=True)
                self._thread.start()
            loop = self._loop
        return _Job(loop, work)


class _Job(Generic[T]):
    """A coroutine on the loop; its result is there only when it has ended and tidied up."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> None:
        self.result: concurrent.futures.Future[T] = concurrent.futures.Future()
        self.result.set_running_or_notify_cancel()  # from here on only the coroutine's end decides
        self._loop = loop
        self._task: asyncio.Task[T] | None = None
        loop.call_soon_threadsafe(self._start, work)

    def stop(self) -> None:
        """Cancels the coroutine and waits until it has ended, for a few seconds at most."""
        if self._cancel():
            concurrent.futures.wait([self.result], _CANCEL_SECONDS)

    async def astop(self) -> None:
        """The same, without blocking the caller's loop."""
        if self._cancel():
            ended = asyncio.wrap_future(self.result)
            # Looked at here, since nobody else will: asyncio would log an error that was never retrieved.
            ended.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.wait([ended], timeout=_CANCEL_SECONDS)

    def _cancel(self) -> bool:
        if self.result.done() or self._loop.is_closed():
            return False
        self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())
        return True

    def _start(self, work: Coroutine[Any, Any, T]) -> None:
        self._task = self._loop.create_task(work)
        self._task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.result.set_exception(CarrelError("It was stopped before it had finished."))
        elif (error := task.exception()) is not None:
            self.result.set_exception(error)
        else:
            self.result.set_result(task.result())


class _Consulted(Generic[Q, A]):
    """A question on its way to the caller, and the place for its answer."""

    def __init__(self, question: Q) -> None:
        self.question = question
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[A] = self._loop.create_future()

    def settle(self, answer: A) -> None:
        """Gives the answer, from any thread."""
        self._finish(lambda: self.answer.set_result(answer))

    def settle_from(self, answering: asyncio.Future[A]) -> None:
        """Gives what `answering` has come to, its error included."""
        if answering.cancelled():
            self._finish(self.answer.cancel)
        elif (error := answering.exception()) is not None:
            self._finish(lambda: self.answer.set_exception(error))
        else:
            self.settle(answering.result())

    def _finish(self, finish: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop that asked may be gone
            self._loop.call_soon_threadsafe(lambda: self.answer.done() or finish())


def _next(items: queue.SimpleQueue[Any], idle: Callable[[], object] | None) -> Any:
    """Waits for what comes next."""
    while True:
        try:
            return items.get(timeout=None if idle is None else _IDLE_SECONDS)
        except queue.Empty:
            assert idle is not None
            idle()


async def _anext(items: asyncio.Queue[Any], idle: Callable[[], object] | None) -> Any:
    """Waits for what comes next, without blocking the caller's loop."""
    while True:
        try:
            async with asyncio.timeout(None if idle is None else _IDLE_SECONDS):
                return await items.get()
        except TimeoutError:
            assert idle is not None
            idle()


class _Ended:
    """The end of a stream, and the error that ended it."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error


async def _pump(stream: Callable[[Consult[Q, A]], AsyncIterator[T]], put: Callable[[object], None]) -> None:
    """Drives the whole stream from one task, as time-outs and task groups within it require."""
    yielded: list[object] = []
    waiting: list[_Consulted[Q, A]] = []

    async def consult(question: Q) -> A:
        asked: _Consulted[Q, A] = _Consulted(question)
        waiting.append(asked)
        put_what_was_seen()
        return await asked.answer

    def put_what_was_seen() -> None:
        for asked in [asked for asked in waiting if asked.question in yielded]:
            waiting.remove(asked)
            put(asked)

    error: Exception | None = CarrelError("It was stopped before it had finished.")
    items = stream(consult)
    try:
        async for item in items:
            put(item)
            yielded.append(item)
            put_what_was_seen()
        error = None
    except Exception as raised:  # noqa: BLE001 - raised again where the stream is consumed
        error = raised
    finally:
        try:
            if isinstance(items, AsyncGenerator):
                await items.aclose()
        finally:
            put(_Ended(error))


async def _cancel_all() -> None:
    running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


async def in_turn(first: Callable[[], Awaitable[Q]], then: Callable[[Q], Awaitable[T]]) -> T:
    """Returns what `then` makes of what `first` returns."""
    return await then(await first())
