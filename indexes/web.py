"""Searches the web: one query to one search engine, its titles and snippets as hits marked as web."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from indexes.clean import clean, clean_line
from indexes.errors import WebError
from indexes.fetch import QUIET_SECONDS, TOTAL_SECONDS, check, fetch, is_page
from indexes.types import Document, Hit, Hits, Model, Passage

__all__ = ["DuckDuckGo", "SearxNG", "WebResult", "WebRetriever", "WebSource"]

_MAX_QUERY = 400
_MAX_SNIPPET = 2_000


class WebResult(Model):
    """One line of a search engine's answer, as it came: not cleaned, not checked."""

    title: str
    url: str
    snippet: str


class WebSource(Protocol):
    """A search engine."""

    @property
    def host(self) -> str:
        """Who gets to see the query, for the question whether it may be sent."""
        ...

    def search(self, query: str, *, limit: int) -> Sequence[WebResult]:
        """Returns about `limit` results, best first; blocking.

        Raises:
            WebError: The engine cannot be reached, refuses, or answers with something else.
        """
        ...


class WebRetriever:
    """A retriever over a web search engine. Whether the person allows it is asked before, not here."""

    def __init__(
        self, source: WebSource | None = None, *, name: str = "web", timeout_seconds: float = TOTAL_SECONDS
    ) -> None:
        """Uses DuckDuckGo if no source is given; connects to nothing yet."""
        self._source = source or DuckDuckGo()
        self._name = name
        self._timeout_seconds = timeout_seconds

    @property
    def name(self) -> str:
        """`web`."""
        return self._name

    @property
    def host(self) -> str:
        """Who gets to see the query."""
        return self._source.host

    async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
        """Returns at most `limit` hits, their documents with `origin == "web"`; `collections` mean nothing.

        Raises:
            WebBlocked: The engine refuses to answer for now.
            WebError: It cannot be reached, took too long, or answered with something else.
        """
        query = " ".join(clean(text).split())[:_MAX_QUERY].strip()
        if not query:
            return Hits()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                results = await asyncio.to_thread(self._source.search, query, limit=limit)
        except TimeoutError as error:
            raise WebError(
                f"{self.host} took longer than {self._timeout_seconds:g} seconds to answer."
            ) from error
        hits = tuple(self._hits(results, limit))
        return Hits(
            hits=hits, notes=() if hits else (f"{self.host} found nothing on the web for this wording.",)
        )

    def _hits(self, results: Iterable[WebResult], limit: int) -> list[Hit]:
        hits: list[Hit] = []
        seen: set[str] = set()
        for result in results:
            url, snippet = result.url.strip(), clean_line(result.snippet, _MAX_SNIPPET)
            title = clean_line(result.title) or url
            if len(hits) < limit and url not in seen and is_page(url):
                seen.add(url)
                hits.append(_hit(url, title, snippet or title, rank=len(hits) + 1, retriever=self._name))
        return hits


class DuckDuckGo:
    """DuckDuckGo's page for browsers without scripts, read by `ddgs`; no other engine sees the query."""

    def __init__(self, url: str | None = None) -> None:
        """Takes another address of the page for a proxy in front of it."""
        self._url = url

    @property
    def host(self) -> str:
        """`html.duckduckgo.com`, unless another address was given."""
        return urlsplit(self._url).netloc if self._url else "html.duckduckgo.com"

    def search(self, query: str, *, limit: int) -> list[WebResult]:
        """Returns the first page's results."""
        from ddgs.engines.duckduckgo import Duckduckgo
        from ddgs.exceptions import DDGSException, TimeoutException

        class Engine(Duckduckgo):
            """The engine itself, because `DDGS` reports blocked, empty and unreadable as one and the same."""

            def request(self, *args: Any, **kwargs: Any) -> str:
                answer = self.http_client.request(*args, **kwargs)
                check(self.search_url, answer.status_code, answer.text)
                return str(answer.text)

        engine = Engine(proxy=os.environ.get("DDGS_PROXY"), timeout=int(QUIET_SECONDS))
        engine.search_url = self._url or engine.search_url
        try:
            found = engine.search(query)
            if found is None:
                raise ValueError("an empty page")
        except TimeoutException as error:
            raise WebError(f"{self.host} did not answer within {QUIET_SECONDS:g} seconds.") from error
        except DDGSException as error:
            raise WebError(f"{self.host} cannot be reached: {clean_line(str(error), 200)}") from error
        except (ValueError, LookupError, SyntaxError) as error:  # lxml's parser errors are syntax errors
            raise WebError(f"{self.host} answered with a page that cannot be read.") from error
        return [WebResult(title=row.title, url=row.href, snippet=row.body) for row in found[:limit]]


class SearxNG:
    """A SearXNG instance, one's own for example, asked through its JSON interface."""

    def __init__(self, base_url: str) -> None:
        """Takes the instance's address, such as `http://localhost:8888`.

        Raises:
            WebError: It is no http or https address.
        """
        if not is_page(base_url):
            raise WebError(f"{clean_line(base_url)!r} is not the http or https address of a search engine.")
        self._base_url = base_url.rstrip("/")

    @property
    def host(self) -> str:
        """Host and port of the instance."""
        return urlsplit(self._base_url).netloc

    def search(self, query: str, *, limit: int) -> list[WebResult]:
        """Returns the first page's results."""
        content = fetch(f"{self._base_url}/search?{urlencode({'q': query, 'format': 'json'})}")
        try:
            rows = json.loads(content)["results"]
            return [_row(row) for row in rows[:limit]]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise WebError(
                f"{self.host} answered with something that is no list of search results.",
                hint="In SearXNG's settings, `search.formats` must contain `json`.",
            ) from error


def _row(row: dict[str, Any]) -> WebResult:
    return WebResult(title=str(row["title"]), url=str(row["url"]), snippet=str(row.get("content") or ""))


def _hit(url: str, title: str, snippet: str, *, rank: int, retriever: str) -> Hit:
    identity = "web-" + hashlib.sha256(url.encode()).hexdigest()[:24]
    document = Document(
        id=identity,
        source=url,
        title=title,
        media_type="text/html",
        collection="web",
        characters=len(snippet),
        origin="web",
    )
    passage = Passage(
        id=f"{identity}:0", document_id=identity, text=snippet, start=0, end=len(snippet), page=1
    )
    return Hit(passage=passage, document=document, score=1.0 / rank, rank=rank, retriever=retriever)
