"""The library as the research pipeline sees it, beside its retrievers: pages, rare words, close texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from indexes.types import Collection

__all__ = ["Shelves"]


class Shelves(Protocol):
    """The library as far as a question needs it, beside the retrievers."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of any search of it should know, such as that it is by keyword only."""
        ...

    async def collections(self) -> tuple[Collection, ...]:
        """The collections there are."""
        ...

    async def page(self, document_id: str, page: int) -> str:
        """The stored text of a page, from 1."""
        ...

    async def rarity(self, stems: Iterable[str]) -> Mapping[str, float]:
        """How telling each stem is, from 0 (stands everywhere) to 1 (stands nowhere)."""
        ...

    async def closeness(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """How close each text is to the question in meaning, -1 to 1; empty where no model here can tell."""
        ...
