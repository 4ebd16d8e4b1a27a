"""The engine's own process: request lines in, reply lines out, on a pipe that native code cannot write to."""

from __future__ import annotations

import argparse
import asyncio
import os
import queue
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import BinaryIO, NoReturn

from pydantic import TypeAdapter, ValidationError

from assistant.api import Assistant
from assistant.engine.errands import AnyErrand
from assistant.engine.protocol import (
    AddRequest,
    AskRequest,
    CancelRequest,
    DecideRequest,
    Finished,
    Reply,
    Request,
    RetryRequest,
    Status,
    StatusRequest,
    SurroundingsRequest,
)
from assistant.engine.running import retrying, run_errand
from assistant.failures import failed_of
from assistant.question import How
from assistant.settings import load_settings
from indexes.errors import CarrelError
from indexes.model_files import SHIPPED_MODEL
from indexes.types import Model
from pipelines.events import Asked

__all__ = ["Server", "main", "serve"]

_END_SECONDS = 1.5
"""How long the worker tidies up after its input has closed; its parent waits a little longer."""
_REQUEST: TypeAdapter[Request] = TypeAdapter(Request)
_Work = AskRequest | AddRequest | RetryRequest | SurroundingsRequest | StatusRequest | AnyErrand


class Server:
    """Serves any number of requests at the same time, each in a task of its own."""

    def __init__(self, open_assistant: Callable[[], Assistant], send: Callable[[Reply], None]) -> None:
        """Prepares.

        Args:
            open_assistant: Called for the first request; when it fails, that request fails, not the worker.
            send: Takes each reply.
        """
        self._open_assistant = open_assistant
        self._send = send
        self._assistant: Assistant | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._answers: dict[tuple[int, str], asyncio.Future[str]] = {}
        """What persons have chosen or will choose, by request and by the id of what they are asked."""
        self._embedding: asyncio.Task[None] | None = None

    def receive(self, request: Request) -> None:
        """Begins, cancels or continues a request; returns at once."""
        match request:
            case CancelRequest(id=request_id):
                if (task := self._tasks.get(request_id)) is not None:
                    task.cancel()
            case DecideRequest(id=request_id, asked_id=asked_id, choice=choice):
                if request_id in self._tasks and not (answer := self._answer_to(request_id, asked_id)).done():
                    answer.set_result(choice)
            case _:
                task = asyncio.create_task(self._serve(request))
                self._tasks[request.id] = task
                task.add_done_callback(lambda _: self._forget(request.id))

    async def close(self) -> None:
        """Cancels what still runs and closes the library."""
        running = [*self._tasks.values(), *filter(None, [self._embedding])]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._assistant is not None:
            await self._assistant.aclose()

    async def _serve(self, request: _Work) -> None:
        cancelled = False
        try:
            async with aclosing(self._replies(request)) as events:
                async for event in events:
                    self._send(Reply.model_validate({"id": request.id, "event": event}))
        except asyncio.CancelledError:
            cancelled = True
        except Exception as error:  # noqa: BLE001 - the outer door: a request fails, the worker lives on
            if not isinstance(error, CarrelError):
                _log_traceback(error)
            self._send(Reply(id=request.id, event=failed_of(error)))
        self._send(Reply(id=request.id, event=Finished(cancelled=cancelled)))

    async def _replies(self, request: _Work) -> AsyncGenerator[Model, None]:
        if self._assistant is None:
            self._assistant = self._open_assistant()
        assistant = self._assistant
        match request:
            case AskRequest():
                ask = request

                async def decide(asked: Asked) -> str:
                    return await self._decision(ask.id, asked)

                how: How = {"collections": ask.collections, "resume": ask.resume}
                if ask.follows is not None:
                    how |= {"follows": ask.follows, "again": ask.again}
                async with aclosing(assistant.astream(ask.text, decide=decide, **how)) as asking:
                    async for ask_event in asking:
                        yield ask_event
            case AddRequest(paths=paths, collection=collection):
                async with aclosing(assistant.astream_add(paths, collection=collection)) as adding:
                    async for add_event in adding:
                        yield add_event
            case RetryRequest(paths=paths):
                async with aclosing(retrying(assistant, paths)) as reading:
                    async for retry_event in reading:
                        yield retry_event
            case SurroundingsRequest(document_id=document_id, start=start, end=end):
                yield await assistant.asurroundings(document_id, start=start, end=end)
            case StatusRequest():
                status = await assistant.astatus()
                yield status
                if _wants_embedding(status) and (self._embedding is None or self._embedding.done()):
                    self._embedding = asyncio.create_task(_embed_what_waits(assistant))
            case _:
                errand = request
                yield await assistant.awith(lambda workbench: run_errand(workbench, errand))

    def _answer_to(self, request_id: int, asked_id: str) -> asyncio.Future[str]:
        """Where a person's choice arrives, which may be before anybody waits for it: they are told first."""
        key = request_id, asked_id
        if key not in self._answers:
            self._answers[key] = asyncio.get_running_loop().create_future()
        return self._answers[key]

    def _forget(self, request_id: int) -> None:
        """A request has ended."""
        del self._tasks[request_id]
        for key in [key for key in self._answers if key[0] == request_id]:
            del self._answers[key]

    async def _decision(self, request_id: int, asked: Asked) -> str:
        try:
            async with asyncio.timeout(asked.timeout_seconds):
                return await self._answer_to(request_id, asked.id)
        except TimeoutError:
            return asked.default


