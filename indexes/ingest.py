"""Files into the library: each read, split and committed on its own, whatever becomes of the others."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from indexes.catalogue import Catalogue
from indexes.chaos import point
from indexes.clean import clean_line
from indexes.content import content_of, content_of_text, papers_including, stored_path
from indexes.entries import Bibliography, Entries, said_of
from indexes.errors import LibraryError, NoText, NothingToRead, ReadError, Unsupported
from indexes.events import AddEvent, FileDone, FilesFound
from indexes.filing import Filing
from indexes.ledger import Content, Record
from indexes.readers.archive import is_archive
from indexes.readers.zotero import DATABASE
from indexes.shelf import Shelf
from indexes.split import Splitter
from indexes.types import AddReport, Details, Document, Fate, ParsedDocument, Reference
from indexes.unpack import MemberReader, Unpacking, part_of
from indexes.walk import Walk, ZoteroFolder
from indexes.zotero import ZoteroLibrary, ZoteroReader, open_library, said_of_library, with_files_of

__all__ = [
    "FileReader",
    "filing_of",
    "ingest",
    "ingest_texts",
    "require_files",
]

_RESERVE_BYTES = 50_000_000
"""Left free on the disk: a full disk harms other programs before it harms this one."""

_ONE_PASSAGE_BYTES = 800
"""A file no larger than that is hardly ever more than one passage, which needs nothing imported."""

_KEPT = (Fate.INDEXED, Fate.EMBEDDED)
_REFUSED = (Fate.FAILED, Fate.FAILED_FOR_NOW, Fate.SKIPPED)


class FileReader(MemberReader, ZoteroReader, Protocol):
    """Reads one file; `indexes.readers.pool.ReaderPool` is one."""

    async def read(self, path: Path) -> ParsedDocument:
        """Returns the document at `path`.

        Raises:
            ReadError: It cannot be read.
        """
        ...

    def worth_another_try(self, path: Path, reason: str) -> bool:
        """Whether a file that failed for good, for `reason`, may be read now by another way of reading."""
        ...

    async def read_bibliography(self, path: Path) -> tuple[Reference, ...]:
        """Returns the entries of the bibliography at `path`; raises as `read` does."""
        ...


async def ingest(
    found: Walk,
    *,
    catalogue: Catalogue,
    reader: FileReader,
    splitter: Splitter,
    collection: str,
    emit: Callable[[AddEvent], None],
    at_once: int | None = None,
    again: bool = False,
) -> AddReport:
    """Makes files searchable by keyword, several at a time, each at the moment it is committed.

    Stopping it at any moment keeps what is committed; running it again continues.

    Args:
        found: What to add.
        catalogue: Where to.
        reader: Reads the files that are new or have changed.
        splitter: Cuts them into passages.
        collection: The part of the library they belong to.
        emit: Told what happens.
        at_once: Files on their way at the same time; by default a few more than cores.
        again: Read files again that failed for good with the content they still have.

    Raises:
        LibraryError: The catalogue cannot be written; what is committed stays.
    """
    run = _Run(catalogue, reader, splitter, collection, again)
    unpacking = Unpacking(run, reader, collection=collection)
    outcomes: list[FileDone] = []
    libraries = [await run.open_library(folder) for folder in found.libraries]
    found = with_files_of([library for _, library in libraries if library], found)
    total = len(found.files) + len(found.skipped) + len(found.bibliographies) + len(libraries)
    emit(FilesFound(total=total))

    def settled(outcome: FileDone) -> None:
        outcomes.append(outcome.model_copy(update={"done": len(outcomes) + 1, "total": total}))
        emit(outcomes[-1])

    for skipped in found.skipped:
        settled(await run.skip(stored_path(skipped.path), skipped.reason))
    for outcome, _ in libraries:
        settled(outcome)
    bibliographies = [library.bibliography for _, library in libraries if library]
    for path in found.bibliographies:
        outcome, bibliography = await run.shelve(path)
        settled(outcome)
        bibliographies += [bibliography] if bibliography else []
    point("add.found.before")
    await catalogue.note_found([stored_path(path) for path in found.files], collection)
    point("add.found.after")
    parts = await asyncio.to_thread(papers_including, found.files)
    ahead = iter([path for path in found.files if path not in parts])

    async def unpack(path: Path) -> None:
        nonlocal total
        opened = await unpacking.open(path)
        total += len(opened.members)
        for member in opened.members:
            settled(await unpacking.add_member(path, opened, member))
        settled(opened.outcome)

    async def work() -> None:
        for path in ahead:
            if is_archive(path):
                await unpack(path)
            else:
                settled(await run.add(path))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once or (os.cpu_count() or 1) + 2, len(found.files))):
                group.create_task(work())
    except* LibraryError as group_of_errors:
        raise group_of_errors.exceptions[0] from None
    read = {outcome.path for outcome in outcomes if outcome.fate in (*_KEPT, Fate.UNCHANGED)}
    for path, paper in parts.items():
        alone = stored_path(paper) not in read
        outcome = await (run.add(path) if alone else run.set_aside(stored_path(path), part_of(paper.name)))
        if path in found.files:
            settled(outcome)
    entries = Entries(run, catalogue, run.shelf, collection=collection)
    async for outcome in entries.settle(bibliographies):
        total += 1
        settled(outcome)
    return _report(outcomes, [*run.notes, *unpacking.notes, *entries.notes])


def require_files(found: Walk, paths: Iterable[Path]) -> None:
    """Does nothing if there is a file to read.

    Raises:
        NothingToRead: There is none; the message counts what was skipped.
    """
    if found.files or found.bibliographies or found.libraries:
        return
    places = ", ".join(repr(clean_line(str(path))) for path in paths)
    reasons = Counter(skipped.reason for skipped in found.skipped)
    counted = "; ".join(f"{count} × {reason}" for reason, count in reasons.most_common(5))
    raise NothingToRead(
        f"Nothing to read in {places}" + (f": skipped {counted}." if counted else ": no files.")
    )


async def ingest_texts(
    documents: Mapping[str, ParsedDocument], *, catalogue: Catalogue, splitter: Splitter, collection: str
) -> int:
    """Files documents that are already in hand, by name; returns how many passages they have.

    Raises:
        NoText: One of them holds no text; those before it are kept.
    """
    passages = 0
    for name, parsed in documents.items():
        content = content_of_text(parsed, collection)
        filing = await asyncio.to_thread(
            filing_of, name, content, parsed, collection=collection, splitter=splitter
        )
        await catalogue.file(filing)
        passages += len(filing.passages)
    return passages


def filing_of(
    path: str, content: Content, parsed: ParsedDocument, *, collection: str, splitter: Splitter
) -> Filing:
    """Returns what a document brings into the catalogue; blocks while it is split.

    Raises:
        NoText: There is nothing in it to find.
    """
    passages = splitter.split(parsed, content.document_id)
    if not passages:
        raise NoText(f"{clean_line(Path(path).name)!r} holds no text.")
    document = Document(
        id=content.document_id,
        source=path,
        title=clean_line(parsed.title or "") or clean_line(Path(path).stem) or "Untitled",
        authors=parsed.authors,
        year=parsed.year,
        doi=parsed.doi,
        arxiv_id=parsed.arxiv_id,
        venue=parsed.venue,
        media_type=parsed.media_type,
        collection=collection,
        page_count=len(parsed.pages),
        characters=len(parsed.text),
    )
    return Filing(
        path=path,
        content=content,
        document=document,
        pages=parsed.pages,
        passages=passages,
        details=Details(
            abstract=parsed.abstract,
            sections=parsed.sections,
            references=parsed.references,
            origins=parsed.origins,
            notes=parsed.notes,
        ),
    )


class _Run:
    """What every file of one run shares."""

    def __init__(
        self, catalogue: Catalogue, reader: FileReader, splitter: Splitter, collection: str, again: bool
    ) -> None:
        self.notes: list[str] = []
        self._catalogue = catalogue
        self._reader = reader
        self._splitter = splitter
        self._collection = collection
        self._again = again
        self.shelf = Shelf()
        self._preparing: asyncio.Task[None] | None = None

    async def shelve(self, path: Path) -> tuple[FileDone, Bibliography | None]:
        """Keeps what a bibliography says for the files that are read; returns its fate and its entries."""
        try:
            bibliography = Bibliography(path, await self._reader.read_bibliography(path))
        except ReadError as error:
            reason = f"a bibliography that cannot be read: {error.message}"
            return await self.skip(stored_path(path), reason), None
        self.shelf.put(path, bibliography.entries)
        return await self.skip(stored_path(path), said_of(bibliography)), bibliography

    async def open_library(self, folder: ZoteroFolder) -> tuple[FileDone, ZoteroLibrary | None]:
        """Keeps what a Zotero library says of its files; returns its fate and what it brings."""
        path = stored_path(folder.path / DATABASE)
        try:
            library = await open_library(folder, self._reader)
        except ReadError as error:
            return await self.failed(path, None, error), None
        self.shelf.put(folder.path / DATABASE, library.bibliography.entries)
        listed = {stored_path(file) for file in library.files}
        before = await self.recorded_under(stored_path(folder.path / "storage") + os.sep)
        if gone := [record for record in before if record.path not in listed]:
            self.notes.append(f"Gone from Zotero, but kept in the library: {len(gone)}.")
        return await self.skip(path, said_of_library(library)), library

    async def add(self, file: Path) -> FileDone:
        path = stored_path(file)
        content: Content | None = None
        try:
            content = await asyncio.to_thread(content_of, file, self._collection)
            return await self.known(path, content) or await self._read(file, path, content)
        except LibraryError:
            raise
        except Exception as error:  # noqa: BLE001 - the row of a batch: a fault in one file's reading stays with it
            return await self.failed(path, content, error)

    async def recorded_under(self, folder: str) -> tuple[Record, ...]:
        return await self._catalogue.recorded_under(folder, self._collection)

    async def known(self, path: str, content: Content) -> FileDone | None:
        """Returns the outcome for a file that need not be read, `None` for one that must be."""
        record = await self._catalogue.record(path, self._collection)
        if record is not None and record.content_hash == content.hash:
            if record.fate in _KEPT and record.document_id is not None:
                return FileDone(path=path, fate=Fate.UNCHANGED)
            another_way = self._again or self._reader.worth_another_try(Path(path), record.reason)
            if record.fate in (Fate.FAILED, Fate.SKIPPED) and not another_way:
                return FileDone(path=path, fate=record.fate, reason=record.reason)
        if await self._catalogue.attach(path, self._collection, content):
            return FileDone(path=path, fate=Fate.UNCHANGED)
        return None

    async def _read(self, file: Path, path: str, content: Content) -> FileDone:
        if self._preparing is None and content.size > _ONE_PASSAGE_BYTES:
            # While the first files are read elsewhere; not before: an unchanged folder needs none of it.
            self._preparing = asyncio.create_task(asyncio.to_thread(self._splitter.prepare))
        point("add.read.before")
        parsed = await self._reader.read(file)
        point("add.read.after")
        return await self.keep(file, path, content, parsed, size=content.size)

    async def keep(
        self, file: Path, path: str, content: Content, parsed: ParsedDocument, *, size: int
    ) -> FileDone:
        status = await asyncio.to_thread(file.stat)
        if (status.st_size, status.st_mtime_ns) != (size, content.modified_ns):
            return await self._refuse(path, Fate.FAILED_FOR_NOW, "It changed while it was read.", None)
        return await self.file(path, content, self.shelf.described(parsed, Path(path)))

    async def file(self, path: str, content: Content, parsed: ParsedDocument) -> FileDone:
        filing = await asyncio.to_thread(
            filing_of, path, content, parsed, collection=self._collection, splitter=self._splitter
        )
        point("add.split.after")
        _require_space(self._catalogue.database.path.parent)
        await self._catalogue.file(filing)
        self.notes += [f"{clean_line(Path(path).name)}: {note}" for note in parsed.notes]
        return FileDone(
            path=path,
            fate=Fate.INDEXED,
            title=filing.document.title,
            pages=filing.document.page_count,
            passages=len(filing.passages),
        )

    async def skip(self, path: str, reason: str) -> FileDone:
        before = await self._catalogue.record(path, self._collection)
        if before is None or before.reason != reason:
            await self._catalogue.refuse(path, self._collection, Fate.SKIPPED, reason=reason)
        return FileDone(path=path, fate=Fate.SKIPPED, reason=reason)

    async def set_aside(self, path: str, reason: str) -> FileDone:
        before = await self._catalogue.record(path, self._collection)
        if before is None or before.reason != reason or before.document_id is not None:
            await self._catalogue.set_aside(path, self._collection, reason=reason)
        return FileDone(path=path, fate=Fate.SKIPPED, reason=reason)

    async def failed(self, path: str, content: Content | None, error: Exception) -> FileDone:
        fate, reason = Fate.FAILED, f"{type(error).__name__}: {clean_line(str(error))}"
        if isinstance(error, ReadError):
            fate, reason = _fate_of(error), f"{error.message} {error.hint}".strip()
        elif isinstance(error, OSError):
            fate, reason = Fate.FAILED_FOR_NOW, f"It cannot be opened: {error.strerror or error}."
        else:
            reason = f"Reading it failed unexpectedly ({reason})."
        return await self._refuse(path, fate, reason, content)

    async def _refuse(self, path: str, fate: Fate, reason: str, content: Content | None) -> FileDone:
        await self._catalogue.refuse(path, self._collection, fate, reason=reason, content=content)
        return FileDone(path=path, fate=fate, reason=reason)


def _report(outcomes: Sequence[FileDone], notes: Sequence[str]) -> AddReport:
    return AddReport(
        counts=dict(Counter(outcome.fate for outcome in outcomes)),
        pages=sum(outcome.pages for outcome in outcomes),
        passages=sum(outcome.passages for outcome in outcomes),
        failures=tuple((o.path, o.reason) for o in outcomes if o.fate in _REFUSED),
        notes=tuple(notes),
    )


def _fate_of(error: ReadError) -> Fate:
    if isinstance(error, Unsupported):
        return Fate.SKIPPED
    # The plain class stands for circumstances: no permission, a reader that was stopped.
    return Fate.FAILED_FOR_NOW if error.retryable or type(error) is ReadError else Fate.FAILED


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < _RESERVE_BYTES:
        raise LibraryError(
            f"The disk of {str(folder)!r} has {free // 1_000_000} MB left; adding stops below "
            f"{_RESERVE_BYTES // 1_000_000} MB. What was added so far is kept.",
            hint="Free some space and run the same command again: it continues where it stopped.",
        )
