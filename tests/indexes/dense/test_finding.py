"""Search by meaning over real Chroma folders: what it finds, and what it never shows."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from indexes.dense import DenseIndex
from indexes.errors import EncoderError
from indexes.hashing import HashingEncoder
from indexes.protocols import Vectors
from tests.indexes.dense.vectors_in_memory import (
    DIMENSIONS,
    ROWS,
    TOPICS,
    Library,
    MemorySource,
    OtherEncoder,
    exact,
    numbers,
    texts,
)


class CountingEncoder(HashingEncoder):
    """Keeps what it was given."""

    def __init__(self) -> None:
        super().__init__(DIMENSIONS)
        self.given: list[str] = []
        self.fails = False

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.given += texts
        if self.fails:
            raise EncoderError("The model is gone.")
        return super().encode(texts)


async def test_a_generation_and_the_newer_passages_together_find_what_exact_search_finds(
    library: Library, encoder: HashingEncoder
) -> None:
    library.source.add(encoder, encoder.encode(texts(300, start=ROWS)), first=ROWS + 1)
    asked = texts(50, start=100) + texts(20, start=ROWS + 10)
    right = 0
    for text in asked:
        found = await numbers(library.index, text)
        assert len(found) == 10
        right += len(set(found) & exact(library.source, encoder, text, 10))
    coverage = await library.index.coverage()
    assert (coverage.generation, coverage.in_generation, coverage.newer, coverage.total) == (
        "g-0001",
        ROWS,
        300,
        ROWS + 300,
    )
    assert right / (10 * len(asked)) >= 0.98
    assert library.index.notes == ()


async def test_scores_are_cosines_whether_they_come_from_chroma_or_not(
    library: Library, encoder: HashingEncoder
) -> None:
    text = texts(1, start=77)[0]
    [(number, score)] = await library.index.search(text, limit=1)
    assert number == 78
    assert score == pytest.approx(1.0, abs=1e-4)
    library.source.add(encoder, encoder.encode([text + " again"]), first=9_000)
    by_number = dict(await library.index.search(text, limit=5))
    assert by_number[9_000] == pytest.approx(
        float(encoder.encode([text])[0] @ encoder.encode([text + " again"])[0]), abs=1e-4
    )


async def test_only_the_named_collections_are_searched(library: Library, encoder: HashingEncoder) -> None:
    library.source.add(encoder, encoder.encode(texts(5)), collection="drafts", first=5_000)
    text = texts(1)[0]
    assert all(
        number in range(1_201, ROWS + 1) for number in await numbers(library.index, text, 20, ("notes",))
    )
    assert (await numbers(library.index, text, 10, ("drafts",)))[0] == 5_000
    both = await numbers(library.index, text, 1_000, ("notes", "drafts"))
    assert len(both) == 305
    assert await numbers(library.index, text, 10, ("no such collection",)) == []


async def test_removed_passages_are_not_found_and_do_not_take_anothers_place(
    library: Library, encoder: HashingEncoder
) -> None:
    text = texts(1, start=24)[0]
    gone = await numbers(library.index, text, 60)
    library.source.remove(gone)
    found = await numbers(library.index, text, 10)
    assert len(found) == 10
    assert not set(found) & set(gone)
    assert set(found) <= exact(library.source, encoder, text, 12)


async def test_a_passage_embedded_late_is_found_although_its_number_is_low(
    library: Library, encoder: HashingEncoder
) -> None:
    library.source.remove([3])
    assert 3 not in await numbers(library.index, texts(3)[2], 5)
    library.source.add(encoder, encoder.encode([texts(3)[2]]), first=3)
    assert (await numbers(library.index, texts(3)[2], 5))[0] == 3


async def test_without_a_generation_every_vector_is_compared(tmp_path: Path, encoder: HashingEncoder) -> None:
    source = MemorySource()
    index = DenseIndex(tmp_path / "generations", source, encoder)
    assert await index.search("anything", limit=5) == []
    source.add(encoder, encoder.encode(texts(40)))
    assert (await numbers(index, texts(40)[30]))[0] == 31
    assert not await index.refresh()
    assert not (tmp_path / "generations").exists()
    assert index.notes == ()


async def test_two_encoders_of_one_dimension_never_mix(library: Library, encoder: HashingEncoder) -> None:
    other = OtherEncoder(DIMENSIONS)
    index = DenseIndex(library.folder, library.source, other, delta_limit=1_000)
    assert await index.search(texts(1)[0], limit=10) == []
    library.source.add(other, other.encode(texts(20)), first=1)
    assert set(await numbers(index, texts(1)[0], 50)) == set(range(1, 21))
    assert (await index.coverage()).generation is None
    assert not await index.refresh()
    index.close()
    assert len(await numbers(library.index, texts(1)[0], 50)) == 50


def test_nothing_heavy_is_imported_before_a_generation_is_opened() -> None:
    code = "import sys, indexes.dense, indexes.embed, indexes.web, indexes.hashing; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"chromadb", "onnxruntime", "tokenizers", "ddgs"} & set(loaded)


async def test_a_text_begun_ahead_is_embedded_once_and_finds_the_same(
    built: tuple[Path, MemorySource],
) -> None:
    encoder = CountingEncoder()
    index = DenseIndex(built[0], built[1], encoder)
    text = TOPICS[0]
    expected = await index.search(text, limit=10)
    encoder.given.clear()
    for _ in range(2):
        index.ahead(text)
    assert await index.search(text, limit=10) == expected
    assert encoder.given == [text]
    await index.search(text, limit=10)
    assert encoder.given == [text, text]
    index.close()


async def test_a_text_that_could_not_be_embedded_ahead_fails_its_search_and_no_other(
    built: tuple[Path, MemorySource], caplog: pytest.LogCaptureFixture
) -> None:
    encoder = CountingEncoder()
    index = DenseIndex(built[0], built[1], encoder)
    await index.prepare()
    encoder.fails = True
    for text in (TOPICS[0], "never searched for"):
        index.ahead(text)
    with pytest.raises(EncoderError):
        await index.search(TOPICS[0], limit=10)
    encoder.fails = False
    assert len(await index.search(TOPICS[0], limit=10)) == 10
    index.close()
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_an_empty_library_embeds_nothing_ahead(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    index = DenseIndex(tmp_path, MemorySource(), encoder)
    index.ahead("anything")
    assert await index.search("anything", limit=10) == []
    assert encoder.given == []
