"""Search by meaning over real Chroma folders: what it finds, what it survives, what it never shows."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from indexes.admit import Admission
from indexes.dense import DenseIndex
from indexes.errors import EncoderError
from indexes.generations import Generation, GenerationFailed, Generations
from indexes.hashing import HashingEncoder
from indexes.protocols import Vectors
from indexes.stored import StoredVectors

DIMENSIONS = 64
ROWS = 1_500  # Chroma writes its graph's files from 1,000 on


class Row(NamedTuple):
    position: int
    number: int
    collection: str
    vector: Vectors
    fingerprint: str


class MemorySource:
    """Vectors as the catalogue promises them, in a list."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.before_reading: Callable[[int], None] = lambda after: None
        self._position = 0

    def add(
        self, encoder: HashingEncoder, matrix: Vectors, *, collection: str = "papers", first: int = 1
    ) -> None:
        for number, vector in enumerate(matrix, start=first):
            self._position += 1
            self.rows.append(Row(self._position, number, collection, vector, encoder.fingerprint))

    def remove(self, numbers: Sequence[int]) -> None:
        self.rows = [row for row in self.rows if row.number not in set(numbers)]

    def last_position(self, fingerprint: str) -> int:
        return max((row.position for row in self._of(fingerprint)), default=0)

    def vector_count(self, fingerprint: str, *, up_to: int | None = None) -> int:
        return sum(up_to is None or row.position <= up_to for row in self._of(fingerprint))

    def vectors(self, fingerprint: str, *, after: int = 0, limit: int | None = None) -> StoredVectors:
        self.before_reading(after)
        return self._stored([row for row in self._of(fingerprint) if row.position > after][:limit])

    def vectors_of(self, fingerprint: str, numbers: NDArray[np.int64]) -> StoredVectors:
        return self._stored([row for row in self._of(fingerprint) if row.number in set(numbers.tolist())])

    def _stored(self, rows: list[Row]) -> StoredVectors:
        return StoredVectors(
            positions=np.array([row.position for row in rows], np.int64),
            numbers=np.array([row.number for row in rows], np.int64),
            collections=[row.collection for row in rows],
            matrix=np.array([row.vector for row in rows], np.float32).reshape(len(rows), -1 if rows else 0),
        )

    def living(self, fingerprint: str, numbers: Sequence[int], *, references: bool = True) -> set[int]:
        return {row.number for row in self._of(fingerprint)} & set(numbers)

    def _of(self, fingerprint: str) -> list[Row]:
        return [row for row in self.rows if row.fingerprint == fingerprint]


class OtherEncoder(HashingEncoder):
    """Of the same dimension, but another model: its vectors point elsewhere."""

    @property
    def fingerprint(self) -> str:
        return f"other/{self.dimensions}/1"

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.ascontiguousarray(super().encode(texts)[:, ::-1])


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


TOPICS = [
    f"{noun} {verb}"
    for noun in ("router", "graph", "vector", "paper")
    for verb in ("learns", "fails", "waits")
]


def texts(count: int, *, start: int = 0) -> list[str]:
    return [
        f"{TOPICS[n % len(TOPICS)]} case{n} under condition{n * 7 % 101}" for n in range(start, start + count)
    ]


@pytest.fixture(scope="module")
def encoder() -> HashingEncoder:
    return HashingEncoder(DIMENSIONS)


@pytest.fixture(scope="module")
def built(encoder: HashingEncoder, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MemorySource]:
    """A library with one generation, built once; tests work on copies."""
    folder = tmp_path_factory.mktemp("library") / "generations"
    source = MemorySource()
    source.add(encoder, encoder.encode(texts(1_200)))
    source.add(encoder, encoder.encode(texts(ROWS - 1_200, start=1_200)), collection="notes", first=1_201)
    index = DenseIndex(folder, source, encoder, delta_limit=1_000)
    assert asyncio.run(index.refresh())
    return folder, source


class Library(NamedTuple):
    folder: Path
    source: MemorySource
    index: DenseIndex

    @property
    def live(self) -> Generation:
        live = Generations(self.folder).live()
        assert live is not None
        return live

    def file(self, name: str) -> Path:
        return next(iter(sorted((self.folder / self.live.name).rglob(name))))

    def folders(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("g-*"))


@pytest.fixture
def library(built: tuple[Path, MemorySource], encoder: HashingEncoder, tmp_path: Path):  # type: ignore[no-untyped-def]
    shutil.copytree(built[0], tmp_path / "generations")
    source = MemorySource()
    source.rows, source._position = list(built[1].rows), built[1]._position
    index = DenseIndex(tmp_path / "generations", source, encoder, delta_limit=1_000)
    yield Library(tmp_path / "generations", source, index)
    index.close()


