"""A model call ends when it is told to, whatever its client does with being told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk

from pipelines.chat import LangChainModel
from pipelines.models import ModelSettings, Prompt


class _Absorbing:
    """A client that loses the first cancellation, as `asyncio.wait_for` does before Python 3.12."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()
        self.pieces = 0

    async def astream(self, messages: Any) -> AsyncIterator[AIMessageChunk]:
        while True:
            self.waiting.set()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if self.pieces:
                    raise
            self.pieces += 1
            yield AIMessageChunk(content="a piece")


async def test_a_cancellation_that_the_client_loses_is_honoured_at_the_next_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = _Absorbing()
    model = LangChainModel(ModelSettings(name="openai:any", base_url="http://127.0.0.1:9/v1"))
    monkeypatch.setattr(model, "_client", client)
    asking = asyncio.create_task(model.complete(Prompt(system="", user="?")))
    await client.waiting.wait()

    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asking, 5)
    assert client.pieces == 1
