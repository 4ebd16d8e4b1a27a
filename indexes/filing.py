"""What one file brings into the catalogue, and the statements that write it down."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from indexes import ledger
from indexes.chaos import point
from indexes.ledger import Content
from indexes.types import DESCRIBED, PAGE_BREAK, Details, Document, Fate, MetadataSource, Model, Passage

__all__ = ["COMPACTION_DUE", "RENAMED", "Filing", "attach", "describe", "drop_if_unused", "enter"]

RENAMED = "r"
"""Begins the id of a document that came from a collection of another name: it sorts behind all others, and
what its bytes would be called here cannot be known without reading them."""

COMPACTION_DUE = "compaction due"
"""Key in the table `meta`: deleted text is still to be overwritten."""


class Filing(Model):
    """All that one file brings into the catalogue."""

    path: str
    content: Content
    document: Document
    pages: tuple[str, ...]
    passages: tuple[Passage, ...]
    details: Details = Details()


def enter(connection: sqlite3.Connection, filing: Filing) -> None:
    """Writes a document down, unless it is there already, and settles its file."""
    fate = attach(connection, filing.path, filing.document.collection, filing.content)
    if fate is None:
        number = _insert(connection, filing)
        point("file.during")
        _stand_for(connection, filing.path, filing.document.collection, filing.content, number, Fate.INDEXED)


def attach(connection: sqlite3.Connection, path: str, collection: str, content: Content) -> Fate | None:
    """Lets a file stand for the document that has its content; returns its fate, `None` if there is none."""
    row = connection.execute("SELECT number FROM documents WHERE id = ?", (content.document_id,)).fetchone()
    row = row or _renamed(connection, collection, content)
    if row is None:
        return None
    waiting = connection.execute(
        """SELECT 1 FROM passages p WHERE p.document = ? AND NOT EXISTS (
            SELECT 1 FROM vectors v WHERE v.passage = p.number)""",
        (row[0],),
    ).fetchone()
    fate = Fate.EMBEDDED if waiting is None else Fate.INDEXED
    _stand_for(connection, path, collection, content, row[0], fate)
    return fate


def _renamed(connection: sqlite3.Connection, collection: str, content: Content) -> tuple[int] | None:
    """The document of that content whose id is from before its collection was renamed."""
    row: tuple[int] | None = connection.execute(
        """SELECT d.number FROM documents d JOIN sources s ON s.document = d.number
        WHERE d.id >= ? AND d.collection = ? AND s.content_hash = ? AND s.fate IN (?, ?)""",
        (RENAMED, collection, content.hash, Fate.INDEXED, Fate.EMBEDDED),
    ).fetchone()
    return row


def describe(
    connection: sqlite3.Connection,
    number: int,
    said: Mapping[str, Any],
    source: MetadataSource,
    *,
    retraction: str | None = None,
) -> bool:
    """Writes down what `source` says of a document, by fields of `DESCRIBED`; returns whether it is news."""
    names = [name for name in DESCRIBED if name in said]
    values = [json.dumps(said[name]) if name == "authors" else said[name] for name in names]
    described = dict.fromkeys(names, source)
    if retraction is not None:
        names.append("retraction")
        values.append(retraction)
    before = connection.execute(
        f"SELECT {', '.join(['origins', *names])} FROM documents WHERE number = ?",  # noqa: S608
        (number,),
    ).fetchone()
    origins = json.loads(before[0]) | described
    if list(before[1:]) == values and origins == json.loads(before[0]):
        return False
    assignments = ", ".join(f"{name} = ?" for name in ["origins", *names])
    connection.execute(
        f"UPDATE documents SET {assignments} WHERE number = ?",  # noqa: S608
        (json.dumps(origins), *values, number),
    )
    return True


def _stand_for(
    connection: sqlite3.Connection, path: str, collection: str, content: Content, number: int, fate: Fate
) -> None:
    before = connection.execute(
        "SELECT document FROM sources WHERE path = ? AND collection = ?", (path, collection)
    ).fetchone()
    ledger.settle(connection, path, collection, fate, content=content, document=number)
    if before is not None and before[0] not in (None, number):
        drop_if_unused(connection, before[0])


def _insert(connection: sqlite3.Connection, filing: Filing) -> int:
    document, details = filing.document, filing.details
    columns = {
        "id": document.id,
        "source": document.source,
        "title": document.title,
        "authors": json.dumps(document.authors),
        "year": document.year,
        "doi": document.doi,
        "arxiv_id": document.arxiv_id,
        "venue": document.venue,
        "abstract": details.abstract,
        "sections": json.dumps([(section.title, section.start) for section in details.sections]),
        "origins": json.dumps(details.origins),
        "media_type": document.media_type,
        "collection": document.collection,
        "page_count": document.page_count,
        "characters": document.characters,
        "notes": json.dumps(details.notes),
    }
    cursor = connection.execute(
        f"INSERT INTO documents ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",  # noqa: S608
        tuple(columns.values()),
    )
    number = cursor.lastrowid
    assert number is not None
    connection.executemany("INSERT INTO pages VALUES (?, ?, ?, ?)", _page_rows(number, filing.pages))
    connection.executemany(
        """INSERT INTO passages (document, ordinal, page, start, "end", section, text, part)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        [
            (number, ordinal, each.page, each.start, each.end, each.section, each.text, each.part)
            for ordinal, each in enumerate(filing.passages)
        ],
    )
    connection.executemany(
        "INSERT INTO cited VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                number,
                ordinal,
                work.text,
                work.title,
                json.dumps(work.authors),
                work.year,
                work.doi,
                work.arxiv_id,
                work.venue,
            )
            for ordinal, work in enumerate(details.references)
        ],
    )
    return number


def _page_rows(number: int, pages: Sequence[str]) -> Iterator[tuple[int, int, int, str]]:
    start = 0
    for page, text in enumerate(pages, 1):
        yield number, page, start, text
        start += len(text) + len(PAGE_BREAK)


def drop_if_unused(connection: sqlite3.Connection, number: int) -> None:
    """Deletes a document no file stands for; otherwise makes sure that it names a file that does."""
    paths = [
        row[0]
        for row in connection.execute("SELECT path FROM sources WHERE document = ? ORDER BY path", (number,))
    ]
    if paths:
        marks = ", ".join("?" * len(paths))
        connection.execute(
            f"UPDATE documents SET source = ? WHERE number = ? AND source NOT IN ({marks})",  # noqa: S608
            (paths[0], number, *paths),
        )
        return
    connection.execute("DELETE FROM documents WHERE number = ?", (number,))
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, '')", (COMPACTION_DUE,))
