"""A list of papers, a stretch at a time: chosen by filters, put in order, each with its fate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from indexes.errors import FilterRefused
from indexes.hashing import HashingEncoder
from indexes.holdings import Holdings
from indexes.library import Library
from indexes.listed import PaperOrder
from indexes.testing import library_of
from indexes.types import ParsedDocument


def _paper(title: str, *authors: str, year: int | None = None) -> ParsedDocument:
    return ParsedDocument(
        media_type="text/plain", pages=(f"The text of {title}.",), title=title, authors=authors, year=year
    )


PAPERS = (
    _paper("owls at night", "Ada Strix", year=2019),
    _paper("Owls", "Ben Bubo", year=2021),
    _paper("Bees dance", "Zoë Apis", "Ada Strix", year=2023),
    _paper("Ants"),
)


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with await library_of(PAPERS, tmp_path / "library", encoder=HashingEncoder(64)) as library:
        await library.add_texts(
            {"Notes on owls": PAPERS[0].model_copy(update={"title": "Notes on owls"})}, collection="notes"
        )
        yield library


@pytest.fixture
def holdings(library: Library) -> Holdings:
    return library.holdings


async def titles(
    holdings: Holdings,
    text: str = "",
    *,
    order: PaperOrder = "title",
    descending: bool = False,
    offset: int = 0,
    limit: int = 100,
) -> list[str]:
    page = await holdings.page(text, order=order, descending=descending, offset=offset, limit=limit)
    return [each.document.title for each in page.papers]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in:papers", ["Ants", "Bees dance", "Owls", "owls at night"]),
        ("author:strix in:papers", ["Bees dance", "owls at night"]),
        ('author:"Ada Strix" year:2020..', ["Bees dance"]),
        ("year:..2020 in:notes", ["Notes on owls"]),
        ("type:pdf", []),
        ("type:text ants", ["Ants"]),
        ("nigh ow", ["owls at night"]),
        ("zoe", ["Bees dance"]),
        ("wls", []),
        ('"at night"', ["owls at night"]),
        ('"night at"', []),
    ],
)
async def test_a_list_takes_the_filters_of_a_question_and_words_as_they_are_typed(
    holdings: Holdings, text: str, expected: Sequence[str]
) -> None:
    assert await titles(holdings, text) == expected


@pytest.mark.parametrize(
    ("order", "descending", "expected"),
    [
        ("title", False, ["Ants", "Bees dance", "Owls", "owls at night"]),
        ("title", True, ["owls at night", "Owls", "Bees dance", "Ants"]),
        ("author", False, ["Bees dance", "Owls", "owls at night", "Ants"]),
        ("year", False, ["owls at night", "Owls", "Bees dance", "Ants"]),
        ("year", True, ["Bees dance", "Owls", "owls at night", "Ants"]),
        ("added", False, ["owls at night", "Owls", "Bees dance", "Ants"]),
    ],
)
async def test_what_is_not_known_of_a_paper_puts_it_last_either_way(
    holdings: Holdings, order: PaperOrder, descending: bool, expected: Sequence[str]
) -> None:
    assert await titles(holdings, "in:papers", order=order, descending=descending) == expected


async def test_a_stretch_knows_how_long_the_list_is(holdings: Holdings) -> None:
    page = await holdings.page("in:papers", order="title", descending=False, offset=1, limit=2)
    assert ([each.document.title for each in page.papers], page.total, page.offset) == (
        ["Bees dance", "Owls"],
        4,
        1,
    )
    beyond = await holdings.page("in:papers", order="title", descending=False, offset=9, limit=2)
    assert (beyond.papers, beyond.total) == ((), 4)


async def test_each_paper_says_how_it_can_be_found(holdings: Holdings) -> None:
    page = await holdings.page("ants", order="title", descending=False, offset=0, limit=1)
    assert [(each.passages, each.embedded, each.trouble) for each in page.papers] == [(1, 1, "")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("in:nowhere", "There is no collection 'nowhere'"),
        ("year:soon", "names no year"),
        ("part:references", "this is a list of papers"),
        ("like:owls.pdf", "this is a list of papers"),
    ],
)
async def test_a_filter_that_cannot_be_one_is_refused_with_its_reason(
    holdings: Holdings, text: str, said: str
) -> None:
    with pytest.raises(FilterRefused, match=said):
        await titles(holdings, text)
