"""What a registry says of papers, over loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from indexes.enrich import EnrichReport
from indexes.errors import WebBlocked, WebError
from indexes.library import Library
from indexes.registries import Crossref, OpenAlex, registry_named
from indexes.testing import library_of
from indexes.types import Document, ParsedDocument
from tests.indexes.registry_server import RegistryServer, registry_server

_WORK: dict[str, Any] = {
    "title": ["On the Rain in <i>Spain</i>"],
    "author": [{"given": "Ada", "family": "Byron"}, {"name": "The Rain Collaboration"}],
    "issued": {"date-parts": [[2019, 3]]},
    "DOI": "10.1000/rain",
    "container-title": ["Journal of Rain"],
    "abstract": "<jats:p>It rains mainly in the plain.</jats:p>",
}
_NOTICE = {"type": "retraction", "DOI": "10.1000/notice", "updated": {"date-parts": [[2021, 5, 1]]}}


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with registry_server() as server:
        yield server


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    papers = [
        ParsedDocument(
            media_type="text/plain",
            pages=("Rain falls.",),
            title="Rain",
            doi="10.1000/rain",
            origins={"title": "text", "doi": "text"},
        ),
        ParsedDocument(
            media_type="text/plain",
            pages=("Snow falls.",),
            title="Of snow and other weather",
            authors=("Own Spelling",),
            origins={"title": "text", "authors": "bibliography"},
        ),
    ]
    async with await library_of(papers, tmp_path / "library") as library:
        yield library


async def _enriched(library: Library, server: RegistryServer, *, again: bool = False) -> EnrichReport:
    return await library.holdings.enrich(
        await library.documents(),
        registry_named("crossref", url=server.url),
        again=again,
        tell=lambda done, total: None,
    )


async def _titled(library: Library, title: str) -> Document:
    return next(document for document in await library.documents() if document.title == title)


async def test_a_paper_with_a_doi_is_described_and_says_by_whom(
    library: Library, server: RegistryServer
) -> None:
    server.answers["/works/10.1000/rain"] = {"message": _WORK}
    report = await _enriched(library, server)
    assert sorted(paper.outcome for paper in report.papers) == ["described", "not known there"]
    rain = await _titled(library, "On the Rain in Spain")
    assert (rain.authors, rain.year) == (("Ada Byron", "The Rain Collaboration"), 2019)
    assert (rain.venue, rain.doi, rain.retraction) == ("Journal of Rain", "10.1000/rain", "")
    details = await library.details(rain.id)
    assert details.abstract == "It rains mainly in the plain."
    assert set(details.origins.values()) == {"crossref"}


async def test_a_retraction_is_written_down_and_found_again(library: Library, server: RegistryServer) -> None:
    server.answers["/works/10.1000/rain"] = {"message": _WORK}
    await _enriched(library, server)
    server.answers["/works/10.1000/rain"] = {"message": _WORK | {"updated-by": [_NOTICE]}}
    before = len(server.asked)
    report = await _enriched(library, server)
    assert "asked before" in [paper.outcome for paper in report.papers]
    assert not any("10.1000/rain" in path for path in server.asked[before:])
    await _enriched(library, server, again=True)
    retracted = "It was retracted in 2021, says Crossref (https://doi.org/10.1000/notice)."
    assert (await _titled(library, "On the Rain in Spain")).retraction == retracted
    assert f"On the Rain in Spain: {retracted}" in (await library.search("rain")).notes
    assert (await library.search("snow")).notes.count(retracted) == 0


async def test_without_a_doi_the_title_has_to_agree_and_the_bibliography_stays(
    library: Library, server: RegistryServer
) -> None:
    other = _WORK | {"title": ["Of snow"], "DOI": "10.1000/other"}
    snow = _WORK | {"title": ["Of Snow and other Weather!"], "DOI": "10.1000/snow"}
    server.answers["/works"] = {"message": {"items": [other, snow]}}
    await _enriched(library, server)
    document = await _titled(library, "Of Snow and other Weather!")
    assert document.doi == "10.1000/snow"
    assert document.authors == ("Own Spelling",)
    (asked,) = [path for path in server.asked if path.startswith("/works?")]
    assert "Of+snow+and+other+weather+Own+Spelling" in asked


async def test_openalex_is_asked_in_its_own_way(library: Library, server: RegistryServer) -> None:
    server.answers["/works/doi:10.1000/rain"] = {
        "title": "On the Rain in Spain",
        "authorships": [{"author": {"display_name": "Ada Byron"}}],
        "publication_year": 2019,
        "doi": "https://doi.org/10.1000/rain",
        "primary_location": {"source": {"display_name": "Journal of Rain"}},
        "abstract_inverted_index": {"rains": [1], "It": [0], "mainly": [2]},
        "is_retracted": True,
    }
    found = OpenAlex(server.url, contact="me@example.org").look_up(await _titled(library, "Rain"))
    assert found is not None
    assert found.said["abstract"] == "It rains mainly"
    assert (found.said["authors"], found.said["doi"]) == (("Ada Byron",), "10.1000/rain")
    assert found.retraction == "It was retracted, says OpenAlex."
    assert server.asked[-1].endswith("mailto=me@example.org")


async def test_a_registry_that_refuses_ends_it_and_what_is_known_stays(
    library: Library, server: RegistryServer
) -> None:
    server.answers["/works/10.1000/rain"] = server.answers["/works"] = 429
    report = await _enriched(library, server)
    assert "refuses" in report.stopped
    assert (await _titled(library, "Rain")).doi == "10.1000/rain"


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"[]",
        {"message": []},
        {"message": {"title": 3, "author": "x", "issued": [], "DOI": {}}},
        500,
    ],
)
def test_a_strange_answer_changes_nothing(answer: object, server: RegistryServer) -> None:
    server.answers["/works/10.1000/rain"] = answer
    document = Document(id="d", source="d.pdf", title="Rain", doi="10.1000/rain")
    if isinstance(answer, dict):
        found = Crossref(server.url).look_up(document)
        assert found is not None
        assert found.said == {}
    else:
        with pytest.raises(WebError) as raised:
            Crossref(server.url).look_up(document)
        assert not isinstance(raised.value, WebBlocked)


@pytest.mark.parametrize("year", [10**30, -5, 0, True, "2019", None, [2019]])
def test_a_year_that_cannot_be_one_is_left_out(year: object, server: RegistryServer) -> None:
    server.answers["/works/doi:10.1000/rain"] = {"title": "Rain", "publication_year": year}
    found = OpenAlex(server.url).look_up(Document(id="d", source="d.pdf", title="Rain", doi="10.1000/rain"))
    assert found is not None
    assert found.said == {"title": "Rain"}
