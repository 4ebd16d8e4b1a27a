"""Web search over loopback: results marked as web, and failures told apart."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence

import pytest

from indexes.errors import WebBlocked, WebError
from indexes.protocols import Retriever
from indexes.web import DuckDuckGo, SearxNG, WebResult, WebRetriever
from tests.faults.dialects.searxng import SearchResult, SearXNG
from tests.faults.script import (
    Close,
    ContextLengthExceeded,
    Drip,
    Ending,
    Hang,
    Html200,
    Reply,
    Rst,
    Status,
    Step,
)
from tests.faults.server import FaultServer
from tests.faults.wire import Request, Wire

PAGE = """<html><body><div class="results">{results}</div></body></html>"""
RESULT = """<div class="result links_main result__body"><h2><a href="{url}">{title}</a></h2><a href="{url}">{snippet}</a></div>"""


class DuckDuckGoPage:
    """The page for browsers without scripts, as far as it is read."""

    def serves(self, request: Request) -> bool:
        return request.path == "/html/"

    async def perform(
        self, step: Reply | Status | ContextLengthExceeded, request: Request, wire: Wire
    ) -> None:
        if isinstance(step, Status):
            return await wire.whole(step.code, b"<html></html>", {"Content-Type": "text/html"})
        page = PAGE.format(
            results="".join(
                RESULT.format(
                    url=f"https://example.org/{n}", title=f"Result <b>{n}</b>", snippet=f"About {n}."
                )
                for n in range(1, 4)
            )
        )
        if isinstance(step, Reply) and step.then is Ending.EMPTY:
            page = PAGE.format(results='<div class="no-results">No results.</div>')
        return await wire.whole(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


@pytest.fixture
def duck(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    monkeypatch.delenv("DDGS_PROXY")
    with FaultServer(DuckDuckGoPage()) as server:
        yield server


def searx(server: FaultServer, **options: float) -> WebRetriever:
    return WebRetriever(SearxNG(server.url), **options)  # type: ignore[arg-type]


async def test_results_become_hits_marked_as_web(web_server: FaultServer) -> None:
    retriever = searx(web_server)
    assert isinstance(retriever, Retriever)
    found = await retriever.search("retry budgets", limit=5)
    assert [hit.document.source for hit in found.hits] == [
        "https://example.org/first",
        "https://example.org/second",
    ]
    first = found.hits[0]
    assert (first.document.origin, first.document.collection, first.retriever, first.rank) == (
        "web",
        "web",
        "web",
        1,
    )
    assert first.passage.text == "A page about retry budgets. It explains retry budgets at length."
    assert (first.passage.start, first.passage.end) == (0, len(first.passage.text))
    assert first.passage.document_id == first.document.id
    assert first.score > found.hits[1].score
    assert found.notes == ()


async def test_no_more_hits_than_asked_for(web_server: FaultServer) -> None:
    assert len((await searx(web_server).search("x", limit=1)).hits) == 1


async def test_nothing_found_is_an_answer_that_says_so(web_server: FaultServer) -> None:
    web_server.script(Reply(then=Ending.EMPTY))
    found = await searx(web_server).search("x", limit=3)
    assert found.hits == ()
    assert "found nothing" in found.notes[0]


async def test_an_empty_wording_is_not_sent(web_server: FaultServer) -> None:
    assert (await searx(web_server).search(" \n\u200b ", limit=3)).hits == ()
    assert len(web_server.ledger) == 0


async def test_a_long_wording_is_sent_shortened(web_server: FaultServer) -> None:
    await searx(web_server).search("word " * 40_000, limit=3)
    (seen,) = web_server.ledger
    assert len(seen.request.query["q"]) < 500


async def test_hostile_results_are_cleaned_or_left_out() -> None:
    def hostile(query: str) -> list[SearchResult]:
        return [
            SearchResult("script", "javascript:alert(1)", "no"),
            SearchResult("file", "file:///etc/passwd", "no"),
            SearchResult("password", "https://user:secret@example.org/", "no"),
            SearchResult("escape", "https://example.org/\x1b[2J", "no"),
            SearchResult("port", "https://[broken/", "no"),
            SearchResult(
                "\x1b]0;owned\x07Ti\u202etle", "https://example.org/a", "Snip\x1b[31mpet\nof two lines"
            ),
            SearchResult("again", "https://example.org/a", "the same page"),
            SearchResult("", "https://example.org/b", ""),
        ]

    with FaultServer(SearXNG(hostile)) as server:
        found = await searx(server).search("x", limit=10)
    assert [(hit.document.title, hit.document.source, hit.passage.text) for hit in found.hits] == [
        ("Title", "https://example.org/a", "Snippet of two lines"),
        ("https://example.org/b", "https://example.org/b", "https://example.org/b"),
    ]
    assert [hit.rank for hit in found.hits] == [1, 2]


@pytest.mark.parametrize(
    ("step", "kind", "words"),
    [
        (Status(429), WebBlocked, "refuses"),
        (Status(403), WebBlocked, "refuses"),
        (Status(202), WebBlocked, "refuses"),
        (Status(500), WebError, "status 500"),
        (Status(302, {"Location": "http://127.0.0.1:9/search"}), WebError, "not followed"),
        (Rst(), WebError, "cannot be reached"),
        (Close(), WebError, "cannot be reached"),
        (Html200(), WebError, "no list of search results"),
        (Reply(text="[1, 2]"), WebError, "no list of search results"),
        (Reply(text='{"results": [1]}'), WebError, "no list of search results"),
        (Reply(text="[" * 100_000), WebError, "no list of search results"),
        (Reply(text=json.dumps({"results": [], "x": "y" * 1_100_000})), WebError, "more than 1 MB"),
        (Reply(then=Ending.BAD_JSON), WebError, "no list of search results"),
    ],
)
async def test_each_failure_is_told_apart(
    web_server: FaultServer, step: Step, kind: type[WebError], words: str
) -> None:
    web_server.script(step)
    with pytest.raises(WebError, match=words) as failure:
        await searx(web_server).search("x", limit=3)
    assert type(failure.value) is kind
    assert failure.value.retryable
    assert len(web_server.ledger) == 1


@pytest.mark.parametrize("steps", [(Hang(),), (Drip(20, "body"), Reply())], ids=["hangs", "drips"])
async def test_the_wall_clock_ends_a_search(steps: tuple[Step, ...]) -> None:
    # The server stops within the test, which also ends the thread that still reads.
    with FaultServer(SearXNG()) as server:
        server.script(*steps)
        started = time.monotonic()
        with pytest.raises(WebError, match=r"longer than 0\.3 seconds"):
            await searx(server, timeout_seconds=0.3).search("x", limit=3)
        assert time.monotonic() - started < 2


async def test_a_host_that_is_not_there_cannot_be_reached() -> None:
    with pytest.raises(WebError, match="cannot be reached"):
        await WebRetriever(SearxNG("http://127.0.0.1:9")).search("x", limit=3)


def test_an_address_of_another_kind_is_refused() -> None:
    for address in ("ftp://example.org", "localhost:8080", "http://me:pw@example.org", ""):
        with pytest.raises(WebError, match="not the http or https address"):
            SearxNG(address)


async def test_duckduckgos_page_is_read(duck: FaultServer) -> None:
    retriever = WebRetriever(DuckDuckGo(duck.url + "/html/"))
    found = await retriever.search("retry budgets", limit=2)
    assert [(hit.document.title, hit.passage.text) for hit in found.hits] == [
        ("Result 1", "About 1."),
        ("Result 2", "About 2."),
    ]
    (seen,) = duck.ledger
    assert "retry" in seen.request.text
    assert retriever.host in duck.url


@pytest.mark.parametrize(
    ("step", "kind", "words"),
    [
        (Status(202), WebBlocked, "refuses"),
        (Status(429), WebBlocked, "refuses"),
        (
            Html200('<html><div class="anomaly-modal__title">Select all ducks</div></html>'),
            WebBlocked,
            "refuses",
        ),
        (Status(500), WebError, "status 500"),
        (Rst(), WebError, "cannot be reached"),
        (Html200(""), WebError, "cannot be read"),
    ],
)
async def test_duckduckgos_failures_are_told_apart(
    duck: FaultServer, step: Step, kind: type[WebError], words: str
) -> None:
    duck.script(step)
    with pytest.raises(WebError, match=words) as failure:
        await WebRetriever(DuckDuckGo(duck.url + "/html/")).search("x", limit=3)
    assert type(failure.value) is kind


async def test_duckduckgo_finding_nothing_is_no_failure(duck: FaultServer) -> None:
    duck.script(Reply(then=Ending.EMPTY))
    assert (await WebRetriever(DuckDuckGo(duck.url + "/html/")).search("x", limit=3)).hits == ()


async def test_any_source_can_be_plugged_in() -> None:
    class Shelf:
        host = "the shelf"

        def search(self, query: str, *, limit: int) -> Sequence[WebResult]:
            return [WebResult(title=query, url="https://example.org/", snippet="from the shelf")]

    found = await WebRetriever(Shelf(), name="shelf").search("books", limit=3)
    assert [(hit.document.title, hit.retriever) for hit in found.hits] == [("books", "shelf")]


def test_duckduckgo_is_the_source_unless_another_is_given() -> None:
    assert WebRetriever().host == "html.duckduckgo.com"
