"""All that a catalogue holds, independent of the order in which it came: two libraries are compared by it."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

__all__ = ["contents", "whole"]

_DOCUMENT = """id, source, title, authors, year, doi, media_type, collection, page_count, characters, notes,
arxiv_id, venue, abstract, sections, origins, retraction"""
_TABLES = {
    "documents": f"SELECT {_DOCUMENT} FROM documents",
    "sources": """SELECT s.path, s.collection, d.id, s.content_hash, s.size, s.fate, s.reason, s.attempts
        FROM sources s LEFT JOIN documents d ON d.number = s.document""",
    "pages": "SELECT d.id, p.page, p.start, p.text FROM pages p JOIN documents d ON d.number = p.document",
    "passages": """SELECT d.id, p.ordinal, p.page, p.start, p."end", p.section, p.text, p.part
        FROM passages p JOIN documents d ON d.number = p.document""",
    "cited": """SELECT d.id, c.ordinal, c.text, c.title, c.authors, c.year, c.doi
        FROM cited c JOIN documents d ON d.number = c.document""",
    "vectors": """SELECT d.id, p.ordinal, e.fingerprint, v.vector FROM vectors v
        JOIN passages p ON p.number = v.passage JOIN documents d ON d.number = p.document
        JOIN encoders e ON e.number = v.encoder""",
}


def contents(folder: Path) -> dict[str, tuple[int, str]]:
    """Of each table of the library in `folder`, how many rows it has and a hash of them all."""
    found = {}
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as catalogue:
        for table, query in _TABLES.items():
            rows = sorted(repr(row) for row in catalogue.execute(query))
            found[table] = len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def whole(folder: Path) -> list[str]:
    """What is wrong with the catalogue's file, its keyword index, or rows that point to nothing."""
    wrong = []
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as catalogue:
        for check in ("PRAGMA integrity_check", "PRAGMA foreign_key_check"):
            wrong += [str(row) for row in catalogue.execute(check).fetchall() if row != ("ok",)]
        try:
            catalogue.execute("INSERT INTO passages_fts (passages_fts, rank) VALUES ('integrity-check', 1)")
        except sqlite3.DatabaseError as error:
            wrong.append(str(error))
        catalogue.rollback()
    return wrong
