"""Damage to a library is found, named in a sentence and repaired from what is in it: nothing is embedded."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from indexes.check import check
from indexes.errors import LibraryBusy, LibraryDamaged
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.lock import WriterLock
from indexes.protocols import Vectors
from indexes.repair import repair
from indexes.types import Fate, ParsedDocument

_DOCUMENTS, _PAGES = 55, 20  # Chroma writes its graph's files from 1,000 passages on
_KNOWN, _FEW = 50, 5
_INDEX_FILES = (
    "header.bin",
    "data_level0.bin",
    "length.bin",
    "link_lists.bin",
    "index_metadata.pickle",
    "chroma.sqlite3",
)


class CountingEncoder(HashingEncoder):
    """Counts the texts that it embeds."""

    def __init__(self) -> None:
        super().__init__(64)
        self.texts = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.texts += len(texts)
        return super().encode(texts)


def _text(document: int, page: int) -> str:
    words = random.Random(document * 1000 + page)
    return " ".join(f"w{words.randrange(10_000)}" for _ in range(40))


_QUESTIONS = [(number % _DOCUMENTS, (number * 7) % _PAGES) for number in range(_KNOWN)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with a dense index of its own; tests use copies of it."""
    folder = tmp_path_factory.mktemp("built") / "library"
    asyncio.run(_build(folder))
    return folder


async def _build(folder: Path) -> None:
    papers = {
        f"/papers/{number}.pdf": ParsedDocument(
            media_type="application/pdf",
            pages=tuple(_text(number, page) for page in range(_PAGES)),
            title=f"Paper {number}",
        )
        for number in range(_DOCUMENTS)
    }
    async with Library.open(folder, encoder=HashingEncoder(64), delta_limit=1_000) as library:
        await library.add_texts(papers)


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "library")


