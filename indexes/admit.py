"""Which passages a search may find: the filters of a question, worked out before anything is ranked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexes.clean import clean_line
from indexes.errors import FilterRefused
from indexes.query import TYPES, Filters, folded

__all__ = ["EVERYWHERE", "Admission", "admit", "fits", "require_collections"]


@dataclass(frozen=True, slots=True)
class Admission:
    """Where a search may look."""

    collections: tuple[str, ...] = ()
    """By collection; empty means everywhere."""
    numbers: NDArray[np.int64] | None = None
    """By passage number, ascending; `None` means all of the collections but their lists of references."""
    notes: tuple[str, ...] = ()
    """What the filters left out, in words."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be found at all."""
        return self.numbers is not None and len(self.numbers) == 0


EVERYWHERE = Admission()
_NO_REFERENCES = "p.part != 'references'"
_NONE: NDArray[np.int64] = np.empty(0, np.int64)


def admit(
    connection: sqlite3.Connection,
    filters: Filters,
    collections: Sequence[str] = (),
    *,
    without: Sequence[str] = (),
) -> Admission:
    """Returns what the filters let through.

    A quoted phrase that stands nowhere among it filters nothing, and a note says so: a question that quotes
    a term in its own words is better answered from its words than not at all.

    Args:
        connection: To the catalogue.
        filters: Of the question.
        collections: Where the caller looks anyway; empty means everywhere.
        without: Ids of documents that are not to be found.

    Raises:
        FilterRefused: `in:` names a collection that the library does not have.
    """
    if not filters:
        return Admission(collections=tuple(collections))
    require_collections(connection, filters.collections)
    if filters == Filters(collections=filters.collections):
        within = tuple(name for name in filters.collections if not collections or name in collections)
        return Admission(collections=within, numbers=None if within else _NONE)
    papers, notes = _papers(connection, filters, collections)
    numbers = None
    if papers is not None or filters.parts or without or collections:
        numbers = _passages(connection, filters, collections, papers=papers, without=without)
    for phrase in filters.phrases:
        holding = _holding(connection, phrase, numbers)
        if len(holding):
            numbers = holding
        else:
            words = clean_line(" ".join(phrase), 80)
            note = f"No passage holds the words “{words}” as they stand; they were looked for singly."
            notes = (*notes, note)
    within = tuple(collections) if numbers is None else ()
    return Admission(collections=within, numbers=numbers, notes=notes)


def require_collections(connection: sqlite3.Connection, wanted: Sequence[str]) -> None:
    """Says so when one of the collections is not there.

    Raises:
        FilterRefused: The library does not have one of them.
    """
    if not wanted:
        return
    there = [row[0] for row in connection.execute("SELECT DISTINCT collection FROM documents ORDER BY 1")]
    for name in wanted:
        if name not in there:
            names = ", ".join(clean_line(each, 60) for each in there)
            raise FilterRefused(
                f"There is no collection {name!r}.",
                hint=f"The library has: {names}." if there else "The library is empty.",
            )


def _papers(
    connection: sqlite3.Connection, filters: Filters, collections: Sequence[str]
) -> tuple[list[int] | None, tuple[str, ...]]:
    """The numbers of the papers that fit, `None` for all, and a sentence about how many do not."""
    if not filters.of_papers:
        return None, ()
    papers = connection.execute("SELECT number, authors, year, media_type, collection FROM documents")
    within = [paper for paper in papers if not collections or paper[4] in collections]
    chosen = [paper[0] for paper in within if fits(filters, *paper[1:])]
    written = clean_line(" ".join(filters.of_papers), 200)
    left = f"{len(chosen):,} of {len(within):,} papers"
    note = f"Only {left} fit “{written}”." if chosen else f"No paper fits “{written}” ({left})."
    return chosen, (note,) if len(chosen) < len(within) or not chosen else ()


def fits(filters: Filters, authors: str, year: int | None, media_type: str, collection: str) -> bool:
    """Whether a paper is one that the filters let through, as far as they choose among papers.

    Args:
        filters: Of a question.
        authors: The paper's, as a JSON array of strings.
        year: The paper's, if it is known.
        media_type: The paper's.
        collection: The paper's.
    """
    return (
        (not filters.collections or collection in filters.collections)
        and (not filters.types or media_type in {TYPES[name] for name in filters.types})
        and (not filters.years or any(years.holds(year) for years in filters.years))
        and (not filters.authors or _written_by(filters.authors, json.loads(authors)))
    )


def _written_by(wanted: Sequence[str], authors: Sequence[str]) -> bool:
    """Whether each name that is wanted is an author's: all its words are words of one author's name."""
    names = [set(folded(author)) for author in authors]
    return all(any(set(folded(name)) <= of_author for of_author in names) for name in wanted)


def _passages(
    connection: sqlite3.Connection,
    filters: Filters,
    collections: Sequence[str],
    *,
    papers: Sequence[int] | None,
    without: Sequence[str],
) -> NDArray[np.int64]:
    """The passages of the papers and of the parts that are wanted."""
    conditions, arguments = ["TRUE"], []
    if papers is not None:
        conditions.append("p.document IN (SELECT value FROM json_each(?))")
        arguments.append(json.dumps(papers))
    elif collections:
        conditions.append("d.collection IN (SELECT value FROM json_each(?))")
        arguments.append(json.dumps(collections))
    if filters.parts:
        conditions.append("p.part IN (SELECT value FROM json_each(?))")
        arguments.append(json.dumps(filters.parts))
    else:
        conditions.append(_NO_REFERENCES)
    if without:
        conditions.append("d.id NOT IN (SELECT value FROM json_each(?))")
        arguments.append(json.dumps(without))
    rows = connection.execute(
        f"""SELECT p.number FROM passages p JOIN documents d ON d.number = p.document
        WHERE {" AND ".join(conditions)} ORDER BY p.number""",  # noqa: S608
        arguments,
    )
    return np.fromiter((row[0] for row in rows), dtype=np.int64)


def _holding(
    connection: sqlite3.Connection, phrase: Sequence[str], numbers: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Those of the passages in which the phrase's words follow one another as they are.

    The keyword index knows stems: what it finds is read again.
    """
    expression = '"' + " ".join(phrase) + '"'
    wanted = f" {' '.join(folded(' '.join(phrase)))} "
    admitted = None if numbers is None else set(numbers.tolist())
    rows = connection.execute(
        f"""SELECT p.number, p.text FROM passages_fts JOIN passages p ON p.number = passages_fts.rowid
        WHERE passages_fts MATCH ? {"AND " + _NO_REFERENCES if numbers is None else ""}
        ORDER BY p.number""",  # noqa: S608
        (expression,),
    )
    found = (
        number
        for number, text in rows
        if (admitted is None or number in admitted) and wanted in f" {' '.join(folded(text))} "
    )
    return np.fromiter(found, dtype=np.int64)
