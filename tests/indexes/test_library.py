"""The library as its users meet it: search by word and by meaning, models that change or fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from indexes.errors import EncoderError, EncoderMismatch, EncoderMissing, SearchError
from indexes.events import AddEvent, Embedded
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.protocols import Encoder, Retriever, Vectors
from indexes.testing import ScriptedRetriever, library_of
from indexes.types import Fate, Hit, ParsedDocument

_TEXTS = {
    "Owls": "Owls hunt mice at night.",
    "Bees": "Bees dance to tell where flowers are.",
    "Ants": "Ants follow trails of scent to their food.",
}


class OtherEncoder(HashingEncoder):
    """Another model of the same dimension."""

    @property
    def name(self) -> str:
        return "another-model"

    @property
    def fingerprint(self) -> str:
        return "another-model:64:0123"


class FailingEncoder(OtherEncoder):
    """Fails at the second call, or gives rows that are not numbers."""

    def __init__(self, *, nonsense: bool = False) -> None:
        super().__init__(64)
        self.calls = 0
        self._nonsense = nonsense

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        if self._nonsense:
            return np.full((len(texts), 64), np.nan, dtype=np.float32)
        if self.calls > 1:
            raise EncoderError("The model ran out of memory.", hint="Close another program.")
        return super().encode(texts)


def _parsed(text: str) -> ParsedDocument:
    return ParsedDocument(media_type="text/plain", pages=(text,))


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with await library_of(_TEXTS, tmp_path / "library", encoder=HashingEncoder(64)) as library:
        yield library


async def test_both_ways_of_searching_are_fused(library: Library) -> None:
    found = await library.search("what do bees dance", limit=2)
    assert found.notes == ()
    assert [hit.rank for hit in found.hits] == [1, 2]
    assert found.hits[0].document.title == "Bees"
    assert {hit.retriever for hit in found.hits} == {"fused"}
    assert [retriever.name for retriever in library.retrievers] == ["dense", "keyword"]
    assert all(isinstance(retriever, Retriever) for retriever in library.retrievers)


async def test_by_meaning_hits_are_ranked_by_cosine(library: Library) -> None:
    dense = library.retrievers[0]
    hits = (await dense.search("Bees dance to tell where flowers are.", limit=3)).hits
    assert hits[0].document.title == "Bees"
    assert hits[0].score == pytest.approx(1, abs=1e-4)
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert (await dense.search("  ", limit=3)).hits == ()


async def test_collections_restrict_both_ways(library: Library) -> None:
    await library.add_texts({"Wasps": _parsed("Wasps dance, too.")}, collection="insects")
    for retriever in library.retrievers:
        hits = (await retriever.search("dance", limit=9, collections=("insects",))).hits
        assert [hit.document.collection for hit in hits] == ["insects"]
    assert [(c.name, c.documents, c.passages, c.embedded) for c in await library.collections()] == [
        ("insects", 1, 1, 1),
        ("papers", 3, 3, 3),
    ]


async def test_without_a_model_search_is_by_keyword_and_says_so(tmp_path: Path) -> None:
    async with await library_of(_TEXTS, tmp_path / "library") as library:
        found = await library.search("bees")
        assert [hit.document.title for hit in found.hits] == ["Bees"]
        assert len(found.notes) == 1
        assert "keyword only" in found.notes[0]
        assert "the model that comes with Carrel" in found.notes[0]
        assert library.encoder is None
        with pytest.raises(EncoderMissing):
            await library.embed()


async def test_a_library_embedded_with_another_model_is_searched_by_keyword_and_says_so(
    library: Library,
) -> None:
    async with Library.open(library.folder, encoder=OtherEncoder(64)) as other:
        found = await other.search("bees")
        assert [hit.document.title for hit in found.hits] == ["Bees"]
        (note,) = found.notes
        assert "keyword only" in note
        assert HashingEncoder(64).name in note
        assert "another-model" in note
        assert "carrel add --reembed" in note
        with pytest.raises(EncoderMismatch):
            await other.retrievers[0].search("bees", limit=1)
        with pytest.raises(EncoderMismatch) as told:
            await other.embed()
        assert "library.encoder" in told.value.hint


async def test_what_is_added_with_the_wrong_model_is_kept_and_searchable(library: Library) -> None:
    async with Library.open(library.folder, encoder=OtherEncoder(64)) as other:
        report = await other.add_texts({"Wasps": _parsed("Wasps sting.")})
        assert report.counts == {Fate.INDEXED: 1}
        assert "keyword only" in report.notes[0]
        assert [hit.document.title for hit in (await other.search("wasps")).hits] == ["Wasps"]
    assert (await library.search("bees")).notes == (
        "Search by meaning saw 3 of 4 passages; the others are not embedded yet.",
    )
    assert await library.embed() == 1
    assert (await library.search("bees")).notes == ()


async def test_embedding_anew_replaces_the_old_vectors_when_it_is_complete(library: Library) -> None:
    async with Library.open(library.folder, encoder=OtherEncoder(64)) as other:
        assert await other.embed(reembed=True) == 3
        found = await other.search("bees")
        assert found.notes == ()
        assert found.hits[0].document.title == "Bees"
    with pytest.raises(EncoderMismatch):
        await library.retrievers[0].search("bees", limit=1)


async def test_a_model_that_fails_half_way_leaves_what_it_did_and_a_sentence(tmp_path: Path) -> None:
    texts = {f"Note {n}": f"Subject {n} and others." for n in range(300)}
    async with Library.open(tmp_path / "library", encoder=FailingEncoder()) as library:
        report = await library.add_texts({name: _parsed(text) for name, text in texts.items()})
        assert report.counts == {Fate.INDEXED: 300}
        assert "ran out of memory" in report.notes[0]
        assert "Close another program." in report.notes[0]
        assert (await library.search("subject 7")).hits


async def test_vectors_that_are_not_numbers_are_never_stored(tmp_path: Path) -> None:
    async with Library.open(tmp_path / "library", encoder=FailingEncoder(nonsense=True)) as library:
        report = await library.add_texts({"a": _parsed("words")})
        assert "were not stored" in report.notes[0]
        assert (await library.collections())[0].embedded == 0


async def test_embedding_tells_how_far_it_is(tmp_path: Path) -> None:
    events: list[AddEvent] = []
    async with Library.open(tmp_path / "library", encoder=HashingEncoder(64)) as library:
        texts = {f"Note {n}": _parsed(f"Subject {n}.") for n in range(300)}
        await library.add_texts(texts, embed=False)
        assert "saw 0 of 300" in (await library.search("subject")).notes[0]
        assert await library.embed(emit=events.append) == 300
        assert events == [Embedded(done=256, total=300), Embedded(done=300, total=300)]
        assert await library.embed(emit=events.append) == 0


async def test_a_removed_document_is_found_in_no_way(library: Library) -> None:
    (bees,) = [document for document in await library.documents() if document.title == "Bees"]
    await library.search("bees dance")
    await library.remove(bees.id)
    for retriever in library.retrievers:
        hits = (await retriever.search("bees dance", limit=9)).hits
        assert "Bees" not in [hit.document.title for hit in hits]


async def test_a_dense_index_is_built_when_enough_is_new_and_finds_the_same(tmp_path: Path) -> None:
    texts = {f"Note {n}": f"Subject number{n} in words{n % 7}." for n in range(60)}
    questions = [f"number{n}" for n in range(0, 60, 7)]
    async with await library_of(texts, tmp_path / "library", encoder=HashingEncoder(64)) as library:
        before = [await _titles(library, question) for question in questions]
    async with Library.open(tmp_path / "library", encoder=HashingEncoder(64), delta_limit=10) as library:
        await library.embed()
        assert any((library.folder / "dense").iterdir())
        assert [await _titles(library, question) for question in questions] == before
        await library.add_texts({"Late": _parsed("A latecomer.")})
        assert (await _titles(library, "A latecomer."))[0] == "Late"


async def test_searching_never_waits_for_embedding(tmp_path: Path) -> None:
    class SlowEncoder(HashingEncoder):
        release: asyncio.Event
        loop: asyncio.AbstractEventLoop

        def encode(self, texts: Sequence[str]) -> Vectors:
            if len(texts) > 1:
                asyncio.run_coroutine_threadsafe(self.release.wait(), self.loop).result()
            return super().encode(texts)

    encoder = SlowEncoder(64)
    encoder.release, encoder.loop = asyncio.Event(), asyncio.get_running_loop()
    async with Library.open(tmp_path / "library", encoder=encoder) as library:
        await library.add_texts({name: _parsed(text) for name, text in _TEXTS.items()}, embed=False)
        embedding = asyncio.create_task(library.embed())
        found = await library.search("bees")
        assert [hit.document.title for hit in found.hits] == ["Bees"]
        assert "saw 0 of 3" in found.notes[0]
        encoder.release.set()
        assert await embedding == 3


async def test_any_number_of_searches_at_once(library: Library) -> None:
    found = await asyncio.gather(*(library.search(f"bees {n}") for n in range(40)))
    assert {result.hits[0].document.title for result in found} == {"Bees"}


async def test_texts_of_the_same_name_replace_each_other(library: Library) -> None:
    await library.add_texts({"Bees": _parsed("Bees sleep in winter.")})
    titles = [document.title for document in await library.documents()]
    assert sorted(titles) == ["Ants", "Bees", "Owls"]
    assert "winter" in (await library.search("bees")).hits[0].passage.text


async def test_a_scripted_retriever_does_as_told(library: Library) -> None:
    hits: Sequence[Hit] = (await library.search("bees dance night")).hits
    scripted = ScriptedRetriever("scripted", hits, notes=["half of it"])
    found = await scripted.search("anything", limit=1)
    assert [(hit.retriever, hit.rank) for hit in found.hits] == [("scripted", 1)]
    assert found.notes == ("half of it",)
    assert scripted.asked == [("anything", 1, ())]
    assert (await scripted.search("x", limit=9, collections=("elsewhere",))).hits == ()
    with pytest.raises(SearchError):
        await ScriptedRetriever("broken", error=SearchError("It broke.")).search("x", limit=1)
    assert isinstance(scripted, Retriever)
    assert isinstance(OtherEncoder(64), Encoder)


async def _titles(library: Library, question: str) -> list[str]:
    hits = (await library.retrievers[0].search(question, limit=5)).hits
    return [hit.document.title for hit in hits]
