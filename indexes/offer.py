"""Offers a library to other programs: as a retriever of LangChain's, as a retriever of LlamaIndex's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from indexes.neighbours import PER_DOCUMENT
from indexes.types import Hit, Hits

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever as LangChainRetriever
    from llama_index.core.base.base_retriever import BaseRetriever as LlamaIndexRetriever

__all__ = ["Offered", "SearchesAndWaits", "SearchesAwaited", "as_langchain", "as_llama_index", "metadata_of"]


class SearchesAwaited(Protocol):
    """What a `Library` is."""

    async def search(
        self,
        text: str,
        *,
        limit: int = 10,
        collections: Sequence[str] = (),
        per_document: int | None = PER_DOCUMENT,
    ) -> Hits:
        """Returns the passages that fit best."""
        ...


class SearchesAndWaits(Protocol):
    """What an `Assistant` is."""

    @property
    def search(self) -> Callable[..., Hits]:
        """Returns the passages that fit best; blocks."""
        ...

    @property
    def asearch(self) -> Callable[..., Awaitable[Hits]]:
        """Returns them, awaited."""
        ...


class Offered(NamedTuple):
    """The two ways to ask, for the passages that are wanted."""

    search: Callable[[str], Hits]
    asearch: Callable[[str], Awaitable[Hits]]


def as_langchain(
    library: SearchesAwaited | SearchesAndWaits,
    *,
    limit: int = 10,
    collections: Sequence[str] = (),
    per_document: int | None = PER_DOCUMENT,
) -> LangChainRetriever:
    """Returns a LangChain retriever: `invoke` and `ainvoke` take a question, filters and all.

    Args:
        library: An open `Library`, or an `Assistant`.
        limit: Most documents of LangChain's, which are passages here.
        collections: Where to look; empty means everywhere.
        per_document: Most passages of one paper before every other has had its turn; `None` for any number.
    """
    from indexes.offer_langchain import PassageRetriever

    return PassageRetriever(offered=_offered(library, limit, tuple(collections), per_document))


def as_llama_index(
    library: SearchesAwaited | SearchesAndWaits,
    *,
    limit: int = 10,
    collections: Sequence[str] = (),
    per_document: int | None = PER_DOCUMENT,
) -> LlamaIndexRetriever:
    """Returns a LlamaIndex retriever: `retrieve` and `aretrieve` take a question, filters and all.

    Args:
        library: An open `Library`, or an `Assistant`.
        limit: Most nodes.
        collections: Where to look; empty means everywhere.
        per_document: Most passages of one paper before every other has had its turn; `None` for any number.
    """
    from indexes.offer_llama_index import PassageRetriever

    return PassageRetriever(_offered(library, limit, tuple(collections), per_document))


def metadata_of(hit: Hit) -> dict[str, Any]:
    """Returns what others need to cite a passage; plain values only."""
    passage, document = hit.passage, hit.document
    return {
        "document_id": document.id,
        "title": document.title,
        "authors": list(document.authors),
        "year": document.year,
        "doi": document.doi,
        "source": document.source,
        "collection": document.collection,
        "page": passage.page,
        "section": passage.section,
        "start": passage.start,
        "end": passage.end,
        "score": hit.score,
        "rank": hit.rank,
    }


def _offered(library: Any, limit: int, collections: tuple[str, ...], per_document: int | None) -> Offered:
    where = {"limit": limit, "collections": collections, "per_document": per_document}
    if hasattr(library, "asearch"):
        return Offered(
            lambda text: library.search(text, **where), lambda text: library.asearch(text, **where)
        )

    def search(text: str) -> Hits:
        return _waited_for(lambda: library.search(text, **where))

    return Offered(search, lambda text: library.search(text, **where))


def _waited_for(search: Callable[[], Coroutine[Any, Any, Hits]]) -> Hits:
    """Runs a search to its end, also where a loop is running already, as in a notebook."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(lambda: asyncio.run(search())).result()
