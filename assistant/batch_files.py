"""A batch's two files: the questions that go in, and the answers that come out, one JSON line each."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from pydantic import ValidationError

from assistant.envelope import to_json_line
from assistant.history import State
from assistant.render import cited_evidence
from indexes.chaos import point
from indexes.clean import clean_line
from indexes.errors import CarrelError, InputError, LibraryBusy
from indexes.lock import WriterLock
from indexes.types import Model
from pipelines.events import Failed
from pipelines.types import Answer, Degradation, Usage

__all__ = ["AnswerFile", "AnswersBusy", "AnswersError", "Item", "Row", "Source", "items_of", "read_questions"]

_LONGEST_ID = 200


class Item(Model):
    """One question of a batch, as it was given."""

    id: str = ""
    """Empty only until one is made from the words."""
    question: str
    collections: tuple[str, ...] = ()
    """Where to look, in place of the batch's own."""
    problem: str = ""
    """Why it cannot be asked, as a sentence; it then gets a row that says so."""


class Source(Model):
    """A cited passage."""

    number: int
    """What `[1]` in the text points to."""
    document: str
    """The document's id."""
    title: str
    source: str
    """Path or address."""
    page: int
    quote: str
    verified: bool


class Row(Model):
    """What came of one question: one line of the file. Of several with one id, the last counts."""

    id: str
    question: str
    status: State
    text: str = ""
    """Markdown with `[1]` markers."""
    sources: tuple[Source, ...] = ()
    degraded: tuple[Degradation, ...] = ()
    notes: tuple[str, ...] = ()
    author: str = ""
    usage: Usage = Usage()
    error: Failed | None = None
    run: str = ""
    """With the id it finds the whole answer in the history, where one is kept."""
    fingerprint: str
    """Of the settings it was answered with."""

    @classmethod
    def of(cls, answer: Answer, item: Item, status: State, fingerprint: str) -> Row:
        """The row of an answer."""
        return cls(
            id=item.id,
            question=item.question,
            status=status,
            text=answer.text,
            sources=tuple(_sources(answer)),
            degraded=answer.degraded,
            notes=answer.notes,
            author=answer.author,
            usage=answer.usage,
            run=answer.run,
            fingerprint=fingerprint,
        )


class AnswersError(InputError):
    """The file for the answers cannot be used as asked."""


class AnswersBusy(CarrelError):
    """Another process writes to the same file."""

    retryable = True
    default_hint = "Wait until it has finished, or write to another file."


def read_questions(path: Path) -> tuple[Item, ...]:
    """Returns the questions of a file: a JSON object on each line, or one question on each.

    Raises:
        InputError: The file cannot be read or has no question, or two questions have one id.
    """
    try:
        lines = path.read_bytes().decode("utf-8-sig", errors="replace").split("\n")
    except OSError as error:
        raise InputError(f"The questions {str(path)!r} cannot be read: {error.strerror}.") from error
    numbered = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbered:
        raise InputError(f"There is no question in {str(path)!r}.", hint="Write one on each line.")
    if numbered[0][1].startswith("{"):
        return _distinct([(number, _from_json(line, number)) for number, line in numbered])
    return items_of(line for _, line in numbered)


def items_of(questions: Iterable[str]) -> tuple[Item, ...]:
    """The questions with ids that follow from their words; a repeated one is counted up."""
    return _distinct(
        [(number, Item(question=question)) for number, question in enumerate(questions, start=1)]
    )


class AnswerFile:
    """The file of rows. Each is there whole, and on the disk, before the next question is begun.

    Args:
        path: Where it lies; it is made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.rows: dict[str, Row] = {}
        """The row that counts for each id."""
        self._repeated = False
        self._lock = WriterLock(
            self.path.with_name(f".{self.path.name}.lock"), guards=f"the answers {str(self.path)!r}"
        )

    @asynccontextmanager
    async def held(self, *, resume: bool) -> AsyncIterator[None]:
        """Holds the file for writing inside the block; a line that a kill cut off is taken away first.

        Args:
            resume: Whether rows may be there already.

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
            if self._repeated:
                await self._in_thread(self._compact)

    async def append(self, row: Row) -> None:
        """Adds a row; when this returns it survives the process and the machine.

        Raises:
            AnswersError: It cannot be written; the file ends with the row before it.
        """
        await self._in_thread(self._append, to_json_line(row).encode())
        self._note(row)

    def _note(self, row: Row) -> None:
        """Remembers what a later run has to know of a row; the texts of thousands stay on the disk."""
        self._repeated = self._repeated or row.id in self.rows
        self.rows[row.id] = row.model_copy(update={"question": "", "text": "", "sources": (), "notes": ()})

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
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
            self._note(self._read(line, number))
        with self.path.open("ab") as file:
            file.truncate(len(whole))
            os.fsync(file.fileno())
        _sync_folder(self.path.parent)

    def _read(self, line: bytes, number: int) -> Row:
        try:
            return Row.model_validate_json(line)
        except ValidationError as error:
            raise AnswersError(
                f"Line {number} of {str(self.path)!r} is not an answer of a batch.",
                hint="Write the answers to another file.",
            ) from error

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

    def _compact(self) -> None:
        """Leaves the row that counts for each id; the file is the old one or the new one, never between."""
        last: dict[str, bytes] = {}
        for line in self.path.read_bytes().split(b"\n")[:-1]:
            id = Row.model_validate_json(line).id
            last.pop(id, None)  # so that it moves to where it was answered last
            last[id] = line
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


def _distinct(numbered: Sequence[tuple[int, Item]]) -> tuple[Item, ...]:
    """The items; ids that were given must differ, those that follow from the words are counted up.

    Raises:
        InputError: Two questions have one id, so that their answers could not be told apart.
    """
    places: dict[str, int] = {}
    items: list[Item] = []
    for number, item in numbered:
        if not item.id:
            count = 1
            id = _derived_id(item.question)
            while (distinct := id if count == 1 else f"{id}-{count}") in places:
                count += 1
            item = item.model_copy(update={"id": distinct})
        elif item.id in places:
            raise InputError(
                f"Line {number} has the id {item.id!r}, which line {places[item.id]} has too.",
                hint="Give each question an id of its own, or leave the ids out.",
            )
        places[item.id] = number
        items.append(item)
    return tuple(items)


def _from_json(line: str, number: int) -> Item:
    """One line of a JSONL file; its id is empty where it has none."""
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("question"), str):
        return Item(
            question=line, problem=f'Line {number} is not of the form {{"id": ..., "question": ...}}.'
        )
    id, collections = given.get("id", ""), given.get("collections", ())
    return Item(
        id=clean_line(str(id), _LONGEST_ID) if id is not None else "",
        question=given["question"],
        collections=tuple(map(str, collections)) if isinstance(collections, list) else (),
    )


def _derived_id(question: str) -> str:
    return hashlib.sha256(question.encode("utf-8", "replace")).hexdigest()[:16]


def _sources(answer: Answer) -> Iterator[Source]:
    for evidence in cited_evidence(answer):
        of_this = [citation for citation in answer.citations if citation.evidence_id == evidence.id]
        yield Source(
            number=evidence.id,
            document=evidence.document.id,
            title=evidence.document.title,
            source=evidence.document.source,
            page=evidence.page,
            quote=evidence.quote,
            verified=all(citation.verified for citation in of_this),
        )


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # folders cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
