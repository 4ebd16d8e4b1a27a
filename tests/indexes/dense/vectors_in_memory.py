"""Vectors in a list, searched exactly: what an index by meaning is held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexes.admit import Admission
from indexes.dense import DenseIndex
from indexes.generations import Generation, Generations
from indexes.hashing import HashingEncoder
from indexes.protocols import Vectors
from indexes.stored import StoredVectors

DIMENSIONS = 64
ROWS = 1_500  # Chroma writes its graph's files from 1,000 on


class Row(NamedTuple):
    position: int
    number: int
    collection: str
    vector: Vectors
    fingerprint: str


class MemorySource:
    """Vectors as the catalogue promises them, in a list."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.before_reading: Callable[[int], None] = lambda after: None
        self._position = 0

    def add(
        self, encoder: HashingEncoder, matrix: Vectors, *, collection: str = "papers", first: int = 1
    ) -> None:
        for number, vector in enumerate(matrix, start=first):
            self._position += 1
            self.rows.append(Row(self._position, number, collection, vector, encoder.fingerprint))

    def copy(self) -> MemorySource:
        other = MemorySource()
        other.rows, other._position = list(self.rows), self._position
        return other

    def remove(self, numbers: Sequence[int]) -> None:
        self.rows = [row for row in self.rows if row.number not in set(numbers)]

    def last_position(self, fingerprint: str) -> int:
        return max((row.position for row in self._of(fingerprint)), default=0)

    def vector_count(self, fingerprint: str, *, up_to: int | None = None) -> int:
        return sum(up_to is None or row.position <= up_to for row in self._of(fingerprint))

    def vectors(self, fingerprint: str, *, after: int = 0, limit: int | None = None) -> StoredVectors:
        self.before_reading(after)
        return self._stored([row for row in self._of(fingerprint) if row.position > after][:limit])

    def vectors_of(self, fingerprint: str, numbers: NDArray[np.int64]) -> StoredVectors:
        return self._stored([row for row in self._of(fingerprint) if row.number in set(numbers.tolist())])

    def _stored(self, rows: list[Row]) -> StoredVectors:
        return StoredVectors(
            positions=np.array([row.position for row in rows], np.int64),
            numbers=np.array([row.number for row in rows], np.int64),
            collections=[row.collection for row in rows],
            matrix=np.array([row.vector for row in rows], np.float32).reshape(len(rows), -1 if rows else 0),
        )

    def living(self, fingerprint: str, numbers: Sequence[int], *, references: bool = True) -> set[int]:
        return {row.number for row in self._of(fingerprint)} & set(numbers)

    def _of(self, fingerprint: str) -> list[Row]:
        return [row for row in self.rows if row.fingerprint == fingerprint]


class OtherEncoder(HashingEncoder):
    """Of the same dimension, but another model: its vectors point elsewhere."""

    @property
    def fingerprint(self) -> str:
        return f"other/{self.dimensions}/1"

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.ascontiguousarray(super().encode(texts)[:, ::-1])


TOPICS = [
    f"{noun} {verb}"
    for noun in ("router", "graph", "vector", "paper")
    for verb in ("learns", "fails", "waits")
]


def texts(count: int, *, start: int = 0) -> list[str]:
    return [
        f"{TOPICS[n % len(TOPICS)]} case{n} under condition{n * 7 % 101}" for n in range(start, start + count)
    ]


class Library(NamedTuple):
    folder: Path
    source: MemorySource
    index: DenseIndex

    @property
    def live(self) -> Generation:
        live = Generations(self.folder).live()
        assert live is not None
        return live

    def file(self, name: str) -> Path:
        return next(iter(sorted((self.folder / self.live.name).rglob(name))))

    def folders(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("g-*"))


def exact(
    source: MemorySource, encoder: HashingEncoder, text: str, limit: int, collection: str = ""
) -> set[int]:
    """The truth: numbers whose cosine is among the `limit` best, ties at the edge included."""
    rows = [row for row in source.rows if row.fingerprint == encoder.fingerprint]
    rows = [row for row in rows if not collection or row.collection == collection]
    scores = np.array([row.vector for row in rows]) @ encoder.encode([text])[0]
    edge = np.sort(scores)[::-1][:limit][-1]
    return {row.number for row, score in zip(rows, scores, strict=True) if score >= edge - 1e-5}


async def numbers(
    index: DenseIndex, text: str, limit: int = 10, collections: tuple[str, ...] = ()
) -> list[int]:
    return [
        number
        for number, _ in await index.search(text, limit=limit, admission=Admission(collections=collections))
    ]
