"""The catalogue: documents, their pages and passages, each committed whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from indexes import filing, ledger
from indexes.chaos import point
from indexes.database import Database
from indexes.errors import DocumentMissing
from indexes.filing import COMPACTION_DUE, Filing
from indexes.ledger import Content, Record
from indexes.rows import DOCUMENT, PASSAGE, details_of, document_of, passage_of
from indexes.types import PAGE_BREAK, Collection, Details, Document, Fate, MetadataSource, Passage

__all__ = ["Catalogue"]


class Catalogue:
    """Documents and passages on disk. Reading never waits for writing."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def file(self, brought: Filing) -> None:
        """Makes a document searchable by keyword and settles its file, in one transaction.

        If the file stood for another document before, that one goes in the same transaction, unless another
        file still stands for it.
        """
        point("file.before")
        await self.database.write(lambda connection: filing.enter(connection, brought))
        point("file.after")

    async def attach(self, path: str, collection: str, content: Content) -> Fate | None:
        """Lets a file stand for the document that already has its content.

        Returns:
            The fate of that document, or `None` when there is no such document.
        """
        return await self.database.write(
            lambda connection: filing.attach(connection, path, collection, content)
        )

    async def compact(self) -> None:
        """Overwrites what was deleted since the last time, in the keyword index and in the log."""

        def work(connection: sqlite3.Connection) -> bool:
            due = connection.execute("DELETE FROM meta WHERE key = ?", (COMPACTION_DUE,)).rowcount > 0
            if due:
                # The keyword index keeps deleted words beside a mark until its segments are merged.
                connection.execute("INSERT INTO passages_fts (passages_fts) VALUES ('optimize')")
            return due

        point("compact.before")
        if await self.database.write(work):
            point("compact.during")
            await self.database.compact()
        point("compact.after")

    async def documents(
        self, ids: Sequence[str] | None = None, *, collection: str | None = None
    ) -> tuple[Document, ...]:
        """Returns the documents named by `ids`, in that order, without unknown ones; else all, by title."""

        def work(connection: sqlite3.Connection) -> tuple[Document, ...]:
            if ids is not None:
                found = (_document_row(connection, id) for id in ids)
                chosen = tuple(document_of(row) for row in found if row is not None)
                return tuple(document for document in chosen if collection in (None, document.collection))
            rows = connection.execute(
                f"""SELECT {DOCUMENT} FROM documents d WHERE ?1 IS NULL OR d.collection = ?1
                ORDER BY d.title, d.id""",  # noqa: S608
                (collection,),
            )
            return tuple(document_of(row) for row in rows)

        return await self.database.read(work)

    async def document(self, document_id: str) -> Document:
        """Returns one document.

        Raises:
            DocumentMissing: There is no such document.
        """
        for document in await self.documents([document_id]):
            return document
        raise DocumentMissing(f"The library holds no document {document_id!r}.")

    async def page(self, document_id: str, page: int) -> str:
        """Returns the text of one page, counted from 1; empty for a page that the document does not have."""

        def work(connection: sqlite3.Connection) -> str:
            row = connection.execute(
                "SELECT text FROM pages WHERE document = ? AND page = ?",
                (_number(connection, document_id), page),
            ).fetchone()
            return "" if row is None else str(row[0])

        return await self.database.read(work)

    async def stretch(self, document_id: str, start: int, end: int | None = None) -> str:
        """Returns the document's text from `start` to `end` (exclusive; `None` for the end of the text)."""

        def work(connection: sqlite3.Connection) -> str:
            number = _number(connection, document_id)
            rows = connection.execute(
                """SELECT start, text FROM pages WHERE document = ?1 AND (?3 IS NULL OR start < ?3)
                AND page >= (SELECT max(page) FROM pages WHERE document = ?1 AND start <= ?2)
                ORDER BY page""",
                # A page break belongs to no page: an end inside it needs the page behind it.
                (number, max(start, 0), None if end is None else end + len(PAGE_BREAK)),
            ).fetchall()
            if not rows:
                return ""
            text, offset = PAGE_BREAK.join(row[1] for row in rows), rows[0][0]
            return text[max(start, 0) - offset : None if end is None else max(end - offset, 0)]

        return await self.database.read(work)

    async def passages(self, ids: Sequence[str]) -> tuple[Passage, ...]:
        """Returns the passages named by `ids`, in that order, without unknown ones."""

        def work(connection: sqlite3.Connection) -> tuple[Passage, ...]:
            return tuple(_passages(connection, ids))

        return await self.database.read(work)

    async def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """Returns all passages of one document, in reading order."""

        def work(connection: sqlite3.Connection) -> tuple[Passage, ...]:
            rows = connection.execute(
                f"SELECT {PASSAGE} FROM passages p WHERE p.document = ? ORDER BY p.ordinal",  # noqa: S608
                (_number(connection, document_id),),
            )
            return tuple(passage_of(document_id, row) for row in rows)

        return await self.database.read(work)

    async def collections(self, fingerprint: str = "") -> tuple[Collection, ...]:
        """Returns every collection by name; `embedded` counts vectors of the encoder with `fingerprint`."""

        def work(connection: sqlite3.Connection) -> tuple[Collection, ...]:
            rows = connection.execute(
                """SELECT d.collection, count(DISTINCT d.number), count(p.number), count(v.position)
                FROM documents d LEFT JOIN passages p ON p.document = d.number AND p.part != 'references'
                LEFT JOIN vectors v ON v.passage = p.number
                AND v.encoder = (SELECT number FROM encoders WHERE fingerprint = ?)
                GROUP BY d.collection ORDER BY d.collection""",
                (fingerprint,),
            )
            return tuple(
                Collection(name=name, documents=documents, passages=passages, embedded=embedded)
                for name, documents, passages, embedded in rows
            )

        return await self.database.read(work)

    async def note_found(self, paths: Sequence[str], collection: str) -> None:
        """Enters files never met before into the ledger."""
        await self.database.write(lambda connection: ledger.note_found(connection, paths, collection))

    async def refuse(
        self, path: str, collection: str, fate: Fate, *, reason: str, content: Content | None = None
    ) -> None:
        """Settles a file that brought nothing; a document it stood for before stays searchable."""
        await self.database.write(
            lambda connection: ledger.settle(
                connection, path, collection, fate, reason=reason, content=content
            )
        )

    async def describe(
        self,
        document_id: str,
        said: Mapping[str, Any],
        source: MetadataSource,
        *,
        retraction: str | None = None,
    ) -> bool:
        """Writes down what `source` says of a document; its text stays as it is.

        Args:
            document_id: A document of the library.
            said: Values by field, those of `indexes.types.DESCRIBED`.
            source: Who says so; noted as the origin of each field.
            retraction: What it says of a retraction, empty for none; `None` leaves what is known.

        Returns:
            Whether any of it is news.

        Raises:
            DocumentMissing: There is no such document.
        """

        def work(connection: sqlite3.Connection) -> bool:
            number = _number(connection, document_id)
            return filing.describe(connection, number, said, source, retraction=retraction)

        return await self.database.write(work)

    async def details(self, document_id: str) -> Details:
        """Returns what is known of a document beside what an answer shows of it.

        Raises:
            DocumentMissing: There is no such document.
        """
        return await self.database.read(
            lambda connection: details_of(connection, _number(connection, document_id))
        )

    async def recorded_for(self, document_id: str) -> tuple[Record, ...]:
        """Returns the rows of the files that stand for a document."""
        return await self.database.read(lambda connection: ledger.recorded_for(connection, document_id))

    async def set_aside(self, path: str, collection: str, *, reason: str) -> None:
        """Settles a file that is part of another one's document.

        What it stood for itself goes in the same transaction, unless another file still stands for it.
        """

        def work(connection: sqlite3.Connection) -> None:
            key = (path, collection)
            row = connection.execute(
                "SELECT document FROM sources WHERE path = ? AND collection = ?", key
            ).fetchone()
            ledger.settle(connection, path, collection, Fate.SKIPPED, reason=reason)
            if row is not None and row[0] is not None:
                connection.execute(
                    "UPDATE sources SET document = NULL WHERE path = ? AND collection = ?", key
                )
                filing.drop_if_unused(connection, row[0])

        await self.database.write(work)

    async def recorded_under(self, folder: str, collection: str) -> tuple[Record, ...]:
        """Returns the rows of files inside `folder`, which ends with the separator, that have a document."""
        return await self.database.read(
            lambda connection: ledger.recorded_under(connection, folder, collection)
        )

    async def record(self, path: str, collection: str) -> Record | None:
        """Returns the ledger's row for a file, `None` for one never met."""
        return await self.database.read(lambda connection: ledger.look_up(connection, path, collection))

    async def failures(self) -> tuple[Record, ...]:
        """Returns the ledger's rows of all files that failed."""
        return await self.database.read(ledger.failures)


