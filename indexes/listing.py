"""Papers page by page, as a screen shows them: those that fit a filter, in an order, each with its fate."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from indexes.admit import fits, require_collections
from indexes.database import Database
from indexes.errors import FilterRefused
from indexes.listed import Listed, PaperOrder, PaperPage
from indexes.query import Filters, folded, parse_query
from indexes.rows import DOCUMENT, document_of
from indexes.types import Fate

__all__ = ["page_of_papers"]


async def page_of_papers(
    database: Database, text: str, *, order: PaperOrder, descending: bool, offset: int, limit: int
) -> PaperPage:
    """Returns at most `limit` papers from the `offset`-th on, of those that fit `text`.

    Args:
        database: The catalogue's.
        text: Filters as a question has them (`author:`, `year:`, `in:`, `type:`), and words or a quoted
            phrase of the title or of an author's name; empty for all papers.
        order: By what.
        descending: The last first. Papers without a year or an author come after those with one, either way.
        offset: How many come before.
        limit: Most papers.

    Raises:
        FilterRefused: A filter cannot be one, or chooses among passages and not among papers.
    """
    wanted = _wanted(text)

    def work(connection: sqlite3.Connection) -> PaperPage:
        require_collections(connection, wanted.filters.collections)
        rows = connection.execute(
            "SELECT number, title, authors, year, media_type, collection FROM documents ORDER BY id"
        )
        listed = map(_Row._make, rows)
        chosen = list(listed) if wanted.admits_all else [row for row in listed if wanted.admits(row)]
        shown = _ordered(chosen, order, descending=descending)[offset : offset + limit]
        papers = tuple(_listed(connection, row.number) for row in shown)
        return PaperPage(total=len(chosen), offset=offset, papers=papers)

    return await database.read(work)


class _Row(NamedTuple):
    """What papers are chosen and ordered by."""

    number: int
    title: str
    authors: str
    """A JSON array of strings."""
    year: int | None
    media_type: str
    collection: str

    @property
    def family_name(self) -> str:
        authors = json.loads(self.authors)
        return "" if not authors else " ".join(folded(authors[0])[-1:])


class _Wanted(NamedTuple):
    filters: Filters
    words: tuple[str, ...]
    """Each begins a word of the title or of a name: a list is narrowed while they are being typed."""

    @property
    def admits_all(self) -> bool:
        """Whether nothing was asked for, so that no paper need be looked at."""
        return not self.filters and not self.words

    def admits(self, row: _Row) -> bool:
        if not fits(self.filters, row.authors, row.year, row.media_type, row.collection):
            return False
        if not self.words and not self.filters.phrases:
            return True
        said = f" {' '.join(folded(row.title))} {' '.join(folded(' '.join(json.loads(row.authors))))} "
        return all(f" {word}" in said for word in self.words) and all(
            f" {' '.join(folded(' '.join(phrase)))} " in said for phrase in self.filters.phrases
        )


def _wanted(text: str) -> _Wanted:
    parsed = parse_query(text)
    for name, given in (("part", parsed.filters.parts), ("like", parsed.filters.like)):
        if given:
            raise FilterRefused(
                f"'{name}:' chooses among passages; this is a list of papers.",
                hint="It works in a question. Here there are author:, year:, in: and type:.",
            )
    return _Wanted(parsed.filters, folded(parsed.text))


_KEYS: dict[PaperOrder, Callable[[_Row], str | int | None]] = {
    "title": lambda row: row.title.casefold(),
    "author": lambda row: row.family_name or None,
    "year": lambda row: row.year,
    "added": lambda row: row.number,
}


def _ordered(rows: Sequence[_Row], order: PaperOrder, *, descending: bool) -> list[_Row]:
    key = _KEYS[order]
    if order in ("author", "year"):
        rows = sorted(rows, key=lambda row: row.title.casefold())
    if order in ("title", "added"):  # of which every paper has one
        return sorted(rows, key=cast("Callable[[_Row], str]", key), reverse=descending)
    known = [row for row in rows if key(row) is not None]
    unknown = [row for row in rows if key(row) is None]
    # Whichever the order is, its keys are of one type.
    known.sort(key=cast("Callable[[_Row], str]", key), reverse=descending)
    return known + unknown


def _listed(connection: sqlite3.Connection, number: int) -> Listed:
    document = connection.execute(
        f"SELECT {DOCUMENT} FROM documents d WHERE d.number = ?",  # noqa: S608 - ours
        (number,),
    ).fetchone()
    passages, embedded = connection.execute(
        """SELECT count(*), count(*) FILTER (
            WHERE EXISTS (SELECT 1 FROM vectors v WHERE v.passage = p.number))
        FROM passages p WHERE p.document = ?""",
        (number,),
    ).fetchone()
    trouble = connection.execute(
        "SELECT reason FROM sources WHERE document = ? AND fate IN (?, ?) LIMIT 1",
        (number, Fate.FAILED, Fate.FAILED_FOR_NOW),
    ).fetchone()
    return Listed(
        document=document_of(document),
        passages=passages,
        embedded=embedded,
        trouble="" if trouble is None else trouble[0],
    )
