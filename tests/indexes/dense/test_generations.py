"""Generations of a real Chroma folder: how they follow one another, and what damage and death do to them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexes.dense import DenseIndex
from indexes.generations import Generation, GenerationFailed, Generations
from indexes.hashing import HashingEncoder
from tests.indexes.dense.vectors_in_memory import (
    DIMENSIONS,
    ROWS,
    Library,
    MemorySource,
    exact,
    numbers,
    texts,
)


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
    child, *_ = _processes_of_build(library.folder)
    os.kill(child, signal.SIGKILL)
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
    assert _processes_of_build(library.folder) == []
    await _after_a_failed_build(library, before)


async def test_one_process_builds_at_a_time(library: Library, encoder: HashingEncoder) -> None:
    build, held = await _start_held_build(library, encoder)
    second = DenseIndex(library.folder, library.source, encoder)
    assert not await second.refresh(force=True)
    build.cancel()
    held.go_on.set()
    await asyncio.gather(build, return_exceptions=True)


def _processes_of_build(folder: Path) -> list[int]:
    """In the order of their numbers; none where there is no /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "indexes.chroma_child" in words and str(folder) in words:
            found.append(int(entry.name))
    return sorted(found)


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
