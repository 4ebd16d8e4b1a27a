"""Search by meaning as the library offers it: ranks what has a vector, makes the vectors that are missing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from indexes.admit import Admission, admit
from indexes.chaos import point
from indexes.database import Database
from indexes.dense import DenseIndex
from indexes.errors import EncoderMismatch, FilterRefused
from indexes.events import AddEvent, Embedded
from indexes.keyword import best_matches, question_terms
from indexes.like import mean_vector, models_named, passages_of
from indexes.model_files import SHIPPED_MODEL
from indexes.postings import Postings
from indexes.protocols import EmbedsElsewhere, Encoder, Vectors
from indexes.query import parse_query
from indexes.ranking import DEPTH, measured
from indexes.types import Hits
from indexes.urgent import MOST_URGENT, Urgent
from indexes.vectors import Coverage, PassageVectors, Waiting, waiting_among

__all__ = ["DenseRetriever", "embed_waiting", "require_same_encoder"]

_COMMIT_PASSAGES = 256
_SLICE_PASSAGES = 64
"""Encoded in one go: how long a stopped run's last thread may still work."""


class DenseRetriever:
    """Finds passages whose meaning is near the question's."""

    def __init__(
        self,
        database: Database,
        vectors: PassageVectors,
        index: DenseIndex,
        encoder: Encoder,
        *,
        name: str = "dense",
        urgent: Urgent | None = None,
        postings: Postings | None = None,
    ) -> None:
        self._database = database
        self._vectors = vectors
        self._index = index
        self._encoder = encoder
        self._name = name
        self._urgent = urgent or Urgent(encoder)
        self._postings = postings or Postings()

    @property
    def name(self) -> str:
        """Stands in each hit."""
        return self._name

    def ahead(self, text: str) -> None:
        """See `LooksAhead.ahead`: begins to embed `text`."""
        with suppress(FilterRefused):  # the search itself will say so
            if wanted := parse_query(text).text.strip():
                self._index.ahead(wanted)

    async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
        """Returns at most `limit` hits, best first; the score is the cosine. Notes say what it could not see.

        Raises:
            FilterRefused: A filter in the text cannot be one.
            EncoderMismatch: All vectors here were made by another model, and are not to be made anew.
            EncoderError: The text cannot be embedded.
            LibraryError: The catalogue cannot be read.
        """
        wanted = parse_query(text)
        sought = wanted.text.strip()
        models = await models_named(self._database, wanted.filters.like)
        if not sought and not models:
            return Hits()
        fingerprint = await require_same_encoder(self._vectors, self._encoder)
        admission = Admission(collections=collections)
        if wanted.filters:
            admission = await self._database.read(
                lambda connection: admit(connection, wanted.filters, collections, without=models)
            )
        vector = await self._direction(sought, models) if models else None
        coverage, scored = await asyncio.gather(
            self._vectors.coverage(fingerprint, admission.collections or collections),
            self._index.search(sought, limit=max(limit, DEPTH), admission=admission, vector=vector),
        )
        urgent: list[tuple[int, float]] = []
        if coverage.embedded < coverage.passages and not models:
            urgent = await self._urgently(sought, fingerprint, admission)
        scored = [*{**dict(urgent), **dict(scored)}.items()]
        found = await self._database.read(
            lambda connection: measured(connection, scored, limit=limit, retriever=self._name)
        )
        behind = await self._behind(coverage, len(urgent), fingerprint)
        notes = (*admission.notes, *behind, *self._index.notes)
        return found.model_copy(update={"notes": notes})

    async def _behind(self, coverage: Coverage, urgent: int, fingerprint: str) -> tuple[str, ...]:
        """What search by meaning could not see yet, and why."""
        if coverage.embedded >= coverage.passages:
            return ()
        saw = f"Search by meaning saw {coverage.embedded} of {coverage.passages} passages"
        if urgent:
            saw += f" and {urgent} of the best by keyword"
        others = [known for known in await self._vectors.encoders() if known.fingerprint != fingerprint]
        if not others:
            return (f"{saw}; the others are not embedded yet.",)
        name, own = others[0].name, self._encoder.name
        stays = f'; the setting library.encoder = "{name}" stays with the old model' if name != own else ""
        return (
            f"{saw}: the library was embedded with {_told(name, beside=own)}, whose vectors cannot be "
            f"compared with those of {own!r}. The next `carrel add` embeds it anew, and the app does while "
            f"it is open{stays}.",
        )

    async def _urgently(self, sought: str, fingerprint: str, admission: Admission) -> list[tuple[int, float]]:
        """The best keyword hits that wait for a vector, with their cosines.

        What the background has not come to yet is so compared by meaning all the same, where it matters.
        """
        asked = question_terms(sought)
        if not asked or admission.is_empty:
            return []

        def work(connection: sqlite3.Connection) -> list[Waiting]:
            found = best_matches(connection, self._postings, asked, limit=MOST_URGENT, admission=admission)
            return waiting_among(connection, fingerprint, [number for number, _ in found])

        waiting = await self._database.read(work)
        if not waiting:
            return []
        return await self._urgent.cosines(await self._index.vector_of(sought), waiting[:MOST_URGENT])

    async def _direction(self, sought: str, models: Sequence[str]) -> NDArray[np.float32]:
        """Where the papers point that others shall be like, and where the words beside them point."""
        numbers, opening = await self._database.read(lambda connection: passages_of(connection, models))

        def work() -> NDArray[np.float32]:
            mean = mean_vector(self._vectors, self._encoder, numbers, opening)
            if not sought:
                return mean
            both = mean + self._encoder.encode([sought])[0]
            return np.asarray(both / (np.linalg.norm(both) or 1.0), np.float32)

        return await asyncio.to_thread(work)


