"""Reads files in child processes: several at once, each within a limit of time, memory and text."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import indexes
from indexes import errors
from indexes.clean import clean_line
from indexes.errors import Damaged, ReadError, ReadTimeout
from indexes.readers.archive import Member
from indexes.readers.child import READY, Failure, Reply, Request, Wanted
from indexes.readers.limits import Limits
from indexes.readers.named import NamedReader
from indexes.readers.zotero import Item
from indexes.types import ParsedDocument, Reference

__all__ = ["PluggedReader", "ReaderPool"]

_LONGEST_REPLY = 1 << 28
"""Bytes: the most characters a document may have, in UTF-8 and escaped for JSON."""
_DECODED_ELSEWHERE = 1 << 20
"""Bytes: from here on a reply is decoded in a thread, to keep the loop answering."""
_START_SECONDS = 30.0
_END_SECONDS = 2.0
_RETIRED_AFTER = 500
"""Files: parsers leak a little, and a child's memory is limited."""


class PluggedReader(Protocol):
    """A person's own reader for some kinds of file; it runs in this process, in a thread."""

    @property
    def suffixes(self) -> frozenset[str]:
        """The names it is for, in lower case, with the dot."""
        ...

    def read(self, path: Path) -> ParsedDocument:
        """Returns the document at `path`, or raises a `ReadError`; blocks."""
        ...


class ReaderPool:
    """Reads files in at most `workers` child processes, which it starts when it needs them.

    A pool belongs to the event loop that first reads with it. Use it as an async context manager or close it.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        timeout_seconds: float = 60.0,
        memory_bytes: int = 1 << 30,
        limits: Limits | None = None,
        plugged: Sequence[PluggedReader] = (),
        named: Sequence[NamedReader] = (),
    ) -> None:
        """Starts nothing yet.

        Args:
            workers: Files read at once; by default one for each core this process may use.
            timeout_seconds: For one file, its child's start not counted.
            memory_bytes: Address space a child may take beyond what it starts with.
            limits: Sizes that stop a reading.
            plugged: Readers that take their suffixes away from ours; the first one wins.
            named: Readers that the children load by name, and that take theirs away too.
        """
        self._slots = asyncio.Semaphore(workers or _cores())
        self._timeout_seconds = timeout_seconds
        self._memory_bytes = memory_bytes
        self._limits = limits or Limits()
        self._plugged = tuple(plugged)
        self._named = tuple(named)
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def process_ids(self) -> frozenset[int]:
        """The children that run now, for whoever watches what they use."""
        return frozenset(child.process.pid for child in self._all)

    async def read(self, path: Path) -> ParsedDocument:
        """Returns the document in the file at `path`; waits while all workers are busy.

        Cancelling ends the child that reads it.

        Raises:
            ReadError: The file cannot be read; the class says why. `Damaged` where it ended its child,
                `ReadTimeout` where its child was ended for taking too long.
        """
        async with self._slots:
            for reader in self._plugged:
                if path.suffix.lower() in reader.suffixes:
                    return await self._read_here(reader, path)
            reply = await self._ask_child(path, reader=self._named_for(path))
        if reply.document is None:
            raise _error(reply.failure)
        return reply.document

    def worth_another_try(self, path: Path, reason: str) -> bool:
        """Whether a file that failed for good may be read now, by a reader that `reason` does not name."""
        named = self._named_for(path)
        return named is not None and named.name not in reason

    async def read_bibliography(self, path: Path) -> tuple[Reference, ...]:
        """Returns the entries of the bibliography at `path`; waits and raises as `read` does."""
        async with self._slots:
            reply = await self._ask_child(path, wanted="references")
        if reply.references is None:
            raise _error(reply.failure)
        return reply.references

    async def read_members(self, path: Path, *, collection: str) -> tuple[Member, ...]:
        """Returns what is in the archive at `path`; waits and raises as `read` does."""
        async with self._slots:
            reply = await self._ask_child(path, wanted="members", collection=collection)
        if reply.members is None:
            raise _error(reply.failure)
        return reply.members

    async def read_member(self, path: Path, member: str) -> ParsedDocument:
        """Returns the document in a member of the archive at `path`; waits and raises as `read` does."""
        async with self._slots:
            reply = await self._ask_child(path, member=member)
        if reply.document is None:
            raise _error(reply.failure)
        return reply.document

    async def read_zotero(self, database: Path) -> tuple[Item, ...]:
        """Returns the items of a copied Zotero database; waits and raises as `read` does."""
        async with self._slots:
            reply = await self._ask_child(database, wanted="zotero")
        if reply.items is None:
            raise _error(reply.failure)
        return reply.items

    async def close(self) -> None:
        """Ends every child, also one that is reading; returns when none is left."""
        self._closed = True
        idle, self._idle = self._idle, []
        busy = self._all.difference(idle)
        for child in busy:
            child.kill()  # whoever waits for it cleans up
        await asyncio.gather(*(self._end(child) for child in idle), *(child.process.wait() for child in busy))

    async def _ask_child(
        self,
        path: Path,
        *,
        wanted: Wanted = "document",
        collection: str = "",
        member: str | None = None,
        reader: NamedReader | None = None,
    ) -> Reply:
        request = Request.for_path(
            path,
            limits=self._limits,
            max_cpu_seconds=self._timeout_seconds,
            wanted=wanted,
            collection=collection,
            member=member,
            reader=reader,
        )
        child = await self._ready_child()
        reusable = False
        try:
            async with asyncio.timeout(self._timeout_seconds):
                reply = await child.ask(request)
            reusable = child.fit
        except EOFError as error:
            await self._end(child)
            raise self._died(path, child.process.returncode or 0) from error
        except TimeoutError as error:
            child.kill()
            raise self._took_too_long(path) from error
        except asyncio.CancelledError:
            child.kill()
            raise
        finally:
            if reusable:
                self._idle.append(child)
            else:
                await asyncio.shield(self._end(child))
        return reply

    def _named_for(self, path: Path) -> NamedReader | None:
        suffix = path.suffix.lower()
        return next((reader for reader in self._named if suffix in reader.suffixes), None)

    async def _read_here(self, reader: PluggedReader, path: Path) -> ParsedDocument:
        """A thread cannot be ended: one that takes too long is left behind."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await asyncio.to_thread(reader.read, path)
        except TimeoutError as error:
            raise self._took_too_long(path) from error

    async def _ready_child(self) -> _Child:
        if self._closed:
            raise RuntimeError("The reader pool is closed.")
        while self._idle:
            child = self._idle.pop()
            if child.process.returncode is None:
                return child
            await self._end(child)
        child = await _Child.start(self._memory_bytes)
        self._all.add(child)
        ready = False
        try:
            await child.is_ready()
            ready = True
        finally:
            if not ready:
                child.kill()
                await asyncio.shield(self._end(child))
        return child

    async def _end(self, child: _Child) -> None:
        await child.end()
        self._all.discard(child)

    def _took_too_long(self, path: Path) -> ReadTimeout:
        return ReadTimeout(
            f"{clean_line(path.name)!r} took longer than {self._timeout_seconds:g} s to read.",
            hint="Add it again alone, or with a longer time limit.",
        )

    def _died(self, path: Path, code: int) -> ReadError:
        if self._closed:
            return ReadError(f"{clean_line(path.name)!r} was not read to its end: reading was stopped.")
        if code == -getattr(signal, "SIGXCPU", 0) != 0:
            return self._took_too_long(path)
        return Damaged(f"{clean_line(path.name)!r} ended the process that read it ({_reason(code)}).")


