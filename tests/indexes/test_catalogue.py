"""The catalogue's file, its transactions, and what reading gives back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from indexes.catalogue import Catalogue
from indexes.content import content_of_text
from indexes.database import Database
from indexes.errors import DocumentMissing, LibraryDamaged, LibraryError
from indexes.ingest import filing_of
from indexes.library import Library
from indexes.schema import VERSION
from indexes.split import Splitter
from indexes.testing import library_of
from indexes.types import PAGE_BREAK, Fate, ParsedDocument, Reference, Section, Stretch

_PAGES = ("First page. It is short.", "", "Third page, in two sentences. Here is the other.")


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    parsed = ParsedDocument(
        media_type="application/pdf", pages=_PAGES, title="Pages", authors=("A. One", "B. Two"), year=2024
    )
    async with await library_of([parsed], tmp_path / "library") as library:
        yield library


async def test_a_document_comes_back_as_it_was_given(library: Library) -> None:
    (document,) = await library.documents()
    assert (document.title, document.authors, document.year) == ("Pages", ("A. One", "B. Two"), 2024)
    assert (document.page_count, document.media_type, document.collection) == (3, "application/pdf", "papers")
    text = await library.text(document.id)
    assert text == PAGE_BREAK.join(_PAGES)
    assert document.characters == len(text)
    assert [await library.page(document.id, page) for page in range(5)] == ["", *_PAGES, ""]


async def test_what_is_known_of_a_document_comes_back_as_it_was_given(tmp_path: Path) -> None:
    cited = (
        Reference(text="1. Curie M. Rays. 1903. doi:10.1/r", title="Rays", year=1903, doi="10.1/r"),
        Reference(title="Waves", authors=("A. One",), arxiv_id="2101.00001", venue="Journal of Waves"),
    )
    parsed = ParsedDocument(
        media_type="text/plain",
        pages=("Title page. Rain falls. Curie M. Rays.",),
        arxiv_id="2102.00002",
        venue="Journal of Rain",
        abstract="It rains.",
        sections=(Section(title="Results", start=12),),
        references=cited,
        marked=(Stretch(part="front", start=0, end=12), Stretch(part="references", start=24, end=38)),
        origins={"venue": "text"},
        notes=("a note",),
    )
    async with await library_of([parsed], tmp_path / "library") as library:
        (document,) = await library.documents()
        assert (document.arxiv_id, document.venue) == ("2102.00002", "Journal of Rain")
        details = await library.details(document.id)
        assert details.references == cited
        assert (details.abstract, details.sections) == ("It rains.", parsed.sections)
        assert (details.origins, details.notes) == ({"venue": "text"}, ("a note",))
        passages = await library.passages_of(document.id)
    assert [(passage.text, passage.part) for passage in passages] == [
        ("Title page.", "front"),
        ("Rain falls.", "body"),
        ("Curie M. Rays.", "references"),
    ]


async def test_a_better_source_describes_a_document_anew(tmp_path: Path) -> None:
    parsed = ParsedDocument(media_type="text/plain", pages=("Rain falls.",), title="Rain", year=1999)
    database = Database(tmp_path / "catalogue.sqlite")
    catalogue = Catalogue(database)
    content = content_of_text(parsed, "papers")
    await catalogue.file(filing_of("rain.txt", content, parsed, collection="papers", splitter=Splitter()))
    said = {"title": "On rain", "authors": ("A. One",), "abstract": "It rains."}
    assert await catalogue.describe(content.document_id, said, "crossref")
    assert not await catalogue.describe(content.document_id, said, "crossref")
    (document,) = await catalogue.documents()
    assert (document.title, document.authors, document.year) == ("On rain", ("A. One",), 1999)
    details = await catalogue.details(content.document_id)
    assert details.abstract == "It rains."
    assert details.origins == dict.fromkeys(said, "crossref")
    await database.close()


async def test_any_stretch_is_a_slice_of_the_text(library: Library) -> None:
    (document,) = await library.documents()
    text = PAGE_BREAK.join(_PAGES)
    for start in range(len(text) + 2):
        for end in (start, start + 1, start + 30, len(text), len(text) + 9):
            assert await library.stretch(document.id, start, end) == text[start:end], (start, end)


async def test_passages_are_named_and_found_again(library: Library) -> None:
    (document,) = await library.documents()
    passages = await library.passages_of(document.id)
    assert [passage.page for passage in passages] == [1, 3]
    ids = [passage.id for passage in passages]
    assert await library.passages([ids[1], "nothing:0", "", "x:y", ids[0]]) == (passages[1], passages[0])


async def test_documents_are_asked_for_by_id_or_collection(library: Library) -> None:
    (document,) = await library.documents()
    assert await library.documents([document.id, "nothing"]) == (document,)
    assert await library.documents(collection="papers") == (document,)
    assert await library.documents(collection="notes") == ()
    assert await library.document(document.id) == document
    with pytest.raises(DocumentMissing, match="'nothing'"):
        await library.document("nothing")
    with pytest.raises(DocumentMissing):
        await library.page("nothing", 1)


async def test_what_is_removed_is_gone_from_every_byte_of_the_folder(tmp_path: Path) -> None:
    secrets = {"Secret": "The xylophonecanary sang. " * 30, "Other": "Nothing to see."}
    async with await library_of(secrets, tmp_path / "library") as library:
        secret = next(d for d in await library.documents() if d.title == "Secret")
        assert _bytes_with(library.folder, b"xylophonecanary")
        await library.remove(secret.id)
        assert [d.title for d in await library.documents()] == ["Other"]
        assert (await library.search("xylophonecanary")).hits == ()
        assert not _bytes_with(library.folder, b"xylophonecanary")
    assert not _bytes_with(library.folder, b"xylophonecanary")


async def test_reading_goes_on_while_something_is_written(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalogue.sqlite")
    catalogue = Catalogue(database)
    writing, done = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO meta VALUES ('slow', '')")
        loop.call_soon_threadsafe(writing.set)
        asyncio.run_coroutine_threadsafe(done.wait(), loop).result()

    write = asyncio.create_task(database.write(slow))
    await writing.wait()
    assert await catalogue.documents() == ()
    done.set()
    await write
    await database.close()
    await database.close()


async def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalogue.sqlite")
    catalogue = Catalogue(database)
    parsed = ParsedDocument(media_type="text/plain", pages=("Some words.",))
    content = content_of_text(parsed, "papers")
    filing = filing_of("a", content, parsed, collection="papers", splitter=Splitter())
    broken = filing.model_copy(update={"passages": filing.passages * 2, "pages": ("Some words.", None)})
    with pytest.raises(sqlite3.IntegrityError):
        await catalogue.file(broken)
    assert await catalogue.documents() == ()
    assert await catalogue.record("a", "papers") is None
    await catalogue.file(filing)
    record = await catalogue.record("a", "papers")
    assert record is not None
    assert (record.fate, record.attempts) == (Fate.INDEXED, 1)
    await database.close()


async def test_the_keyword_index_agrees_with_the_passages_after_changes(tmp_path: Path) -> None:
    async with await library_of({"a": "one two", "b": "two three"}, tmp_path / "library") as library:
        await library.add_texts(
            {"a": ParsedDocument(media_type="text/plain", pages=("four five",), title="a")}
        )
        (gone,) = [d for d in await library.documents() if d.title == "b"]
        await library.remove(gone.id)
        assert [hit.passage.text for hit in (await library.search("one two three four")).hits] == [
            "four five"
        ]
    with closing(sqlite3.connect(tmp_path / "library" / "catalogue.sqlite")) as connection:
        connection.execute("INSERT INTO passages_fts (passages_fts, rank) VALUES ('integrity-check', 1)")
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


async def test_everything_is_private_to_its_owner(tmp_path: Path) -> None:
    async with await library_of({"a": "words"}, tmp_path / "new" / "library") as library:
        assert library.folder.stat().st_mode & 0o077 == 0
        for path in library.folder.rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    path.write_bytes(b"not a database at all, but quite a long text " * 100)
    before = path.read_bytes()
    with pytest.raises(LibraryDamaged, match=r"catalogue\.sqlite") as told:
        Library.open(tmp_path)
    assert told.value.hint
    assert path.read_bytes() == before


def test_another_programs_database_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(LibraryDamaged, match="not a Carrel catalogue"):
        Library.open(tmp_path)
    assert path.read_bytes() == before


async def test_a_library_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    async with await library_of({"a": "words"}, tmp_path / "library"):
        pass
    path = tmp_path / "library" / "catalogue.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(LibraryDamaged, match="newer Carrel") as told:
        Library.open(tmp_path / "library")
    assert "Upgrade" in told.value.hint


async def test_a_catalogue_cut_short_is_damage_and_not_an_empty_library(tmp_path: Path) -> None:
    texts = {f"Note {n}": f"Words of note {n}. " * 50 for n in range(40)}
    async with await library_of(texts, tmp_path / "library"):
        pass
    path = tmp_path / "library" / "catalogue.sqlite"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(LibraryDamaged):
        async with Library.open(tmp_path / "library") as library:
            await library.search("words")


def test_a_folder_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LibraryError, match="cannot be used") as told:
        Library.open(tmp_path / "file")
    assert told.value.hint


def _bytes_with(folder: Path, canary: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and canary in path.read_bytes()]
