"""A followed folder: what is there is added, then what is new or changed; what is deleted is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from indexes.errors import PathMissing
from indexes.events import Added
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.types import Fate
from indexes.watch import FilesGone, WatchEvent, Watching, watch

_LONGEST_SECONDS = 60


class Followed:
    """A library that follows a folder, and what was told of it."""

    def __init__(self, library: Library, folder: Path) -> None:
        self.library = library
        self.folder = folder
        self.events: list[WatchEvent] = []

    def emit(self, event: WatchEvent) -> None:
        self.events.append(event)

    async def until(self, fits: Callable[[WatchEvent], bool]) -> WatchEvent:
        """Returns the next event that fits, and forgets it with those before it."""
        async with asyncio.timeout(_LONGEST_SECONDS):
            while True:
                for number, event in enumerate(self.events):
                    if fits(event):
                        del self.events[: number + 1]
                        return event
                await asyncio.sleep(0.05)

    async def added(self) -> dict[Fate, int]:
        event = await self.until(lambda event: isinstance(event, Added))
        assert isinstance(event, Added)
        return event.report.counts

    async def titles(self) -> list[str]:
        return [document.title for document in await self.library.documents()]


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncIterator[Followed]:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "owls.md").write_text("# Owls\n\nOwls hunt mice at night.")
    async with Library.open(tmp_path / "library", encoder=HashingEncoder(64)) as library:
        followed = Followed(library, folder)
        task = asyncio.create_task(watch(library, [folder], emit=followed.emit, settle_seconds=0.5))
        try:
            assert await followed.added() == {Fate.INDEXED: 1}
            await followed.until(lambda event: isinstance(event, Watching))
            yield followed
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_new_and_changed_files_are_added_and_the_others_left_alone(followed: Followed) -> None:
    (followed.folder / "deep").mkdir()
    (followed.folder / "deep" / "bees.md").write_text("# Bees\n\nBees dance.")
    assert await followed.added() == {Fate.INDEXED: 1}
    assert await followed.titles() == ["Bees", "Owls"]
    (followed.folder / "owls.md").write_text("# Snowy owls\n\nSnowy owls hunt by day.")
    assert await followed.added() == {Fate.INDEXED: 1}
    assert await followed.titles() == ["Bees", "Snowy owls"]


async def test_a_folder_that_is_moved_in_as_a_whole_is_added(followed: Followed, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "ants.md").write_text("# Ants\n\nAnts follow trails.")
    (tmp_path / "more").rename(followed.folder / "more")
    assert (await followed.added())[Fate.INDEXED] == 1
    assert await followed.titles() == ["Ants", "Owls"]


async def test_a_deleted_file_is_told_and_its_paper_stays(followed: Followed) -> None:
    (followed.folder / "owls.md").unlink()
    event = await followed.until(lambda event: isinstance(event, FilesGone))
    assert isinstance(event, FilesGone)
    assert event.paths == (str(followed.folder / "owls.md"),)
    assert await followed.titles() == ["Owls"]


async def test_a_bibliography_that_arrives_later_describes_what_is_there(followed: Followed) -> None:
    (followed.folder / "library.bib").write_text("@article{o, title={All about owls}, file={owls.md}}")
    await followed.added()
    assert await followed.titles() == ["All about owls"]
    (followed.folder / "wasps.txt").write_text("Wasps build nests.")
    assert await followed.added() == {Fate.SKIPPED: 1, Fate.INDEXED: 1}
    named = [getattr(event, "path", "") for event in followed.events]
    assert not any(path.endswith(".bib") for path in named), "it is told once, not in every round"


async def test_what_is_not_read_in_a_folder_is_not_read_because_it_changed(followed: Followed) -> None:
    (followed.folder / ".hidden.md").write_text("# Hidden\n\nNot for the library.")
    (followed.folder / "bees.md").write_text("# Bees\n\nBees dance.")
    await followed.added()
    assert await followed.titles() == ["Bees", "Owls"]


async def test_another_program_that_writes_is_waited_for(followed: Followed) -> None:
    other = Library.open(followed.library.folder)
    async with other._lock.held():
        (followed.folder / "bees.md").write_text("# Bees\n\nBees dance.")
        await asyncio.sleep(3)
        assert await followed.titles() == ["Owls"]
    assert await followed.added() == {Fate.INDEXED: 1}
    await other.close()


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with Library.open(tmp_path / "library") as library:
        with pytest.raises(PathMissing, match="nowhere"):
            await watch(library, [tmp_path / "nowhere"], emit=lambda event: None)
