"""The ledger: what has become of every file ever met, with its reason and the number of attempts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime

from indexes.types import Fate, Model

__all__ = [
    "Content",
    "Record",
    "all_records",
    "failures",
    "look_up",
    "mark_embedded",
    "mark_unembedded",
    "note_found",
    "recorded_for",
    "recorded_under",
    "settle",
    "standing",
    "strike_out",
]

_COLUMNS = """s.path, s.collection, d.id, s.content_hash, s.fate, s.reason, s.attempts
FROM sources s LEFT JOIN documents d ON d.number = s.document"""


class Content(Model):
    """A file's bytes, told apart from any other bytes."""

    hash: str
    """SHA-256 of the bytes, hexadecimal."""
    document_id: str
    """What the document of these bytes is called in the collection they are added to."""
    size: int
    modified_ns: int
    """As the file system says: shown to people, never trusted."""


class Record(Model):
    """One file's row."""

    path: str
    collection: str
    document_id: str | None
    """The document now searchable for this file: after a failed update, the one before."""
    content_hash: str
    """Of the content last looked at; empty when it never was."""
    fate: Fate
    reason: str
    attempts: int


def look_up(connection: sqlite3.Connection, path: str, collection: str) -> Record | None:
    """Returns the file's row, `None` for a file never met."""
    row = connection.execute(
        f"SELECT {_COLUMNS} WHERE s.path = ? AND s.collection = ?",
        (path, collection),
    ).fetchone()
    return None if row is None else _record(row)


def note_found(connection: sqlite3.Connection, paths: Iterable[str], collection: str) -> None:
    """Enters files never met before; leaves the others' rows alone."""
    now = _now()
    connection.executemany(
        "INSERT OR IGNORE INTO sources (path, collection, fate, updated) VALUES (?, ?, ?, ?)",
        [(path, collection, Fate.FOUND, now) for path in paths],
    )


def settle(
    connection: sqlite3.Connection,
    path: str,
    collection: str,
    fate: Fate,
    *,
    reason: str = "",
    content: Content | None = None,
    document: int | None = None,
) -> None:
    """Writes what has become of a file; one more attempt.

    Args:
        connection: In a transaction.
        path: The row, with `collection`.
        collection: The row, with `path`.
        fate: What has become of it.
        reason: Why, for a failure or a skip.
        content: What was looked at; `None` keeps what the row says.
        document: Number of the document that is now searchable for it; `None` keeps the one before.
    """
    note_found(connection, [path], collection)
    connection.execute(
        """UPDATE sources SET fate = ?, reason = ?, attempts = attempts + 1, updated = ?,
        document = coalesce(?, document) WHERE path = ? AND collection = ?""",
        (fate, reason, _now(), document, path, collection),
    )
    if content is not None:
        connection.execute(
            """UPDATE sources SET content_hash = ?, size = ?, modified_ns = ?
            WHERE path = ? AND collection = ?""",
            (content.hash, content.size, content.modified_ns, path, collection),
        )


def mark_embedded(connection: sqlite3.Connection, encoder: int, documents: Iterable[int]) -> None:
    """Moves those of `documents` that no passage keeps waiting for `encoder` from indexed to embedded."""
    now = _now()
    connection.executemany(
        """UPDATE sources SET fate = ?, updated = ? WHERE document = ? AND fate = ? AND NOT EXISTS (
            SELECT 1 FROM passages p
            WHERE p.document = sources.document AND p.part != 'references' AND NOT EXISTS (
                SELECT 1 FROM vectors v WHERE v.passage = p.number AND v.encoder = ?))""",
        [(Fate.EMBEDDED, now, document, Fate.INDEXED, encoder) for document in documents],
    )


def mark_unembedded(connection: sqlite3.Connection) -> None:
    """Moves files back from embedded to indexed whose document has lost a vector."""
    connection.execute(
        """UPDATE sources SET fate = ?, updated = ? WHERE fate = ? AND EXISTS (
            SELECT 1 FROM passages p
            WHERE p.document = sources.document AND p.part != 'references' AND NOT EXISTS (
                SELECT 1 FROM vectors v WHERE v.passage = p.number))""",
        (Fate.INDEXED, _now(), Fate.EMBEDDED),
    )


def failures(connection: sqlite3.Connection) -> tuple[Record, ...]:
    """Returns the rows of all files that failed, for now or for good, by path."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} WHERE s.fate IN (?, ?) ORDER BY s.path, s.collection",
        (Fate.FAILED, Fate.FAILED_FOR_NOW),
    )
    return tuple(_record(row) for row in rows)


def all_records(connection: sqlite3.Connection) -> tuple[Record, ...]:
    """Returns every row, by path."""
    rows = connection.execute(f"SELECT {_COLUMNS} ORDER BY s.path, s.collection")
    return tuple(_record(row) for row in rows)


def recorded_under(connection: sqlite3.Connection, folder: str, collection: str) -> tuple[Record, ...]:
    """Returns the rows of files inside `folder` that have a document, by path.

    Args:
        connection: Any.
        folder: An absolute path that ends with the separator.
        collection: Rows of this collection only.
    """
    rows = connection.execute(
        f"""SELECT {_COLUMNS} WHERE s.collection = ? AND s.document IS NOT NULL
        AND substr(s.path, 1, ?) = ? ORDER BY s.path""",
        (collection, len(folder), folder),
    )
    return tuple(_record(row) for row in rows)


def recorded_for(connection: sqlite3.Connection, document_id: str) -> tuple[Record, ...]:
    """Returns the rows of the files that stand for a document, by path."""
    rows = connection.execute(f"SELECT {_COLUMNS} WHERE d.id = ? ORDER BY s.path", (document_id,))
    return tuple(_record(row) for row in rows)


def standing(connection: sqlite3.Connection) -> tuple[Record, ...]:
    """Returns the rows of all files that have a document, by path."""
    rows = connection.execute(f"SELECT {_COLUMNS} WHERE s.document IS NOT NULL ORDER BY s.path, s.collection")
    return tuple(_record(row) for row in rows)


def strike_out(connection: sqlite3.Connection, records: Iterable[Record]) -> set[int]:
    """Deletes rows; returns the numbers of the documents that they stood for."""
    keys = [(record.path, record.collection) for record in records]
    row_of = "FROM sources WHERE path = ? AND collection = ?"
    stood_for = {
        number
        for key in keys
        for (number,) in connection.execute(f"SELECT document {row_of}", key)
        if number is not None
    }
    connection.executemany(f"DELETE {row_of}", keys)
    return stood_for


def _record(row: tuple[str, str, str | None, str, str, str, int]) -> Record:
    path, collection, document_id, content_hash, fate, reason, attempts = row
    return Record(
        path=path,
        collection=collection,
        document_id=document_id,
        content_hash=content_hash,
        fate=Fate(fate),
        reason=reason,
        attempts=attempts,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
