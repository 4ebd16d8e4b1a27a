"""What every retriever must do, run over each of them on a real library."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.protocols import Retriever
from indexes.testing import ScriptedRetriever, library_of
from indexes.types import ParsedDocument

_TEXTS = {
    "Owls": "Owls hunt mice at night and hear very well.",
    "Bees": "Bees dance to tell where flowers are.",
    "Mice": "Mice hide from owls by day and by night.",
}


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with await library_of(_TEXTS, tmp_path / "library", encoder=HashingEncoder(64)) as library:
        crows = ParsedDocument(media_type="text/plain", pages=("Crows mob owls.",), title="Crows")
        await library.add_texts({"Crows": crows}, collection="birds")
        yield library


@pytest.fixture(params=["dense", "keyword", "scripted"])
async def retriever(request: pytest.FixtureRequest, library: Library) -> Retriever:
    by_name: dict[str, Retriever] = {each.name: each for each in library.retrievers}
    by_name["scripted"] = ScriptedRetriever("scripted", (await library.search("owls at night")).hits)
    return by_name[request.param]


def test_it_has_a_name_and_the_right_shape(retriever: Retriever) -> None:
    assert isinstance(retriever, Retriever)
    assert retriever.name in ("dense", "keyword", "scripted")


async def test_hits_come_best_first_and_bear_its_name(retriever: Retriever) -> None:
    hits = (await retriever.search("owls at night", limit=10)).hits
    assert len(hits) >= 3
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert {hit.retriever for hit in hits} == {retriever.name}
    assert len({hit.passage.id for hit in hits}) == len(hits)


async def test_a_hit_holds_its_passage_as_the_library_has_it(retriever: Retriever, library: Library) -> None:
    for hit in (await retriever.search("owls at night", limit=10)).hits:
        assert await library.passages([hit.passage.id]) == (hit.passage,)
        assert await library.document(hit.passage.document_id) == hit.document
        text = await library.stretch(hit.document.id, hit.passage.start, hit.passage.end)
        assert text == hit.passage.text


async def test_scores_are_those_of_its_hits_and_of_more_behind_them(retriever: Retriever) -> None:
    every = await retriever.search("owls at night", limit=10)
    few = await retriever.search("owls at night", limit=1)
    if retriever.name == "scripted":
        assert every.scores == ()  # it only ranks
        return
    assert every.scores == tuple((hit.passage.id, hit.score) for hit in every.hits)
    assert few.scores == every.scores


async def test_no_more_than_the_limit_are_returned(retriever: Retriever) -> None:
    every = (await retriever.search("owls at night", limit=10)).hits
    for limit in (1, 2):
        assert (await retriever.search("owls at night", limit=limit)).hits == every[:limit]


async def test_only_the_named_collections_are_searched(retriever: Retriever) -> None:
    found = await retriever.search("owls at night", limit=10, collections=("birds",))
    assert [hit.document.title for hit in found.hits] == ["Crows"]
    both = await retriever.search("owls at night", limit=10, collections=("birds", "papers"))
    assert len(both.hits) == len((await retriever.search("owls at night", limit=10)).hits)
    assert (await retriever.search("owls", limit=10, collections=("nowhere",))).hits == ()


@pytest.mark.parametrize("text", ["owls\x00", '"owls', "owls)", "🦉 owls", "\ud800owls", "owls " * 40_000])
async def test_any_text_can_be_searched(retriever: Retriever, text: str) -> None:
    assert (await retriever.search(text, limit=3)).hits
