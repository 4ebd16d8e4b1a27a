"""The seams of a library: what an encoder and a retriever must offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from indexes.types import Hits

__all__ = ["EmbedsElsewhere", "Encoder", "LooksAhead", "Retriever", "RunsHere", "Vectors"]

Vectors = NDArray[np.float32]
"""Shape `(n, dimensions)`, each row of unit length."""


@runtime_checkable
class Encoder(Protocol):
    """Turns text into vectors."""

    @property
    def name(self) -> str:
        """What people call the model: `all-MiniLM-L6-v2`."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """Tells one model from another of the same dimension: name, dimension, hash of a probe vector."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Returns one unit-length row per text, in order; blocking.

        Raises:
            EncoderError: The model could not be loaded or gave vectors that are not finite.
        """
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as this model counts them, without special tokens and without truncation."""
        ...


@runtime_checkable
class EmbedsElsewhere(Protocol):
    """An encoder that does several batches at the same time, because others do them."""

    @property
    def batches_at_once(self) -> int:
        """How many, at least 1."""
        ...

    async def encode_elsewhere(self, texts: Sequence[str]) -> Vectors:
        """Returns one unit-length row per text, in order; raises as `Encoder.encode` does."""
        ...


@runtime_checkable
class RunsHere(Protocol):
    """An encoder that reads meaning on this machine: nothing is sent or paid for, so it is asked freely."""

    runs_here: bool


@runtime_checkable
class LooksAhead(Protocol):
    """A retriever that can begin before it is asked, with what no search for a text can do without."""

    def ahead(self, text: str) -> None:
        """Begins in the background, in the running event loop, and returns at once; it never fails."""
        ...


@runtime_checkable
class Retriever(Protocol):
    """Finds passages for a wording. Any number of them run side by side."""

    @property
    def name(self) -> str:
        """Stands in `Hit.retriever` and in the trace."""
        ...

    async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
        """Returns at most `limit` hits, best first; no hits is an answer, not an error.

        Give `Hits.scores` too if the scores are amounts: they are then standardised and added to those of
        other retrievers. Without them, only the ranks count.

        Args:
            text: What to look for, in a person's words; any characters.
            limit: Most hits to return, at least 1.
            collections: Where to look; empty means everywhere.

        Raises:
            SearchError: This retriever cannot answer now.
        """
        ...
