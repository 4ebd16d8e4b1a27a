"""Passages out of pages."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.errors import Damaged
from indexes.hashing import HashingEncoder
from indexes.split import Splitter, estimated_tokens, sentences
from indexes.types import PAGE_BREAK, ParsedDocument, Section, Stretch

_ANY_TEXT = st.text(max_size=400)
_REPEATING = st.builds(
    lambda unit, times: unit * times, st.text("ab .\n", min_size=1, max_size=6), st.integers(1, 80)
)
_PROSE = st.lists(
    st.sampled_from("Rain falls. | It is wet. | e.g. Dr. Who | \n\n|雨が降る。|🙂 |a|, ".split("|"))
).map(" ".join)


def _document(*pages: str, sections: tuple[Section, ...] = ()) -> ParsedDocument:
    return ParsedDocument(media_type="text/plain", pages=pages, sections=sections)


@settings(deadline=None)
@given(st.lists(_ANY_TEXT | _REPEATING | _PROSE, min_size=1, max_size=3), st.integers(10, 60))
def test_offsets_are_exact_and_every_visible_character_is_in_a_passage(pages: list[str], size: int) -> None:
    document = _document(*pages)
    passages = Splitter(passage_tokens=size, overlap_tokens=size // 5).split(document, "d")
    covered = [False] * len(document.text)
    for passage in passages:
        assert document.text[passage.start : passage.end] == passage.text
        covered[passage.start : passage.end] = [True] * len(passage.text)
    assert all(
        is_covered or character.isspace()
        for is_covered, character in zip(covered, document.text, strict=True)
    )


@st.composite
def _divided(draw: st.DrawFn) -> ParsedDocument:
    """A document with headings and marked parts at any places of its text, long sections among them."""
    pages = draw(st.lists(_ANY_TEXT | _PROSE | _PROSE.map(lambda text: text * 30), min_size=1, max_size=3))
    length = len(PAGE_BREAK.join(pages))
    starts = draw(st.lists(st.integers(0, length), max_size=5).map(sorted))
    edges = draw(st.lists(st.integers(0, length), max_size=4).map(sorted))
    parts = zip(edges[::2], edges[1::2], ("front", "references"), strict=False)
    return ParsedDocument(
        media_type="text/plain",
        pages=tuple(pages),
        sections=tuple(Section(title=f"Section {number}", start=at) for number, at in enumerate(starts)),
        marked=tuple(Stretch(part=part, start=start, end=end) for start, end, part in parts),
    )


@settings(deadline=None)
@given(_divided())
def test_headings_and_parts_at_any_place_divide_the_text_and_lose_nothing(document: ParsedDocument) -> None:
    covered = [False] * len(document.text)
    for passage in Splitter(passage_tokens=40, overlap_tokens=8).split(document, "d"):
        assert document.text[passage.start : passage.end] == passage.text
        covered[passage.start : passage.end] = [True] * len(passage.text)
        for stretch in document.marked:
            assert (
                passage.end <= stretch.start or stretch.end <= passage.start or passage.part == stretch.part
            )
    assert all(
        is_covered or character.isspace()
        for is_covered, character in zip(covered, document.text, strict=True)
    )


@settings(deadline=None)
@given(st.lists(_PROSE, min_size=1, max_size=4))
def test_a_passage_stays_on_its_page(pages: list[str]) -> None:
    document = _document(*pages)
    starts = [len(PAGE_BREAK.join(pages[:n])) + (len(PAGE_BREAK) if n else 0) for n in range(len(pages))]
    for passage in Splitter(passage_tokens=12, overlap_tokens=3).split(document, "d"):
        start = starts[passage.page - 1]
        assert start <= passage.start < passage.end <= start + len(pages[passage.page - 1])


@settings(deadline=None)
@given(_ANY_TEXT | _PROSE | st.text("a. ", max_size=5_000))
def test_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(sentences(text)) == text
    assert all(0 < len(sentence) <= 1_000 for sentence in sentences(text))


def test_abbreviations_and_initials_do_not_end_a_sentence() -> None:
    text = "As J. Smith et al. Show in Fig. 3, it works. It does so, e.g. Here.\n\nNew paragraph"
    assert [sentence.strip() for sentence in sentences(text)] == [
        "As J. Smith et al. Show in Fig. 3, it works.",
        "It does so, e.g. Here.",
        "New paragraph",
    ]


def test_passages_are_as_long_as_asked_and_overlap_in_whole_sentences() -> None:
    text = " ".join(f"Sentence number {n} says something." for n in range(200))
    passages = Splitter().split(_document(text), "d")
    assert [passage.id for passage in passages] == [f"d:{n}" for n in range(len(passages))]
    assert all(150 <= tokens <= 200 for tokens in estimated_tokens([p.text for p in passages[:-1]]))
    for before, after in pairwise(passages):
        assert before.start < after.start < before.end
        assert after.text.startswith("Sentence number")


def test_tokens_are_those_of_the_encoder() -> None:
    text = " ".join(f"Sentence number {n} says something." for n in range(200))
    encoder = HashingEncoder()
    passages = Splitter(encoder=encoder, passage_tokens=50, overlap_tokens=0).split(_document(text), "d")
    assert max(encoder.count_tokens([passage.text for passage in passages])) <= 50


def test_a_passage_knows_the_heading_it_stands_under() -> None:
    text = "Preface.\n\nMethods\n\n" + "We measured. " * 60 + "\n\nResults\n\n" + "We found. " * 60
    sections = (
        Section(title="Methods", start=text.index("Methods")),
        Section(title="Results", start=text.index("Results")),
    )
    passages = Splitter(passage_tokens=40, overlap_tokens=5).split(_document(text, sections=sections), "d")
    assert passages[0].section is None
    assert passages[2].section == "Methods"
    assert passages[-1].section == "Results"


def test_text_without_spaces_or_stops_is_cut_quickly() -> None:
    passages = Splitter().split(_document("x" * 300_000), "d")
    assert sum(len(passage.text) for passage in passages) >= 300_000


def test_an_empty_page_has_no_passages() -> None:
    assert Splitter().split(_document("", " \n ", "Words."), "d")[0].page == 3


def test_another_node_parser_can_be_used() -> None:
    from llama_index.core.node_parser import TokenTextSplitter

    parser = TokenTextSplitter(chunk_size=20, chunk_overlap=0, tokenizer=str.split)
    document = _document("one two three. " * 30, "four five. " * 10)
    passages = Splitter(parser=parser).split(document, "d")
    assert len(passages) > 4
    assert {passage.page for passage in passages} == {1, 2}
    assert all(document.text[passage.start : passage.end] == passage.text for passage in passages)


def test_a_node_parser_that_changes_the_text_is_refused() -> None:
    from llama_index.core.node_parser import SentenceSplitter

    class Shouting(SentenceSplitter):
        def split_text_metadata_aware(self, text: str, metadata_str: str) -> list[str]:
            return [text.upper()]

    parser = Shouting.from_defaults(tokenizer=str.split, chunking_tokenizer_fn=sentences)
    with pytest.raises(Damaged, match="node parser changed the text"):
        Splitter(parser=parser).split(_document("Quiet words."), "d")


def test_a_passage_begins_with_its_section_unless_that_is_short() -> None:
    rain, snow = "Rain falls on the plain. " * 20, "Snow lies on the hill. " * 20
    page = f"Rain\n\n{rain}\n\nSnow\n\n{snow}\n\nHail\n\nIt hails.\n\nFog\n\n{rain}"
    sections = tuple(
        Section(title=title, start=page.index(f"{title}\n")) for title in ("Rain", "Snow", "Hail", "Fog")
    )
    passages = Splitter(passage_tokens=200).split(_document(page, sections=sections), "d")
    assert [(passage.section, passage.text.split()[0]) for passage in passages] == [
        ("Rain", "Rain"),
        ("Snow", "Snow"),
        ("Hail", "Hail"),
    ]


def test_what_fits_into_one_passage_is_what_the_splitter_would_make_of_it() -> None:
    from llama_index.core.node_parser import SentenceSplitter

    page = "  Owls hear well. \n\n They hunt at night, i.e. in the dark.  \n"
    document = ParsedDocument(media_type="text/plain", pages=(page,))
    (passage,) = Splitter().split(document, "d")
    assert [passage.text] == SentenceSplitter(paragraph_separator="\x00").split_text(page)
    assert page[passage.start : passage.end] == passage.text
