"""Doubles that ship with the library: a real one filled without files, and a retriever that does as told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from indexes.library import Library
from indexes.protocols import Encoder
from indexes.types import Hit, Hits, ParsedDocument

__all__ = ["ScriptedRetriever", "library_of"]


async def library_of(
    texts: Mapping[str, str] | Sequence[ParsedDocument],
    folder: Path,
    *,
    encoder: Encoder | None = None,
    collection: str = "papers",
) -> Library:
    """Returns an open library in `folder` that holds `texts`; real in every part, but no file is read.

    Args:
        texts: Documents of one page by title, or documents as a reader gives them.
        folder: Where it lies.
        encoder: Embeds them, as `indexes.hashing.HashingEncoder` does without a model file.
        collection: What they are added to; call `add_texts` for more.
    """
    if isinstance(texts, Mapping):
        documents = {
            title: ParsedDocument(media_type="text/plain", pages=(text,), title=title)
            for title, text in texts.items()
        }
    else:
        documents = {parsed.title or f"document {number}": parsed for number, parsed in enumerate(texts, 1)}
    library = Library.open(folder, encoder=encoder)
    try:
        await library.add_texts(documents, collection=collection)
    except BaseException:
        await library.close()
        raise
    return library


class ScriptedRetriever:
    """A retriever that returns what it was given, or raises, after a while; it notes what it was asked."""

    def __init__(
        self,
        name: str,
        hits: Sequence[Hit] = (),
        *,
        error: Exception | None = None,
        delay_seconds: float = 0.0,
        notes: Sequence[str] = (),
    ) -> None:
        self._name = name
        self._hits = tuple(hits)
        self._error = error
        self._delay_seconds = delay_seconds
        self._notes = tuple(notes)
        self.asked: list[tuple[str, int, tuple[str, ...]]] = []
        """Text, limit and collections of each search, in order."""

    @property
    def name(self) -> str:
        """Stands in each hit."""
        return self._name

    async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
        """Returns the scripted hits of `collections`, at most `limit`, in the order they were given."""
        self.asked.append((text, limit, collections))
        await asyncio.sleep(self._delay_seconds)
        if self._error is not None:
            raise self._error
        chosen = [hit for hit in self._hits if not collections or hit.document.collection in collections]
        return Hits(
            hits=tuple(
                hit.model_copy(update={"rank": rank, "retriever": self._name})
                for rank, hit in enumerate(chosen[:limit], 1)
            ),
            notes=self._notes,
        )
