"""Embeds what a question needs first: its best keyword hits without a vector, a few and not for long."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexes.protocols import Encoder
from indexes.vectors import Waiting

__all__ = ["MOST_URGENT", "Urgent"]

MOST_URGENT = 32
"""Passages embedded for one question."""

_SECONDS = 1.0
"""How long a question waits for them."""
_AT_ONCE = 4
"""Encoded in one go: how much may still be done when the time is over."""
_KEPT = 4_096
"""Vectors kept in memory until the background has made them: 6 MB of 384 dimensions."""


class Urgent:
    """Vectors made while a question waits, kept for the next one.

    They are not written to the catalogue: that takes the writer's lock, and a question must not make a
    program that adds papers wait or fail.
    """

    def __init__(self, encoder: Encoder, *, seconds: float = _SECONDS) -> None:
        self._encoder = encoder
        self._seconds = seconds
        self._kept: OrderedDict[int, NDArray[np.float32]] = OrderedDict()

    async def cosines(
        self, vector: NDArray[np.float32], passages: Sequence[Waiting]
    ) -> list[tuple[int, float]]:
        """Returns number and cosine of those passages that have a vector when the time is over.

        What is being embedded then goes on in its thread and is there for the next question.

        Args:
            vector: Of the question, of unit length.
            passages: Without a vector in the catalogue, the most important first.

        Raises:
            EncoderError: They cannot be embedded.
        """
        until = time.monotonic() + self._seconds
        missing = [passage for passage in passages if passage.number not in self._kept]
        for start in range(0, len(missing), _AT_ONCE):
            left = until - time.monotonic()
            making = asyncio.get_running_loop().run_in_executor(
                None, self._make, missing[start : start + _AT_ONCE]
            )
            done, _ = await asyncio.wait([making], timeout=max(left, 0))
            if not done:
                making.add_done_callback(_looked_at)
                break
            making.result()
            if time.monotonic() >= until:
                break
        found = [(passage.number, self._kept.get(passage.number)) for passage in passages]
        return [(number, float(row @ vector)) for number, row in found if row is not None]

    def _make(self, passages: Sequence[Waiting]) -> None:
        rows = self._encoder.encode([passage.text for passage in passages])
        for passage, row in zip(passages, rows, strict=True):
            self._kept[passage.number] = row
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def _looked_at(making: asyncio.Future[None]) -> None:
    """Says nothing of a failure that nobody waits for: the next question meets it itself."""
    if not making.cancelled():
        making.exception()
