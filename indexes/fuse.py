"""Reciprocal rank fusion: any number of ranked lists made one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import fsum

from indexes.types import Hit

__all__ = ["fuse"]

_DAMPING = 60
"""The paper's k: how little the very first ranks may outweigh the next ones."""


def fuse(
    rankings: Iterable[Sequence[Hit]], *, limit: int | None = None, damping: int = _DAMPING
) -> tuple[Hit, ...]:
    """Returns every passage of the rankings once, best first, as a hit of the retriever `fused`.

    A passage's score is the sum of `1 / (damping + rank)` over the lists it is in: Cormack, Clarke and
    Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods",
    SIGIR 2009. Equal scores are ordered by the better single rank, then by passage id. Within one list a
    passage counts once, at its better rank.

    Args:
        rankings: Each best first; ranks are taken from the hits.
        limit: Most hits to return; `None` for all.
        damping: The paper's k.
    """
    shares: defaultdict[str, list[float]] = defaultdict(list)
    best: dict[str, Hit] = {}
    for ranking in rankings:
        counted: set[str] = set()
        for hit in sorted(ranking, key=lambda hit: hit.rank):
            id = hit.passage.id
            if id in counted:
                continue
            counted.add(id)
            shares[id].append(1 / (damping + hit.rank))
            if id not in best or hit.rank < best[id].rank:
                best[id] = hit
    # An exact sum: added one by one, the same shares may differ in the last bit with the lists' order.
    scores = {id: fsum(each) for id, each in shares.items()}
    order = sorted(scores, key=lambda id: (-scores[id], best[id].rank, id))
    return tuple(
        best[id].model_copy(update={"score": scores[id], "rank": rank, "retriever": "fused"})
        for rank, id in enumerate(order[:limit], 1)
    )
