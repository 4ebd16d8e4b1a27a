"""Vectors in the catalogue, as a dense index asks for them."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from indexes.database import Database
from indexes.errors import EncoderError
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.testing import library_of
from indexes.types import ParsedDocument
from indexes.vectors import PassageVectors

_ENCODER = HashingEncoder(16)
_FINGERPRINT = _ENCODER.fingerprint


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    texts = {f"Note {n}": f"Subject {n}." for n in range(6)}
    async with await library_of(texts, tmp_path / "library", encoder=_ENCODER) as library:
        yield library


@pytest.fixture
async def vectors(library: Library) -> AsyncIterator[PassageVectors]:
    database = Database(library.folder / "catalogue.sqlite")
    yield PassageVectors(database)
    await database.close()


def test_they_come_in_the_order_of_storing_and_in_blocks(vectors: PassageVectors) -> None:
    every = vectors.vectors(_FINGERPRINT)
    assert len(every) == 6
    assert every.matrix.shape == (6, 16)
    assert every.matrix.dtype == np.float32
    assert np.allclose(np.linalg.norm(every.matrix, axis=1), 1, atol=1e-5)
    assert (np.diff(every.positions) > 0).all()
    assert every.collections == ["papers"] * 6
    first = vectors.vectors(_FINGERPRINT, limit=2)
    rest = vectors.vectors(_FINGERPRINT, after=int(first.positions[-1]))
    assert [*first.numbers, *rest.numbers] == [*every.numbers]
    assert vectors.last_position(_FINGERPRINT) == every.positions[-1]
    assert vectors.vector_count(_FINGERPRINT) == 6
    assert vectors.vector_count(_FINGERPRINT, up_to=int(first.positions[-1])) == 2


def test_an_encoder_that_has_stored_nothing_has_nothing(vectors: PassageVectors) -> None:
    assert vectors.last_position("unknown") == 0
    assert vectors.vector_count("unknown") == 0
    assert vectors.living("unknown", [1, 2]) == set()
    assert len(vectors.vectors("unknown")) == 0


async def test_a_vector_goes_with_its_passage_and_its_place_is_never_used_again(
    library: Library, vectors: PassageVectors
) -> None:
    before = vectors.vectors(_FINGERPRINT)
    (last,) = await library.documents(
        [(await library.search("Note 5 Subject 5", limit=1)).hits[0].document.id]
    )
    await library.remove(last.id)
    kept = vectors.living(_FINGERPRINT, [int(number) for number in before.numbers])
    assert len(kept) == 5
    late = ParsedDocument(media_type="text/plain", pages=("Later.",))
    await library.add_texts({"Later": late})
    after = vectors.vectors(_FINGERPRINT, after=int(before.positions[-1]))
    assert len(after) == 1
    assert int(after.numbers[0]) not in before.numbers
    assert vectors.vector_count(_FINGERPRINT) == 6


def test_any_thread_may_ask(vectors: PassageVectors) -> None:
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.append(len(vectors.vectors(_FINGERPRINT)))) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [6] * 12


async def test_a_wrong_number_of_vectors_is_refused(library: Library, vectors: PassageVectors) -> None:
    await library.add_texts({"a": ParsedDocument(media_type="text/plain", pages=("Words.",))}, embed=False)
    waiting = await vectors.waiting(_FINGERPRINT, limit=10)
    assert [passage.text for passage in waiting] == ["Words."]
    with pytest.raises(EncoderError, match="were not stored"):
        await vectors.store(_ENCODER, waiting, np.zeros((2, 16), dtype=np.float32))
    assert await vectors.waiting(_FINGERPRINT, limit=10) == waiting


async def test_a_passage_removed_while_it_was_embedded_gets_no_vector(
    library: Library, vectors: PassageVectors
) -> None:
    await library.add_texts({"a": ParsedDocument(media_type="text/plain", pages=("Words.",))}, embed=False)
    waiting = await vectors.waiting(_FINGERPRINT, limit=10)
    (document,) = [document for document in await library.documents() if document.title == "a"]
    await library.remove(document.id)
    await vectors.store(_ENCODER, waiting, _ENCODER.encode(["Words."]))
    assert vectors.vector_count(_FINGERPRINT) == 6
