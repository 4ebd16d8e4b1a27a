"""The papers of the library for their owner: listed, shown and exported; blocking, or awaited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from assistant.loop import LoopThread
from indexes.holdings import EVERYTHING, Holding, Wanted
from indexes.ledger import Record

if TYPE_CHECKING:
    from assistant.build import Workbench
    from assistant.references import ReferenceFormat

__all__ = ["Holding", "Papers", "Record", "Wanted"]


class Papers:
    """What the library holds. Each method blocks; the one with `a` before its name is awaited.

    for holding in assistant.papers.list(author="Curie"):
        print(holding.document.title, holding.files)
    """

    def __init__(self, loop: LoopThread, workbench: Callable[[], Awaitable[Workbench]]) -> None:
        """Use `Assistant.papers`."""
        self._loop = loop
        self._workbench = workbench

    def list(self, wanted: Wanted = EVERYTHING) -> tuple[Holding, ...]:
        """Returns the papers that are wanted, all by default, by title."""
        return self._loop.run(self._list(wanted))

    async def alist(self, wanted: Wanted = EVERYTHING) -> tuple[Holding, ...]:
        """Returns the papers that are wanted, like `list`."""
        return await self._loop.arun(self._list(wanted))

    def show(self, name: str, *, collection: str | None = None) -> Holding:
        """Returns one paper, named by the beginning of its id, its file, or a part of its title.

        Raises:
            DocumentMissing: There is none of that name.
            NameAmbiguous: There are several; the hint says how to tell them apart.
        """
        return self._loop.run(self._show(name, collection))

    async def ashow(self, name: str, *, collection: str | None = None) -> Holding:
        """Returns one paper, like `show`."""
        return await self._loop.arun(self._show(name, collection))

    def failed(self, *, collection: str | None = None) -> tuple[Record, ...]:
        """Returns the files that could not be read, each with its reason, by path."""
        return self._loop.run(self._failed(collection))

    async def afailed(self, *, collection: str | None = None) -> tuple[Record, ...]:
        """Returns the files that could not be read, like `failed`."""
        return await self._loop.arun(self._failed(collection))

    def export(self, form: ReferenceFormat = "bibtex", wanted: Wanted = EVERYTHING) -> str:
        """Returns the metadata of the papers that are wanted, as a file of references."""
        return self._loop.run(self._export(form, wanted))

    async def aexport(self, form: ReferenceFormat = "bibtex", wanted: Wanted = EVERYTHING) -> str:
        """Returns the metadata of papers, like `export`."""
        return await self._loop.arun(self._export(form, wanted))

    # What follows runs on the loop thread only.

    async def _list(self, wanted: Wanted) -> tuple[Holding, ...]:
        return await (await self._workbench()).library.holdings.all(wanted)

    async def _show(self, name: str, collection: str | None) -> Holding:
        holdings = (await self._workbench()).library.holdings
        (holding,) = await holdings.of([await holdings.one(name, collection=collection)], detailed=True)
        return holding

    async def _failed(self, collection: str | None) -> tuple[Record, ...]:
        return await (await self._workbench()).library.holdings.failures(collection)

    async def _export(self, form: ReferenceFormat, wanted: Wanted) -> str:
        from assistant.references import references_of

        holdings = (await self._workbench()).library.holdings
        return references_of(await holdings.all(wanted, detailed=True), form)