def _wants_embedding(status: Status) -> bool:
    """Whether passages wait for the model that ships: it costs nothing but time."""
    waiting = any(each.embedded < each.passages for each in status.collections)
    return waiting and status.encoder == SHIPPED_MODEL


async def _embed_what_waits(assistant: Assistant) -> None:
    """Embeds papers whose adding was stopped, or the whole library where another model did.

    Whatever keeps it from that, such as another process that writes, is said when somebody searches.
    """
    with suppress(CarrelError):
        await assistant.awith(lambda workbench: workbench.library.embed())


def main() -> None:
    """Serves standard input until it closes."""
    arguments = _parsed(sys.argv[1:])
    overrides = dict(pair.partition("=")[::2] for pair in arguments.set)
    serve(lambda: Assistant(arguments.home, settings=load_settings(arguments.home, overrides=overrides)))


def serve(open_assistant: Callable[[], Assistant]) -> NoReturn:
    """Serves standard input with the assistant that is opened for the first request, and ends the process."""
    asyncio.run(_serve_stdin(open_assistant, _private_stdout()))
    os._exit(0)  # not held up by threads of native libraries


async def _serve_stdin(open_assistant: Callable[[], Assistant], replies: BinaryIO) -> None:
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    _start_reading(sys.stdin.buffer, lines, asyncio.get_running_loop())
    outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    writing = threading.Thread(target=_write, args=(replies, outgoing), daemon=True)
    writing.start()
    server = Server(open_assistant, lambda reply: outgoing.put(reply.model_dump_json().encode() + b"\n"))
    while line := await lines.get():
        try:
            server.receive(_REQUEST.validate_json(line))
        except ValidationError as error:
            _log_traceback(error)
    try:
        async with asyncio.timeout(_END_SECONDS):
            await server.close()
    except TimeoutError:
        os._exit(0)
    outgoing.put(None)
    await asyncio.to_thread(writing.join, _END_SECONDS)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="carrel-engine", description="Carrel's engine, for the app to talk to."
    )
    parser.add_argument("--home")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    return parser.parse_args(arguments)


def _private_stdout() -> BinaryIO:
    """Takes standard output for the replies alone; whatever else prints goes where errors go."""
    sys.stdout.flush()
    private = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(private, "wb")


def _start_reading(source: BinaryIO, lines: asyncio.Queue[bytes], loop: asyncio.AbstractEventLoop) -> None:
    """Reads in a thread, which works for every kind of pipe on every platform; `b""` marks the end."""

    def read() -> None:
        for line in source:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, b"")

    threading.Thread(target=read, daemon=True).start()


def _write(replies: BinaryIO, outgoing: queue.SimpleQueue[bytes | None]) -> None:
    """Writes in a thread, so that a reader that is slow holds up nobody."""
    while (line := outgoing.get()) is not None:
        try:
            replies.write(line)
            replies.flush()
        except OSError:
            return  # the app is gone; standard input closes next


def _log_traceback(error: BaseException) -> None:
    import traceback

    from assistant.log import redacted

    sys.stderr.write(redacted("".join(traceback.format_exception(error))))
    sys.stderr.flush()


if __name__ == "__main__":
    main()
