"""`like:` finds papers like a paper: by the mean of its passages' meanings and by its most telling words."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from indexes.catalogue import Catalogue
from indexes.database import Database
from indexes.errors import DocumentMissing, FilterRefused, NameAmbiguous
from indexes.holdings import paper_named
from indexes.protocols import Encoder
from indexes.query import words
from indexes.vectors import PassageVectors
from indexes.words import STOP_WORDS

__all__ = ["mean_vector", "models_named", "passages_of", "telling_words"]

_MOST_WORDS = 25
_WEIGHED = 120
"""Most frequent words of a paper that are looked up in the index."""
_SHORTEST = 3
_OPENING = 8
"""Passages that stand for a paper none of whose passages has a vector yet."""


async def models_named(database: Database, names: Sequence[str]) -> tuple[str, ...]:
    """Returns the ids of the papers that `like:` names, by id, file or title.

    Raises:
        FilterRefused: A name means no paper, or several.
    """
    catalogue = Catalogue(database)
    try:
        return tuple([(await paper_named(catalogue, name)).id for name in names])
    except (DocumentMissing, NameAmbiguous) as error:
        raise FilterRefused(error.message, hint=error.hint) from error


def telling_words(connection: sqlite3.Connection, document_ids: Sequence[str]) -> list[str]:
    """Returns the words that tell these papers from the rest of the library, the most telling first.

    A word counts by the passages of the papers it stands in and by how few others it stands in (Salton and
    Buckley, "Term-weighting approaches in automatic text retrieval", 1988: tf-idf). One that stands nowhere
    else finds nothing and is left out, and so are references, whose words are other papers' titles.
    """
    own = Counter[str]()
    for (text,) in _texts(connection, document_ids):
        own.update({word for word in words(text) if _may_tell(word)})
    held = connection.execute("SELECT count(*) FROM passages").fetchone()[0]
    weights: dict[str, float] = {}
    for word, count in own.most_common(_WEIGHED):
        found = connection.execute(
            "SELECT count(*) FROM passages_fts WHERE passages_fts MATCH ?", (f'"{word}"',)
        ).fetchone()[0]
        if found > count:
            weights[word] = (1 + math.log(count)) * math.log(1 + held / found)
    return sorted(weights, key=lambda word: (-weights[word], word))[:_MOST_WORDS]


def mean_vector(
    vectors: PassageVectors, encoder: Encoder, passages: NDArray[np.int64], opening: Sequence[str]
) -> NDArray[np.float32]:
    """Returns the mean direction of the passages' vectors, of unit length; blocking.

    Args:
        vectors: Where they are kept.
        encoder: What made them.
        passages: Their numbers; those without a vector do not count.
        opening: Texts that are embedded if none has one.

    Raises:
        EncoderError: They cannot be embedded.
    """
    matrix = vectors.vectors_of(encoder.fingerprint, passages).matrix
    if not len(matrix):
        matrix = encoder.encode(opening)
    mean = matrix.mean(axis=0)
    return np.asarray(mean / (np.linalg.norm(mean) or 1.0), np.float32)


def passages_of(
    connection: sqlite3.Connection, document_ids: Sequence[str]
) -> tuple[NDArray[np.int64], list[str]]:
    """Returns the numbers of the papers' passages, references left out, and the texts of the first few."""
    numbers = [row[0] for row in _rows(connection, "p.number", document_ids)]
    opening = [row[0] for row, _ in zip(_texts(connection, document_ids), range(_OPENING), strict=False)]
    return np.array(numbers, dtype=np.int64), opening


def _texts(connection: sqlite3.Connection, document_ids: Sequence[str]) -> Iterable[tuple[str]]:
    return _rows(connection, "p.text", document_ids)


def _rows(connection: sqlite3.Connection, column: str, document_ids: Sequence[str]) -> sqlite3.Cursor:
    marks = ", ".join("?" * len(document_ids))
    return connection.execute(
        f"""SELECT {column} FROM passages p JOIN documents d ON d.number = p.document
        WHERE d.id IN ({marks}) AND p.part != 'references' ORDER BY p.number""",  # noqa: S608
        tuple(document_ids),
    )


def _may_tell(word: str) -> bool:
    return len(word) >= _SHORTEST and not word.isdigit() and word not in STOP_WORDS
