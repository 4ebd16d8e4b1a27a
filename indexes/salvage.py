"""What can still be read of a damaged catalogue, written into a new one; the old one is not touched."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np

from indexes import ledger
from indexes.schema import connect, prepare
from indexes.types import Fate, Model

__all__ = ["Salvaged", "salvage"]

_JOURNALS = ("-wal", "-shm")
_OF_A_DOCUMENT = ("pages", "passages", "cited")
_ALONE = ("meta", "encoders")
_STEPS = (1, 10, 100, 1_000, 10_000)
_LENGTH_SLACK = 0.01


Row = dict[str, Any]


class Salvaged(Model):
    """What came out of it."""

    documents: int
    """Whole ones: all their pages, and passages that stand on them."""
    lost: int
    """Documents known by name of which something was missing; their files are read again by `add`."""
    vectors: int


def salvage(damaged: Path, target: Path) -> Salvaged:
    """Writes every whole document of `damaged` into a new catalogue at `target`; blocking.

    Rows keep their numbers. A file whose document is not whole stays in the ledger as only found.

    Raises:
        LibraryError: The new file cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="carrel-salvage-", dir=target.parent) as scratch:
        copy = Path(scratch) / damaged.name
        # A copy, because opening a database may already write to it.
        for ending in ("", *_JOURNALS):
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{damaged}{ending}", f"{copy}{ending}")
        prepare(target)
        with closing(_opened(copy)) as old, closing(connect(target)) as new:
            new.execute("BEGIN IMMEDIATE")
            salvaged = _copied(old, new)
            new.execute("COMMIT")
    return salvaged


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    with suppress(sqlite3.DatabaseError):
        # SQLite refuses a file that is shorter than its header says, unless the schema is declared writable.
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _copied(old: sqlite3.Connection, new: sqlite3.Connection) -> Salvaged:
    for table in _ALONE:
        _put(new, table, _readable(old, new, table))
    records = list(_readable(old, new, "sources"))
    whole: set[int] = set()
    lost = 0
    for document in _readable(old, new, "documents"):
        if _copy_document(old, new, document):
            whole.add(document["number"])
        else:
            lost += 1
    _put_records(new, records, whole)
    vectors = _put(new, "vectors", _sound_vectors(old, new))
    ledger.mark_unembedded(new)
    return Salvaged(documents=len(whole), lost=lost, vectors=vectors)


def _copy_document(old: sqlite3.Connection, new: sqlite3.Connection, document: Row) -> bool:
    """Copies a document with all that belongs to it, or nothing of it."""
    new.execute("SAVEPOINT document")
    try:
        _put(new, "documents", [document])
        for table in _OF_A_DOCUMENT:
            columns = _columns(old, new, table)
            rows = old.execute(
                f"SELECT {', '.join(columns)} FROM {table} WHERE document = ?",  # noqa: S608
                (document["number"],),
            ).fetchall()
            _put(new, table, [dict(zip(columns, row, strict=True)) for row in rows])
        whole = _is_whole(new, document["number"])
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        whole = False
    if not whole:
        new.execute("ROLLBACK TO document")
    new.execute("RELEASE document")
    return whole


def _is_whole(new: sqlite3.Connection, number: object) -> bool:
    """Whether all pages are there, and the passages are all, in order, and what stands on them."""
    pages, page_count, last, passages, wrong = new.execute(
        """SELECT (SELECT count(*) FROM pages WHERE document = d.number), d.page_count,
            (SELECT max(ordinal) FROM passages WHERE document = d.number),
            (SELECT count(*) FROM passages WHERE document = d.number),
            (SELECT count(*) FROM passages p LEFT JOIN pages g ON g.document = p.document AND g.page = p.page
             WHERE p.document = d.number
             AND (g.text IS NULL OR substr(g.text, p.start - g.start + 1, p."end" - p.start) != p.text))
        FROM documents d WHERE d.number = ?""",
        (number,),
    ).fetchone()
    return bool(pages == page_count and passages and last == passages - 1 and not wrong)


