"""Several passages of one paper: no paper crowds out the others, and no text comes twice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from indexes.library import Library
from indexes.neighbours import at_most, few, joined
from indexes.split import Splitter
from indexes.testing import library_of
from indexes.types import Document, Hit, ParsedDocument, Passage

PAGE = "Owls hunt at night.\n\n  Bees dance by day. Ants walk; ants follow trails. Cats sleep."


def _hit(start: int, end: int, *, ordinal: int = 0, rank: int = 1, document: str = "d", page: int = 1) -> Hit:
    passage = Passage(
        id=f"{document}:{ordinal}",
        document_id=document,
        text=PAGE[start:end],
        start=start + 100,
        end=end + 100,
        page=page,
    )
    shown = Document(id=document, source=f"{document}.txt", title=document.upper())
    return Hit(passage=passage, document=shown, score=1 / rank, rank=rank, retriever="fused")


async def _page(document_id: str, page: int) -> str:
    return PAGE


def _span(text: str) -> tuple[int, int]:
    return PAGE.index(text), PAGE.index(text) + len(text)


async def test_passages_with_only_white_space_between_them_are_one_stretch_as_it_stands_on_the_page() -> None:
    bees, owls = _hit(*_span("Bees dance by day."), ordinal=1), _hit(*_span("Owls hunt at night."), rank=2)
    (whole,) = await joined([bees, owls], _page)
    assert whole.passage.text == "Owls hunt at night.\n\n  Bees dance by day."
    assert (whole.passage.start, whole.passage.end) == (100, 100 + len(whole.passage.text))
    assert (whole.passage.id, whole.score, whole.rank) == ("d:0-1", bees.score, 1)


async def test_what_overlaps_is_there_once() -> None:
    first = _hit(*_span("Bees dance by day. Ants walk;"), ordinal=8)
    second = _hit(*_span("Ants walk; ants follow trails."), ordinal=10, rank=2)
    inside = _hit(*_span("ants follow"), ordinal=9, rank=3)
    (whole,) = await joined([first, second, inside], _page)
    assert whole.passage.text == "Bees dance by day. Ants walk; ants follow trails."
    assert whole.passage.id == "d:8-10"


async def test_a_title_page_is_not_joined_to_the_abstract_under_it() -> None:
    owls, bees = _hit(*_span("Owls hunt at night.")), _hit(*_span("Bees dance by day."), ordinal=1, rank=2)
    front = owls.model_copy(update={"passage": owls.passage.model_copy(update={"part": "front"})})
    assert await joined([front, bees], _page) == [front, bees]


async def test_what_does_not_touch_stays_apart() -> None:
    owls, ants = _hit(*_span("Owls hunt at night.")), _hit(*_span("Ants walk;"), ordinal=2, rank=2)
    elsewhere = _hit(*_span("Bees dance by day."), ordinal=1, rank=3, page=2)
    other = _hit(*_span("Bees dance by day."), ordinal=1, rank=4, document="e")
    hits = (owls, ants, elsewhere, other)
    assert await joined(hits, _page) == [*hits]


async def test_a_page_is_only_read_where_something_stands_between_two_passages() -> None:
    async def never(document_id: str, page: int) -> str:
        raise AssertionError("nothing stands between them")

    hits = [_hit(0, 10), _hit(10, 19, ordinal=1), _hit(*_span("Cats sleep."), ordinal=4)]
    assert len(await joined(hits, never)) == 2


async def test_a_passage_between_two_that_were_apart_joins_all_three() -> None:
    spans = [_span("Bees dance by day."), _span("ants follow trails."), _span("Ants walk; ants")]
    hits = [_hit(*span, ordinal=n, rank=n + 1) for n, span in zip((1, 3, 2), spans, strict=True)]
    (whole,) = await joined(hits, _page)
    assert whole.passage.text == "Bees dance by day. Ants walk; ants follow trails."
    assert whole.passage.id == "d:1-3"


@given(st.data())
async def test_joined_stretches_hold_every_passage_once_and_nothing_else(data: st.DataObject) -> None:
    spans = data.draw(
        st.lists(st.tuples(st.integers(0, len(PAGE) - 1), st.integers(1, 12)), min_size=1, max_size=8)
    )
    hits = [
        _hit(start, min(start + length, len(PAGE)), ordinal=n, rank=n + 1)
        for n, (start, length) in enumerate(spans)
    ]
    stretches = await joined(hits, _page)
    taken: list[int] = []
    for stretch in stretches:
        passage = stretch.passage
        assert passage.text == PAGE[passage.start - 100 : passage.end - 100]
        taken += range(passage.start, passage.end)
    assert len(taken) == len(set(taken))
    asked = {place for hit in hits for place in range(hit.passage.start, hit.passage.end)}
    assert asked <= set(taken)
    assert all(PAGE[place - 100].isspace() for place in set(taken) - asked)


def test_no_paper_has_more_than_its_share_before_the_others_had_their_turn() -> None:
    hits = [_hit(0, 5, ordinal=n, document=document) for n, document in enumerate("aaaabacaab")]
    order = [hit.document.id for hit in at_most(hits, 2)]
    assert order == list("aabcb") + list("aaaaa")
    assert at_most(hits, None) == hits


# In a library.


def _sentences(about: str, count: int) -> Iterator[str]:
    for n in range(count):
        yield f"{about} number{n} sleeps in a box that is made of wood and stands beside the stove of house {n}."


async def _library(folder: Path) -> Library:
    long = ParsedDocument(
        media_type="text/plain", pages=(" ".join(_sentences("The cat", 120)),), title="Long"
    )
    short = [
        ParsedDocument(media_type="text/plain", pages=(f"The cat sleeps. Note {n}.",), title=f"Short {n}")
        for n in range(3)
    ]
    return await library_of([long, *short], folder)


async def test_a_long_paper_does_not_crowd_out_the_others(tmp_path: Path) -> None:
    async with await _library(tmp_path / "library") as library:
        found = await library.search("box stove cat sleeps", limit=8, per_document=2)
        assert {hit.document.title for hit in found.hits} == {"Long", "Short 0", "Short 1", "Short 2"}
        assert [hit.rank for hit in found.hits] == list(range(1, len(found.hits) + 1))


async def test_one_paper_alone_still_fills_the_list(tmp_path: Path) -> None:
    text = "\n\n".join(f"{n} cats sleep. {'Filler words go here. ' * 60}" for n in range(20))
    parsed = ParsedDocument(media_type="text/plain", pages=tuple(text.split("\n\n")), title="Alone")
    async with await library_of([parsed], tmp_path / "library") as library:
        assert len((await library.search("cats sleep", limit=10)).hits) == 10


async def test_a_joined_hit_can_be_looked_up_by_its_name(tmp_path: Path) -> None:
    async with await _library(tmp_path / "library") as library:
        found = await library.search("number7 number8 number9 number10 number11 number12", limit=6)
        (whole,) = [hit for hit in found.hits if "-" in hit.passage.id.rpartition(":")[2]][:1]
        assert await library.passages([whole.passage.id]) == (whole.passage,)
        text = await library.stretch(whole.document.id, whole.passage.start, whole.passage.end)
        assert text == whole.passage.text


def test_the_passages_of_the_test_overlap_as_those_of_a_real_paper_do() -> None:
    parsed = ParsedDocument(media_type="text/plain", pages=(" ".join(_sentences("The cat", 120)),))
    passages = Splitter().split(parsed, "d")
    assert any(one.end > other.start for one, other in pairwise(passages))


def test_names_and_addresses_take_one_place_at_most_among_the_findings() -> None:
    hits = [_hit(0, 5, ordinal=n, document="a") for n in range(4)]
    front = [
        hit.model_copy(update={"passage": hit.passage.model_copy(update={"part": "front"})}) for hit in hits
    ]
    mixed = [front[0], front[1], hits[2], hits[3]]
    assert at_most(mixed, 3) == [front[0], hits[2], hits[3], front[1]]
    assert at_most([front[0], *hits[1:4]], 2) == [front[0], hits[1], hits[2], hits[3]]
    assert few([front[0], *hits[1:4]], 2) == [front[0], hits[1], hits[2]]
    assert few(hits[:4], 2) == hits[:2]