def exact(
    source: MemorySource, encoder: HashingEncoder, text: str, limit: int, collection: str = ""
) -> set[int]:
    """The truth: numbers whose cosine is among the `limit` best, ties at the edge included."""
    rows = [row for row in source.rows if row.fingerprint == encoder.fingerprint]
    rows = [row for row in rows if not collection or row.collection == collection]
    scores = np.array([row.vector for row in rows]) @ encoder.encode([text])[0]
    edge = np.sort(scores)[::-1][:limit][-1]
    return {row.number for row, score in zip(rows, scores, strict=True) if score >= edge - 1e-5}


async def numbers(
    index: DenseIndex, text: str, limit: int = 10, collections: tuple[str, ...] = ()
) -> list[int]:
    return [
        number
        for number, _ in await index.search(text, limit=limit, admission=Admission(collections=collections))
    ]


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


async def test_the_next_generation_is_a_copy_and_the_newer_passages(
    library: Library, encoder: HashingEncoder
) -> None:
    library.source.add(encoder, encoder.encode(texts(900, start=ROWS)), first=ROWS + 1)
    assert not await library.index.refresh()
    library.source.add(encoder, encoder.encode(texts(200, start=ROWS + 900)), first=ROWS + 901)
    before = library.file("data_level0.bin").parent.name
    read_after: list[int] = []
    library.source.before_reading = read_after.append
    assert await library.index.refresh()
    assert min(read_after) == ROWS
    assert library.file("data_level0.bin").parent.name == before
    assert library.live.count == ROWS + 1_100
    assert library.folders() == ["g-0001", "g-0002"]
    text = texts(1, start=ROWS + 500)[0]
    assert (await numbers(library.index, text))[0] == ROWS + 501
    coverage = await library.index.coverage()
    assert (coverage.generation, coverage.newer) == ("g-0002", 0)
    assert not await library.index.refresh()


async def test_removed_passages_are_left_out_of_the_next_generation_and_older_ones_are_deleted(
    library: Library, encoder: HashingEncoder
) -> None:
    library.source.remove(list(range(1, 101)))
    (library.folder / "g-0000").mkdir()
    (library.folder / "g-0007.building").mkdir()
    other = DenseIndex(library.folder, library.source, encoder)
    await numbers(other, "router learns")
    assert await library.index.refresh(force=True)
    assert library.live.count == ROWS - 100
    assert library.folders() == ["g-0001", "g-0002"]
    # Another process's index picks the new one up by itself.
    await numbers(other, "router learns")
    assert (await other.coverage()).generation == "g-0002"
    other.close()


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


def _truncate(share: float) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, int(path.stat().st_size * share))


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in np.random.default_rng(1).integers(0, len(content), 64):
        content[place] ^= 0xFF
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "emptied": _truncate(0),
    "half": _truncate(0.5),
    "nearly whole": _truncate(0.99),
    "64 bytes flipped": _flip,
    "deleted": lambda path: path.unlink(),
}
FILES = (
    "data_level0.bin",
    "header.bin",
    "length.bin",
    "link_lists.bin",
    "index_metadata.pickle",
    "chroma.sqlite3",
)


@pytest.mark.parametrize("file", FILES)
async def test_a_damaged_file_is_noticed_and_search_still_answers_exactly(
    file: str, built: tuple[Path, MemorySource], encoder: HashingEncoder, tmp_path: Path
) -> None:
    text = texts(1, start=50)[0]
    for name, damage in DAMAGE.items():
        folder = tmp_path / name / "generations"
        shutil.copytree(built[0], folder)
        damage(next(folder.rglob(file)))
        index = DenseIndex(folder, built[1], encoder)
        assert set(await numbers(index, text)) <= exact(built[1], encoder, text, 10), name
        assert any("g-0001" in note and "every passage was compared" in note for note in index.notes), name
        assert (await index.coverage()).generation is None
        index.close()


async def test_asking_never_changes_a_generation_and_leaves_nothing_behind(library: Library) -> None:
    (library.folder / "open-99999999-left").mkdir()
    second = DenseIndex(library.folder, library.source, HashingEncoder(DIMENSIONS))
    for index in (library.index, second):
        assert len(await numbers(index, "router learns")) == 10
    assert len(list(library.folder.glob("open-*"))) == 2
    for index in (library.index, second):
        index.close()
    assert list(library.folder.glob("open-*")) == []
    assert Generations(library.folder).damage(library.live) is None


async def test_a_lost_or_torn_index_is_rebuilt(library: Library, encoder: HashingEncoder) -> None:
    shutil.rmtree(library.folder / "g-0001")
    (library.folder / "current.json").write_text('{"name": "g-00')
    text = texts(1, start=50)[0]
    assert set(await numbers(library.index, text)) <= exact(library.source, encoder, text, 10)
    assert "pointer" in library.index.notes[0]
    assert await library.index.refresh()
    assert (await numbers(library.index, text))[0] == 51
    assert library.index.notes == ()
    assert (await library.index.coverage()).in_generation == ROWS


