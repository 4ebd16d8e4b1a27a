"""Every citation is checked against the stored page and every sentence against what it cites."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.types import Hit
from pipelines.settings import Limits
from pipelines.testing import PageShelves
from pipelines.trace import Recorder
from pipelines.types import Answer, Draft, Evidence, Query, Route
from pipelines.verify import check_citations, supported_share
from tests.pipelines.papers import BREAKER, JITTER, hit, pages


def evidence(number: int, found: Hit, quote: str | None = None) -> Evidence:
    quote = quote or found.passage.text.split(". ")[0]
    return Evidence(id=number, hits=(found,), quote=quote, quote_start=0, summary=quote, relevance=1.0)


TWO = (evidence(1, hit(JITTER, title="Jitter")), evidence(2, hit(BREAKER, title="Breakers")))


async def checked(text: str, given: tuple[Evidence, ...] = TWO) -> tuple[Answer, tuple[str, ...]]:
    """The answer, and the notes for its reader."""
    shelves = PageShelves(pages([each for one in (*TWO, *given) for each in one.hits]))
    recorder = Recorder(lambda event: None)
    answer = await check_citations(
        Query(text="What does jitter do?"),
        Route(name="full", steps=(), why=""),
        given,
        Draft(text=text, author="reasoning", model="openai:m"),
        shelves,
        Limits(),
        recorder,
    )
    return answer, recorder.notes


async def test_a_citation_ties_a_stretch_of_the_answer_to_evidence() -> None:
    answer, _ = await checked("Full jitter spreads the retries of clients [1].")
    citation = answer.citations[0]
    assert answer.text[citation.start : citation.end] == "[1]"
    assert (citation.evidence_id, citation.verified) == (1, True)
    assert citation.support > 0.8


async def test_a_quote_that_does_not_stand_on_the_page_is_not_verified_and_the_reader_is_told() -> None:
    invented = evidence(1, hit(JITTER, title="Jitter"), quote="Jitter cures all outages")
    answer, notes = await checked("Jitter spreads retries of clients [1].", (invented,))
    assert not answer.citations[0].verified
    assert any("[1] was not found on the stored page" in note for note in notes)


async def test_a_sentence_that_its_evidence_does_not_carry_is_marked() -> None:
    answer, notes = await checked(
        "Full jitter spreads the retries of clients [1]. Penguins prefer cold weather in Antarctica [2]."
    )
    assert [claim.supported for claim in answer.claims] == [True, False]
    assert any("1 sentence is not supported" in note for note in notes)


async def test_a_sentence_without_a_citation_is_marked() -> None:
    answer, _ = await checked("Full jitter spreads the retries of clients.")
    assert [claim.supported for claim in answer.claims] == [False]


async def test_a_number_that_the_evidence_lacks_makes_a_sentence_unsupported() -> None:
    right, _ = await checked("Full jitter cut the number of calls by 46 percent [1].")
    wrong, _ = await checked("Full jitter cut the number of calls by 64 percent [1].")
    assert right.claims[0].supported
    assert not wrong.claims[0].supported


async def test_a_sentence_quoted_with_the_paper_s_own_citations_is_supported() -> None:
    cited = "Jitter spreads the load of many clients [3, 4], which others have measured too [12]."
    quoted = cited.replace("[", "(").replace("]", ")")
    answer, notes = await checked(
        f"- {quoted} [1]\n- Jitter spreads the load of 12 clients. [1]", (evidence(1, hit(cited)),)
    )
    assert [claim.supported for claim in answer.claims] == [True, False]
    assert notes == ("1 sentence is not supported by the evidence cited, and marked so.",)


async def test_markers_after_the_full_stop_belong_to_the_sentence_before() -> None:
    answer, _ = await checked(
        "Full jitter spreads retries. [1] A breaker stops calling after five failures. [2]"
    )
    assert [(claim.supported, answer.text[claim.start : claim.end]) for claim in answer.claims] == [
        (True, "Full jitter spreads retries. [1]"),
        (True, "A breaker stops calling after five failures. [2]"),
    ]


async def test_lists_and_ranges_of_citations_become_single_markers() -> None:
    answer, _ = await checked(
        "Jitter spreads retries and a breaker stops calling [1, 2]. Both help retries [1-2]."
    )
    assert answer.text.count("[1][2]") == 2
    assert [citation.evidence_id for citation in answer.citations] == [1, 2, 1, 2]


async def test_a_citation_of_evidence_that_was_not_given_is_removed_and_the_reader_is_told() -> None:
    answer, notes = await checked("Jitter spreads the retries of clients [1][9].")
    assert "[9]" not in answer.text
    assert any("Removed [9]" in note for note in notes)


async def test_a_quotation_in_the_answer_that_no_passage_has_is_noted() -> None:
    _, notes = await checked('They say "each client waits until the next full moon comes around" [1].')
    assert any("stands in none of the passages" in note for note in notes)


async def test_headings_and_abstentions_are_no_claims() -> None:
    answer, notes = await checked("## Result\n\nThe evidence does not answer this question.")
    assert answer.claims == ()
    assert notes == ()


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[1-2-3]", "[1][2]"),
        ("[2-1]", "[2][1]"),
        ("[1-900]", "[1]"),
        ("[[9]2]", "[2]"),
        ("[[9]8]", "(8)"),
        ("[1,[9]2]", "[1][2]"),
        ("[٢]", "[2]"),
    ],
)
async def test_oddly_written_citations_point_to_what_was_given_or_nowhere(written: str, shown: str) -> None:
    answer, _ = await checked(f"Full jitter spreads the retries of clients {written}.")
    assert answer.text == f"Full jitter spreads the retries of clients {shown}."
    assert [f"[{citation.evidence_id}]" for citation in answer.citations] == re.findall(r"\[\d\]", shown)


_LIKE_CITATIONS: Any = st.lists(
    st.one_of(
        st.sampled_from(
            ["[", "]", "[1]", "[2]", "[9]", "-", "–", ",", ";", " ", ".", "\n", "1", "2", "9", "٢"]
        ),
        st.text(max_size=5),
    ),
    max_size=30,
).map("".join)


@settings(deadline=None)
@given(_LIKE_CITATIONS)
async def test_whatever_a_model_writes_each_citation_is_where_it_says_and_points_to_evidence(
    text: str,
) -> None:
    answer, _ = await checked(text)
    for citation in answer.citations:
        assert answer.text[citation.start : citation.end] == f"[{citation.evidence_id}]"
        assert citation.evidence_id in {1, 2}
    for claim in answer.claims:
        assert 0 <= claim.start < claim.end <= len(answer.text)
    assert 0 <= supported_share(text, TWO, Limits()) <= 1
