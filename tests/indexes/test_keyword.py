"""Search by word over a real full-text index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from indexes.keyword import question_terms
from indexes.library import Library
from indexes.testing import library_of
from indexes.types import ParsedDocument

_TEXTS = {
    "Retries": "Retrying a failed request with exponential backoff avoids overloading the server.",
    "Routing": "A router chooses the cheapest model that can answer. Deep learning is not needed for routing.",
    "Naïve": "The naïve approach of Müller retries at once; learning deep patterns is left out.",
    "Cats": "Cats sleep most of the day.",
}


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with await library_of(_TEXTS, tmp_path / "library") as library:
        yield library


async def _found(library: Library, text: str, *collections: str) -> list[str]:
    (keyword,) = library.retrievers
    hits = (await keyword.search(text, limit=10, collections=collections)).hits
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert all(hit.retriever == "keyword" for hit in hits)
    assert sorted((hit.score for hit in hits), reverse=True) == [hit.score for hit in hits]
    return [hit.document.title for hit in hits]


async def test_words_are_found_in_any_form(library: Library) -> None:
    assert set(await _found(library, "retry")) == {"Retries", "Naïve"}
    assert await _found(library, "sleeping cat") == ["Cats"]


async def test_accents_do_not_matter(library: Library) -> None:
    assert await _found(library, "naive muller") == ["Naïve"]
    assert await _found(library, "NAÏVE MÜLLER") == ["Naïve"]


async def test_a_quoted_phrase_is_looked_for_as_it_stands(library: Library) -> None:
    assert set(await _found(library, "deep learning")) == {"Routing", "Naïve"}
    assert await _found(library, 'what about "deep learning"?') == ["Routing"]
    assert await _found(library, "“deep learning”") == ["Routing"]


async def test_common_words_count_only_when_there_is_nothing_else(library: Library) -> None:
    assert await _found(library, "what is the day of a cat") == ["Cats"]
    assert set(await _found(library, "of the")) == set(_TEXTS)


async def test_a_question_without_a_word_finds_nothing(library: Library) -> None:
    for question in ("", "   ", "?!", "🙂🙂", '""', "\x00", '"?"'):
        assert await _found(library, question) == []


async def test_only_the_named_collections_are_searched(library: Library) -> None:
    await library.add_texts(
        {"Dogs": ParsedDocument(media_type="text/plain", pages=("Dogs sleep, too.",), title="Dogs")},
        collection="animals",
    )
    assert set(await _found(library, "sleep")) == {"Cats", "Dogs"}
    assert await _found(library, "sleep", "animals") == ["Dogs"]
    assert await _found(library, "sleep", "animals", "papers") == await _found(library, "sleep")
    assert await _found(library, "sleep", "no such collection") == []


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example('cats" OR "')
@example("cats NEAR(sleep")
@example("cats AND NOT OR ^ * : - + ( ) { } text:")
@example("cats\x00sleep")
@example("\ud800 cats")
@example("'; DROP TABLE passages; --")
@example("👩‍🔬 cats 🧪")
@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(['"', "cats", "AND", "(", "*", "^", ":", "-", "'", "\0"])).map(" ".join)
)
async def test_no_text_raises(library: Library, text: str) -> None:
    await _found(library, text)
    assert "Cats" in await _found(library, f"cats {text}")


async def test_a_very_long_text_is_bounded(library: Library) -> None:
    long = " ".join(f"word{n}" for n in range(25_000)) + " cats"
    assert len(long) > 200_000
    assert len(question_terms(long)) == 64
    assert await _found(library, long) == []
    assert await _found(library, "cats " + long) == ["Cats"]


async def test_equal_scores_come_in_an_order_that_does_not_depend_on_the_order_of_adding(
    tmp_path: Path,
) -> None:
    orders = []
    for letters in ("dacb", "abcd"):
        async with await library_of(dict.fromkeys(letters, "the same words"), tmp_path / letters) as library:
            orders.append(await _found(library, "words"))
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == list("abcd")


async def test_what_a_small_library_is_about_is_telling_although_it_stands_everywhere(tmp_path: Path) -> None:
    async with await library_of({"note": "A carrel is a small desk in a library."}, tmp_path) as library:
        assert (await library.rarity(["carrel"]))["carrel"] > 0.5


async def test_rarity_goes_from_everywhere_to_nowhere(library: Library) -> None:
    rarity = await library.rarity(["retri", "cat", "unheard", "cat"])
    assert rarity["unheard"] == 1
    assert 0 < rarity["retri"] < rarity["cat"] < 1


async def test_in_an_empty_library_every_word_is_telling(tmp_path: Path) -> None:
    async with Library.open(tmp_path / "empty") as library:
        assert await library.rarity(["cat"]) == {"cat": 1.0}