class _Child:
    """One reading process and the line to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._read = 0

    @classmethod
    async def start(cls, memory_bytes: int) -> _Child:
        # -P: the folder Carrel was started in may hold a `json.py`, and must not be imported from.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "indexes.readers.child", str(memory_bytes)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LONGEST_REPLY,
            env=_environment(),
        )
        return cls(process)

    async def is_ready(self) -> None:
        """Waits for the first line; raises `ReadError` where Python itself does not start."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                line = await self.process.stdout.readline()
        except TimeoutError:
            line = b""
        if line != READY:
            raise ReadError(
                "The process that reads files does not start.",
                hint=f"Try it by hand: {sys.executable} -m indexes.readers.child",
            )

    async def ask(self, request: Request) -> Reply:
        """Returns the answer to one request; raises `EOFError` where the child dies over it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._read += 1
        try:
            self.process.stdin.write(request.model_dump_json().encode() + b"\n")
            await self.process.stdin.drain()
            line = await self.process.stdout.readline()
        except (ConnectionError, ValueError) as error:
            raise EOFError from error  # a broken pipe; a line beyond all limits
        if not line.endswith(b"\n"):
            raise EOFError
        if len(line) < _DECODED_ELSEWHERE:
            return Reply.model_validate_json(line)
        return await asyncio.to_thread(Reply.model_validate_json, line)

    @property
    def fit(self) -> bool:
        """Whether it may read another file."""
        return self._read < _RETIRED_AFTER and self.process.returncode is None

    def kill(self) -> None:
        """Ends the process at once if it still runs."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill()

    async def end(self) -> None:
        """Closes the line, on which a child ends by itself, and waits until the system has forgotten it.

        A child that is already dead is not killed again: that would take its exit status from the waiter.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                while await self.process.stdout.read(1 << 16):
                    pass  # an unread pipe would keep the transport open
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()


def _environment() -> dict[str, str]:
    """This process's environment, with the folder that holds this very `indexes` first on the path."""
    root = str(Path(indexes.__file__).resolve().parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join((root, inherited)) if inherited else root}


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _error(failure: Failure | None) -> ReadError:
    assert failure is not None
    kind = getattr(errors, failure.kind, ReadError)
    if not (isinstance(kind, type) and issubclass(kind, ReadError)):
        kind = ReadError
    return kind(failure.message, hint=failure.hint)


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
