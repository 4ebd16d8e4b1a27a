"""The library's papers as their owner handles them: named, listed, each with the files it came from."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from indexes import ledger
from indexes.catalogue import Catalogue
from indexes.clean import clean_line
from indexes.content import stored_path
from indexes.errors import DocumentMissing, NameAmbiguous, PathMissing
from indexes.filing import drop_if_unused
from indexes.generations import GenerationFailed
from indexes.gone import Gone, gone_from_disk
from indexes.ledger import Record
from indexes.listed import PaperOrder, PaperPage
from indexes.listing import page_of_papers
from indexes.lock import WriterLock
from indexes.rebuild import rebuild_dense, without_index
from indexes.regroup import remove_collection, rename_collection, require_move
from indexes.retry import Retry, to_retry
from indexes.rows import details_of
from indexes.types import Details, Document, Model
from indexes.vectors import PassageVectors

if TYPE_CHECKING:
    from indexes.enrich import EnrichReport
    from indexes.registries import Registry

__all__ = ["EVERYTHING", "SHORT_ID", "Holding", "Holdings", "Wanted", "paper_named", "papers_named"]

T = TypeVar("T")

SHORT_ID = 8
"""Characters of an id that a listing shows; any that tell it apart will do when it is named."""

_SHORTEST_PREFIX = 4
_LISTED = 10


class Holding(Model):
    """One paper of the library."""

    document: Document
    files: tuple[str, ...]
    """The files that stand for it, by path; the same bytes may lie in several places."""
    passages: int
    """Lists of references are not counted, here and below: a search leaves them out."""
    embedded: int
    """Passages that can be found by meaning."""
    details: Details = Details()
    """Abstract, references and what its reader had to say; empty where it was not asked for."""


class Wanted(NamedTuple):
    """Which papers a listing is for; what is empty or `None` leaves none out."""

    text: str = ""
    """Words that all stand in the title or among the authors."""
    author: str = ""
    years: tuple[int | None, int | None] = (None, None)
    """First and last year; `None` is open. With either of them, a paper without a year is left out."""
    collection: str | None = None

    def fits(self, document: Document) -> bool:
        """Whether the document is one of them; its collection is not looked at."""
        authors = " ".join(document.authors).casefold()
        where = f"{document.title.casefold()} {authors}"
        first, last = self.years
        year = document.year
        in_time = self.years == (None, None) or (
            year is not None and (first is None or first <= year) and (last is None or year <= last)
        )
        return (
            in_time
            and all(word in where for word in self.text.casefold().split())
            and all(word in authors for word in self.author.casefold().split())
        )


EVERYTHING = Wanted()


class Holdings:
    """The papers of one library, for their owner."""

    def __init__(
        self,
        catalogue: Catalogue,
        vectors: PassageVectors,
        lock: WriterLock,
        *,
        delta_limit: int,
        chroma: str = "",
    ) -> None:
        """Use `Library.holdings`."""
        self._catalogue = catalogue
        self._vectors = vectors
        self._lock = lock
        self._delta_limit = delta_limit
        self._chroma = chroma
        self._dense = catalogue.database.path.with_name("dense")

    async def all(self, wanted: Wanted = EVERYTHING, *, detailed: bool = False) -> tuple[Holding, ...]:
        """Returns the papers that are wanted, by title."""
        documents = await self._catalogue.documents(collection=wanted.collection)
        return await self.of([each for each in documents if wanted.fits(each)], detailed=detailed)

    async def page(
        self, text: str, *, order: PaperOrder, descending: bool, offset: int, limit: int
    ) -> PaperPage:
        """Returns a stretch of the papers that fit `text`; see `indexes.listing.page_of_papers`."""
        return await page_of_papers(
            self._catalogue.database,
            text,
            order=order,
            descending=descending,
            offset=offset,
            limit=limit,
        )

    async def files(self, document_id: str) -> tuple[Record, ...]:
        """Returns the ledger's rows of the files that stand for a document, by path."""
        return await self._catalogue.recorded_for(document_id)

    async def of(self, documents: Sequence[Document], *, detailed: bool = False) -> tuple[Holding, ...]:
        """Returns documents with what the library has of them, in their order, without those that left."""

        def work(connection: sqlite3.Connection) -> tuple[Holding, ...]:
            found = (_holding(connection, document, detailed) for document in documents)
            return tuple(holding for holding in found if holding is not None)

        return await self._catalogue.database.read(work)

    async def enrich(
        self,
        documents: Sequence[Document],
        registry: Registry,
        *,
        again: bool = False,
        tell: Callable[[int, int], None],
    ) -> EnrichReport:
        """Asks a registry about papers and writes down what it says; see `indexes.enrich.enrich`."""
        from indexes.enrich import enrich

        return await enrich(self._catalogue, self._lock, documents, registry, again=again, tell=tell)

    async def failures(self, collection: str | None = None) -> tuple[Record, ...]:
        """Returns the ledger's rows of files that failed, for now or for good, by path."""
        failures = await self._catalogue.failures()
        return tuple(record for record in failures if collection in (None, record.collection))

    async def standing(self, collection: str) -> tuple[Record, ...]:
        """Returns the ledger's rows of a collection's files that have a paper in the library, by path."""
        records = await self._catalogue.database.read(ledger.standing)
        return tuple(record for record in records if record.collection == collection)

    async def named(self, name: str, *, collection: str | None = None) -> tuple[Document, ...]:
        """Returns every paper that `name` may mean: see `papers_named`."""
        return await papers_named(self._catalogue, name, collection=collection)

    async def inside(self, folder: str, *, collection: str | None = None) -> tuple[Document, ...]:
        """Returns the papers that stand for nothing but files inside `folder`; none if it is no path."""
        path = _path(folder)
        if not path or os.sep not in folder:
            return ()
        root = path.rstrip(os.sep) + os.sep
        records = await self._catalogue.database.read(ledger.standing)
        outside = {record.document_id for record in records if not record.path.startswith(root)}
        inside = dict.fromkeys(record.document_id for record in records if record.path.startswith(root))
        ids = [id for id in inside if id is not None and id not in outside]
        return await self._catalogue.documents(ids, collection=collection)

    async def one(self, name: str, *, collection: str | None = None) -> Document:
        """Returns the paper that `name` means: see `paper_named`."""
        return await paper_named(self._catalogue, name, collection=collection)

    async def to_retry(self, names: Sequence[str] = (), *, collection: str | None = None) -> dict[str, Retry]:
        """Returns by collection what to read again of the files that failed.

        Args:
            names: Paths, or names of files; empty for all that failed.
            collection: Only files of this collection.

        Raises:
            PathMissing: No failed file has one of the names.
        """
        failures = await self.failures(collection)
        chosen = failures if not names else [each for name in names for each in _failed(name, failures)]
        records = await self._catalogue.database.read(ledger.all_records)
        return {
            name: await asyncio.to_thread(
                to_retry,
                [each for each in chosen if each.collection == name],
                [each for each in records if each.collection == name],
            )
            for name in sorted({each.collection for each in chosen})
        }

    # Removing.

    async def remove(self, documents: Sequence[Document]) -> None:
        """Takes papers out, with all that was made from them, in one transaction; files are not touched.

        Raises:
            DocumentMissing: One of them is not there any more; then all of them stay.
            LibraryBusy: Another process is writing.
        """
        await self._catalogue_change(lambda connection: _remove(connection, documents))

    async def gone(self, *, collection: str | None = None) -> Gone:
        """Returns the ledger's rows of files that are no longer on the disk."""
        records = await self._catalogue.database.read(ledger.all_records)
        chosen = [record for record in records if collection in (None, record.collection)]
        return await asyncio.to_thread(gone_from_disk, chosen)

    async def forget(self, records: Sequence[Record]) -> int:
        """Strikes files out of the ledger, with the papers that no other file stands for; returns how many.

        Raises:
            LibraryBusy: Another process is writing.
        """
        return await self._catalogue_change(lambda connection: _forget(connection, records))

    # Collections.

    async def rename_collection(self, old: str, new: str, *, merge: bool = False) -> tuple[int, int]:
        """Calls a collection otherwise, or joins it with another; see `regroup.rename_collection`.

        Raises:
            InputError: There is no `old`, or there is a `new` already and `merge` is not set.
            LibraryBusy: Another process is writing.
        """
        async with self._lock.held():
            await self._catalogue.database.read(lambda connection: require_move(connection, old, new, merge))
            # The index knows the collections, too; without it every passage is compared, which is right.
            async with without_index(self._dense, self._vectors, chroma=self._chroma):
                return await self._catalogue.database.write(
                    lambda connection: rename_collection(connection, old, new, merge=merge)
                )

    async def remove_collection(self, name: str) -> int:
        """Takes out all papers of a collection; returns how many.

        Raises:
            InputError: There is no such collection.
            LibraryBusy: Another process is writing.
        """
        return await self._catalogue_change(lambda connection: remove_collection(connection, name))

    async def _catalogue_change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        async with self._lock.held():
            result = await self._catalogue.database.write(work)
            await self._catalogue.compact()
            # What is removed is not found in any case: an index that cannot be built is not a failure here.
            with suppress(GenerationFailed):
                await rebuild_dense(
                    self._dense, self._vectors, delta_limit=self._delta_limit, chroma=self._chroma
                )
        return result


