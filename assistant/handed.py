"""A text handed over with a question: beside the library for it only, found, cited and verified."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexes.errors import InputError
from indexes.query import parse_query
from indexes.types import Collection, Document, Hits

if TYPE_CHECKING:
    from indexes.library import Library
    from indexes.protocols import Retriever
    from pipelines.research import Around
    from pipelines.services import Shelves

__all__ = ["LONGEST_TEXT", "checked_text", "handed"]

LONGEST_TEXT = 4_000_000
"""Characters. A longer text belongs in the library."""
_NAME = "standard input"


def checked_text(text: str) -> str:
    """Returns the text, if a question can be answered from it; empty where there are no words in it.

    Raises:
        InputError: It is too long, or no text at all, such as a PDF.
    """
    hint = "Add it to the library as a file: carrel add FILE"
    if len(text) > LONGEST_TEXT:
        raise InputError(f"The text beside the question has over {LONGEST_TEXT:,} characters.", hint=hint)
    if "\0" in text or text.startswith("%PDF"):
        raise InputError("What is beside the question is no text.", hint=hint)
    return text if text.strip() else ""


@asynccontextmanager
async def handed(text: str) -> AsyncGenerator[Around]:
    """Yields what puts `text` beside a question's other sources; it lies in a temporary library meanwhile.

    Args:
        text: Not empty; any characters.
    """
    from indexes.library import Library
    from indexes.types import ParsedDocument

    with tempfile.TemporaryDirectory(prefix="carrel-", ignore_cleanup_errors=True) as folder:
        async with await asyncio.to_thread(Library.open, Path(folder)) as library:
            parsed = ParsedDocument(media_type="text/plain", pages=(text,), title="Standard input")
            await library.add_texts({_NAME: parsed}, collection=_NAME)
            (document,) = await library.documents()
            yield partial(_beside, library=library, document=document)


def _beside(services: Mapping[str, Any], *, library: Library, document: Document) -> Mapping[str, Any]:
    keyword = next(each for each in library.retrievers if each.name == "keyword")
    return {
        **services,
        "library": _Both(services["library"], library, document.id),
        "retrievers": (*services["retrievers"], _Handed(keyword)),
    }


class _Handed:
    """Finds what the text has to a question, whatever collections and filters say of the library's papers."""

    def __init__(self, keyword: Retriever) -> None:
        self._keyword = keyword

    @property
    def name(self) -> str:
        return _NAME

    async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
        return await self._keyword.search(parse_query(text).text or text, limit=limit)


class _Both:
    """The library, and the pages of one more document."""

    def __init__(self, library: Shelves, other: Library, document_id: str) -> None:
        self._library = library
        self._other = other
        self._document_id = document_id

    @property
    def notes(self) -> tuple[str, ...]:
        return self._library.notes

    async def collections(self) -> tuple[Collection, ...]:
        return await self._library.collections()

    async def page(self, document_id: str, page: int) -> str:
        of_which = self._other if document_id == self._document_id else self._library
        return await of_which.page(document_id, page)

    async def rarity(self, stems: Iterable[str]) -> Mapping[str, float]:
        return await self._library.rarity(stems)

    async def closeness(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        return await self._library.closeness(question, texts)