async def test_an_index_of_another_chroma_is_not_opened(library: Library) -> None:
    pointer = library.folder / "current.json"
    pointer.write_text(library.live.model_copy(update={"chroma_version": "0.4.0"}).model_dump_json())
    assert len(await numbers(library.index, "router learns")) == 10
    assert "Chroma 0.4.0" in library.index.notes[0]


class HeldSource:
    """Makes a build wait in its middle."""

    def __init__(self, library: Library) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        library.source.before_reading = self._before_reading

    def _before_reading(self, after: int) -> None:
        if after > 0:
            self.reached.set()
            assert self.go_on.wait(30)


async def _start_held_build(
    library: Library, encoder: HashingEncoder
) -> tuple[asyncio.Task[bool], HeldSource]:
    library.source.add(encoder, encoder.encode(texts(10, start=ROWS)), first=ROWS + 1)
    await numbers(library.index, "anything")
    held = HeldSource(library)
    build = asyncio.create_task(library.index.refresh(force=True))
    assert await asyncio.to_thread(held.reached.wait, 30)
    return build, held


async def _after_a_failed_build(library: Library, before: Generation) -> None:
    assert library.live == before
    assert library.folders() == ["g-0001"]
    assert library.index._generations.damage(before) is None
    library.source.before_reading = lambda after: None
    assert len(await numbers(library.index, "router learns")) == 10
    assert (await library.index.coverage()).generation == "g-0001"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the child process through /proc")
async def test_a_killed_build_leaves_the_live_generation_untouched(
    library: Library, encoder: HashingEncoder
) -> None:
    before = library.live
    random = np.random.default_rng(0).standard_normal((6_000, DIMENSIONS)).astype(np.float32)
    library.source.add(encoder, random / np.linalg.norm(random, axis=1, keepdims=True), first=10_000)
    # After a removal the build starts from nothing: one child, and no second attempt.
    library.source.remove([1])
    build, held = await _start_held_build(library, encoder)
    async with asyncio.timeout(30):
        while not list(library.folder.glob("*.building/*/data_level0.bin")):  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.01)
    os.kill(_child_of_build(library.folder), signal.SIGKILL)
    held.go_on.set()
    with pytest.raises(GenerationFailed, match="signal 9"):
        await build
    await _after_a_failed_build(library, before)


async def test_an_index_that_has_grown_without_end_is_thrown_away_and_built_from_nothing(
    library: Library, encoder: HashingEncoder
) -> None:
    build, held = await _start_held_build(library, encoder)
    (building,) = library.folder.glob("*.building")
    with (building / "link_lists.old").open("wb") as file:
        file.truncate(10_000_000_000)
    held.go_on.set()
    assert await build
    assert library.live.name == "g-0002"
    assert library.index._generations.damage(library.live) is None
    assert not list(library.folder.rglob("link_lists.old"))


async def test_a_cancelled_build_leaves_the_live_generation_untouched(
    library: Library, encoder: HashingEncoder
) -> None:
    before = library.live
    build, held = await _start_held_build(library, encoder)
    build.cancel()
    held.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await build
    await _after_a_failed_build(library, before)


async def test_one_process_builds_at_a_time(library: Library, encoder: HashingEncoder) -> None:
    build, held = await _start_held_build(library, encoder)
    second = DenseIndex(library.folder, library.source, encoder)
    assert not await second.refresh(force=True)
    build.cancel()
    held.go_on.set()
    await asyncio.gather(build, return_exceptions=True)


def _child_of_build(folder: Path) -> int:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if "indexes.chroma" in words and str(folder) in words:
                return int(entry.name)
    raise AssertionError("no child is building")


async def test_searches_go_on_while_generations_change(library: Library, encoder: HashingEncoder) -> None:
    async def ask(text: str) -> None:
        while not done.is_set():
            assert len(await numbers(library.index, text)) == 10
            await asyncio.sleep(0.02)  # leaves the building processes some of the machine

    done = asyncio.Event()
    library.source.add(encoder, encoder.encode(texts(10, start=ROWS)), first=ROWS + 1)
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(ask(text)) for text in texts(2)]
        assert await library.index.refresh(force=True)
        await asyncio.sleep(0)
        done.set()
    assert len(asking) == 2
    assert len(await numbers(library.index, "router learns")) == 10
    assert (await library.index.coverage()).generation == "g-0002"


def test_nothing_heavy_is_imported_before_a_generation_is_opened() -> None:
    import subprocess

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


async def test_asking_a_small_generation_leaves_it_as_it_was(tmp_path: Path) -> None:
    """Chroma writes the graph of fewer than 1,000 vectors anew whenever it opens them."""
    encoder, source = HashingEncoder(DIMENSIONS), MemorySource()
    source.add(encoder, encoder.encode(["one", "two", "three"]))
    for _ in range(3):
        index = DenseIndex(tmp_path, source, encoder, delta_limit=2)
        await index.refresh()
        assert await index.search("two", limit=1)
        index.close()
        assert index.notes == ()
    generations = Generations(tmp_path)
    live = generations.live()
    assert live is not None
    assert generations.damage(live) is None
