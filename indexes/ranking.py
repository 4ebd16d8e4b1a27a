"""A measuring retriever's answer: hits of the best passages, and the scores of many more behind them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from indexes.admit import Admission
from indexes.rows import ranked_hits
from indexes.types import Hits

__all__ = ["DEPTH", "listed", "measured"]

DEPTH = 200
"""How many of a retriever's scores are looked at to tell what is much and what is little among them."""


def measured(
    connection: sqlite3.Connection, scored: Sequence[tuple[int, float]], *, limit: int, retriever: str
) -> Hits:
    """Returns the best `limit` passages as hits, and the scores of the best `DEPTH`, or of all those hits.

    A hit costs a look-up and a validated model, a score next to nothing: fusing needs few of the one and many
    of the other.

    Args:
        connection: To the catalogue.
        scored: Passage numbers and scores, in any order; numbers that are gone are left out.
        limit: Most hits.
        retriever: Stands in each hit.
    """
    named = {
        number: (document, ordinal)
        for number, document, ordinal in connection.execute(
            """SELECT p.number, d.id, p.ordinal FROM passages p JOIN documents d ON d.number = p.document
            WHERE p.number IN (SELECT value FROM json_each(?))""",
            (json.dumps([number for number, _ in scored]),),
        )
    }
    # By passage among equals, as in `ranked_hits`: numbers follow the order in which files were read.
    order = sorted((-score, *named[number], number) for number, score in scored if number in named)
    best = [(number, -loss) for loss, _, _, number in order[:limit]]
    return Hits(
        hits=ranked_hits(connection, best, retriever=retriever),
        scores=tuple(
            (f"{document}:{ordinal}", -loss) for loss, document, ordinal, _ in order[: max(limit, DEPTH)]
        ),
    )


def listed(connection: sqlite3.Connection, admission: Admission, *, limit: int, retriever: str) -> Hits:
    """Returns the admitted papers, the newest first, each as a hit on its first passage.

    The scores say nothing but the order, so there are none to fuse.
    """
    if admission.numbers is None:
        where = f"d.collection IN ({', '.join('?' * len(admission.collections))})"
        arguments: tuple[object, ...] = admission.collections
    else:
        where = "p.number IN (SELECT value FROM json_each(?))"
        arguments = (json.dumps(admission.numbers.tolist()),)
    rows = connection.execute(
        f"""SELECT min(p.number) FROM passages p JOIN documents d ON d.number = p.document WHERE {where}
        GROUP BY d.number ORDER BY d.year DESC NULLS LAST, d.title, d.id LIMIT ?""",  # noqa: S608
        (*arguments, limit),
    )
    first = [(number, 1.0 / place) for place, (number,) in enumerate(rows, 1)]
    return Hits(hits=ranked_hits(connection, first, retriever=retriever))
