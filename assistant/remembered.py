"""Past questions looked up in the history alone: no library is opened, and no file is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from assistant.history import History
from assistant.past import Past
from assistant.past_question import PastAnswer, PastPage
from assistant.paths import Paths
from indexes.errors import InputError

__all__ = ["past_answer", "past_page"]


async def past_page(paths: Paths, text: str = "", *, offset: int = 0, limit: int = 100) -> PastPage:
    """Returns at most `limit` questions, newest first; see `Past.page`.

    Raises:
        HistoryError: The file cannot be read.
    """
    if not paths.history.exists():
        return PastPage(total=0, offset=offset, questions=())
    async with _opened(paths) as past:
        return await past.page(text, offset=offset, limit=limit)


async def past_answer(paths: Paths, name: str) -> PastAnswer:
    """Returns the question that `name` means, with its answer; see `Past.named`.

    Raises:
        InputError: No question goes by that name, or several do.
        HistoryError: The file cannot be read.
    """
    if not paths.history.exists():
        raise InputError("The history is empty.", hint="`carrel ask` asks a question.")
    async with _opened(paths) as past:
        return await past.named(name)


@asynccontextmanager
async def _opened(paths: Paths) -> AsyncGenerator[Past]:
    history = await asyncio.to_thread(History, paths.history)
    try:
        yield history.past
    finally:
        await history.close()
