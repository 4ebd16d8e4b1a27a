"""`like:` finds papers like a paper, by its words and by its meaning, and never the paper itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexes.errors import FilterRefused
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.like import telling_words
from indexes.query import parse_query
from indexes.testing import library_of
from indexes.types import ParsedDocument, Stretch

_PAPERS = {
    "Owls at night": "Owls hunt mice at night. Their hearing finds a mouse under snow.",
    "Hearing of owls": "An owl's hearing is asymmetric. Hearing guides owls to mice in snow and at night.",
    "Waggle dances": "Bees dance to tell where flowers are. The dance points from the hive.",
    "Bee colonies": "A colony of bees keeps its hive warm. Flowers feed the hive; a dance recruits.",
    "Retries": "Clients retry with jitter. The server recovers when clients wait.",
}


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with await library_of(_PAPERS, tmp_path / "library", encoder=HashingEncoder(256)) as library:
        yield library


def test_like_is_taken_out_of_the_question() -> None:
    parsed = parse_query('like:"Owls at night" in snow')
    assert (parsed.text, parsed.filters.like) == ("in snow", ("Owls at night",))
    assert parse_query("what is it like: this").filters.like == ()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("Owls at night", "Hearing of owls"), ("waggle", "Bee colonies"), ("Bee colonies", "Waggle dances")],
)
async def test_the_nearest_paper_comes_first_and_the_paper_itself_never(
    library: Library, name: str, nearest: str
) -> None:
    (itself,) = [title for title in _PAPERS if name.lower() in title.lower()]
    for retriever in library.retrievers:
        titles = [hit.document.title for hit in (await retriever.search(f'like:"{name}"', limit=10)).hits]
        assert titles[0] == nearest
        assert itself not in titles
    assert (await library.search(f'like:"{name}"')).hits[0].document.title == nearest


async def test_a_paper_is_named_by_its_id_too(library: Library) -> None:
    (bees,) = [paper for paper in await library.documents() if paper.title == "Waggle dances"]
    found = await library.search(f"like:{bees.id}", limit=1)
    assert found.hits[0].document.title == "Bee colonies"


async def test_each_paper_is_found_once(library: Library) -> None:
    pages = tuple(f"Owls and mice and snow, page {n}. {'Some filler text. ' * 80}" for n in range(6))
    await library.add_texts({"Long": ParsedDocument(media_type="text/plain", pages=pages, title="Long")})
    titles = [hit.document.title for hit in (await library.search('like:"Owls at night"', limit=4)).hits]
    assert len(titles) == len(set(titles)) == 4


async def test_words_beside_it_and_other_filters_count_too(library: Library) -> None:
    papers = {"Cold owls": ParsedDocument(media_type="text/plain", pages=("Owls like jitter.",), year=1999)}
    await library.add_texts(papers, collection="others")
    found = await library.search('like:"Owls at night" in:others')
    assert [hit.document.collection for hit in found.hits] == ["others"]
    assert (await library.search('like:"Owls at night" clients retry jitter')).hits[0].document.title in (
        "Retries",
        "Hearing of owls",
        "Cold owls",
    )


@pytest.mark.parametrize(("name", "said"), [("nowhere.pdf", "no paper"), ("owls", "any of 2 papers")])
async def test_a_name_that_means_no_paper_or_several_is_refused(
    library: Library, name: str, said: str
) -> None:
    with pytest.raises(FilterRefused, match=said):
        await library.search(f"like:{name}")


async def test_a_paper_that_is_not_embedded_yet_is_compared_by_its_first_passages(library: Library) -> None:
    text = "Hives, flowers and the dance of bees."
    await library.add_texts(
        {"New": ParsedDocument(media_type="text/plain", pages=(text,), title="New")}, embed=False
    )
    hits = (await library.retrievers[0].search("like:New", limit=2)).hits
    assert {hit.document.title for hit in hits} == {"Waggle dances", "Bee colonies"}


async def test_the_words_that_tell_a_paper_are_shared_with_others_and_are_none_of_its_references(
    tmp_path: Path,
) -> None:
    text = "Owls hunt voles. Owls rest.\n\nReferences\n\nSmith: Retries of clients."
    start = text.index("References")
    marked = (Stretch(part="references", start=start, end=len(text)),)
    paper = ParsedDocument(media_type="text/plain", pages=(text,), title="P", marked=marked)
    other = ParsedDocument(media_type="text/plain", pages=("Owls hunt; clients retry.",), title="O")
    async with await library_of([paper, other], tmp_path / "library") as library:
        (document,) = [each for each in await library.documents() if each.title == "P"]
        words = await library._database.read(lambda c: telling_words(c, [document.id]))
    assert set(words) == {"owls", "hunt"}
