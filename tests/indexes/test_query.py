"""The query language: what is a filter, what only looks like one, and what a filter lets through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.check import check
from indexes.errors import FilterRefused
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.query import Filters, Years, parse_query, terms
from indexes.testing import library_of
from indexes.types import ParsedDocument, Stretch


def test_filters_are_taken_out_of_the_question_wherever_they_stand() -> None:
    parsed = parse_query("author:smith what limits year:2019..2023 dense retrieval in:notes, type:PDF")
    assert parsed.text == "what limits dense retrieval"
    assert parsed.filters == Filters(
        authors=("smith",), years=(Years(first=2019, last=2023),), collections=("notes",), types=("pdf",)
    )


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2020", 2020, 2020),
        ("2019..2023", 2019, 2023),
        ("2019-2023", 2019, 2023),
        ("2019..", 2019, None),
        ("..2023", None, 2023),
        ("2020.", 2020, 2020),
    ],
)
def test_years_are_one_year_or_a_span_with_open_ends(
    written: str, first: int | None, last: int | None
) -> None:
    assert parse_query(f"x year:{written}").filters.years == (Years(first=first, last=last),)


@pytest.mark.parametrize(
    "written", ["year:abc", "year:20", "year:..", "year:2020..abc", "year:20202021", "type:spoon", "type:2"]
)
def test_a_value_that_cannot_be_one_is_refused_with_what_to_write(written: str) -> None:
    with pytest.raises(FilterRefused) as told:
        parse_query(f"a question {written}")
    assert written in told.value.message
    assert "double quotes" in told.value.hint


def test_a_span_that_ends_before_it_begins_is_refused_with_the_span_that_was_meant() -> None:
    with pytest.raises(FilterRefused) as told:
        parse_query("year:2023..2019 x")
    assert told.value.hint == "Write year:2019..2023."


@pytest.mark.parametrize(
    "text",
    [
        "see http://x.example/year:2020",
        "note: this is text",
        "in: vitro and year: 2020",
        "the authors: Smith and Jones",
        "ratio 3:1, time 12:30, std::vector",
        "prefix-author:smith (in:vitro)",
        'the words "year:abc" themselves',
        "author:",
        "",
    ],
)
def test_what_only_looks_like_a_filter_is_left_as_it_is(text: str) -> None:
    parsed = parse_query(text)
    assert parsed.text == text
    assert not parsed.filters.of_papers


def test_a_value_with_spaces_stands_in_quotes() -> None:
    parsed = parse_query('author:"van der Berg" author:“Ada Lovelace” engines')
    assert parsed.filters.authors == ("van der Berg", "Ada Lovelace")
    assert parsed.text == "engines"


def test_quoted_phrases_stay_in_the_question_and_their_words_too() -> None:
    parsed = parse_query('what is "Deep  Learning", and the "the"?')
    assert parsed.text == 'what is "Deep  Learning", and the "the"?'
    assert parsed.filters.phrases == (("deep", "learning"),)
    assert list(terms('a "Deep Learning" b')) == ["a", "deep learning", "deep", "learning", "b"]


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["year:", "author:", '"', "in:", "2020", "..", " ", "x", "“"])).map("".join)
)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parsed = parse_query(text)
    except FilterRefused:
        return
    assert len(parsed.text) <= len(text)


# What filters do in a search.


def _paper(
    title: str, text: str, *authors: str, year: int | None = None, kind: str = "text/plain"
) -> ParsedDocument:
    return ParsedDocument(media_type=kind, pages=(text,), title=title, authors=authors, year=year)


_PAPERS = [
    _paper("Owls", "Owls hunt mice at night.", "Ada Müller", "Bo Smith", year=2019),
    _paper(
        "Bees",
        "Bees hunt for flowers and dance the waggle dance.",
        "Bo Smith",
        year=2021,
        kind="application/pdf",
    ),
    _paper("Ants", "Ants hunt by trails of scent.", "Jan van der Berg", year=2023, kind="text/markdown"),
    _paper("Cats", "Cats hunt mice. They dance a waggle, rarely.", year=None),
]


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with await library_of(_PAPERS, tmp_path / "library", encoder=HashingEncoder(64)) as library:
        await library.add_texts({"Dogs": _paper("Dogs", "Dogs hunt.", "Cy Wu", year=2019)}, collection="pets")
        yield library


async def _titles(library: Library, text: str, *collections: str) -> set[str]:
    every = [
        {hit.document.title for hit in (await retriever.search(text, limit=10, collections=collections)).hits}
        for retriever in library.retrievers
    ]
    assert every[0] == every[1], "search by meaning and by keyword admit the same papers"
    return every[0]


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        ("author:smith", {"Owls", "Bees"}),
        ("author:MULLER", {"Owls"}),
        ("author:smith author:müller", {"Owls"}),
        ('author:"van der Berg"', {"Ants"}),
        ("author:smit", set()),
        ("year:2019", {"Owls", "Dogs"}),
        ("year:2021..", {"Bees", "Ants"}),
        ("year:..2020 author:smith", {"Owls"}),
        ("year:2019 year:2023", {"Owls", "Dogs", "Ants"}),
        ("type:pdf", {"Bees"}),
        ("type:pdf type:md", {"Bees", "Ants"}),
        ("in:pets", {"Dogs"}),
        ("in:papers year:2019", {"Owls"}),
        ('"hunt mice"', {"Owls", "Cats"}),
        ('"hunts mice"', {"Owls", "Bees", "Ants", "Cats", "Dogs"}),
        ('"waggle dance" type:pdf', {"Bees"}),
    ],
)
async def test_filters_hold_in_every_way_of_searching(
    library: Library, filters: str, titles: set[str]
) -> None:
    assert await _titles(library, f"{filters} hunt") == titles


async def test_filters_are_applied_before_the_limit(library: Library) -> None:
    texts = {f"Note {n}": _paper(f"Note {n}", "hunt hunt hunt", year=1999) for n in range(300)}
    await library.add_texts(texts)
    for retriever in library.retrievers:
        found = await retriever.search("hunt year:2023", limit=1)
        assert [hit.document.title for hit in found.hits] == ["Ants"]


async def test_a_filter_and_the_callers_collections_hold_together(library: Library) -> None:
    assert await _titles(library, "in:pets hunt", "papers") == set()
    assert await _titles(library, "year:2019 hunt", "pets") == {"Dogs"}
    assert await _titles(library, '"hunt" hunt', "pets") == {"Dogs"}


async def test_a_search_says_how_many_papers_its_filters_leave(library: Library) -> None:
    found = await library.search("author:smith year:2019.. hunt")
    assert found.notes == ("Only 2 of 5 papers fit “author:smith year:2019..”.",)
    nothing = await library.search("year:1900 hunt")
    assert nothing.hits == ()
    assert nothing.notes == ("No paper fits “year:1900” (0 of 5 papers).",)


async def test_a_phrase_that_stands_nowhere_is_looked_for_by_its_words_and_a_note_says_so(
    library: Library,
) -> None:
    found = await library.search('"scent of flowers"')
    assert {"Ants", "Bees"} <= {hit.document.title for hit in found.hits}
    assert found.notes == (
        "No passage holds the words “scent of flowers” as they stand; they were looked for singly.",
    )


async def test_a_collection_that_is_not_there_is_refused_with_those_that_are(library: Library) -> None:
    with pytest.raises(FilterRefused, match="'vitro'") as told:
        await library.search("in:vitro hunt")
    assert told.value.hint == "The library has: papers, pets."


async def test_filters_alone_list_the_papers_newest_first(library: Library) -> None:
    found = await library.search("author:smith")
    assert [hit.document.title for hit in found.hits] == ["Bees", "Owls"]
    assert [hit.document.title for hit in (await library.search("in:pets")).hits] == ["Dogs"]


async def test_a_wide_filter_over_a_built_index_finds_what_an_exact_look_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [
        _paper(f"Note {n}", f"Subject number{n} in words{n % 7}.", year=2000 + n % 3) for n in range(120)
    ]
    async with await library_of(texts, tmp_path / "library", encoder=HashingEncoder(64)) as library:
        exact = (await library.retrievers[0].search("number7 year:2001", limit=5)).hits
    monkeypatch.setattr("indexes.dense._FEW", 0)
    async with Library.open(tmp_path / "library", encoder=HashingEncoder(64), delta_limit=10) as library:
        await library.embed()
        found = (await library.retrievers[0].search("number7 year:2001", limit=5)).hits
        assert any((library.folder / "dense").iterdir())
    assert [hit.passage.id for hit in found] == [hit.passage.id for hit in exact]
    assert {hit.document.year for hit in found} == {2001}


@pytest.fixture
async def with_references(tmp_path: Path) -> AsyncIterator[Library]:
    page = "Owls hunt at night.\n\nReferences\n\nSmith, B. (1999). How owls hunt mice."
    start = page.index("References")
    marked = (Stretch(part="references", start=start, end=len(page)),)
    paper = ParsedDocument(media_type="text/plain", pages=(page,), title="Owls", year=2020, marked=marked)
    async with await library_of([paper], tmp_path / "library", encoder=HashingEncoder(64)) as library:
        yield library


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("owls hunt", "Owls hunt at night."),
        ("owls hunt year:2020", "Owls hunt at night."),
        ("owls hunt in:papers", "Owls hunt at night."),
        ('"owls hunt" mice', "Owls hunt at night."),
        ("owls hunt part:body", "Owls hunt at night."),
    ],
)
async def test_lists_of_references_are_left_out_in_every_way_of_searching(
    with_references: Library, text: str, found: str
) -> None:
    for retriever in with_references.retrievers:
        hits = (await retriever.search(text, limit=5)).hits
        assert [hit.passage.text.strip() for hit in hits] == [found]


@pytest.mark.parametrize("text", ["owls hunt part:references", "owls hunt part:references year:2020"])
async def test_lists_of_references_are_found_by_their_words_when_they_are_asked_for(
    with_references: Library, text: str
) -> None:
    found = await with_references.search(text, limit=5)
    assert [hit.passage.text.strip() for hit in found.hits] == [
        "References\n\nSmith, B. (1999). How owls hunt mice."
    ]
    assert not any("not embedded" in note for note in found.notes)


async def test_lists_of_references_are_not_embedded_and_nothing_says_that_they_wait(
    with_references: Library,
) -> None:
    (collection,) = await with_references.collections()
    (holding,) = await with_references.holdings.all()
    document = holding.document.id
    assert [passage.part for passage in await with_references.passages_of(document)] == ["body", "references"]
    assert (collection.passages, collection.embedded) == (holding.passages, holding.embedded) == (1, 1)
    assert await with_references.embed() == 0
    report = await check(with_references.folder)
    assert report.sound, report.findings
    assert (report.passages, report.vectors) == (1, 1)


async def test_a_part_that_papers_do_not_have_is_refused(with_references: Library) -> None:
    with pytest.raises(FilterRefused, match="part:spine"):
        await with_references.search("owls part:spine")
