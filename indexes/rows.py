"""Rows of the catalogue as documents, passages and hits."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from indexes.types import Details, Document, Hit, Passage, Reference, Section

__all__ = ["DOCUMENT", "PASSAGE", "details_of", "document_of", "passage_of", "ranked_hits"]

DOCUMENT = """d.id, d.source, d.title, d.authors, d.year, d.doi, d.arxiv_id, d.venue, d.retraction,
d.media_type, d.collection, d.page_count, d.characters"""
"""Columns of `documents d` that `document_of` takes."""
PASSAGE = 'p.ordinal, p.text, p.start, p."end", p.page, p.section, p.part'
"""Columns of `passages p` that `passage_of` takes."""

_PASSAGE_COLUMNS = 7


def ranked_hits(
    connection: sqlite3.Connection, scored: Iterable[tuple[int, float]], *, retriever: str
) -> tuple[Hit, ...]:
    """Returns hits for passage numbers and scores, best first; numbers that are gone are left out.

    Equal scores are ordered by passage, not by number: numbers follow the order in which files happened to be
    read, and the same papers shall give the same answer everywhere.
    """
    score_of = dict(scored)
    rows = connection.execute(
        f"""SELECT p.number, {PASSAGE}, {DOCUMENT} FROM passages p
        JOIN documents d ON d.number = p.document
        WHERE p.number IN (SELECT value FROM json_each(?))""",  # noqa: S608
        (json.dumps(list(score_of)),),
    )
    documents: dict[str, Document] = {}
    found: list[tuple[float, str, int, Passage]] = []
    for number, *row in rows:
        of_passage, of_document = row[:_PASSAGE_COLUMNS], row[_PASSAGE_COLUMNS:]
        id = of_document[0]
        if id not in documents:
            documents[id] = document_of(of_document)
        found.append((-score_of[number], id, of_passage[0], passage_of(id, of_passage)))
    return tuple(
        Hit(passage=passage, document=documents[id], score=-loss, rank=rank, retriever=retriever)
        for rank, (loss, id, _, passage) in enumerate(sorted(found, key=lambda each: each[:3]), 1)
    )


def document_of(row: Sequence[object]) -> Document:
    """Returns the document in a row of `DOCUMENT`'s columns."""
    names = DOCUMENT.replace("d.", "").replace("\n", " ").split(", ")
    fields = dict(zip(names, row, strict=True))
    return Document.model_validate(fields | {"authors": tuple(json.loads(str(fields["authors"])))})


def passage_of(document_id: str, row: Sequence[object]) -> Passage:
    """Returns the passage in a row of `PASSAGE`'s columns."""
    ordinal, text, start, end, page, section, part = row
    return Passage.model_validate(
        {
            "id": f"{document_id}:{ordinal}",
            "document_id": document_id,
            "text": text,
            "start": start,
            "end": end,
            "page": page,
            "section": section,
            "part": part,
        }
    )


def details_of(connection: sqlite3.Connection, number: int) -> Details:
    """Returns what the tables hold of a document beside what `document_of` returns."""
    abstract, sections, origins, notes = connection.execute(
        "SELECT abstract, sections, origins, notes FROM documents WHERE number = ?", (number,)
    ).fetchone()
    cited = connection.execute(
        """SELECT text, title, authors, year, doi, arxiv_id, venue FROM cited
        WHERE document = ? ORDER BY ordinal""",
        (number,),
    )
    return Details(
        abstract=abstract,
        sections=tuple(Section(title=title, start=start) for title, start in json.loads(sections)),
        references=tuple(
            Reference(
                text=text,
                title=title,
                authors=tuple(json.loads(authors)),
                year=year,
                doi=doi,
                arxiv_id=arxiv_id,
                venue=venue,
            )
            for text, title, authors, year, doi, arxiv_id, venue in cited
        ),
        origins=json.loads(origins),
        notes=tuple(json.loads(notes)),
    )
