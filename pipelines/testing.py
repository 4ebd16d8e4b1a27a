"""Shipped doubles for pipelines: a model that answers from a script, and shelves that hold a few pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

from indexes.types import Collection
from pipelines.models import ModelSettings, Prompt
from pipelines.trace import current_span
from pipelines.types import Usage

__all__ = ["PageShelves", "ScriptedModel"]


class ScriptedModel:
    """A chat model whose replies are written in advance; it keeps every prompt it was given.

    Args:
        reply: The reply, or a function from the prompt to it; an exception is raised instead.
        name: What it is called.
        seconds: How long each call takes before the first word; `inf` never answers.
        context_tokens: Its context.
    """

    def __init__(
        self,
        reply: str | Exception | Callable[[Prompt], str | Exception],
        *,
        name: str = "scripted:small",
        seconds: float = 0.0,
        context_tokens: int = 16_000,
    ) -> None:
        self.settings = ModelSettings(name=name, context_tokens=context_tokens, max_output_tokens=500)
        self.prompts: list[Prompt] = []
        self._reply = reply
        self._seconds = seconds

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """See `ChatModel.stream`; a word at a time."""
        self.prompts.append(prompt)
        if span := current_span():
            span.model = self.settings.name
            span.spend(Usage(calls=1, input_tokens=len(prompt.user) // 4))
        if self._seconds:
            await asyncio.sleep(self._seconds if self._seconds != float("inf") else 3600)
        reply = self._reply(prompt) if callable(self._reply) else self._reply
        if isinstance(reply, Exception):
            raise reply
        if span:
            span.spend(Usage(output_tokens=len(reply) // 4))
        for word in reply.splitlines(keepends=True):
            yield word

    async def complete(self, prompt: Prompt) -> str:
        """See `ChatModel.complete`."""
        return "".join([piece async for piece in self.stream(prompt)])


class PageShelves:
    """Pages by `(document id, page)`, for a pipeline without a library."""

    def __init__(
        self, pages: Mapping[tuple[str, int], str], *, collections: Sequence[str] = ("papers",)
    ) -> None:
        self._pages = pages
        self._names = collections

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing to say."""
        return ()

    async def collections(self) -> tuple[Collection, ...]:
        """The collections, with the pages counted as passages."""
        count = len(self._pages)
        return tuple(
            Collection(name=name, documents=count, passages=count, embedded=0) for name in self._names
        )

    async def page(self, document_id: str, page: int) -> str:
        """The stored text of a page."""
        return self._pages[document_id, page]

    async def rarity(self, stems: Iterable[str]) -> Mapping[str, float]:
        """Every word is as telling as any other."""
        return dict.fromkeys(stems, 1.0)

    async def closeness(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """It has no model."""
        return ()