async def require_same_encoder(vectors: PassageVectors, encoder: Encoder) -> str:
    """Returns the encoder's fingerprint if it has made some of the vectors or will, or nobody has made any.

    The model that ships makes those of another anew, as that costs nothing but time; until then theirs count
    as missing. Those of a provider's model were paid for, and are not given up unasked.

    Raises:
        EncoderMismatch: Only other encoders have.
    """

    def looked_up() -> tuple[str, bool]:
        fingerprint = encoder.fingerprint  # may read the model's files
        return fingerprint, bool(vectors.last_position(fingerprint))

    fingerprint, known = await asyncio.to_thread(looked_up)
    if known:
        return fingerprint
    others = await vectors.encoders()
    paid_for = any(":" in other.name for other in others)
    if others and (paid_for or encoder.name != SHIPPED_MODEL):
        name, own = others[0].name, encoder.name
        again = f"Set library.encoder to {name!r} again, or embed" if name != own else "Embed"
        raise EncoderMismatch(
            f"The library was embedded with {_told(name, beside=own)} and the model in use is {own!r}; "
            "their vectors cannot be compared.",
            hint=f"{again} the library anew: `carrel add --reembed PATH`.",
        )
    return fingerprint


def _told(name: str, *, beside: str) -> str:
    """How a model is told from the one in use, which may have its name: a model's files change."""
    return repr(name) if name != beside else f"an earlier version of {name!r}"


async def embed_waiting(
    vectors: PassageVectors, encoder: Encoder, *, emit: Callable[[AddEvent], None], reembed: bool = False
) -> int:
    """Makes the vectors that are missing, some hundred passages a commit; returns how many.

    Stopping it keeps every commit; running it again continues.

    Args:
        vectors: Where they are kept.
        encoder: What makes them.
        emit: Told after each commit.
        reembed: Begin although the library was embedded with another model. Its vectors stay until the new
            ones are complete.

    Raises:
        EncoderMismatch: The library was embedded with another model and `reembed` is not set.
        EncoderError: The model cannot be loaded, or gave vectors that are not stored.
    """
    if not reembed:
        await require_same_encoder(vectors, encoder)
    fingerprint = await asyncio.to_thread(lambda: encoder.fingerprint)
    coverage = await vectors.coverage(fingerprint)
    total, done, last = coverage.passages - coverage.embedded, 0, 0
    at_once = encoder.batches_at_once if isinstance(encoder, EmbedsElsewhere) else 1
    begun: deque[tuple[list[Waiting], asyncio.Task[Vectors]]] = deque()
    try:
        while True:
            while len(begun) < at_once and (
                batch := await vectors.waiting(fingerprint, after=last, limit=_COMMIT_PASSAGES)
            ):
                begun.append((batch, asyncio.create_task(_encoded(encoder, batch))))
                last = batch[-1].number
            if not begun:
                break
            batch, encoding = begun.popleft()
            await vectors.store(encoder, batch, await encoding)
            point("vectors.after")
            done += len(batch)
            emit(Embedded(done=done, total=max(total, done)))
    finally:
        for _, encoding in begun:
            encoding.cancel()
    await vectors.forget_others(fingerprint)
    return done


async def _encoded(encoder: Encoder, batch: list[Waiting]) -> Vectors:
    """Encodes in slices of similar length; rows come back in the order of `batch`.

    Each slice takes a thread, one after another, or all go elsewhere at the same time.
    """
    point("embed.before")
    order = sorted(range(len(batch)), key=lambda index: len(batch[index].text))
    rows = np.empty((len(batch), encoder.dimensions), dtype=np.float32)
    slices = [order[start : start + _SLICE_PASSAGES] for start in range(0, len(order), _SLICE_PASSAGES)]
    texts = [[batch[index].text for index in chosen] for chosen in slices]
    if isinstance(encoder, EmbedsElsewhere):
        encoded = await asyncio.gather(*(encoder.encode_elsewhere(each) for each in texts))
    else:
        encoded = [await asyncio.to_thread(encoder.encode, each) for each in texts]
    for chosen, matrix in zip(slices, encoded, strict=True):
        rows[chosen] = matrix
    point("embed.after")
    return rows
