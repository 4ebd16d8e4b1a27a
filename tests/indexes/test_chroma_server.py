"""A dense index on a Chroma server: finds what the local one finds, and what comes of its being away."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import chromadb
import pytest
from chromadb.config import Settings

from indexes import chroma_server, dense
from indexes.check import check
from indexes.errors import InputError
from indexes.generations import Generation, Generations
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.protocols import Vectors
from indexes.repair import repair
from indexes.types import Hits, ParsedDocument
from tests.indexes.chroma_process import ChromaProcess, chroma_process

DIMENSIONS = 64
QUESTIONS = ("router fails", "graph waits condition7", "case41 vector", "paper learns under condition14")


class OtherEncoder(HashingEncoder):
    """Of the same dimension, but another model."""

    @property
    def name(self) -> str:
        return "other:model"

    @property
    def fingerprint(self) -> str:
        return f"other/{self.dimensions}/1"

    def encode(self, texts: Sequence[str]) -> Vectors:
        return super().encode(texts)[:, ::-1].copy()


def documents(count: int, *, start: int = 0) -> dict[str, ParsedDocument]:
    nouns, verbs = ("router", "graph", "vector", "paper"), ("learns", "fails", "waits")
    return {
        f"d{n}": ParsedDocument(
            media_type="text/plain", pages=(f"{nouns[n % 4]} {verbs[n % 3]} case{n} under condition{n % 19}",)
        )
        for n in range(start, start + count)
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaProcess]:
    with chroma_process(tmp_path_factory.mktemp("chroma")) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "library"


def opened(folder: Path, chroma: str = "", encoder: HashingEncoder | None = None) -> Library:
    return Library.open(folder, encoder=encoder or HashingEncoder(DIMENSIONS), delta_limit=20, chroma=chroma)


def live(folder: Path) -> Generation:
    found = Generations(folder / "dense").live()
    assert found is not None
    return found


def on_server(server: ChromaProcess) -> Any:
    settings = Settings(
        anonymized_telemetry=False,
        chroma_api_impl="chromadb.api.fastapi.FastAPI",
        chroma_server_host="127.0.0.1",
        chroma_server_http_port=server.port,
    )
    return chromadb.Client(settings)


def found(hits: Hits) -> list[tuple[str, float]]:
    return [(hit.passage.id, hit.score) for hit in hits.hits]


async def meanings(library: Library, question: str) -> Hits:
    [dense] = [each for each in library.retrievers if each.name == "dense"]
    return await dense.search(question, limit=10)


def same(one: list[tuple[str, float]], other: list[tuple[str, float]]) -> bool:
    """Ties may stand in either order; scores are the same to the rounding of a 32-bit number."""
    return [score for _, score in one] == pytest.approx([score for _, score in other], abs=2e-6) and {
        id for id, score in one if score > one[-1][1] + 1e-5
    } == {id for id, score in other if score > other[-1][1] + 1e-5}


async def test_a_server_finds_what_a_local_index_finds_with_the_same_scores(
    server: ChromaProcess, tmp_path: Path
) -> None:
    libraries = [opened(tmp_path / "local"), opened(tmp_path / "remote", server.address)]
    for library in libraries:
        await library.add_texts(documents(150))
        await library.add_texts(documents(10, start=150), collection="notes")
    assert live(tmp_path / "local").server == ""
    assert live(tmp_path / "remote").server == server.address
    assert not list((tmp_path / "remote" / "dense").glob("g-*"))
    for question in QUESTIONS:
        one, other = [await meanings(library, question) for library in libraries]
        assert one.notes == other.notes == ()
        assert len(one.hits) == 10
        assert same(found(one), found(other)), question
        within = [await library.search(question, collections=["notes"]) for library in libraries]
        assert {id for id, _ in found(within[0])} == {id for id, _ in found(within[1])}
    for library in libraries:
        await library.close()


async def test_what_is_newer_goes_into_the_collection_that_is_there(
    server: ChromaProcess, folder: Path
) -> None:
    async with opened(folder, server.address) as library:
        await library.add_texts(documents(60))
        before = live(folder)
        await library.add_texts(documents(40, start=60))
        after = live(folder)
        assert (before.count, after.count) == (60, 100)
        assert before.collection == after.collection
        assert on_server(server).get_collection(after.collection, embedding_function=None).count() == 100
        hits = await meanings(library, "vector waits case98 under condition3")
        assert hits.hits[0].document.title == "d98"


async def test_removing_a_paper_takes_it_out_of_what_is_found(server: ChromaProcess, folder: Path) -> None:
    async with opened(folder, server.address) as library:
        await library.add_texts(documents(60))
        [gone] = [each for each in await library.documents() if each.title == "d41"]
        await library.remove(gone.id)
        assert "d41" not in [hit.document.title for hit in (await meanings(library, "case41 vector")).hits]
        first = live(folder)
        await library.holdings.remove(
            [each for each in await library.documents() if int(each.title[1:]) > 30]
        )
        last = live(folder)
        assert (first.count, last.count) == (60, 31)
        names = [each.name for each in on_server(server).list_collections()]
        assert last.collection in names
        assert first.collection not in names


async def test_two_libraries_on_one_server_never_meet(server: ChromaProcess, tmp_path: Path) -> None:
    async with (
        opened(tmp_path / "one", server.address) as one,
        opened(tmp_path / "two", server.address) as two,
    ):
        await one.add_texts(documents(50))
        await two.add_texts(documents(50, start=1_000))
        assert live(tmp_path / "one").collection != live(tmp_path / "two").collection
        titles = {hit.document.title for hit in (await meanings(one, "router fails")).hits}
        assert titles <= set(documents(50))
        await two.holdings.remove(await two.documents())
        assert (await meanings(one, "router fails")).notes == ()


async def test_a_server_that_is_away_costs_time_and_a_note_but_no_answer(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense, "_AWAY_SECONDS", 0.0)
    with chroma_process(tmp_path / "chroma") as server:
        async with opened(folder, server.address) as library:
            await library.add_texts(documents(100))
            before = await meanings(library, QUESTIONS[0])
            server.stop()
            during = await meanings(library, QUESTIONS[0])
            assert same(found(before), found(during))
            assert "every passage was compared instead" in during.notes[0]
            assert "is away" in during.notes[0]
            report = await library.add_texts(documents(50, start=100))
            assert report.counts
            assert (await library.search("case149")).hits[0].document.title == "d149"
            assert not (await check(folder, chroma=server.address)).sound
            server.start()
            after = await meanings(library, QUESTIONS[0])
            assert after.notes == ()
            await library.embed()
            assert live(folder).count == 150
            assert (await check(folder, chroma=server.address)).sound


async def test_a_library_too_large_to_compare_answers_by_keyword_while_the_server_is_away(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with chroma_process(tmp_path / "chroma") as server:
        async with opened(folder, server.address) as library:
            await library.add_texts(documents(100))
    monkeypatch.setattr(dense, "_MOST_COMPARED", 50)
    async with opened(folder, server.address) as library:
        with pytest.raises(dense.IndexAway, match="100 passages are too many") as raised:
            await meanings(library, "case41")
        assert raised.value.retryable
        hits = await library.search("case41")
        assert hits.hits[0].document.title == "d41"
        assert any("cannot be reached" in note for note in hits.notes)


async def test_a_server_that_accepts_and_says_nothing_is_given_up_in_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chroma_server, "_SILENCE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with opened(folder, f"http://127.0.0.1:{silent.getsockname()[1]}") as library:
            report = await library.add_texts(documents(50))
            assert "took too long" in report.notes[0]
            assert len((await meanings(library, QUESTIONS[0])).hits) == 10


async def test_what_another_program_did_to_a_collection_is_noticed_and_built_anew(
    server: ChromaProcess, folder: Path
) -> None:
    async with opened(folder, server.address) as library:
        await library.add_texts(documents(60))
        passages = on_server(server).get_collection(live(folder).collection, embedding_function=None)
        passages.delete(ids=passages.get()["ids"][:5])
    async with opened(folder, server.address) as library:
        hits = await meanings(library, QUESTIONS[0])
        assert "holds 55 passages on the Chroma server and not 60" in hits.notes[0]
        assert len(hits.hits) == 10
    mended = await repair(folder, chroma=server.address)
    assert mended.after.sound, mended.after.findings
    on_server(server).delete_collection(live(folder).collection)
    async with opened(folder, server.address) as library:
        assert "is not on the Chroma server" in (await meanings(library, QUESTIONS[0])).notes[0]
        await library.embed()
        assert (await meanings(library, QUESTIONS[0])).notes == ()


async def test_an_extension_that_was_cut_off_is_written_again_and_nothing_twice(
    server: ChromaProcess, folder: Path
) -> None:
    async with opened(folder, server.address) as library:
        await library.add_texts(documents(60))
        passages = on_server(server).get_collection(live(folder).collection, embedding_function=None)
        encoder = HashingEncoder(DIMENSIONS)
        text = documents(1, start=60)["d60"].pages[0]
        passages.upsert(ids=["61"], embeddings=encoder.encode([text]), metadatas=[{"collection": "papers"}])
        assert (await meanings(library, QUESTIONS[0])).notes == ()
        await library.add_texts(documents(40, start=60))
        assert live(folder).count == passages.count() == 100


async def test_another_model_of_the_same_length_never_meets_the_vectors_of_the_first(
    server: ChromaProcess, folder: Path
) -> None:
    async with opened(folder, server.address) as library:
        await library.add_texts(documents(60))
        first = live(folder)
    async with opened(folder, server.address, OtherEncoder(DIMENSIONS)) as library:
        report = await library.add_texts(documents(5, start=60))
        assert "cannot be compared" in report.notes[0]
        assert live(folder) == first
        await library.embed(reembed=True)
        second = live(folder)
    assert second.collection != first.collection
    names = [each.name for each in on_server(server).list_collections()]
    assert first.collection not in names
    metadata = on_server(server).get_collection(second.collection, embedding_function=None).metadata
    assert metadata["fingerprint"] == OtherEncoder(DIMENSIONS).fingerprint == second.fingerprint


async def test_a_library_asks_no_server_but_the_one_that_the_settings_name(
    server: ChromaProcess, folder: Path
) -> None:
    async with opened(folder, server.address) as library:
        await library.add_texts(documents(60))
    async with opened(folder) as library:
        hits = await meanings(library, QUESTIONS[0])
        assert "which the setting library.chroma does not name" in hits.notes[0]
        await library.embed()
        assert live(folder).server == ""
        assert (await meanings(library, QUESTIONS[0])).notes == ()


@pytest.mark.parametrize(
    "written",
    ["http://", "http://host:8000/only-a-tenant", "ftp://host:1", "http://host:port", "http://[::1"],
)
def test_an_address_that_is_none_is_refused(written: str) -> None:
    with pytest.raises(InputError, match="is not the address of a Chroma server"):
        chroma_server.Address.of(written)


def test_an_address_may_name_tenant_and_database() -> None:
    assert chroma_server.Address.of("https://host/lab/papers") == ("host", 8000, True, "lab", "papers")
