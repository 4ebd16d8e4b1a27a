"""Vectors in the catalogue: which passages have one, by which encoder, and in what order they came."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import uuid
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexes import ledger
from indexes.chaos import point
from indexes.database import Database
from indexes.errors import EncoderError
from indexes.protocols import Encoder, Vectors
from indexes.stored import StoredVectors

__all__ = ["INDEXED_ONCE", "Coverage", "KnownEncoder", "PassageVectors", "Waiting", "waiting_among"]

INDEXED_ONCE = "dense index was built"
"""Key in the table `meta`: search by meaning is not to be without an index, silently, any more."""

_IDENTITY = "library"
"""Key in the table `meta`: what the library is called where there are others."""
_STORED_AS = np.dtype("<f4")
_STORED = """SELECT v.position, v.passage, d.collection, v.vector FROM vectors v
JOIN passages p ON p.number = v.passage JOIN documents d ON d.number = p.document"""


class Waiting(NamedTuple):
    """A passage without a vector."""

    number: int
    document: int
    text: str


class KnownEncoder(NamedTuple):
    """An encoder that has made vectors of this library, and how many."""

    name: str
    fingerprint: str
    vectors: int
    dimensions: int


class Coverage(NamedTuple):
    """How much of what is searched can be found by meaning."""

    embedded: int
    passages: int


class PassageVectors:
    """The vectors of one library; also the source that a dense index is built from."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted_at = -1
        self._counted: dict[tuple[str, tuple[str, ...]], Coverage] = {}

    def last_position(self, fingerprint: str) -> int:
        """The highest position among this encoder's vectors; 0 for none."""
        return self._count("SELECT coalesce(max(position), 0) FROM vectors WHERE encoder = ?", fingerprint)

    def vector_count(self, fingerprint: str, *, up_to: int | None = None) -> int:
        """How many vectors of this encoder are stored now, at positions `<= up_to` if given."""
        query = "SELECT count(*) FROM vectors WHERE encoder = ?1 AND (?2 IS NULL OR position <= ?2)"
        return self._count(query, fingerprint, up_to)

    def vectors(self, fingerprint: str, *, after: int = 0, limit: int | None = None) -> StoredVectors:
        """The first `limit` vectors of this encoder at positions `> after`, ordered by position."""

        def work(connection: sqlite3.Connection) -> StoredVectors:
            encoder, dimensions = _encoder(connection, fingerprint)
            rows = connection.execute(
                f"""{_STORED} WHERE v.encoder = ? AND v.position > ? ORDER BY v.position LIMIT ?""",
                (encoder, after, -1 if limit is None else limit),
            ).fetchall()
            return _stored(rows, dimensions)

        return self._database.read_now(work)

    def vectors_of(self, fingerprint: str, numbers: NDArray[np.int64]) -> StoredVectors:
        """This encoder's vectors of the passages with these numbers, those that have one, by position."""

        def work(connection: sqlite3.Connection) -> StoredVectors:
            encoder, dimensions = _encoder(connection, fingerprint)
            rows = connection.execute(
                f"""{_STORED} WHERE v.encoder = ? AND v.passage IN (SELECT value FROM json_each(?))
                ORDER BY v.position""",  # noqa: S608
                (encoder, json.dumps(numbers.tolist())),
            ).fetchall()
            return _stored(rows, dimensions)

        return self._database.read_now(work)

    def living(self, fingerprint: str, numbers: Sequence[int], *, references: bool = True) -> set[int]:
        """Those of `numbers` that still have a vector of this encoder; see `VectorSource.living`."""

        def work(connection: sqlite3.Connection) -> set[int]:
            encoder, _ = _encoder(connection, fingerprint)
            rows = connection.execute(
                """SELECT v.passage FROM vectors v JOIN passages p ON p.number = v.passage
                WHERE v.passage IN (SELECT value FROM json_each(?)) AND v.encoder = ?
                AND (? OR p.part != 'references')""",
                (json.dumps([int(number) for number in numbers]), encoder, references),
            )
            return {number for (number,) in rows}

        return self._database.read_now(work)

    async def encoders(self) -> tuple[KnownEncoder, ...]:
        """Returns every encoder that has vectors here, the one with most first."""

        def work(connection: sqlite3.Connection) -> tuple[KnownEncoder, ...]:
            rows = connection.execute(
                """SELECT e.name, e.fingerprint, count(v.position), e.dimensions FROM encoders e
                JOIN vectors v ON v.encoder = e.number GROUP BY e.number ORDER BY count(v.position) DESC"""
            )
            return tuple(KnownEncoder(*row) for row in rows)

        return await self._database.read(work)

    async def coverage(self, fingerprint: str, collections: Sequence[str] = ()) -> Coverage:
        """Counts the passages of `collections` (all, if none is named) and those with a vector.

        Lists of references are not searched by meaning and not counted.
        """
        return await asyncio.to_thread(self._coverage, fingerprint, tuple(collections))

    def _coverage(self, fingerprint: str, collections: tuple[str, ...]) -> Coverage:
        # Every search asks, and counting 100,000 rows takes longer than searching them.
        changes = self._database.changes()
        if self._counted_at != changes:
            self._counted_at, self._counted = changes, {}
        key = (fingerprint, collections)
        counted = self._counted
        if key not in counted:
            counted[key] = self._database.read_now(
                lambda connection: _counted(connection, fingerprint, collections)
            )
        return counted[key]

    async def waiting(self, fingerprint: str, *, after: int = 0, limit: int) -> list[Waiting]:
        """Returns the first `limit` passages numbered above `after` that have no vector of this encoder.

        Lists of references get none: a search leaves them out unless it asks for them, and then by keyword.
        """

        def work(connection: sqlite3.Connection) -> list[Waiting]:
            rows = connection.execute(
                """SELECT p.number, p.document, p.text FROM passages p
                WHERE p.number > ? AND p.part != 'references' AND NOT EXISTS (
                    SELECT 1 FROM vectors v WHERE v.passage = p.number AND v.encoder = ?)
                ORDER BY p.number LIMIT ?""",
                (after, _encoder(connection, fingerprint)[0], limit),
            )
            return [Waiting(*row) for row in rows]

        return await self._database.read(work)

    async def store(self, encoder: Encoder, passages: Sequence[Waiting], matrix: Vectors) -> None:
        """Stores one vector per passage, and settles files that are now complete, in one transaction.

        Raises:
            EncoderError: The vectors are not one finite row of the encoder's dimension per passage.
        """
        if matrix.shape != (len(passages), encoder.dimensions) or not np.isfinite(matrix).all():
            raise EncoderError(
                f"The embedding model {encoder.name!r} gave vectors of shape {matrix.shape} "
                f"for {len(passages)} passages; they were not stored."
            )
        blobs = [row.tobytes() for row in np.ascontiguousarray(matrix, dtype=_STORED_AS)]

        def work(connection: sqlite3.Connection) -> None:
            number = _enter(connection, encoder)
            # A passage may have been removed while it was being embedded.
            connection.executemany(
                """INSERT OR IGNORE INTO vectors (passage, encoder, vector)
                SELECT number, ?, ? FROM passages WHERE number = ?""",
                [(number, blob, passage.number) for passage, blob in zip(passages, blobs, strict=True)],
            )
            point("vectors.during")
            ledger.mark_embedded(connection, number, {passage.document for passage in passages})

        await self._database.write(work)

    def was_indexed(self) -> bool:
        """Whether a dense index was ever made of them."""
        return self._database.read_now(
            lambda connection: (
                connection.execute("SELECT 1 FROM meta WHERE key = ?", (INDEXED_ONCE,)).fetchone() is not None
            )
        )

    async def note_indexed(self) -> None:
        """Writes down that a dense index was made of them, unless it is written down already."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO meta VALUES (?, '')", (INDEXED_ONCE,))

        if not await asyncio.to_thread(self.was_indexed):
            await self._database.write(work)

    async def identity(self) -> str:
        """Returns what the library is called on a server that several use; made up when first asked for."""

        def read(connection: sqlite3.Connection) -> str:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (_IDENTITY,)).fetchone()
            return str(row[0]) if row else ""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (_IDENTITY, uuid.uuid4().hex[:12]))

        if not (known := await self._database.read(read)):
            await self._database.write(write)
            known = await self._database.read(read)
        return known

    async def forget_others(self, fingerprint: str) -> None:
        """Deletes the vectors of every other encoder."""

        def work(connection: sqlite3.Connection) -> None:
            others = "SELECT number FROM encoders WHERE fingerprint != ?"
            connection.execute(f"DELETE FROM vectors WHERE encoder IN ({others})", (fingerprint,))  # noqa: S608
            connection.execute("DELETE FROM encoders WHERE fingerprint != ?", (fingerprint,))

        await self._database.write(work)

    def _count(self, query: str, fingerprint: str, *arguments: object) -> int:
        def work(connection: sqlite3.Connection) -> int:
            encoder, _ = _encoder(connection, fingerprint)
            return int(connection.execute(query, (encoder, *arguments)).fetchone()[0])

        return self._database.read_now(work)


def waiting_among(connection: sqlite3.Connection, fingerprint: str, numbers: Sequence[int]) -> list[Waiting]:
    """Returns those of the passages that wait for a vector of this encoder, in the order of `numbers`."""
    rows = connection.execute(
        """SELECT p.number, p.document, p.text FROM passages p
        WHERE p.number IN (SELECT value FROM json_each(?)) AND p.part != 'references' AND NOT EXISTS (
            SELECT 1 FROM vectors v WHERE v.passage = p.number AND v.encoder = ?)""",
        (json.dumps(list(numbers)), _encoder(connection, fingerprint)[0]),
    )
    found = {row[0]: Waiting(*row) for row in rows}
    return [found[number] for number in numbers if number in found]


def _counted(connection: sqlite3.Connection, fingerprint: str, collections: tuple[str, ...]) -> Coverage:
    encoder, _ = _encoder(connection, fingerprint)
    if not collections:
        row = connection.execute(
            """SELECT (SELECT count(*) FROM vectors WHERE encoder = ?1)
                - (SELECT count(*) FROM passages p JOIN vectors v ON v.passage = p.number AND v.encoder = ?1
                    WHERE p.part = 'references'),
            (SELECT count(*) FROM passages)
                - (SELECT count(*) FROM passages WHERE part = 'references')""",
            (encoder,),
        ).fetchone()
    else:
        row = connection.execute(
            """SELECT count(v.position), count(*)
            FROM passages p JOIN documents d ON d.number = p.document
            LEFT JOIN vectors v ON v.passage = p.number AND v.encoder = ?
            WHERE p.part != 'references' AND d.collection IN (SELECT value FROM json_each(?))""",
            (encoder, json.dumps(collections)),
        ).fetchone()
    return Coverage(*row)


def _stored(rows: list[tuple[int, int, str, bytes]], dimensions: int) -> StoredVectors:
    matrix = np.frombuffer(b"".join(row[3] for row in rows), dtype=_STORED_AS)
    return StoredVectors(
        positions=np.array([row[0] for row in rows], dtype=np.int64),
        numbers=np.array([row[1] for row in rows], dtype=np.int64),
        collections=[row[2] for row in rows],
        matrix=matrix.reshape(len(rows), dimensions).astype(np.float32, copy=False),
    )


def _encoder(connection: sqlite3.Connection, fingerprint: str) -> tuple[int, int]:
    """Returns the encoder's number and dimensions; number 0 stands for one that has stored nothing."""
    row: tuple[int, int] | None = connection.execute(
        "SELECT number, dimensions FROM encoders WHERE fingerprint = ?", (fingerprint,)
    ).fetchone()
    return row or (0, 0)


def _enter(connection: sqlite3.Connection, encoder: Encoder) -> int:
    connection.execute(
        "INSERT OR IGNORE INTO encoders (fingerprint, name, dimensions) VALUES (?, ?, ?)",
        (encoder.fingerprint, encoder.name, encoder.dimensions),
    )
    return _encoder(connection, encoder.fingerprint)[0]
