"""The file that a batch's answers go into: a JSON line each, on the disk before the next question begins."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from assistant.batch_questions import Gold, Item
from assistant.batch_row import Row
from assistant.envelope import to_json_line
from assistant.grading import graded
from assistant.history import State
from indexes.chaos import point
from indexes.errors import CarrelError, InputError, LibraryBusy
from indexes.lock import WriterLock

__all__ = ["AnswerFile", "AnswersBusy", "AnswersError", "read_rows"]


_BEGINNING = b'{"id": "'
"""Of every row."""


class _Known(NamedTuple):
    """What a later run has to know of a row; the texts of thousands stay on the disk."""

    status: State
    fingerprint: str
    asked: bytes
    """A hash of the question's words."""


class AnswersError(InputError):
    """The file for the answers cannot be used as asked."""


class AnswersBusy(CarrelError):
    """Another process writes to the same file."""

    retryable = True
    default_hint = "Wait until it has finished, or write to another file."


class AnswerFile:
    """The file of rows. Each is there whole, and on the disk, before the next question is begun.

    Args:
        path: Where it lies; it is made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()  # of a link, what it points to: that is what is written anew in the end
        self._known: dict[str, _Known] = {}
        self._repeated = False
        self._lock = WriterLock(
            self.path.with_name(f".{self.path.name}.lock"), guards=f"the answers {str(self.path)!r}"
        )

    @asynccontextmanager
    async def held(
        self, *, resume: bool, order: Sequence[str] = (), gold: Mapping[str, Gold] | None = None
    ) -> AsyncIterator[None]:
        """Holds the file for writing inside the block; a line that a kill cut off is taken away first.

        At the end of the block there is one row for each id. Rows stand as they were answered, or in `order`.

        Args:
            resume: Whether rows may be there already.
            order: Ids, in the order that their rows have in the end; empty means as answered.
            gold: What is right, by id; in the end the rows are graded by it, those of earlier runs too.

        Raises:
            AnswersBusy: Another process holds it.
            AnswersError: It cannot be written to, is not a file of rows, or has rows that were not expected.
        """
        async with AsyncExitStack() as opened:
            try:
                await opened.enter_async_context(self._lock.held())
            except LibraryBusy as error:
                raise AnswersBusy(error.message) from error
            except OSError as error:
                raise self._unusable(error) from error
            # One thread, so that rows keep their order and the last is written before the lock is let go.
            self._thread = ThreadPoolExecutor(1, "answers")
            opened.push_async_callback(asyncio.to_thread, self._thread.shutdown)
            await self._in_thread(self._open, resume)
            yield
            if self._repeated or order or gold:
                await self._in_thread(self._compact, order, gold or {})

    def holds(self, item: Item, fingerprint: str) -> bool:
        """Whether it has a good answer to the same words, by the same settings."""
        return self._known.get(item.id) == (State.OK, fingerprint, _hash(item.question))

    def outdated(self, item: Item, fingerprint: str) -> bool:
        """Whether it has a good answer that was given by other settings, or to other words."""
        known = self._known.get(item.id)
        return known is not None and known.status is State.OK and not self.holds(item, fingerprint)

    async def append(self, row: Row) -> None:
        """Adds a row; when this returns it survives the process and the machine.

        Raises:
            AnswersError: It cannot be written; the file ends with the row before it.
        """
        await self._in_thread(self._append, to_json_line(row).encode())
        self._note(row)

    def _note(self, row: Row) -> None:
        self._repeated = self._repeated or row.id in self._known
        self._known[row.id] = _Known(row.status, row.fingerprint, _hash(row.question))

    async def _in_thread(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            await asyncio.shield(asyncio.wrap_future(self._thread.submit(work, *arguments)))
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> AnswersError:
        return AnswersError(f"The answers {str(self.path)!r} cannot be written: {error.strerror or error}.")

    def _open(self, resume: bool) -> None:
        content = self.path.read_bytes() if self.path.exists() else b""
        if content and not resume:
            raise AnswersError(
                f"There are answers in {str(self.path)!r} already.",
                hint="Go on with them with --resume, or write to another file.",
            )
        for row in _rows(content, self.path):
            self._note(row)
        end = content.rfind(b"\n") + 1
        if not _begins_a_row(content[end:]):
            raise _not_a_row(self.path, content.count(b"\n") + 1)
        with self.path.open("ab") as file:
            file.truncate(end)
            os.fsync(file.fileno())
        _sync_folder(self.path.parent)

    def _append(self, line: bytes) -> None:
        point("answers.append.before")
        with self.path.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[file.write(rest) :]
                point("answers.append.during")
                os.fsync(file.fileno())
            except OSError:
                file.truncate(before)  # a full disk must not leave half a row
                raise
        point("answers.append.after")

    def _compact(self, order: Sequence[str], gold: Mapping[str, Gold]) -> None:
        """Leaves the row that counts for each id; the file is the old one or the new one, never between."""
        last: dict[str, bytes] = {}
        for line in self.path.read_bytes().split(b"\n")[:-1]:
            row = Row.model_validate_json(line)
            last.pop(row.id, None)  # so that it moves to where it was answered last
            last[row.id] = _regraded(row, gold) or line
        if order:
            # What is not in the order is of an earlier file of questions, and stays in front.
            places = {id: place for place, id in enumerate(order)}
            last = dict(sorted(last.items(), key=lambda each: places.get(each[0], -1)))
        beside = self.path.with_name(f".{self.path.name}.new")
        with beside.open("wb") as file:
            file.write(b"".join(line + b"\n" for line in last.values()))
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(self.path, beside)
        point("answers.compact.during")
        beside.replace(self.path)
        _sync_folder(self.path.parent)
        self._repeated = False


def read_rows(path: Path) -> dict[str, Row]:
    """Returns the rows of a file of answers by id, in the file's order; the last of one id counts. Blocks.

    A last line that is cut off, as a kill leaves it, is passed over.

    Raises:
        AnswersError: It cannot be read, or holds something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AnswersError(f"The answers {str(path)!r} cannot be read: {error.strerror or error}.") from error
    rows: dict[str, Row] = {}
    for row in _rows(content, path):
        rows.pop(row.id, None)  # so that it stands where it was answered last
        rows[row.id] = row
    return rows


def _rows(content: bytes, path: Path) -> Iterator[Row]:
    """The rows of whole lines."""
    whole = content[: content.rfind(b"\n") + 1]
    for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
        try:
            yield Row.model_validate_json(line)
        except ValidationError as error:
            raise _not_a_row(path, number) from error


def _begins_a_row(fragment: bytes) -> bool:
    """Whether a line without an end may be a row that a kill cut off, and not somebody's text."""
    return fragment[: len(_BEGINNING)] == _BEGINNING[: len(fragment)]


def _not_a_row(path: Path, number: int) -> AnswersError:
    return AnswersError(
        f"Line {number} of {str(path)!r} is not an answer of a batch.",
        hint="Write the answers to another file.",
    )


def _regraded(row: Row, gold: Mapping[str, Gold]) -> bytes | None:
    """The row's line with its grade, where that is another than it has; `None` where nothing changes."""
    if row.id not in gold or (grade := graded(row, gold[row.id])) == row.grade:
        return None
    return to_json_line(row.model_copy(update={"grade": grade})).encode().rstrip(b"\n")


def _hash(question: str) -> bytes:
    return hashlib.sha256(question.encode("utf-8", "replace")).digest()[:16]


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # folders cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
