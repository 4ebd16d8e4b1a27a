"""Bibliographies as libraries of references: those with an abstract are found, all describe papers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from indexes.catalogue import Catalogue
from indexes.clean import clean_line
from indexes.content import content_of_text, stored_path
from indexes.errors import LibraryError
from indexes.events import FileDone
from indexes.ledger import Content
from indexes.shelf import Shelf, letters, said_by
from indexes.types import ABSTRACT_ONLY, Document, ParsedDocument, Reference

__all__ = ["Bibliography", "Entries", "EntrySettling", "Works", "of_an_entry", "said_of"]

_SHORTEST_ABSTRACT = 80
"""Characters: "No abstract available" is none."""
_SHORTEST_TITLE = 15


class Bibliography(NamedTuple):
    """A file of references, read."""

    path: Path
    entries: tuple[Reference, ...]

    @property
    def with_abstract(self) -> list[tuple[str, Reference]]:
        """The entries that can be found by what they say, each with its path in the ledger."""
        numbered = ((entry.key or str(number), entry) for number, entry in enumerate(self.entries, 1))
        named: dict[str, Reference] = {}
        for name, entry in numbered:
            if entry.title and len(entry.abstract) >= _SHORTEST_ABSTRACT:
                named.setdefault(f"{stored_path(self.path)}!/{name}", entry)
        return list(named.items())


class EntrySettling(Protocol):
    """How a run of adding settles an entry in the ledger."""

    async def known(self, path: str, content: Content) -> FileDone | None:
        """Returns the outcome for content that need not be read, `None` for one that must be."""
        ...

    async def file(self, path: str, content: Content, parsed: ParsedDocument) -> FileDone:
        """Files a document under `path`."""
        ...

    async def set_aside(self, path: str, reason: str) -> FileDone:
        """Settles what is part of another document; its own goes."""
        ...

    async def failed(self, path: str, content: Content | None, error: Exception) -> FileDone:
        """Settles what could not be read."""
        ...


class Works:
    """Documents by the work that they are: the same DOI or the same title."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._by_doi: dict[str, Document] = {}
        self._by_title: dict[str, Document] = {}
        for document in documents:
            self.put(document)

    def put(self, document: Document) -> None:
        """Adds one; of two that are the same work the first one stays."""
        if document.doi:
            self._by_doi.setdefault(document.doi.lower(), document)
        if len(title := letters(document.title)) >= _SHORTEST_TITLE:
            self._by_title.setdefault(title, document)

    def of(self, *, title: str, doi: str | None) -> Document | None:
        """Returns the document of that work."""
        return self._by_doi.get((doi or "").lower()) or self._by_title.get(letters(title))


class Entries:
    """Settles what bibliographies say, once the files of a run are settled."""

    def __init__(
        self, settling: EntrySettling, catalogue: Catalogue, shelf: Shelf, *, collection: str
    ) -> None:
        self.notes: list[str] = []
        self._settling = settling
        self._catalogue = catalogue
        self._shelf = shelf
        self._collection = collection
        self._anew = 0

    async def settle(self, bibliographies: Sequence[Bibliography]) -> AsyncIterator[FileDone]:
        """Describes papers that are here, and files the entries whose paper is not; yields their fates."""
        documents = await self._catalogue.documents(collection=self._collection)
        papers = [await self._described(document) for document in documents if not document.abstract_only]
        if self._anew:
            noun = "paper" if self._anew == 1 else "papers"
            self.notes.append(f"{self._anew} {noun} described anew from a bibliography, not read again.")
        here = Works(papers)
        for alone in (document for document in documents if document.abstract_only):
            if paper := here.of(title=alone.title, doi=alone.doi):
                await self._give_way(alone, paper)
        taken = {id(entry) for paper in papers if (entry := self._shelf.entry(paper)) is not None}
        known = Works(document for document in documents if document.abstract_only)
        for bibliography in bibliographies:
            for path, entry in bibliography.with_abstract:
                if id(entry) in taken or here.of(title=entry.title, doi=entry.doi):
                    continue
                twin = known.of(title=entry.title, doi=entry.doi)
                if twin is None or twin.source == path:
                    yield await self._file(path, entry, known)
            await self._tell_lost(bibliography)

    async def _described(self, document: Document) -> Document:
        """The document as its entry describes it; written down if that is news."""
        said = self._shelf.said(document)
        if not said:
            return document
        self._anew += await self._catalogue.describe(document.id, said, "bibliography")
        return document.model_copy(
            update={name: said[name] for name in said if name in Document.model_fields}
        )

    async def _give_way(self, alone: Document, paper: Document) -> None:
        for record in await self._catalogue.recorded_for(alone.id):
            name = clean_line(Path(paper.source).name)
            await self._settling.set_aside(record.path, f"its paper is in the library: {name}")

    async def _file(self, path: str, entry: Reference, known: Works) -> FileDone:
        parsed = of_an_entry(entry)
        content = content_of_text(parsed, self._collection)
        try:
            outcome = await self._settling.known(path, content) or await self._settling.file(
                path, content, parsed
            )
        except LibraryError:
            raise
        except Exception as error:  # noqa: BLE001 - the row of a batch: one entry spoils no other
            return await self._settling.failed(path, content, error)
        for document in await self._catalogue.documents([content.document_id]):
            known.put(document)
        return outcome

    async def _tell_lost(self, bibliography: Bibliography) -> None:
        inside = {path for path, _ in bibliography.with_abstract}
        folder = f"{stored_path(bibliography.path)}!/"
        before = await self._catalogue.recorded_under(folder, self._collection)
        if gone := [record for record in before if record.path not in inside]:
            name = clean_line(bibliography.path.name)
            self.notes.append(f"Gone from {name}, but kept in the library: {len(gone)}.")


def of_an_entry(entry: Reference) -> ParsedDocument:
    """Returns an entry as a document: its title and its abstract."""
    said = said_by(entry)
    return ParsedDocument(
        media_type=ABSTRACT_ONLY,
        pages=(f"{entry.title}\n\n{entry.abstract}",),
        origins=dict.fromkeys(said, "bibliography"),
        **said,
    )


def said_of(bibliography: Bibliography) -> str:
    """Returns what the report says of a bibliography."""
    count, found = len(bibliography.entries), len(bibliography.with_abstract)
    entries = f"{count} {'entry' if count == 1 else 'entries'}"
    if found == count:
        return f"a bibliography: {entries}, each with an abstract"
    return f"a bibliography: {entries}, {count - found} of them without an abstract, for metadata only"
