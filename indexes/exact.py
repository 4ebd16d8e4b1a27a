"""Exact search by meaning over vectors held in memory: a matrix product, a mask and the best rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.protocols import Vectors

__all__ = ["Block", "ExactIndex", "best"]

Block = tuple[NDArray[np.int64], list[str], Vectors]
"""Passage numbers, their collections and their vectors, of one length."""


def best(scores: NDArray[np.floating[Any]], limit: int) -> NDArray[np.int64]:
    """Returns the rows of the `limit` highest scores, best first; of equal scores the earlier row first.

    `-inf` marks a row that is out of the question.
    """
    rows = np.flatnonzero(scores > -np.inf)
    if limit < 1 or len(rows) == 0:
        return np.empty(0, np.int64)
    if len(rows) > limit:
        # A partition alone may keep any of several equal scores at the edge, so it only gives the edge.
        edge = np.partition(scores[rows], len(rows) - limit)[len(rows) - limit]
        above = rows[scores[rows] > edge]
        rows = np.concatenate([above, rows[scores[rows] == edge][: limit - len(above)]])
    order = np.lexsort((rows, -scores[rows]))
    return rows[order].astype(np.int64)


class ExactIndex:
    """Passage numbers, their collections and their vectors, searched by looking at each; it never changes."""

    def __init__(self, dimensions: int) -> None:
        self._numbers: NDArray[np.int64] = np.empty(0, np.int64)
        self._matrix: Vectors = np.empty((0, dimensions), np.float32)
        self._codes: NDArray[np.int32] = np.empty(0, np.int32)
        self._code_of: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def extended(self, blocks: Sequence[Block]) -> ExactIndex:
        """Returns this index with more passages behind those it holds."""
        wider = ExactIndex(self._matrix.shape[1])
        wider._code_of = dict(self._code_of)
        codes = [_coded(wider._code_of, collections) for _, collections, _ in blocks]
        wider._codes = np.concatenate([self._codes, *codes])
        wider._numbers = np.concatenate([self._numbers, *(numbers for numbers, _, _ in blocks)])
        wider._matrix = np.concatenate([self._matrix, *(matrix for _, _, matrix in blocks)])
        return wider

    def search(
        self, vector: NDArray[np.float32], *, limit: int, collections: tuple[str, ...] = ()
    ) -> list[tuple[int, float]]:
        """Returns at most `limit` pairs of passage number and cosine, best first.

        Args:
            vector: Shape `(dimensions,)`, unit length.
            limit: Most pairs to return.
            collections: Where to look; empty means everywhere, an unknown name finds nothing.
        """
        scores = self._matrix @ vector
        if collections:
            wanted = [self._code_of[name] for name in collections if name in self._code_of]
            scores = np.where(np.isin(self._codes, wanted), scores, np.float32(-np.inf))
        return [(int(self._numbers[row]), float(scores[row])) for row in best(scores, limit)]


def _coded(code_of: dict[str, int], collections: Sequence[str]) -> NDArray[np.int32]:
    """A small number for each name, which a filter compares faster; unknown names get the next one."""
    return np.fromiter((code_of.setdefault(name, len(code_of)) for name in collections), np.int32)
