"""A few passages to ask about, and retrievers that find them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from indexes.types import Document, Hit, Hits, Origin, Passage

JITTER = (
    "Clients that fail together retry together. Full jitter spreads their retries: each client waits a random "
    "time between zero and an exponentially growing bound. In our runs it cut the number of calls by 46 percent."
)
BREAKER = (
    "A circuit breaker stops calling a service after five failures in a row. After thirty seconds it lets one "
    "probe through, and closes again if the probe succeeds."
)
FUSION = (
    "Reciprocal rank fusion adds 1/(60 + rank) over the retrievers. It needs no scores, so lists that cannot be "
    "compared can still be merged."
)


def hit(
    text: str, *, title: str = "A note", rank: int = 1, retriever: str = "keyword", score: float = 0.2,
    collection: str = "papers", origin: Origin = "library",
) -> Hit:  # fmt: skip
    """A hit on a document that has this text as its only page."""
    document = Document(
        id=f"doc-{title}", source=f"/notes/{title}.md", title=title, collection=collection, origin=origin
    )
    passage = Passage(id=f"doc-{title}:0", document_id=document.id, text=text, start=0, end=len(text), page=1)
    return Hit(passage=passage, document=document, score=score, rank=rank, retriever=retriever)


def pages(hits: Sequence[Hit]) -> dict[tuple[str, int], str]:
    """The pages that the hits stand on."""
    return {(each.document.id, each.passage.page): each.passage.text for each in hits}


class Found:
    """A retriever that always finds the same, or fails; two that share a meeting answer only together."""

    def __init__(
        self, name: str, found: Sequence[Hit] | Exception, *, meeting: asyncio.Barrier | None = None
    ) -> None:
        self.name = name
        self.meeting = meeting
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self._found = found

    async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
        self.asked.append((text, collections))
        if isinstance(self._found, Exception):
            raise self._found
        if self.meeting is not None:
            await asyncio.wait_for(self.meeting.wait(), 5)
        found = [each.model_copy(update={"retriever": self.name}) for each in self._found[:limit]]
        return Hits(hits=tuple(found))
