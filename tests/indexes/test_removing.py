"""Papers taken out of the library, files that are gone from the disk, failed files read again."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from indexes.errors import DocumentMissing, PathMissing
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.rebuild import rebuild_dense
from indexes.retry import retry
from indexes.types import Document, Fate, ParsedDocument
from indexes.vectors import PassageVectors

_TEXTS = {
    "owls.md": "# Owls\n\nOwls hunt mice at night; the xylophonecanary sang.",
    "bees.md": "# Bees\n\nBees dance to tell where flowers are.",
    "deep/ants.md": "# Ants\n\nAnts follow trails of scent to their food.",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    (folder / "deep").mkdir(parents=True)
    for name, text in _TEXTS.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
async def library(tmp_path: Path, folder: Path) -> AsyncIterator[Library]:
    async with Library.open(tmp_path / "library", encoder=HashingEncoder(64)) as library:
        await library.add([folder])
        yield library


def _orphans(library: Library) -> int:
    """Rows that belong to nothing, and keyword rows without a passage."""
    with closing(sqlite3.connect(library.folder / "catalogue.sqlite")) as connection:
        broken = len(connection.execute("PRAGMA foreign_key_check").fetchall())
        count = "SELECT (SELECT count(*) FROM passages_fts_docsize) - (SELECT count(*) FROM passages)"
        unowned = "SELECT count(*) FROM documents WHERE number NOT IN (SELECT document FROM sources)"
        return (
            broken + abs(connection.execute(count).fetchone()[0]) + connection.execute(unowned).fetchone()[0]
        )


def _empty(folder: Path, *, there: bool) -> None:
    shutil.rmtree(folder)
    if there:
        folder.mkdir()


def _titles(documents: Sequence[Document]) -> list[str]:
    return [document.title for document in documents]


async def test_a_removed_paper_is_gone_to_its_last_byte(library: Library, folder: Path) -> None:
    await rebuild_dense(library.folder / "dense", PassageVectors(library._database), force=True)
    await library.holdings.remove([await library.holdings.one("owls")])
    assert _titles(await library.documents()) == ["Ants", "Bees"]
    assert (await library.search("the xylophonecanary sang", limit=1)).hits[0].document.title != "Owls"
    assert _orphans(library) == 0
    assert [
        path
        for path in library.folder.rglob("*")
        if path.is_file() and b"xylophonecanary" in path.read_bytes()
    ] == []
    assert (folder / "owls.md").exists()


async def test_a_paper_that_is_gone_already_keeps_the_others(library: Library) -> None:
    owls, bees = [await library.holdings.one(name) for name in ("owls", "bees")]
    await library.holdings.remove([owls])
    with pytest.raises(DocumentMissing):
        await library.holdings.remove([bees, owls])
    assert _titles(await library.documents()) == ["Ants", "Bees"]


async def test_a_folder_names_what_was_read_from_it_alone(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    shutil.copy(folder / "deep" / "ants.md", tmp_path / "twin.md")
    assert _titles(await library.holdings.inside(str(folder / "deep"))) == ["Ants"]
    await library.add([tmp_path / "twin.md"])
    assert await library.holdings.inside(str(folder / "deep")) == ()
    assert await library.holdings.inside("Ants") == ()


async def test_only_what_is_gone_is_taken_out_and_twins_stay(library: Library, folder: Path) -> None:
    shutil.copy(folder / "owls.md", folder / "twin.md")
    await library.add([folder])
    for name in ("owls.md", "bees.md"):
        (folder / name).unlink()
    gone = await library.holdings.gone()
    assert [Path(record.path).name for record in gone.records] == ["bees.md", "owls.md"]
    assert gone.emptied == {}
    assert await library.holdings.forget(gone.records) == 1
    assert _titles(await library.documents()) == ["Ants", "Owls"]
    assert (await library.holdings.one("Owls")).source == str(folder / "twin.md")
    assert _orphans(library) == 0


async def test_renamed_and_swapped_files_lose_nothing(library: Library, folder: Path) -> None:
    (folder / "owls.md").rename(folder / "other.md")
    (folder / "swap").write_bytes((folder / "bees.md").read_bytes())
    (folder / "bees.md").write_bytes((folder / "deep" / "ants.md").read_bytes())
    (folder / "swap").rename(folder / "deep" / "ants.md")
    report = await library.add([folder])
    assert "papers remove --gone" in "".join(report.notes)
    gone = await library.holdings.gone()
    assert [Path(record.path).name for record in gone.records] == ["owls.md"]
    assert await library.holdings.forget(gone.records) == 0
    assert _titles(await library.documents()) == ["Ants", "Bees", "Owls"]
    assert _orphans(library) == 0


@pytest.mark.parametrize("there", [True, False])
async def test_a_folder_that_is_empty_or_missing_is_told_apart(
    library: Library, folder: Path, there: bool
) -> None:
    _empty(folder, there=there)
    gone = await library.holdings.gone()
    assert gone.records == ()
    assert [len(records) for records in gone.emptied.values()] == [3]
    assert str(folder).startswith(next(iter(gone.emptied)))


async def test_what_never_was_a_file_is_never_gone(library: Library) -> None:
    await library.add_texts({"a note": ParsedDocument(media_type="text/plain", pages=("A note.",))})
    assert await library.holdings.gone() == ((), {})


async def test_a_file_whose_name_is_no_text_is_not_taken_for_gone(library: Library, folder: Path) -> None:
    (folder / os.fsdecode(b"caf\xe9.md")).write_text("# Coffee\n\nCoffee keeps owls awake.")
    await library.add([folder])
    assert await library.holdings.gone() == ((), {})


async def test_a_failed_file_is_read_again_with_what_its_bibliography_says(
    library: Library, folder: Path
) -> None:
    (folder / "wasps.txt").write_bytes(b"")
    (folder / "library.bib").write_text(
        "@article{w, title={Wasps of the North}, year={1999}, file={wasps.txt}}"
    )
    await library.add([folder])
    (failure,) = await library.holdings.failures()
    (folder / "wasps.txt").write_text("Wasps build nests of paper.")
    report = await retry(library)
    assert report.counts[Fate.INDEXED] == 1
    (wasps,) = [document for document in await library.documents() if document.source == failure.path]
    assert (wasps.title, wasps.year) == ("Wasps of the North", 1999)
    assert await library.holdings.failures() == ()


async def test_only_the_named_file_is_read_again(library: Library, folder: Path) -> None:
    for name in ("one.txt", "two.txt"):
        (folder / name).write_bytes(b"")
    await library.add([folder])
    for name in ("one.txt", "two.txt"):
        (folder / name).write_text(f"This is {name}.")
    assert (await retry(library, ["ONE.txt"])).counts == {Fate.INDEXED: 1}
    assert [Path(record.path).name for record in await library.holdings.failures()] == ["two.txt"]
    with pytest.raises(PathMissing, match=r"three\.txt") as refused:
        await retry(library, ["three.txt"])
    assert "papers failed" in refused.value.hint


async def test_a_failed_file_that_is_gone_is_told(library: Library, folder: Path) -> None:
    (folder / "one.txt").write_bytes(b"")
    await library.add([folder])
    (folder / "one.txt").unlink()
    report = await retry(library)
    assert report.counts == {}
    assert "one.txt" in "".join(report.notes)


async def test_an_index_that_holds_too_much_of_what_was_removed_is_built_anew(
    tmp_path: Path, folder: Path
) -> None:
    for number in range(8):
        (folder / f"{number}.txt").write_text(f"Paper number {number} is about the number {number}.")
    async with Library.open(tmp_path / "other", encoder=HashingEncoder(64), delta_limit=2) as library:
        await library.add([folder])
        assert [path.name for path in (library.folder / "dense").glob("g-*")] == ["g-0001"]
        await library.holdings.remove((await library.documents())[:6])
        assert (library.folder / "dense" / "g-0002").is_dir()
        assert (await library.search("number 7", limit=1)).hits
