"""Search by meaning: the live Chroma generation and an exact look at what is newer, merged."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexes.admit import EVERYWHERE, Admission
from indexes.ahead import Ahead
from indexes.chroma import ChromaAway, ChromaFailed
from indexes.errors import LibraryBusy, SearchError
from indexes.exact import ExactIndex
from indexes.generations import GenerationFailed, Generations
from indexes.growing import Server
from indexes.next_generation import NextGeneration
from indexes.protocols import Encoder
from indexes.shared_folder import OpenIndex, SharedFolder, open_shared
from indexes.stored import VectorSource, in_blocks
from indexes.types import Model

__all__ = ["DenseCoverage", "DenseIndex", "IndexAway"]

_NEVER_LOOKED = (-1, -1)
_FEW = 5_000
"""Admitted passages up to which each is compared: 30 ms, and no neighbour is missed under a narrow filter."""
_AWAY_SECONDS = 30.0
"""How long a server that is away is left alone."""
_MOST_COMPARED = 500_000
"""Passages that are compared in its place: 0.8 GB of vectors at 384 dimensions."""


class IndexAway(SearchError):
    """The server with the index of meanings cannot be reached, and the library is too large to do without."""

    retryable = True
    default_hint = "Start the server that library.chroma names; search by keyword goes on meanwhile."


class DenseCoverage(Model):
    """What search by meaning looks at now."""

    generation: str | None
    """The live generation in use; None when every vector is compared."""
    in_generation: int
    newer: int
    """Passages compared one by one because no generation holds them yet."""
    total: int
    """Passages with a vector; the two above count removed passages until the next generation."""


class DenseIndex:
    """Finds passages by meaning: Chroma's live generation for most, an exact look at the newer ones.

    A missing or damaged generation costs time, never an answer: every vector is compared then, straight from
    the catalogue. A generation that another process has made live is picked up by the next search.
    """

    def __init__(
        self,
        folder: Path,
        source: VectorSource,
        encoder: Encoder,
        *,
        delta_limit: int = 2_000,
        expected: Callable[[], bool] = lambda: False,
        server: Server | None = None,
    ) -> None:
        """Opens nothing yet.

        Args:
            folder: Of the generations; made when the first one is built.
            source: The stored vectors.
            encoder: What made them, and embeds what is searched for.
            delta_limit: Newer passages that make the next generation due.
            expected: Whether there was a generation once, so that none at all is a loss to be told.
            server: Where generations lie instead; `folder` then holds the pointer to the live one.
        """
        self._generations = Generations(folder)
        self._source = source
        self._encoder = encoder
        self._expected = expected
        self._address = server.address if server else ""
        self._next = NextGeneration(
            self._generations, source, encoder, delta_limit=delta_limit, server=server
        )
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = _NEVER_LOOKED
        self._shared: SharedFolder | None = None
        self._newer = ExactIndex(encoder.dimensions)
        self._position = 0
        self._note = ""
        self._distrusted = ""
        """A generation that failed when it was opened or asked."""
        self._try_again_at = math.inf
        """When a server that is away is asked again, on the monotonic clock."""
        self._ahead = Ahead(self._embedded)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the hits should know, as of the last search; usually nothing."""
        return (self._note,) if self._note else ()

    async def search(
        self,
        text: str,
        *,
        limit: int,
        admission: Admission = EVERYWHERE,
        vector: NDArray[np.float32] | None = None,
    ) -> list[tuple[int, float]]:
        """Returns at most `limit` pairs of passage number and cosine, best first, of passages that exist now.

        Args:
            text: What to look for.
            limit: Most pairs to return.
            admission: Where to look.
            vector: What to look for in place of the text's own meaning, of unit length.

        Raises:
            EncoderError: The text cannot be embedded.
        """
        if vector is None:
            vector = await self._ahead.take(text)
        return await asyncio.to_thread(self._search, text, limit, admission, vector)

    async def vector_of(self, text: str) -> NDArray[np.float32]:
        """Returns the meaning of a text, which `ahead` may have begun with.

        Raises:
            EncoderError: It cannot be embedded.
        """
        vector = await self._ahead.take(text)
        if vector is None:
            vector = (await asyncio.to_thread(self._encoder.encode, [text]))[0]
        return vector

    def ahead(self, text: str) -> None:
        """Begins to embed `text` for the next search for it; see `Ahead.begin`."""
        self._ahead.begin(text)

    async def prepare(self) -> None:
        """Loads what the first search would wait for: the encoder, Chroma, the newer vectors."""
        await asyncio.to_thread(self._search, "prepare", 1, EVERYWHERE, None)

    async def coverage(self) -> DenseCoverage:
        """What a search would look at now."""
        return await asyncio.to_thread(self._coverage)

    @property
    def published(self) -> bool:
        """Whether there is a generation."""
        return self._generations.stamp() is not None

    async def refresh(self, *, force: bool = False) -> bool:
        """Builds the next generation if enough is new, or if the live one is damaged; says whether it did.

        Args:
            force: Build one in any case: from the catalogue alone if nothing is newer than the live one.

        Raises:
            GenerationFailed: It could not be built. Search goes on as before.
        """
        if not await asyncio.to_thread(self._is_due, force):
            return False
        try:
            async with self._generations.next_folder() as building:
                # Another process may have built it in the meantime.
                if not await asyncio.to_thread(self._is_due, force):
                    return False
                await self._next.build(building, distrusted=self._distrusted)
        except LibraryBusy:
            return False
        return True

    def close(self) -> None:
        """Gives back Chroma's files."""
        with self._lock:
            self._use(None)
            self._stamp = _NEVER_LOOKED

    # Searching, in a thread.

    def _embedded(self, text: str) -> NDArray[np.float32] | None:
        """The vector of `text`; without loading a model, `None` where there is nothing to compare it with."""
        with self._view() as (folder, newer):
            return self._encoder.encode([text])[0] if folder is not None or len(newer) else None

    def _search(
        self, text: str, limit: int, admission: Admission, vector: NDArray[np.float32] | None
    ) -> list[tuple[int, float]]:
        with self._view() as (folder, newer):
            if limit < 1 or admission.is_empty or (folder is None and len(newer) == 0):
                return []  # without loading a model
            if vector is None:
                vector = self._encoder.encode([text])[0]
            if admission.numbers is not None and len(admission.numbers) <= _FEW:
                return self._best_of_few(admission.numbers, vector, limit)
            try:
                return self._living_best(folder, newer, vector, limit, admission)
            except ChromaFailed as error:
                self._give_up(folder, error)
        with self._view() as (_, everything):
            return self._living_best(None, everything, vector, limit, admission)

    def _best_of_few(
        self, numbers: NDArray[np.int64], vector: NDArray[np.float32], limit: int
    ) -> list[tuple[int, float]]:
        """Looks at each admitted passage: a graph that is walked for its neighbours may miss the admitted."""
        stored = self._source.vectors_of(self._encoder.fingerprint, numbers)
        block = (stored.numbers, stored.collections, stored.matrix)
        return ExactIndex(self._encoder.dimensions).extended([block]).search(vector, limit=limit)

    def _living_best(
        self,
        folder: OpenIndex | None,
        newer: ExactIndex,
        vector: NDArray[np.float32],
        limit: int,
        admission: Admission,
    ) -> list[tuple[int, float]]:
        """Asks both for more until enough of what they find exists and is admitted, or there is no more."""
        within = admission.collections
        # Without numbers to go by, lists of references are left out.
        among = None if admission.numbers is None else set(admission.numbers.tolist())
        wanted = limit if among is not None else limit * 5 // 4
        while True:
            exact = newer.search(vector, limit=wanted, collections=within)
            indexed = folder.search(vector, limit=wanted, collections=within) if folder else []
            score_of = {**dict(indexed), **dict(exact)}
            living = self._source.living(
                self._encoder.fingerprint, list(score_of), references=among is not None
            )
            if among is not None:
                living &= among
            kept = sorted(
                ((n, s) for n, s in score_of.items() if n in living), key=lambda pair: (-pair[1], pair[0])
            )
            if len(kept) >= limit or max(len(exact), len(indexed)) < wanted:
                return kept[:limit]
            wanted *= 4

    @contextmanager
    def _view(self) -> Iterator[tuple[OpenIndex | None, ExactIndex]]:
        """The generation and the newer vectors as they are now; neither goes away inside the block."""
        with self._lock:
            self._catch_up()
            shared, newer = self._shared, self._newer
            if shared is not None:
                shared.users += 1
        try:
            yield (shared.folder if shared else None), newer
        finally:
            if shared is not None:
                with self._lock:
                    shared.users -= 1
                    shared.close_if_unused()

    def _catch_up(self) -> None:
        """Adopts a new pointer and reads the vectors stored since the last search."""
        stamp = self._generations.stamp()
        if stamp != self._stamp or time.monotonic() > self._try_again_at:
            self._try_again_at = math.inf
            self._use(self._open())
            self._stamp = stamp
        fingerprint = self._encoder.fingerprint
        if self._source.last_position(fingerprint) <= self._position:
            return
        if self._try_again_at < math.inf:
            self._require_few(fingerprint)
        blocks = list(in_blocks(self._source, fingerprint, after=self._position))
        if blocks:
            self._newer = self._newer.extended([(b.numbers, b.collections, b.matrix) for b in blocks])
            self._position = int(blocks[-1].positions[-1])

    def _require_few(self, fingerprint: str) -> None:
        """Raises where comparing every passage would take all memory: what is on a server may be large."""
        count = self._source.vector_count(fingerprint)
        if count > _MOST_COMPARED:
            raise IndexAway(
                f"{self._note.partition(';')[0]}, and {count:,} passages are too many to compare one by one.",
            )

    def _open(self) -> SharedFolder | None:
        """The live generation, if there is one of this encoder that can be trusted; else a note says why."""
        self._note, self._distrusted, live = "", "", None
        try:
            live = self._generations.live()
            if live is None:
                if self._source.last_position(self._encoder.fingerprint) and self._expected():
                    self._note = _damage_note("it is gone")
                return None
            if live.fingerprint != self._encoder.fingerprint:
                return None
            if live.server and live.server != self._address:
                self._note = _elsewhere_note(live.server)
                return None
            return open_shared(self._generations, live)
        except ChromaAway as error:
            self._wait_for_server(error.message)
        except (GenerationFailed, ChromaFailed) as error:
            self._note = _damage_note(error.message)
            self._distrusted = live.name if live else ""
        return None

    def _give_up(self, folder: OpenIndex | None, error: ChromaFailed) -> None:
        """Searches without this generation until another one is live."""
        with self._lock:
            if self._shared is not None and self._shared.folder is folder:
                self._distrusted = self._shared.generation.name
                self._use(None)
                self._note = _damage_note(error.message)
                if isinstance(error, ChromaAway):
                    self._wait_for_server(error.message)

    def _wait_for_server(self, reason: str) -> None:
        """Searches without the server for a while; nothing is wrong with what it holds."""
        self._distrusted = ""
        self._try_again_at = time.monotonic() + _AWAY_SECONDS
        self._note = f"The index of meanings is away ({reason}); every passage was compared instead."

    def _use(self, shared: SharedFolder | None) -> None:
        """Changes the generation in use; what is newer begins after it."""
        if self._shared is not None:
            self._shared.retired = True
            self._shared.close_if_unused()
        self._shared = shared
        self._newer = ExactIndex(self._encoder.dimensions)
        self._position = shared.generation.last_position if shared else 0

    def _is_due(self, force: bool) -> bool:
        return self._next.is_due(force=force, distrusted=self._distrusted, damaged=bool(self._note))

    def _coverage(self) -> DenseCoverage:
        with self._view() as (folder, newer):
            live = self._shared.generation if folder is not None and self._shared else None
            return DenseCoverage(
                generation=live.name if live else None,
                in_generation=live.count if live else 0,
                newer=len(newer),
                total=self._source.vector_count(self._encoder.fingerprint),
            )


def _elsewhere_note(server: str) -> str:
    return (
        f"The index of meanings lies on the Chroma server {server}, which the setting library.chroma does "
        "not name; every passage was compared instead. The next `carrel add` builds one where it should be."
    )


def _damage_note(reason: str) -> str:
    return (
        f"The index of meanings is not used ({reason.rstrip('.')}); every passage was compared instead. "
        "`carrel papers repair` builds it anew."
    )
