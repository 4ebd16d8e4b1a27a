"""The papers of the library for their owner: listed, removed, read again; blocking, or awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.loop import Consult, LoopThread
from assistant.telling import told
from indexes.events import AddEvent
from indexes.gone import Gone
from indexes.holdings import EVERYTHING, Holding, Holdings, Wanted
from indexes.ledger import Record
from indexes.types import AddReport, Document

if TYPE_CHECKING:
    from assistant.build import Workbench
    from assistant.references import ReferenceFormat
    from indexes.check import CheckReport
    from indexes.enrich import EnrichReport
    from indexes.repair import RepairReport
    from indexes.watch import WatchEvent

__all__ = ["Gone", "Holding", "Papers", "Record", "Wanted"]


class Papers:
    """What the library holds. Each method blocks; the one with `a` before its name is awaited.

    for holding in assistant.papers.list(author="Curie"):
        print(holding.document.title, holding.files)
    """

    def __init__(
        self,
        loop: LoopThread,
        folder: Path,
        workbench: Callable[[], Awaitable[Workbench]],
        close: Callable[[], Awaitable[None]],
        *,
        chroma: str = "",
    ) -> None:
        """Use `Assistant.papers`."""
        self._loop = loop
        self._folder = folder
        self._workbench = workbench
        self._close = close
        self._chroma = chroma

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

    def named(self, names: Sequence[str], *, collection: str | None = None) -> tuple[Document, ...]:
        """Returns the papers that `names` mean; a folder means all that were read from it, others one each.

        Raises:
            DocumentMissing: A name means none.
            NameAmbiguous: A name that is no folder means several.
        """
        return self._loop.run(self._named(names, collection))

    async def anamed(self, names: Sequence[str], *, collection: str | None = None) -> tuple[Document, ...]:
        """Returns the papers that `names` mean, like `named`."""
        return await self._loop.arun(self._named(names, collection))

    def remove(self, documents: Sequence[Document]) -> None:
        """Takes papers out of the library, with all that was made from them; their files are not touched.

        Raises:
            LibraryBusy: Another process is writing.
        """
        self._loop.run(self._remove(documents))

    async def aremove(self, documents: Sequence[Document]) -> None:
        """Takes papers out, like `remove`."""
        await self._loop.arun(self._remove(documents))

    def gone(self, *, collection: str | None = None) -> Gone:
        """Returns the files that are no longer on the disk; those of emptied folders apart."""
        return self._loop.run(self._gone(collection))

    async def agone(self, *, collection: str | None = None) -> Gone:
        """Returns the files that are no longer on the disk, like `gone`."""
        return await self._loop.arun(self._gone(collection))

    def forget(self, records: Sequence[Record]) -> int:
        """Strikes files out, with the papers that no other file stands for; returns how many those are."""
        return self._loop.run(self._forget(records))

    async def aforget(self, records: Sequence[Record]) -> int:
        """Strikes files out, like `forget`."""
        return await self._loop.arun(self._forget(records))

    def retry(
        self,
        names: Sequence[str] = (),
        *,
        collection: str | None = None,
        emit: Callable[[AddEvent], None] | None = None,
    ) -> AddReport:
        """Reads files again that failed, all of them or those named; returns what became of each.

        Raises:
            PathMissing: No failed file has one of the names.
            LibraryBusy: Another process is writing.
        """
        return self._loop.run(self._retry(names, collection, emit))

    async def aretry(
        self,
        names: Sequence[str] = (),
        *,
        collection: str | None = None,
        emit: Callable[[AddEvent], None] | None = None,
    ) -> AddReport:
        """Reads files again that failed, like `retry`."""
        return await self._loop.arun(self._retry(names, collection, emit))

    def watch(
        self, paths: Sequence[Path], *, collection: str = "papers"
    ) -> Generator[WatchEvent, None, None]:
        """Adds what is under `paths`, then follows it, and yields what happens; closing the iterator ends it.

        Raises:
            PathMissing: One of the paths does not exist.
            InputError: The package that follows folders is not installed.
        """
        return self._loop.iterate(self._watching(paths, collection))

    async def awatch(
        self, paths: Sequence[Path], *, collection: str = "papers"
    ) -> AsyncGenerator[WatchEvent, None]:
        """Adds what is under `paths` and follows it, like `watch`."""
        async with aclosing(self._loop.aiterate(self._watching(paths, collection))) as events:
            async for event in events:
                yield event

    def rename_collection(self, old: str, new: str, *, merge: bool = False) -> tuple[int, int]:
        """Calls a collection otherwise; returns how many papers moved, and how many `new` had already.

        Args:
            old: What there is.
            new: What it is called from now on.
            merge: Join them if there is a `new` already: the same bytes in both become one paper.

        Raises:
            InputError: There is no `old`, or there is a `new` and `merge` is not set.
            LibraryBusy: Another process is writing.
        """
        return self._loop.run(self._rename_collection(old, new, merge))

    async def arename_collection(self, old: str, new: str, *, merge: bool = False) -> tuple[int, int]:
        """Calls a collection otherwise, like `rename_collection`."""
        return await self._loop.arun(self._rename_collection(old, new, merge))

    def remove_collection(self, name: str) -> int:
        """Takes out all papers of a collection; returns how many.

        Raises:
            InputError: There is no such collection.
            LibraryBusy: Another process is writing.
        """
        return self._loop.run(self._remove_collection(name))

    async def aremove_collection(self, name: str) -> int:
        """Takes out all papers of a collection, like `remove_collection`."""
        return await self._loop.arun(self._remove_collection(name))

    def check(self) -> CheckReport:
        """Looks the library over, and changes nothing in it."""
        return self._loop.run(self._check())

    async def acheck(self) -> CheckReport:
        """Looks the library over, like `check`."""
        return await self._loop.arun(self._check())

    def repair(self) -> RepairReport:
        """Mends what can be mended with what is in the library; nothing is embedded, no file is read again.

        Raises:
            LibraryBusy: Another process is writing.
        """
        return self._loop.run(self._repair())

    async def arepair(self) -> RepairReport:
        """Mends the library, like `repair`."""
        return await self._loop.arun(self._repair())

    def enrich(
        self,
        names: Sequence[str] = (),
        *,
        collection: str | None = None,
        again: bool = False,
        tell: Callable[[int, int], None] | None = None,
    ) -> EnrichReport:
        """Asks Crossref, or OpenAlex by the settings, about papers, and writes down what it says.

        Their DOIs leave this machine, or their titles and first authors where a DOI is not known. What your
        own bibliography says stays.

        Args:
            names: Which papers, as `named` takes them; all without any.
            collection: Only papers of this collection.
            again: Ask about papers too that were described before, for a retraction since then.
            tell: Told how many of how many papers are done.

        Raises:
            DocumentMissing: A name means no paper.
            LibraryBusy: Another process is writing; what was written down stays.
        """
        return self._loop.run(self._enrich(names, collection, again, tell))

    async def aenrich(
        self,
        names: Sequence[str] = (),
        *,
        collection: str | None = None,
        again: bool = False,
        tell: Callable[[int, int], None] | None = None,
    ) -> EnrichReport:
        """Asks a registry about papers, like `enrich`."""
        return await self._loop.arun(self._enrich(names, collection, again, tell))

    # What follows runs on the loop thread only.

    def _watching(
        self, paths: Sequence[Path], collection: str
    ) -> Callable[[Consult[object, object]], AsyncIterator[WatchEvent]]:
        async def events(consult: Consult[object, object]) -> AsyncGenerator[WatchEvent, None]:
            from indexes.watch import watch

            workbench = await self._workbench()

            async def following(emit: Callable[[WatchEvent], None]) -> None:
                await watch(
                    workbench.library,
                    paths,
                    collection=collection,
                    emit=emit,
                    named_readers=workbench.named_readers(),
                )

            async with aclosing(told(following)) as watching:
                async for event in watching:
                    yield event

        return events

    async def _rename_collection(self, old: str, new: str, merge: bool) -> tuple[int, int]:
        return await (await self._holdings()).rename_collection(old, new, merge=merge)

    async def _remove_collection(self, name: str) -> int:
        return await (await self._holdings()).remove_collection(name)

    async def _check(self) -> CheckReport:
        from indexes.check import check

        return await check(self._folder, chroma=self._chroma)

    async def _repair(self) -> RepairReport:
        from indexes.repair import repair

        await self._close()  # the catalogue's file may be replaced
        return await repair(self._folder, chroma=self._chroma)

    async def _enrich(
        self,
        names: Sequence[str],
        collection: str | None,
        again: bool,
        tell: Callable[[int, int], None] | None,
    ) -> EnrichReport:
        from indexes.registries import registry_named

        library = (await self._workbench()).settings.library
        registry = registry_named(
            library.registry, url=library.registry_url or "", contact=library.registry_contact
        )
        holdings = await self._holdings()
        if names:
            documents = await self._named(names, collection)
        else:
            wanted = EVERYTHING._replace(collection=collection)
            documents = tuple(holding.document for holding in await holdings.all(wanted))
        return await holdings.enrich(documents, registry, again=again, tell=tell or _nobody)

    async def _holdings(self) -> Holdings:
        return (await self._workbench()).library.holdings

    async def _named(self, names: Sequence[str], collection: str | None) -> tuple[Document, ...]:
        holdings = await self._holdings()
        found: dict[str, Document] = {}
        for name in names:
            inside = await holdings.inside(name, collection=collection)
            for document in inside or [await holdings.one(name, collection=collection)]:
                found.setdefault(document.id, document)
        return tuple(found.values())

    async def _remove(self, documents: Sequence[Document]) -> None:
        await (await self._holdings()).remove(documents)

    async def _gone(self, collection: str | None) -> Gone:
        return await (await self._holdings()).gone(collection=collection)

    async def _forget(self, records: Sequence[Record]) -> int:
        return await (await self._holdings()).forget(records)

    async def _retry(
        self, names: Sequence[str], collection: str | None, emit: Callable[[AddEvent], None] | None
    ) -> AddReport:
        from indexes.retry import retry

        workbench = await self._workbench()
        return await retry(
            workbench.library,
            names,
            collection=collection,
            emit=emit,
            named_readers=workbench.named_readers(),
            ocr=workbench.settings.library.ocr,
        )

    async def _list(self, wanted: Wanted) -> tuple[Holding, ...]:
        return await (await self._holdings()).all(wanted)

    async def _show(self, name: str, collection: str | None) -> Holding:
        holdings = await self._holdings()
        (holding,) = await holdings.of([await holdings.one(name, collection=collection)], detailed=True)
        return holding

    async def _failed(self, collection: str | None) -> tuple[Record, ...]:
        return await (await self._holdings()).failures(collection)

    async def _export(self, form: ReferenceFormat, wanted: Wanted) -> str:
        from assistant.references import references_of

        holdings = await self._holdings()
        return references_of(await holdings.all(wanted, detailed=True), form)


def _nobody(done: int, total: int) -> None:
    """Nobody listens."""
