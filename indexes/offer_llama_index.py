"""A library as LlamaIndex's retriever; the only file that knows that class."""

from __future__ import annotations

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from indexes.offer import Offered, metadata_of
from indexes.types import Hits

__all__ = ["PassageRetriever"]


class PassageRetriever(BaseRetriever):
    """Finds passages; each is a node, with where it stands as its metadata."""

    def __init__(self, offered: Offered) -> None:
        super().__init__()
        self._offered = offered

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return _nodes(self._offered.search(query_bundle.query_str))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return _nodes(await self._offered.asearch(query_bundle.query_str))


def _nodes(found: Hits) -> list[NodeWithScore]:
    return [
        NodeWithScore(
            node=TextNode(
                id_=hit.passage.id,
                text=hit.passage.text,
                start_char_idx=hit.passage.start,
                end_char_idx=hit.passage.end,
                metadata=metadata_of(hit),
            ),
            score=hit.score,
        )
        for hit in found.hits
    ]