def _put_records(new: sqlite3.Connection, records: Sequence[Row], whole: set[int]) -> None:
    for record in records:
        if record["document"] not in whole:
            # Without its hash the file counts as new when it is met again.
            record |= {"document": None, "content_hash": ""}
            if record["fate"] in (Fate.INDEXED, Fate.EMBEDDED, Fate.PARSED):
                record["fate"] = Fate.FOUND
    _put(new, "sources", records)
    # A document whose row in the ledger was lost still stands for the file that it names.
    new.execute(
        """INSERT OR IGNORE INTO sources (path, collection, document, fate, updated)
        SELECT source, collection, number, ?, datetime('now') FROM documents
        WHERE number NOT IN (SELECT document FROM sources WHERE document IS NOT NULL)""",
        (Fate.INDEXED,),
    )
    new.execute(
        """UPDATE sources SET document =
            (SELECT number FROM documents d WHERE d.source = path AND d.collection = sources.collection)
        WHERE document IS NULL AND EXISTS (
            SELECT 1 FROM documents d WHERE d.source = path AND d.collection = sources.collection
            AND d.number NOT IN (SELECT document FROM sources WHERE document IS NOT NULL))"""
    )


def _sound_vectors(old: sqlite3.Connection, new: sqlite3.Connection) -> Iterator[Row]:
    dimensions = dict(new.execute("SELECT number, dimensions FROM encoders"))
    alive = "SELECT 1 FROM passages WHERE number = ?"
    for row in _readable(old, new, "vectors"):
        blob = row["vector"]
        if not isinstance(blob, bytes) or len(blob) != 4 * dimensions.get(row["encoder"], -1):
            continue
        length = float(np.linalg.norm(np.frombuffer(blob, "<f4").astype(np.float64)))
        if abs(length - 1) <= _LENGTH_SLACK and new.execute(alive, (row["passage"],)).fetchone():
            yield row


def _readable(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> Iterator[Row]:
    """The rows of a table that can be read: from the front up to damage, then on behind it."""
    try:
        columns = _columns(old, new, table)
        key = _key(old, table)
    except sqlite3.DatabaseError:
        return
    if not columns:
        return
    if key is None:
        yield from _from_both_ends(old, table, columns)
    else:
        yield from _by_number(old, table, columns, key)


def _by_number(old: sqlite3.Connection, table: str, columns: Sequence[str], key: str) -> Iterator[Row]:
    query = f"SELECT {', '.join(columns)} FROM {table} WHERE {key} >= ? ORDER BY {key}"  # noqa: S608
    last, steps = 0, 0
    while steps < len(_STEPS):
        try:
            for row in old.execute(query, (last,)):
                found = dict(zip(columns, row, strict=True))
                last, steps = int(found[key]) + 1, 0
                yield found
            return
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            last += _STEPS[steps]
            steps += 1


def _from_both_ends(old: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[Row]:
    """For tables that are ordered by words: numbers cannot lead past the damage."""
    seen: set[tuple[object, ...]] = set()
    keys = [row[1] for row in old.execute(f"PRAGMA table_info({table})") if row[5]]
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{key} {direction}" for key in keys)
        with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
            for row in old.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"):  # noqa: S608
                if row in seen:
                    break
                seen.add(row)
                yield dict(zip(columns, row, strict=True))
            else:
                return


def _columns(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> list[str]:
    """The columns that both have, quoted where need be."""
    ours = [row[1] for row in new.execute(f"PRAGMA table_info({table})")]
    theirs = {row[1] for row in old.execute(f"PRAGMA table_info({table})")}
    return [f'"{name}"' if name == "end" else name for name in ours if name in theirs]


def _key(old: sqlite3.Connection, table: str) -> str | None:
    """The column of whole numbers that rows are found by; `None` for tables without."""
    keys = [row for row in old.execute(f"PRAGMA table_info({table})") if row[5]]
    return keys[0][1] if len(keys) == 1 and keys[0][2] == "INTEGER" else None


def _put(new: sqlite3.Connection, table: str, rows: Iterable[Row]) -> int:
    count = 0
    for row in rows:
        marks = ", ".join("?" * len(row))
        try:
            new.execute(
                f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})",  # noqa: S608
                tuple(row.values()),
            )
        except sqlite3.IntegrityError:
            continue  # a garbled row that contradicts a sound one, or belongs to nothing
        count += 1
    return count
