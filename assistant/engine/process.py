"""The engine in a worker process: requests out, events back, a fresh worker when one has died."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import BinaryIO, cast

from pydantic import TypeAdapter

from assistant.engine.errands import Errand, Found, R_co
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
    Surroundings,
    SurroundingsRequest,
)
from assistant.events import Added, AddEvent, Answer, Asked, AskEvent, Decided, Done, Failed
from assistant.failures import EngineDied, error_of
from assistant.paths import find_paths

__all__ = ["EngineDied", "EngineProcess"]

_LINE_LIMIT = 64 * 1024 * 1024
"""Longest reply in bytes: an answer carries all of its evidence."""
_CLOSE_SECONDS = 2.0
"""How long a worker may take to end by itself before it is killed."""
_LOG_LIMIT = 1024 * 1024
_REQUEST: TypeAdapter[Request] = TypeAdapter(Request)

ReplyEvent = AskEvent | AddEvent | Surroundings | Status | Finished | Found
_LAST = (Done, Failed, Added, Surroundings, Status, Finished, Found, EngineDied)


class EngineProcess:
    """An `Engine` whose work happens in another process, started at the first request."""

    def __init__(
        self,
        home: str | Path | None = None,
        *,
        overrides: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """Prepares; nothing starts before the first request or `start`.

        Args:
            home: Where everything lies; `None` means `$CARREL_HOME`, else the platform's folders.
            overrides: Settings by dotted key, above all other sources: `{"web": "never"}`.
            command: What to run in place of Carrel's own worker.
        """
        self._home = home
        self._command = list(command) if command is not None else _worker_command(home, overrides or {})
        self._log = find_paths(home).state / "engine.log"
        self._ids = itertools.count(1)
        self._asking: dict[str, int] = {}
        self._worker: _Worker | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Starts the worker now, so that the first question need not wait for it."""
        await self._live()

    @property
    def pid(self) -> int | None:
        """The worker's process id; `None` while there is none."""
        return None if self._worker is None else self._worker.pid

    async def ask(
        self,
        text: str,
        *,
        collections: Sequence[str] = (),
        resume: str = "",
        follows: Answer | None = None,
        again: str = "",
    ) -> AsyncIterator[AskEvent]:
        """Yields events up to `Done` or `Failed`; closing the iterator cancels the question."""
        request = AskRequest(
            id=next(self._ids),
            text=text,
            collections=tuple(collections),
            resume=resume,
            follows=follows,
            again=again,
        )
        async with aclosing(self._events(request)) as events:
            async for event in events:
                if isinstance(event, Asked | Decided):
                    event = event.model_copy(update={"id": f"{request.id}:{event.id}"})  # the only one of all
                if isinstance(event, Asked):
                    self._asking[event.id] = request.id
                assert not isinstance(event, (Surroundings, Status, Finished, Found))
                yield event  # type: ignore[misc]
                if isinstance(event, (Done, Failed)):
                    return

    def add(self, paths: Sequence[str], *, collection: str = "papers") -> AsyncIterator[AddEvent]:
        """Yields events up to `Added`; closing the iterator stops, and what was committed stays."""
        return self._adding(AddRequest(id=next(self._ids), paths=tuple(paths), collection=collection))

    def retry(self, paths: Sequence[str] = ()) -> AsyncIterator[AddEvent]:
        """Reads files again that failed and yields events up to `Added`."""
        return self._adding(RetryRequest(id=next(self._ids), paths=tuple(paths)))

    async def _adding(self, request: AddRequest | RetryRequest) -> AsyncIterator[AddEvent]:
        async with aclosing(self._events(request)) as events:
            async for event in events:
                if isinstance(event, Failed):
                    raise error_of(event)
                yield event  # type: ignore[misc]
                if isinstance(event, Added):
                    return

    async def run(self, errand: Errand[R_co]) -> R_co:
        """Returns what the errand brings back."""
        reply = await self._one(cast("Request", errand.model_copy(update={"id": next(self._ids)})))
        assert isinstance(reply, Found)
        return cast("R_co", reply)

    async def decide(self, asked_id: str, choice: str) -> None:
        """Answers an `Asked` event; one that is no longer open is left alone."""
        request_id = self._asking.pop(asked_id, None)
        if request_id is not None and self._worker is not None:
            own = asked_id.partition(":")[2]
            self._worker.send(DecideRequest(id=request_id, asked_id=own, choice=choice))

    async def surroundings(self, document_id: str, *, start: int, end: int) -> Surroundings:
        """Returns the page around a stretch of a document."""
        reply = await self._one(
            SurroundingsRequest(id=next(self._ids), document_id=document_id, start=start, end=end)
        )
        assert isinstance(reply, Surroundings)
        return reply

    async def status(self) -> Status:
        """Returns what there is to ask."""
        reply = await self._one(StatusRequest(id=next(self._ids)))
        assert isinstance(reply, Status)
        return reply

    async def close(self) -> None:
        """Ends the worker, within 3 seconds."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.close()

    async def _one(self, request: Request) -> ReplyEvent:
        async with aclosing(self._events(request)) as events:
            async for event in events:
                if isinstance(event, Failed):
                    raise error_of(event)
                return event
        raise EngineDied("The engine gave no reply.")

    async def _events(self, request: Request) -> AsyncGenerator[ReplyEvent, None]:
        worker = await self._live()
        replies = worker.open(request)
        finished = False
        try:
            while True:
                event = await replies.get()
                finished = isinstance(event, _LAST)
                if isinstance(event, EngineDied):
                    raise event
                if isinstance(event, Finished):
                    return
                yield event
        finally:
            worker.drop(request.id, cancel=not finished)
            for asked_id in [asked for asked, owner in self._asking.items() if owner == request.id]:
                del self._asking[asked_id]

    async def _live(self) -> _Worker:
        async with self._starting:
            if self._worker is None or not self._worker.alive:
                self._worker = await _Worker.spawn(self._command, log=self._log)
            return self._worker


class _Worker:
    """One worker process and the requests it has not finished."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self._open: dict[int, asyncio.Queue[ReplyEvent | EngineDied]] = {}
        self.alive = True
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def spawn(cls, command: Sequence[str], *, log: Path) -> _Worker:
        """Starts a worker in a session of its own, so that Ctrl+C in the terminal is the app's to handle."""
        with _open_log(log) as log_file:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log_file,
                limit=_LINE_LIMIT,
                start_new_session=os.name == "posix",
            )
        return cls(process, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    def open(self, request: Request) -> asyncio.Queue[ReplyEvent | EngineDied]:
        """Sends `request` and returns where its replies arrive."""
        replies: asyncio.Queue[ReplyEvent | EngineDied] = asyncio.Queue()
        self._open[request.id] = replies
        self.send(request)
        return replies

    def send(self, request: Request) -> None:
        assert self._process.stdin is not None
        if self.alive and not self._process.stdin.is_closing():
            self._process.stdin.write(_REQUEST.dump_json(request) + b"\n")

    def drop(self, request_id: int, *, cancel: bool) -> None:
        """Forgets a request; its later replies are thrown away."""
        if self._open.pop(request_id, None) is not None and cancel:
            self.send(CancelRequest(id=request_id))

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._end("The engine was closed.")
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _CLOSE_SECONDS)
        except TimeoutError:
            pass
        finally:
            self._kill()
        await self._process.wait()
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            while line := await self._process.stdout.readline():
                reply = Reply.model_validate_json(line)
                if (replies := self._open.get(reply.id)) is not None:
                    replies.put_nowait(reply.event)
        except ValueError:
            self._end("The engine sent something that is not a reply.")
            self._kill()
            return
        self.alive = False
        code = await self._process.wait()
        self._kill()
        self._end(f"The engine stopped unexpectedly ({_how_it_ended(code)}).")

    def _end(self, why: str) -> None:
        self.alive = False
        for replies in self._open.values():
            replies.put_nowait(EngineDied(why, hint=f"{EngineDied.default_hint} Its log: {self._log}"))
        self._open.clear()

    def _kill(self) -> None:
        """Kills the worker and whatever it has started; harmless when all have ended."""
        with suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()


def _worker_command(home: str | Path | None, overrides: Mapping[str, str]) -> list[str]:
    """`-P` and `append` keep files in the person's current folder from being imported in place of ours."""
    root = str(Path(__file__).resolve().parents[2])
    start = "import sys; sys.path.append(sys.argv.pop(1)); from assistant.engine.worker import main; main()"
    command = [sys.executable, "-P", "-c", start, root]
    if home is not None:
        command += ["--home", str(home)]
    for key, value in overrides.items():
        command += ["--set", f"{key}={value}"]
    return command


def _open_log(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    too_long = path.exists() and path.stat().st_size > _LOG_LIMIT
    file = path.open("wb" if too_long else "ab")
    path.chmod(0o600)
    return file


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
