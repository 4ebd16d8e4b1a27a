"""Words, stems, sentences and quotations are found as a reader would find them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.quotes import contains, find_quote
from pipelines.thinking import ThinkingFilter
from pipelines.words import content_stems, numbers, sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


def test_sentences_end_at_full_stops_but_not_at_abbreviations() -> None:
    text = "Rank fusion (Cormack et al. 2009) is simple. It works, e.g. for BM25. See Fig. 3 there!"
    assert split(text) == [
        "Rank fusion (Cormack et al. 2009) is simple.",
        "It works, e.g. for BM25.",
        "See Fig. 3 there!",
    ]


def test_paragraphs_and_list_items_end_a_sentence() -> None:
    assert split("A heading\n\nFirst line\n- one\n- two") == ["A heading", "First line", "- one", "- two"]


@given(st.text())
def test_sentences_are_in_order_and_lose_nothing_but_white_space(text: str) -> None:
    spans = list(sentences(text))
    assert all(start < end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
    covered = "".join(text[start:end] for start, end in spans)
    assert "".join(covered.split()) == "".join(text.split())


def test_stems_leave_out_what_carries_no_meaning() -> None:
    assert content_stems("How do the retries of clients differ?") == ("retri", "client", "differ")


def test_citation_markers_are_not_numbers() -> None:
    assert numbers("It fell by 46 percent [1][12] in 1,024 runs.") == {"46", "1024"}


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("each client\nwaits a  random time", "each client waits a random time"),
        ("It is “not” so — they said", 'It is "not" so - they said'),
        ("the ﬁrst proﬁle", "the first profile"),
    ],
)
def test_a_quote_is_found_although_spaces_and_signs_differ(text: str, quote: str) -> None:
    assert contains(text, quote)


def test_a_quote_with_another_word_is_not_found() -> None:
    assert find_quote("each client waits a random time", "each client waits a fixed time") is None


@given(st.text(min_size=1), st.text(), st.text())
def test_whatever_was_taken_from_a_text_is_found_in_it(quote: str, before: str, after: str) -> None:
    found = find_quote(f"{before} {quote} {after}", quote)
    assert found is not None or not quote.split()


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["<think>hm", "m</think>", "\n\nThe ", "answer"], "The answer"),
        (["<th", "ink>x</th", "ink>A"], "A"),
        (["The <think> tag"], "The <think> tag"),
        (["<thing>"], "<thing>"),
        (["<th"], "<th"),
        (["<think>only thoughts"], ""),
    ],
)
def test_thinking_aloud_is_taken_out_of_a_reply(pieces: list[str], shown: str) -> None:
    thinking = ThinkingFilter()
    assert "".join(thinking.feed(piece) for piece in pieces) + thinking.finish() == shown
