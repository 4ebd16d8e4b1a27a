"""Collections renamed, joined and removed: nothing is lost, nothing is read or embedded again."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from indexes.check import check
from indexes.errors import InputError
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.protocols import Vectors
from indexes.types import Fate


class CountingEncoder(HashingEncoder):
    """Counts the texts that it embeds."""

    def __init__(self) -> None:
        super().__init__(64)
        self.texts = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.texts += len(texts)
        return super().encode(texts)


@pytest.fixture
def encoder() -> CountingEncoder:
    return CountingEncoder()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes, and a library that was made of them in the folder beside; tests use copies of the library."""
    beside = tmp_path_factory.mktemp("built")
    _write_notes(beside / "papers")
    asyncio.run(_build(beside))
    return beside


async def _build(beside: Path) -> None:
    async with Library.open(beside / "library", encoder=CountingEncoder(), delta_limit=2) as library:
        await library.add([beside / "papers"], collection="old")


def _write_notes(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("owls", "bees", "ants"):
        (folder / f"{name}.md").write_text(f"# {name.title()}\n\nAll that is known about {name}.")


@pytest.fixture
def folder(built: Path) -> Path:
    """The notes as they were at first, in the place that the library knows."""
    _write_notes(built / "papers")
    return built / "papers"


@pytest.fixture
async def library(
    built: Path, folder: Path, tmp_path: Path, encoder: CountingEncoder
) -> AsyncIterator[Library]:
    shutil.copytree(built / "library", tmp_path / "library")
    async with Library.open(tmp_path / "library", encoder=encoder, delta_limit=2) as library:
        yield library


async def _titles(library: Library, collection: str) -> list[str]:
    return [document.title for document in await library.documents(collection=collection)]


async def _best(library: Library, text: str, collection: str) -> list[list[str]]:
    """Titles by meaning and by keyword."""
    answers = [await each.search(text, limit=1, collections=(collection,)) for each in library.retrievers]
    return [[hit.document.title for hit in answer.hits] for answer in answers]


async def test_a_renamed_collection_is_found_under_its_new_name_only(
    library: Library, encoder: CountingEncoder
) -> None:
    assert await _best(library, "known about owls", "old") == [["Owls"], ["Owls"]]
    before = encoder.texts
    assert await library.holdings.rename_collection("old", "new") == (3, 0)
    assert encoder.texts == before
    assert await _titles(library, "new") == ["Ants", "Bees", "Owls"]
    assert await _titles(library, "old") == []
    assert await _best(library, "known about owls", "new") == [["Owls"], ["Owls"]]
    assert await _best(library, "known about owls", "old") == [[], []]
    assert (await check(library.folder)).sound


async def test_adding_a_renamed_collection_again_changes_nothing(
    library: Library, folder: Path, encoder: CountingEncoder
) -> None:
    await library.holdings.rename_collection("old", "new")
    shutil.copy(folder / "owls.md", folder / "twin.md")
    before = encoder.texts
    assert (await library.add([folder], collection="new")).counts == {Fate.UNCHANGED: 4}
    assert encoder.texts == before
    (folder / "bees.md").write_text("# Bees\n\nSomething new about bees.")
    assert (await library.add([folder], collection="new")).counts == {Fate.UNCHANGED: 3, Fate.INDEXED: 1}
    assert await _titles(library, "new") == ["Ants", "Bees", "Owls"]


async def test_the_old_name_is_free_again(library: Library, folder: Path) -> None:
    await library.holdings.rename_collection("old", "new")
    await library.add([folder], collection="old")
    assert await _titles(library, "old") == await _titles(library, "new") == ["Ants", "Bees", "Owls"]
    ids = [document.id for document in await library.documents()]
    assert len(set(ids)) == 6


async def test_joining_needs_to_be_said_and_keeps_the_same_bytes_once(library: Library, folder: Path) -> None:
    (folder / "ants.md").unlink()
    (folder / "wasps.md").write_text("# Wasps\n\nAll that is known about wasps.")
    shutil.copy(folder / "owls.md", folder / "twin.md")
    (folder / "owls.md").unlink()
    await library.add([folder], collection="new")
    with pytest.raises(InputError, match="'new' already") as refused:
        await library.holdings.rename_collection("old", "new")
    assert "--merge" in refused.value.hint
    assert await library.holdings.rename_collection("old", "new", merge=True) == (3, 2)
    assert await _titles(library, "new") == ["Ants", "Bees", "Owls", "Wasps"]
    owls = await library.holdings.one("Owls")
    (holding,) = await library.holdings.of([owls])
    assert [Path(path).name for path in holding.files] == ["owls.md", "twin.md"]
    assert await _best(library, "known about ants", "new") == [["Ants"], ["Ants"]]
    assert (await check(library.folder)).sound


async def test_of_a_file_that_both_have_met_the_later_content_stays(library: Library, folder: Path) -> None:
    (folder / "bees.md").write_text("# Bees\n\nSomething new about bees.")
    await library.add([folder / "bees.md"], collection="new")
    with closing(sqlite3.connect(library.folder / "catalogue.sqlite")) as connection, connection:
        connection.execute("UPDATE sources SET updated = '2000-01-01' WHERE collection = 'old'")
    await library.holdings.rename_collection("old", "new", merge=True)
    bees = await library.holdings.one("Bees")
    assert "Something new" in await library.text(bees.id)
    assert await _titles(library, "new") == ["Ants", "Bees", "Owls"]
    assert (await check(library.folder)).sound


@pytest.mark.parametrize("new", ["", " ", "two\nlines", "\x1b[2J", "x" * 61, "old"])
async def test_a_name_that_cannot_be_one_is_refused(library: Library, new: str) -> None:
    with pytest.raises(InputError):
        await library.holdings.rename_collection("old", new)
    assert (await check(library.folder)).sound, "the index is still there"


async def test_a_collection_that_is_not_there_is_named(library: Library) -> None:
    for doing in (
        library.holdings.rename_collection("nothing", "new"),
        library.holdings.remove_collection("nothing"),
    ):
        with pytest.raises(InputError, match="'nothing'") as refused:
            await doing
        assert "old" in refused.value.hint


async def test_a_removed_collection_takes_nothing_else_with_it(library: Library, folder: Path) -> None:
    (folder / "empty.pdf").write_bytes(b"")
    await library.add([folder], collection="other")
    assert await library.holdings.remove_collection("other") == 3
    assert await library.failures() == ()
    assert await _titles(library, "old") == ["Ants", "Bees", "Owls"]
    assert (await check(library.folder)).sound
