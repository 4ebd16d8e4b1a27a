"""What is not embedded yet is compared by meaning all the same, where it matters and if it is quick."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from indexes.errors import EncoderError
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.protocols import Vectors
from indexes.types import ParsedDocument
from indexes.urgent import MOST_URGENT, Urgent
from indexes.vectors import Waiting

_TEXTS = {
    "Owls": "Owls hunt mice at night.",
    "Bees": "Bees dance to tell where flowers are.",
    "Ants": "Ants dance, too, in a manner of speaking.",
}


class CountingEncoder(HashingEncoder):
    """Keeps what it was given."""

    def __init__(self) -> None:
        super().__init__(64)
        self.given: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.given += texts
        return super().encode(texts)


def _documents(texts: dict[str, str]) -> dict[str, ParsedDocument]:
    return {
        name: ParsedDocument(media_type="text/plain", pages=(text,), title=name)
        for name, text in texts.items()
    }


async def test_the_best_keyword_hits_are_found_by_meaning_before_anything_is_embedded(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    async with Library.open(tmp_path / "library", encoder=encoder) as library:
        await library.add_texts(_documents(_TEXTS), embed=False)
        question = "Bees dance to tell where flowers are."
        found = await library.retrievers[0].search(question, limit=5)
        assert [hit.document.title for hit in found.hits] == ["Bees", "Ants"]
        assert found.hits[0].score == pytest.approx(1, abs=1e-4)
        assert found.notes == (
            "Search by meaning saw 0 of 3 passages and 2 of the best by keyword; "
            "the others are not embedded yet.",
        )
        assert _TEXTS["Owls"] not in encoder.given
        await library.retrievers[0].search(question, limit=5)
        assert encoder.given.count(_TEXTS["Ants"]) == 1, "a vector made once is kept"


async def test_nothing_is_made_anew_when_all_is_embedded(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    async with Library.open(tmp_path / "library", encoder=encoder) as library:
        await library.add_texts(_documents(_TEXTS))
        encoder.given.clear()
        assert (await library.search("bees dance")).notes == ()
        assert encoder.given == ["bees dance"]


async def test_filters_hold_for_what_is_embedded_in_a_hurry(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    async with Library.open(tmp_path / "library", encoder=encoder) as library:
        await library.add_texts(_documents(_TEXTS), embed=False)
        await library.add_texts(_documents({"Wasps": "Wasps dance."}), collection="others", embed=False)
        found = await library.retrievers[0].search("in:others dance", limit=5)
        assert [hit.document.title for hit in found.hits] == ["Wasps"]
        assert _TEXTS["Bees"] not in encoder.given


async def test_no_more_than_a_few_are_embedded_for_one_question(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    texts = {f"Note {n}": f"Bees dance number {n}." for n in range(90)}
    async with Library.open(tmp_path / "library", encoder=encoder) as library:
        await library.add_texts(_documents(texts), embed=False)
        await library.retrievers[0].search("bees dance", limit=5)
    assert len(encoder.given) == MOST_URGENT + 1


async def test_a_slow_model_is_not_waited_for_and_its_work_serves_the_next_question() -> None:
    release, made = threading.Event(), threading.Event()

    class Slow(HashingEncoder):
        def encode(self, texts: Sequence[str]) -> Vectors:
            release.wait(20)
            try:
                return super().encode(texts)
            finally:
                made.set()

    urgent = Urgent(Slow(64), seconds=0.05)
    passages = [Waiting(n, 1, f"bees {n}") for n in range(20)]
    vector = HashingEncoder(64).encode(["bees 3"])[0]
    began = time.monotonic()
    assert await urgent.cosines(vector, passages) == []
    assert time.monotonic() - began < 5
    release.set()
    assert made.wait(5)
    found = dict(await urgent.cosines(vector, passages))
    assert found[3] == pytest.approx(1, abs=1e-4)


async def test_a_model_that_fails_says_so() -> None:
    class Failing(HashingEncoder):
        def encode(self, texts: Sequence[str]) -> Vectors:
            raise EncoderError("The model is gone.")

    with pytest.raises(EncoderError, match="gone"):
        await Urgent(Failing(64)).cosines(np.zeros(64, np.float32), [Waiting(1, 1, "bees")])