def _remove(connection: sqlite3.Connection, documents: Sequence[Document]) -> None:
    for document in documents:
        records = ledger.recorded_for(connection, document.id)
        if not records:
            raise DocumentMissing(f"The library holds no document {document.id!r} any more.")
        _forget(connection, records)


def _forget(connection: sqlite3.Connection, records: Sequence[Record]) -> int:
    before = connection.execute("SELECT count(*) FROM documents").fetchone()[0]
    for number in ledger.strike_out(connection, records):
        drop_if_unused(connection, number)
    after = connection.execute("SELECT count(*) FROM documents").fetchone()[0]
    return int(before - after)


def _failed(name: str, failures: Sequence[Record]) -> list[Record]:
    lowered, path = name.strip().casefold(), _path(name)
    found = [record for record in failures if record.path in (path, name)]
    found = found or [record for record in failures if Path(record.path).name.casefold() == lowered]
    if not found:
        raise PathMissing(
            f"No file that failed is called {clean_line(name, 120)!r}.",
            hint="`carrel papers failed` lists them; to read a paper for the first time, add it.",
        )
    return found


async def papers_named(
    catalogue: Catalogue, name: str, *, collection: str | None = None
) -> tuple[Document, ...]:
    """Returns every paper that `name` may mean; none for a name that means nothing.

    The first of these that fits decides: the beginning of an id (four characters or more), a path, the
    name of a file, a whole title, a part of a title.

    Args:
        catalogue: Of the library.
        name: As a person types it; capitals do not matter but in paths.
        collection: Look only here.
    """
    documents = await catalogue.documents(collection=collection)
    records = await catalogue.database.read(ledger.standing)
    return _meant(name, documents, [record for record in records if record.document_id])


