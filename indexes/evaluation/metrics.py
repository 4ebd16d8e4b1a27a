"""What a ranking is worth (nDCG, recall, reciprocal rank), and how sure a mean over questions is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from indexes.types import Model

__all__ = ["Interval", "Values", "interval", "ndcg", "recall", "reciprocal_rank", "wilson"]

Values = NDArray[np.float64]
"""One number per question, in the order of the questions."""

_RESAMPLES = 10_000
_DRAWN_AT_ONCE = 1_000_000
"""Numbers drawn before they are summed up: 10,000 resamples of 10,000 questions would not fit in memory."""


class Interval(Model):
    """A statistic over questions with its 95 % interval."""

    value: float
    low: float
    high: float


def ndcg(ranked: Sequence[str], gains: Mapping[str, int], *, depth: int = 10) -> float:
    """Returns the normalised discounted cumulative gain (Järvelin and Kekäläinen 2002), with linear gains.

    Args:
        ranked: Ids, best first, each once.
        gains: Id to gain; at least one is above 0. An id without an entry has gain 0.
        depth: How many of `ranked` are looked at.
    """
    ideal = _discounted(sorted(gains.values(), reverse=True)[:depth])
    return _discounted([gains.get(id, 0) for id in ranked[:depth]]) / ideal


def recall(ranked: Sequence[str], gains: Mapping[str, int], *, depth: int = 100) -> float:
    """Returns the share of the relevant ids that stand among the first `depth`."""
    relevant = {id for id, gain in gains.items() if gain > 0}
    return len(relevant.intersection(ranked[:depth])) / len(relevant)


def reciprocal_rank(ranked: Sequence[str], gains: Mapping[str, int], *, depth: int = 100) -> float:
    """Returns 1 divided by the rank, from 1, of the first relevant id; 0 if it is not in `depth`."""
    for rank, id in enumerate(ranked[:depth], 1):
        if gains.get(id, 0) > 0:
            return 1 / rank
    return 0.0


def interval(
    values: Values, statistic: Callable[..., Values] = np.mean, *, resamples: int = _RESAMPLES
) -> Interval:
    """Returns a statistic of the values and its interval by the percentile bootstrap (Efron 1979).

    The same values give the same interval: the resamples are drawn with a fixed seed.

    Args:
        values: One per question, at least one. For a paired comparison: the differences.
        statistic: Called as `statistic(values)` and, for many resamples in rows, with `axis=1`.
        resamples: How often as many questions are drawn, each as often as chance has it.
    """
    chance = np.random.default_rng(0)
    rows = max(1, _DRAWN_AT_ONCE // len(values))
    found: list[Values] = []
    for start in range(0, resamples, rows):
        drawn = chance.integers(0, len(values), (min(rows, resamples - start), len(values)))
        found.append(statistic(values[drawn], axis=1))
    low, high = np.quantile(np.concatenate(found), (0.025, 0.975))
    return Interval(value=float(statistic(values)), low=float(low), high=float(high))


def wilson(successes: int, trials: int) -> Interval:
    """Returns a share and its interval by Wilson's score method (1927), which also holds near 0 and 1.

    Args:
        successes: Of `trials`.
        trials: At least one.
    """
    z, rate = 1.959964, successes / trials
    middle = (rate + z * z / (2 * trials)) / (1 + z * z / trials)
    spread = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return Interval(value=rate, low=max(0.0, middle - spread), high=min(1.0, middle + spread))


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))