def _number(connection: sqlite3.Connection, document_id: str) -> int:
    row = connection.execute("SELECT number FROM documents WHERE id = ?", (document_id,)).fetchone()
    if row is None:
        raise DocumentMissing(f"The library holds no document {document_id!r}.")
    return int(row[0])


def _document_row(connection: sqlite3.Connection, document_id: str) -> tuple[object, ...] | None:
    row: tuple[object, ...] | None = connection.execute(
        f"SELECT {DOCUMENT} FROM documents d WHERE d.id = ?",  # noqa: S608
        (document_id,),
    ).fetchone()
    return row


def _passages(connection: sqlite3.Connection, ids: Sequence[str]) -> Iterator[Passage]:
    for id in ids:
        document_id, _, ordinals = id.rpartition(":")
        first, _, last = ordinals.partition("-")
        rows = connection.execute(
            f"""SELECT {PASSAGE} FROM passages p JOIN documents d ON d.number = p.document
            WHERE d.id = ? AND p.ordinal BETWEEN ? AND ? ORDER BY p.ordinal""",  # noqa: S608
            (document_id, first, last or first),
        ).fetchall()
        found = [passage_of(document_id, row) for row in rows]
        if len(found) == 1:
            yield found[0]
        elif found:
            yield _stretch_of(connection, id, found)


def _stretch_of(connection: sqlite3.Connection, id: str, passages: Sequence[Passage]) -> Passage:
    """Neighbours on one page as one passage, its text cut out of the page."""
    first, end = passages[0], max(passage.end for passage in passages)
    offset, text = connection.execute(
        """SELECT g.start, g.text FROM pages g JOIN documents d ON d.number = g.document
        WHERE d.id = ? AND g.page = ?""",
        (first.document_id, first.page),
    ).fetchone()
    return first.model_copy(update={"id": id, "end": end, "text": text[first.start - offset : end - offset]})
