"""The library as the research pipeline sees it, beside its retrievers: pages and how rare a word is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
