"""What a library can give to read: documents, what is known of them, their pages and passages."""

from __future__ import annotations

from collections.abc import Sequence

from indexes.catalogue import Catalogue
from indexes.types import Details, Document, Passage

__all__ = ["Texts"]


class Texts:
    """The texts of a library's papers."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def documents(
        self, ids: Sequence[str] | None = None, *, collection: str | None = None
    ) -> tuple[Document, ...]:
        """Returns the documents named by `ids`, in that order, without unknown ones; else all, by title."""
        return await self._catalogue.documents(ids, collection=collection)

    async def details(self, document_id: str) -> Details:
        """Returns what is known of a document beside what an answer shows: abstract, references, origins.

        Raises:
            DocumentMissing: There is no such document.
        """
        return await self._catalogue.details(document_id)

    async def document(self, document_id: str) -> Document:
        """Returns one document.

        Raises:
            DocumentMissing: There is no such document.
        """
        return await self._catalogue.document(document_id)

    async def page(self, document_id: str, page: int) -> str:
        """Returns the text of a page, counted from 1; empty for a page that the document does not have."""
        return await self._catalogue.page(document_id, page)

    async def text(self, document_id: str) -> str:
        """Returns a document's whole text, its pages joined by `PAGE_BREAK`."""
        return await self._catalogue.stretch(document_id, 0)

    async def stretch(self, document_id: str, start: int, end: int) -> str:
        """Returns a document's text from `start` to `end`, exclusive."""
        return await self._catalogue.stretch(document_id, start, end)

    async def passages(self, ids: Sequence[str]) -> tuple[Passage, ...]:
        """Returns the passages named by `ids`, in that order, without unknown ones."""
        return await self._catalogue.passages(ids)

    async def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """Returns all passages of a document, in reading order."""
        return await self._catalogue.passages_of(document_id)