async def paper_named(catalogue: Catalogue, name: str, *, collection: str | None = None) -> Document:
    """Returns the paper that `name` means.

    Raises:
        DocumentMissing: It means none.
        NameAmbiguous: It means several; the hint lists them.
    """
    found = await papers_named(catalogue, name, collection=collection)
    if not found:
        raise DocumentMissing(
            f"The library holds no paper {clean_line(name, 120)!r}.",
            hint="A paper is named by its id, its file or a part of its title: "
            "`carrel papers list` shows them.",
        )
    if len(found) > 1:
        raise NameAmbiguous(
            f"{clean_line(name, 120)!r} may be any of {len(found)} papers: {_listing(found)}.",
            hint="Name one of them by its id.",
        )
    return found[0]


def _meant(name: str, documents: Sequence[Document], records: Iterable[Record]) -> tuple[Document, ...]:
    lowered, path = name.strip().casefold(), _path(name)
    if not lowered:
        return ()
    by_path: set[str] = set()
    by_file: set[str] = set()
    for record in records:
        assert record.document_id is not None
        if record.path in (path, name):
            by_path.add(record.document_id)
        if Path(record.path).name.casefold() == lowered:
            by_file.add(record.document_id)
    ways = (
        lambda each: len(lowered) >= _SHORTEST_PREFIX and each.id.startswith(lowered),
        lambda each: each.id in by_path,
        lambda each: each.id in by_file,
        lambda each: each.title.casefold() == lowered,
        lambda each: lowered in each.title.casefold(),
    )
    for fits in ways:
        if found := tuple(document for document in documents if fits(document)):
            return found
    return ()


def _path(name: str) -> str:
    """The name as the ledger would write it, if it is a path."""
    try:
        return stored_path(Path(name).expanduser().resolve())
    except (OSError, RuntimeError, ValueError):
        return ""


def _listing(documents: Sequence[Document]) -> str:
    said = [f"{each.id[:SHORT_ID]} {clean_line(each.title, 60)}" for each in documents[:_LISTED]]
    more = [f"and {len(documents) - _LISTED} more"] if len(documents) > _LISTED else []
    return "; ".join([*said, *more])


def _holding(connection: sqlite3.Connection, document: Document, detailed: bool) -> Holding | None:
    row = connection.execute("SELECT number FROM documents WHERE id = ?", (document.id,)).fetchone()
    if row is None:
        return None
    passages, embedded = connection.execute(
        """SELECT count(*), count(*) FILTER (
            WHERE EXISTS (SELECT 1 FROM vectors v WHERE v.passage = p.number))
        FROM passages p WHERE p.document = ? AND p.part != 'references'""",
        row,
    ).fetchone()
    return Holding(
        document=document,
        files=tuple(record.path for record in ledger.recorded_for(connection, document.id)),
        passages=passages,
        embedded=embedded,
        details=details_of(connection, row[0]) if detailed else Details(),
    )
