"""A SearXNG search service: `GET /search?q=...&format=json`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from tests.faults.dialects.body import send_body
from tests.faults.script import ContextLengthExceeded, Ending, Reply, Status
from tests.faults.wire import Request, Wire

__all__ = ["SearXNG", "SearchResult"]


@dataclass(frozen=True)
class SearchResult:
    """One line of a result page."""

    title: str
    url: str
    content: str
    """The snippet."""


def _two_pages(query: str) -> list[SearchResult]:
    return [
        SearchResult(
            f"On {query}",
            "https://example.org/first",
            f"A page about {query}. It explains {query} at length.",
        ),
        SearchResult(
            f"{query}, revisited", "https://example.org/second", f"What was learned about {query} since."
        ),
    ]


class SearXNG:
    """Answers searches with `find(query)`; `Reply(text=...)` sends that text as the body instead."""

    def __init__(self, find: Callable[[str], Sequence[SearchResult]] = _two_pages) -> None:
        self.find = find

    def serves(self, request: Request) -> bool:
        return request.path == "/search"

    async def perform(
        self, step: Reply | Status | ContextLengthExceeded, request: Request, wire: Wire
    ) -> None:
        match step:
            case Status(code, headers, body):
                await wire.whole(
                    code, (body or f"{code}\n").encode(), {"Content-Type": "text/plain", **headers}
                )
            case ContextLengthExceeded():
                await wire.whole(414, b"query too long\n", {"Content-Type": "text/plain"})
            case Reply() if request.query.get("format") != "json":
                # As an instance whose settings allow HTML only.
                await wire.whole(403, b"Forbidden\n", {"Content-Type": "text/plain"})
            case Reply():
                await self._reply(step, request, wire)

    async def _reply(self, reply: Reply, request: Request, wire: Wire) -> None:
        body = (reply.text if reply.text is not None else self._page(request, reply.then)).encode()
        await asyncio.sleep(reply.gap)
        await send_body(wire, body, reply.then)

    def _page(self, request: Request, ending: Ending) -> str:
        query = request.query.get("q", "")
        found = [] if ending is Ending.EMPTY else self.find(query)
        results = [
            {**asdict(result), "engine": "loopback", "score": 1 / rank}
            for rank, result in enumerate(found, 1)
        ]
        return json.dumps(
            {
                "query": query,
                "number_of_results": len(results),
                "results": results,
                "answers": [],
                "suggestions": [],
                "unresponsive_engines": [],
            }
        )
