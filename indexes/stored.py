"""Stored vectors as the index of meanings reads them: in the order they came, or those of given passages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexes.protocols import Vectors

__all__ = ["StoredVectors", "VectorSource", "in_blocks"]

_READ_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """Vectors as the catalogue keeps them: four columns of the same length, ordered by position."""

    positions: NDArray[np.int64]
    """Where each stands in the order of storing; grows with every vector stored and is never used twice."""
    numbers: NDArray[np.int64]
    """The number of the passage each belongs to; at most one vector per passage and fingerprint."""
    collections: list[str]
    matrix: Vectors

    def __len__(self) -> int:
        return len(self.numbers)

    def first(self, count: int) -> StoredVectors:
        """The first `count` of them."""
        return StoredVectors(
            self.positions[:count], self.numbers[:count], self.collections[:count], self.matrix[:count]
        )


class VectorSource(Protocol):
    """The vectors of one library. Every method blocks and may be called from any thread.

    A stored vector never changes. It disappears with its passage. Positions follow the order of commits,
    not the passages' numbers: embedding may take passages in any order, and a late one is still seen.
    (In SQL: `position INTEGER PRIMARY KEY AUTOINCREMENT`.)
    """

    def last_position(self, fingerprint: str) -> int:
        """The highest position among this encoder's vectors; 0 for none. Called for every search."""
        ...

    def vector_count(self, fingerprint: str, *, up_to: int | None = None) -> int:
        """How many vectors of this encoder are stored now, at positions `<= up_to` if given."""
        ...

    def vectors(self, fingerprint: str, *, after: int = 0, limit: int | None = None) -> StoredVectors:
        """The first `limit` vectors of this encoder at positions `> after`, ordered by position."""
        ...

    def living(self, fingerprint: str, numbers: Sequence[int], *, references: bool = True) -> set[int]:
        """Those of `numbers` that still have a vector of this encoder. Called for every search.

        Without `references`, passages of a list of references are not among them.
        """
        ...

    def vectors_of(self, fingerprint: str, numbers: NDArray[np.int64]) -> StoredVectors:
        """This encoder's vectors of the passages with these numbers, those that have one, by position."""
        ...


def in_blocks(
    source: VectorSource, fingerprint: str, *, after: int, up_to: int | None = None
) -> Iterator[StoredVectors]:
    """The stored vectors behind a position, some thousands at a time."""
    while True:
        block = source.vectors(fingerprint, after=after, limit=_READ_ROWS)
        within = len(block) if up_to is None else int(np.searchsorted(block.positions, up_to, side="right"))
        if within:
            yield block if within == len(block) else block.first(within)
        if within < _READ_ROWS:
            return
        after = int(block.positions[-1])
