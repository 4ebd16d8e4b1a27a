"""Vectors of what will be searched for, made in a thread while something else is still being done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ahead"]

_MOST = 64
"""Texts embedded for searches that have not come; beyond that, the oldest is let go."""


class Ahead:
    """Each text's vector is made once, for the next one who takes it.

    Args:
        embed: Makes the vector, in a thread; `None` where there is nothing to compare it with.
    """

    def __init__(self, embed: Callable[[str], NDArray[np.float32] | None]) -> None:
        self._embed = embed
        self._begun: dict[str, asyncio.Future[NDArray[np.float32] | None]] = {}

    def begin(self, text: str) -> None:
        """Begins to embed `text` in the running event loop, in which it must be taken; never fails."""
        if text in self._begun:
            return
        self._begun[text] = begun = asyncio.get_running_loop().run_in_executor(None, self._embed, text)
        begun.add_done_callback(_looked_at)
        while len(self._begun) > _MOST:
            del self._begun[next(iter(self._begun))]

    async def take(self, text: str) -> NDArray[np.float32] | None:
        """Returns the vector of `text` if it was begun, when it is ready; else `None`.

        Raises:
            EncoderError: It could not be embedded.
        """
        begun = self._begun.pop(text, None)
        return await asyncio.shield(begun) if begun is not None else None


def _looked_at(begun: asyncio.Future[NDArray[np.float32] | None]) -> None:
    """Says nothing of a failure that nobody takes: the search it was for may never come."""
    if not begun.cancelled():
        begun.exception()
