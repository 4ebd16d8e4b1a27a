"""Fusion: what any number of retrievers found made one list, by their scores or else by their ranks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import fsum, sqrt
from statistics import median

from indexes.ranking import DEPTH
from indexes.types import Hit, Hits

__all__ = ["fuse"]

_DAMPING = 60
"""The paper's k: how little the very first ranks may outweigh the next ones."""

_AS_DEVIATION = 1.4826
"""Makes the median absolute deviation of normally distributed values their standard deviation."""

_LEAST_SPREAD = 0.5
"""As a share of the standard deviation. Where most scores are all but equal, their median deviation is next
to nothing, and that one list would decide alone."""


def fuse(answers: Iterable[Hits], *, limit: int | None = None) -> tuple[Hit, ...]:
    """Returns every passage that is a hit of an answer once, best first, as a hit of the retriever `fused`.

    Answers with scores are standardised, each over its own best `DEPTH`, and added: how far a passage stands
    out from the middle of a list, in spreads of that list. A passage that is missing there counts as its
    lowest; in a list of fewer it counts as 0, for it has nothing in common with the question. The middle is
    the median and the spread the median absolute deviation, because the few passages that do answer the
    question are outliers and should not widen the scale that they are measured with.

    Answers without scores, and what was fused from those with scores, are joined by reciprocal ranks: the sum
    of `1 / (60 + rank)` over the lists (Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms
    Condorcet and individual rank learning methods", SIGIR 2009).

    Equal sums are ordered by the better single rank, then by passage id.

    Args:
        answers: Of the retrievers, one each; ranks are taken from the hits.
        limit: Most hits to return; `None` for all.
    """
    found = [answer for answer in answers if answer.hits]
    best = _best(found)
    rankings = [_in_order(answer.hits) for answer in found if not answer.scores]
    if with_scores := [answer for answer in found if answer.scores]:
        sums = _standardised_sums(with_scores)
        rankings.append(_ordered(sums, best))
    if len(rankings) > 1 or not with_scores:
        sums = _reciprocal_ranks(rankings)
    return tuple(
        Hit(
            passage=best[id].passage,
            document=best[id].document,
            score=sums[id],
            rank=rank,
            retriever="fused",
        )
        for rank, id in enumerate(_ordered(sums, best)[:limit], 1)
    )


def _best(answers: Iterable[Hits]) -> dict[str, Hit]:
    """Each passage as the hit with its better rank."""
    best: dict[str, Hit] = {}
    for answer in answers:
        for hit in answer.hits:
            id = hit.passage.id
            if id not in best or hit.rank < best[id].rank:
                best[id] = hit
    return best


def _ordered(sums: Mapping[str, float], best: Mapping[str, Hit]) -> list[str]:
    return sorted(sums, key=lambda id: (-sums[id], best[id].rank, id))


def _in_order(hits: Iterable[Hit]) -> list[str]:
    """Passages by rank, each once, at its better one."""
    return list(dict.fromkeys(hit.passage.id for hit in sorted(hits, key=lambda hit: hit.rank)))


def _standardised_sums(answers: Sequence[Hits]) -> dict[str, float]:
    """How far each hit stands out, summed over all answers."""
    lists = [_standardised(answer.scores[:DEPTH]) for answer in answers]
    candidates = {hit.passage.id for answer in answers for hit in answer.hits}
    # Exact sums: added one by one, the same shares may differ in the last bit with the lists' order.
    return {id: fsum(scores.get(id, missing) for scores, missing in lists) for id in candidates}


def _standardised(scores: Sequence[tuple[str, float]]) -> tuple[dict[str, float], float]:
    """The scores on the list's own scale, and what a passage that is not in the list counts as."""
    values = [score for _, score in scores]
    if len(values) < DEPTH:
        values.append(0.0)
    middle = median(values)
    deviation = median(abs(value - middle) for value in values)
    spread = max(_AS_DEVIATION * deviation, _LEAST_SPREAD * _standard_deviation(values)) or 1.0
    return {id: (score - middle) / spread for id, score in scores}, (min(values) - middle) / spread


def _standard_deviation(values: Sequence[float]) -> float:
    # `statistics.pstdev` computes in fractions, which takes as long as all the rest of fusing.
    mean = fsum(values) / len(values)
    return sqrt(fsum((value - mean) ** 2 for value in values) / len(values))


def _reciprocal_ranks(rankings: Iterable[Sequence[str]]) -> dict[str, float]:
    shares: defaultdict[str, list[float]] = defaultdict(list)
    for ranking in rankings:
        for rank, id in enumerate(ranking, 1):
            shares[id].append(1 / (_DAMPING + rank))
    return {id: fsum(each) for id, each in shares.items()}
