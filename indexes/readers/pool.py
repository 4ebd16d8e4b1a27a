"""Reads files in child processes: several at once, each within a limit of time, memory and text."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from indexes import errors
from indexes.clean import clean_line
from indexes.errors import Damaged, ReadError, ReadTimeout
from indexes.readers.archive import Member
from indexes.readers.child import Failure, Reply, Request, Wanted
from indexes.readers.limits import Limits
from indexes.readers.named import NamedReader
from indexes.readers.pdf import NO_TEXT_LAYER, OCR_FINDS_NONE, WITHOUT_TEXT
from indexes.readers.process import Process
from indexes.readers.zotero import Item
from indexes.types import ParsedDocument, Reference

__all__ = ["PluggedReader", "ReaderPool", "read_error"]

_OCR_SECONDS = 180.0
"""For one page: it takes ten seconds of computing or so, and the machine may be busy."""
_OCR_MEMORY_BYTES = 2 << 30
_MOST_PAGES_BY_OCR = 500


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
        ocr: bool = False,
    ) -> None:
        """Starts nothing yet.

        Args:
            workers: Files read at once; by default one for each core this process may use.
            timeout_seconds: For one file, its child's start not counted.
            memory_bytes: Address space a child may take beyond what it starts with.
            limits: Sizes that stop a reading.
            plugged: Readers that take their suffixes away from ours; the first one wins.
            named: Readers that the children load by name, and that take theirs away too.
            ocr: Whether pages of a PDF that are pictures are read by OCR, which has a time limit of its own
                for each page and needs twice the memory.
        """
        self._slots = asyncio.Semaphore(workers or _cores())
        self._timeout_seconds = timeout_seconds
        self._memory_bytes = memory_bytes
        self._limits = limits or Limits()
        self._plugged = tuple(plugged)
        self._named = tuple(named)
        self._ocr = ocr
        if ocr:
            self._memory_bytes = max(memory_bytes, _OCR_MEMORY_BYTES)
        self._idle: list[Process] = []
        self._all: set[Process] = set()
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
            if (reader := self._plugged_for(path)) is not None:
                return await self._read_here(reader, path)
            reply = await self._ask_child(path, reader=self._named_for(path))
        if self._ocr and _has_pictures(reply):
            reply = await self._read_by_ocr(path)
        if reply.document is None:
            raise read_error(reply.failure)
        return reply.document

    def reads_here(self, path: Path) -> bool:
        """Whether a reader of the person's own, which no other process has, is for this file."""
        return self._plugged_for(path) is not None

    def worth_another_try(self, path: Path, reason: str) -> bool:
        """Whether a file that failed for good may be read now, in a way that `reason` does not speak of."""
        named = self._named_for(path)
        if named is not None:
            return named.name not in reason
        return self._ocr and NO_TEXT_LAYER in reason and OCR_FINDS_NONE not in reason

    async def read_bibliography(self, path: Path) -> tuple[Reference, ...]:
        """Returns the entries of the bibliography at `path`; waits and raises as `read` does."""
        async with self._slots:
            reply = await self._ask_child(path, wanted="references")
        if reply.references is None:
            raise read_error(reply.failure)
        return reply.references

    async def read_members(self, path: Path, *, collection: str) -> tuple[Member, ...]:
        """Returns what is in the archive at `path`; waits and raises as `read` does."""
        async with self._slots:
            reply = await self._ask_child(path, wanted="members", collection=collection)
        if reply.members is None:
            raise read_error(reply.failure)
        return reply.members

    async def read_member(self, path: Path, member: str) -> ParsedDocument:
        """Returns the document in a member of the archive at `path`; waits and raises as `read` does."""
        async with self._slots:
            reply = await self._ask_child(path, member=member)
        if reply.document is None:
            raise read_error(reply.failure)
        return reply.document

    async def read_zotero(self, database: Path) -> tuple[Item, ...]:
        """Returns the items of a copied Zotero database; waits and raises as `read` does."""
        async with self._slots:
            reply = await self._ask_child(database, wanted="zotero")
        if reply.items is None:
            raise read_error(reply.failure)
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
        page: int = 1,
        by_ocr: dict[int, str] | None = None,
        seconds: float | None = None,
    ) -> Reply:
        seconds = seconds or self._timeout_seconds
        request = Request.for_path(
            path,
            limits=self._limits,
            max_cpu_seconds=seconds,
            wanted=wanted,
            collection=collection,
            member=member,
            reader=reader,
            page=page,
            by_ocr=by_ocr,
        )
        child = await self._ready_child()
        reusable = False
        try:
            async with asyncio.timeout(seconds):
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

    async def _read_by_ocr(self, path: Path) -> Reply:
        """Reads the pages that are pictures, several at a time, then the whole with what was found."""
        async with self._slots:
            pages = (await self._ask_child(path, wanted="blank pages")).pages or ()
        found: dict[int, str] = {}

        async def read_page(page: int) -> None:
            async with self._slots:
                with suppress(ReadError):  # a page that cannot be read is one without text, as it was
                    reply = await self._ask_child(path, wanted="page by OCR", page=page, seconds=_OCR_SECONDS)
                    found[page] = reply.text or ""
                    failures.extend([reply.failure] if reply.failure else [])

        failures: list[Failure] = []
        async with asyncio.TaskGroup() as group:
            for page in pages[:_MOST_PAGES_BY_OCR]:
                group.create_task(read_page(page))
        if failures and not any(found.values()):
            return Reply(failure=failures[0])
        async with self._slots:
            return await self._ask_child(path, by_ocr=found)

    def _plugged_for(self, path: Path) -> PluggedReader | None:
        suffix = path.suffix.lower()
        return next((reader for reader in self._plugged if suffix in reader.suffixes), None)

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

    async def _ready_child(self) -> Process:
        if self._closed:
            raise RuntimeError("The reader pool is closed.")
        while self._idle:
            child = self._idle.pop()
            if child.process.returncode is None:
                return child
            await self._end(child)
        child = await Process.start(self._memory_bytes)
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

    async def _end(self, child: Process) -> None:
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


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _has_pictures(reply: Reply) -> bool:
    """Whether it is of a PDF with pages that have no text."""
    if reply.failure is not None:
        return NO_TEXT_LAYER in reply.failure.message
    document = reply.document
    return (
        document is not None
        and document.media_type == "application/pdf"
        and any(WITHOUT_TEXT in note for note in document.notes)
    )


def read_error(failure: Failure | None) -> ReadError:
    """Returns a failure that has crossed a process as the error it was."""
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
