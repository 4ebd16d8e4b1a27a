"""A journal in memory: what one question keeps, and what others may share."""

from __future__ import annotations

from pipelines.journal import Kept


class MemoryJournal:
    """The journal of one question; journals made `beside` it share what is shared."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Kept] = {}
        self._shared: dict[tuple[str, str], Kept] = {}

    def beside(self) -> MemoryJournal:
        """The journal of another question in the same store."""
        other = MemoryJournal()
        other._shared = self._shared
        return other

    async def recall(self, step: str, input_hash: str, *, shared: bool = False) -> Kept | None:
        own = self.kept.get((step, input_hash))
        return own or (self._shared.get((step, input_hash)) if shared else None)

    async def keep(self, step: str, input_hash: str, kept: Kept) -> None:
        self.kept[step, input_hash] = self._shared[step, input_hash] = kept

    async def forget(self, step: str, input_hash: str) -> None:
        self.kept.pop((step, input_hash), None)
        self._shared.pop((step, input_hash), None)
