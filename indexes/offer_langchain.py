"""A library as LangChain's retriever; the only file that knows that class."""

from __future__ import annotations

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from indexes.offer import Offered, metadata_of
from indexes.types import Hits

__all__ = ["PassageRetriever"]


class PassageRetriever(BaseRetriever):
    """Finds passages; each is a document of LangChain's, with where it stands as its metadata."""

    model_config = ConfigDict(arbitrary_types_allowed=True, ignored_types=(property,))

    offered: Offered

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return _documents(self.offered.search(query))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        return _documents(await self.offered.asearch(query))


def _documents(found: Hits) -> list[Document]:
    return [
        Document(id=hit.passage.id, page_content=hit.passage.text, metadata=metadata_of(hit))
        for hit in found.hits
    ]