@pytest.fixture(scope="module")
def shared(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose files tests damage and put back as they were."""
    return shutil.copytree(built, tmp_path_factory.mktemp("shared") / "library")


async def _found(folder: Path, questions: int = _KNOWN) -> int:
    """How many of the known passages are the best hit for their own words, by both ways of searching."""
    async with Library.open(folder, encoder=HashingEncoder(64), delta_limit=1_000) as library:
        count = 0
        for document, page in _QUESTIONS[:questions]:
            text = _text(document, page)
            best = [(await each.search(text, limit=1)).hits for each in library.retrievers]
            count += all(hits and hits[0].passage.text == text for hits in best)
    return count


def _truncate(share: float) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with path.open("r+b") as file:
            file.truncate(int(path.stat().st_size * share))

    return damage


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    start = max(0, len(content) // 2 - 32)
    content[start : start + 64] = bytes(byte ^ 0xFF for byte in content[start : start + 64])
    path.write_bytes(content)


_SHAPES: dict[str, Callable[[Path], None]] = {
    "truncated to nothing": _truncate(0),
    "truncated to half": _truncate(0.5),
    "truncated to 99 %": _truncate(0.99),
    "64 bytes flipped": _flip,
    "deleted": Path.unlink,
}


def _index_file(folder: Path, name: str) -> Path:
    (path,) = (folder / "dense" / "g-0001").rglob(name)
    return path


@contextmanager
def _undone(path: Path) -> Iterator[Callable[[], bool]]:
    """Puts a file back at the end; what it yields says whether it has changed."""
    before = path.read_bytes()
    try:
        yield lambda: not path.exists() or path.read_bytes() != before
    finally:
        path.write_bytes(before)


async def _told(folder: Path) -> None:
    """Damage costs no answer, ends no process, and is named."""
    assert await _found(folder, _FEW) == _FEW, "while it is damaged, every passage is compared"
    report = await check(folder, count_index=False)
    assert [finding.place for finding in report.findings] == ["dense index"]
    assert report.findings[0].sentence.endswith(".")


async def _mended(folder: Path) -> None:
    assert await _found(folder) == _KNOWN, "while it is damaged, every passage is compared"
    report = await check(folder)
    assert [finding.place for finding in report.findings] == ["dense index"]
    assert report.findings[0].sentence.endswith(".")
    done = await repair(folder)
    assert done.after.sound, done.after.findings
    assert len(done.done) == 1
    assert [path.name for path in (folder / "dense").glob("g-*")] == [done.after.generation]
    assert await _found(folder) == _KNOWN
    encoder = CountingEncoder()
    async with Library.open(folder, encoder=encoder, delta_limit=1_000) as library:
        assert await library.embed() == 0
    assert encoder.texts == 0


async def test_a_sound_library_is_called_sound(folder: Path) -> None:
    report = await check(folder)
    assert report.findings == ()
    assert (report.documents, report.passages) == (_DOCUMENTS, _DOCUMENTS * _PAGES)
    assert report.vectors == report.in_generation == report.passages
    assert (await repair(folder)).done == ()


@pytest.mark.parametrize("shape", _SHAPES)
@pytest.mark.parametrize("name", _INDEX_FILES)
async def test_a_damaged_file_of_the_index_costs_no_answer_and_is_found(
    shared: Path, name: str, shape: str
) -> None:
    path = _index_file(shared, name)
    with _undone(path) as changed:
        _SHAPES[shape](path)
        if not changed():
            pytest.skip("an empty file cannot be damaged this way")
        await _told(shared)


@pytest.mark.parametrize("shape", _SHAPES)
async def test_an_index_damaged_in_each_of_its_files_is_repaired(folder: Path, shape: str) -> None:
    for name in _INDEX_FILES:
        _SHAPES[shape](_index_file(folder, name))
    await _mended(folder)


@pytest.mark.parametrize("content", [b"", b'{"name": "g-0001", "cou', b"\x00" * 400, None], ids=repr)
async def test_a_torn_or_missing_pointer_costs_no_answer_and_is_found(
    shared: Path, content: bytes | None
) -> None:
    pointer = shared / "dense" / "current.json"
    with _undone(pointer):
        if content is None:
            pointer.unlink()
        else:
            pointer.write_bytes(content)
        await _told(shared)


async def test_a_torn_pointer_is_repaired(folder: Path) -> None:
    (folder / "dense" / "current.json").write_bytes(b'{"name": "g-0001", "cou')
    await _mended(folder)


@pytest.mark.parametrize("name", ["dense", "dense/g-0001"])
async def test_a_deleted_folder_of_the_index_is_told_and_repaired(folder: Path, name: str) -> None:
    shutil.rmtree(folder / name)
    async with Library.open(folder, encoder=HashingEncoder(64), delta_limit=1_000) as library:
        notes = (await library.search("anything", limit=1)).notes
    assert "carrel papers repair" in "".join(notes)
    await _mended(folder)


async def test_a_small_library_without_an_index_is_sound(tmp_path: Path) -> None:
    async with Library.open(tmp_path / "library", encoder=HashingEncoder(64)) as library:
        await library.add_texts({"one": ParsedDocument(media_type="text/plain", pages=("One.",))})
        assert (await library.search("one", limit=1)).notes == ()
    assert (await check(tmp_path / "library")).sound


async def test_a_huge_or_foreign_file_in_the_index_is_found(folder: Path) -> None:
    with (_index_file(folder, "link_lists.bin").with_name("link_lists.old")).open("wb") as file:
        file.truncate(10_000_000_000)
    (folder / "dense" / "g-0001" / "stray").write_bytes(b"x")
    sentences = [finding.sentence for finding in (await check(folder)).findings]
    assert len(sentences) == 2
    assert "10,000,000,000 bytes" in sentences[0]
    assert "stray" in sentences[1]
    assert (await repair(folder)).after.sound


async def test_an_index_that_lacks_passages_of_the_catalogue_is_found(folder: Path) -> None:
    pointer = folder / "dense" / "current.json"
    count = _DOCUMENTS * _PAGES
    pointer.write_text(pointer.read_text().replace(f'"count": {count}', f'"count": {count - 7}'))
    sentences = "".join(finding.sentence for finding in (await check(folder)).findings)
    assert f"holds {count - 7:,} passages, but the catalogue has {count:,}" in sentences


def _run(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "catalogue.sqlite", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM passages_fts_data WHERE id > 10",
        "UPDATE passages_fts_data SET block = zeroblob(length(block)) WHERE id > 10",
        "INSERT INTO passages_fts (passages_fts) VALUES ('delete-all')",
        "DELETE FROM passages_fts_docsize WHERE id < 20",
    ],
)
async def test_a_damaged_keyword_index_is_made_anew(folder: Path, statement: str) -> None:
    _run(folder, statement)
    report = await check(folder)
    assert [finding.place for finding in report.findings] == ["keyword index"]
    assert (await repair(folder)).after.sound
    assert await _found(folder) == _KNOWN


async def test_rows_that_belong_to_nothing_are_taken_out_and_their_file_is_read_again(folder: Path) -> None:
    _run(
        folder,
        "DELETE FROM pages WHERE document = 1 AND page = 3",
        "UPDATE passages SET text = 'something else' WHERE document = 2 AND ordinal = 0",
        "DELETE FROM sources WHERE document = 3",
        "DELETE FROM documents WHERE number = 4",
    )
    _run(folder, "INSERT INTO passages_fts (passages_fts) VALUES ('rebuild')")
    assert {finding.place for finding in (await check(folder)).findings} == {"rows"}
    done = await repair(folder)
    assert done.after.sound, done.after.findings
    assert done.after.documents == _DOCUMENTS - 4
    async with Library.open(folder) as library:
        record = await library._catalogue.record("/papers/0.pdf", "papers")
    assert record is not None
    assert (record.fate, record.content_hash) == (Fate.FOUND, "")


async def test_vectors_that_no_model_makes_are_taken_out(folder: Path) -> None:
    _run(
        folder,
        "UPDATE vectors SET vector = zeroblob(256) WHERE position < 4",
        "UPDATE vectors SET vector = x'00' WHERE position = 4",
    )
    report = await check(folder)
    assert report.findings[0].sentence == "4 vectors are not of unit length any more."
    assert (await repair(folder)).after.vectors == _DOCUMENTS * _PAGES - 4
    encoder = CountingEncoder()
    async with Library.open(folder, encoder=encoder, delta_limit=1_000) as library:
        assert await library.embed() == 4
    assert await _found(folder) == _KNOWN


@pytest.mark.parametrize(
    ("shape", "at_least"),
    [("truncated to half", 20), ("truncated to 99 %", 50), ("64 bytes flipped", 50)],
)
async def test_whole_documents_are_saved_from_a_damaged_catalogue(
    folder: Path, shape: str, at_least: int
) -> None:
    path = folder / "catalogue.sqlite"
    _run(folder, "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA journal_mode = DELETE")
    _SHAPES[shape](path)
    damaged = path.read_bytes()
    report = await check(folder)
    assert not report.sound
    done = await repair(folder)
    assert done.after.sound, done.after.findings
    assert done.after.documents >= at_least
    if report.has("catalogue"):
        assert (folder / "catalogue.damaged-1.sqlite").read_bytes() == damaged
    async with Library.open(folder, encoder=HashingEncoder(64)) as library:
        assert await library.embed() == done.after.passages - done.after.vectors
        for document in await library.documents():
            number = int(document.title.split()[1])
            assert await library.page(document.id, 3) == _text(number, 2)
            assert len(await library.passages_of(document.id)) == _PAGES


@pytest.mark.parametrize("shape", ["truncated to nothing", "deleted"])
async def test_a_lost_catalogue_is_not_taken_for_an_empty_library(folder: Path, shape: str) -> None:
    _SHAPES[shape](folder / "catalogue.sqlite")
    with pytest.raises(LibraryDamaged, match="1,100 passages") as refused:
        Library.open(folder)
    assert "carrel papers repair" in refused.value.hint
    assert [finding.place for finding in (await check(folder)).findings] == ["catalogue"]
    done = await repair(folder)
    assert done.after.sound
    assert "begins empty" in done.done[0]
    async with Library.open(folder) as library:
        assert await library.documents() == ()


async def test_a_file_that_is_no_catalogue_is_kept_when_the_library_begins_anew(folder: Path) -> None:
    (folder / "catalogue.sqlite").write_bytes(b"This is not a database. " * 400)
    done = await repair(folder)
    assert done.after.sound
    assert (folder / "catalogue.damaged-1.sqlite").read_bytes().startswith(b"This is not")


@pytest.mark.parametrize("statement", ["PRAGMA user_version = 99", "PRAGMA application_id = 7"])
async def test_what_a_newer_carrel_or_another_program_made_is_left_alone(
    folder: Path, statement: str
) -> None:
    _run(folder, statement)
    before = (folder / "catalogue.sqlite").read_bytes()
    for look in (check, repair):
        with pytest.raises(LibraryDamaged):
            await look(folder)
    assert (folder / "catalogue.sqlite").read_bytes() == before


async def test_a_library_that_is_being_written_to_can_be_checked_but_not_repaired(folder: Path) -> None:
    _run(folder, "INSERT INTO passages_fts (passages_fts) VALUES ('delete-all')")
    async with WriterLock(folder / "writer.lock").held():
        report = await check(folder)
        assert [finding.place for finding in report.findings] == ["keyword index"]
        assert "has been writing" in report.notes[0]
        with pytest.raises(LibraryBusy):
            await repair(folder)
