"""A Zotero library is read and never touched: files with their items' metadata, abstracts where no file is."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from indexes import zotero
from indexes.errors import PathMissing
from indexes.library import Library
from indexes.types import AddReport, Fate
from tests.indexes.readers.pdf_writer import pdf
from tests.indexes.zotero_library import ZoteroFolder

OWLS = (
    "Barn owls locate prey in complete darkness by the difference in time between their ears. "
    "We measured facial discs of forty birds."
)
PAPER = pdf(["scan0001", "Owls turn their heads by three quarters of a circle."])


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with Library.open(tmp_path / "library") as library:
        yield library


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[ZoteroFolder]:
    folder = ZoteroFolder(tmp_path / "Zotero")
    with closing(folder.connection):
        yield folder


def _owl(kept: ZoteroFolder, **more: str) -> int:
    return kept.item(
        "OWLOWL22",
        title="Hearing in the <i>Tyto alba</i>",
        creators=[("editor", "E.", "Ditor"), ("author", "Ada", "Strix"), ("author", "", "Owl Society")],
        date="2020-05-00 May 2020",
        DOI="10.1000/owl.1",
        publicationTitle="Journal of Owls",
        **more,
    )


def _reasons(report: AddReport) -> dict[str, str]:
    return {Path(path).name: reason for path, reason in report.failures}


async def test_a_file_is_read_with_its_items_metadata(library: Library, kept: ZoteroFolder) -> None:
    kept.stored("PDFPDF22", "scan0001.pdf", PAPER, parent=_owl(kept))
    report = await library.add([kept.folder])
    assert report.counts == {Fate.INDEXED: 1, Fate.SKIPPED: 1}
    assert _reasons(report) == {
        "zotero.sqlite": "a Zotero library: 1 item with metadata, 1 file, each with its own fate"
    }
    (hit,) = (await library.search("circle")).hits
    owl = hit.document
    assert (owl.title, owl.authors) == ("Hearing in the Tyto alba", ("Ada Strix", "Owl Society"))
    assert (owl.year, owl.doi) == (2020, "10.1000/owl.1")
    assert owl.source == str(kept.folder / "storage" / "PDFPDF22" / "scan0001.pdf")
    assert (await library.add([kept.database])).counts == {Fate.UNCHANGED: 1, Fate.SKIPPED: 1}


async def test_nothing_in_the_folder_is_touched_and_what_is_only_in_the_journal_is_seen(
    library: Library, kept: ZoteroFolder
) -> None:
    kept.connection.execute("PRAGMA journal_mode = WAL")
    kept.connection.execute("PRAGMA wal_autocheckpoint = 0")
    _owl(kept, abstractNote=OWLS)
    before = kept.files()
    assert len(before["zotero.sqlite-wal"]) > 0
    await library.add([kept.folder])
    assert kept.files() == before
    assert len((await library.search("facial discs")).hits) == 1


async def test_a_library_that_zotero_holds_locked_is_read(library: Library, kept: ZoteroFolder) -> None:
    _owl(kept, abstractNote=OWLS)
    kept.connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    kept.connection.execute("BEGIN EXCLUSIVE")
    kept.connection.execute("UPDATE itemDataValues SET value = 'half a change' WHERE value = ?", (OWLS,))
    await library.add([kept.folder])
    (hit,) = (await library.search("facial discs")).hits
    assert hit.document.abstract_only
    kept.connection.rollback()


async def test_an_item_without_a_file_is_found_by_its_abstract_until_the_file_comes(
    library: Library, kept: ZoteroFolder
) -> None:
    owl = _owl(kept, abstractNote=f"<jats:p>{OWLS}</jats:p>")
    kept.item("BARE2222", kind="book", title="A Book Without an Abstract")
    path = kept.stored("PDFPDF22", "owl.pdf", None, parent=owl)
    report = await library.add([kept.folder])
    assert _reasons(report)["owl.pdf"] == "an attachment that is not on this disk; Zotero can fetch it"
    (alone,) = await library.documents()
    assert (alone.abstract_only, alone.title, alone.year) == (True, "Hearing in the Tyto alba", 2020)

    path.parent.mkdir()
    path.write_bytes(PAPER)
    await library.add([kept.folder])
    (paper,) = await library.documents()
    assert (paper.abstract_only, paper.title, paper.year) == (False, "Hearing in the Tyto alba", 2020)


async def test_what_is_in_the_bin_is_left_out_and_later_told(library: Library, kept: ZoteroFolder) -> None:
    kept.item("GONE2222", title="A Deleted Item of Some Length", abstractNote=OWLS, deleted=True)
    kept.stored("PDFPDF22", "a.pdf", PAPER, parent=_owl(kept))
    kept.stored("PDFPDF33", "b.pdf", pdf(["Bees dance in the dark."]), deleted=True)
    await library.add([kept.folder])
    assert [document.title for document in await library.documents()] == ["Hearing in the Tyto alba"]

    kept.connection.execute(
        "INSERT INTO deletedItems (itemID) SELECT itemID FROM items WHERE key = 'PDFPDF22'"
    )
    kept.connection.commit()
    report = await library.add([kept.folder])
    assert "Gone from Zotero, but kept in the library: 1." in report.notes
    assert len(await library.documents()) == 1


async def test_feeds_notes_and_pictures_in_notes_are_no_papers(library: Library, kept: ZoteroFolder) -> None:
    kept.item("FEED2222", title="Breaking News of Some Length", abstractNote=OWLS, library=3)
    kept.item("NOTE2222", kind="note")
    kept.attached("PICT2222", "storage:image.png", link_mode=4, media_type="image/png")
    kept.attached("LINK2222", None, link_mode=3, media_type="text/html")
    report = await library.add([kept.folder])
    assert report.counts == {Fate.SKIPPED: 1}


async def test_a_file_without_an_item_and_an_item_of_a_group_are_read(
    library: Library, kept: ZoteroFolder
) -> None:
    kept.stored("PDFPDF22", "alone.pdf", PAPER)
    kept.item(
        "GRUP2222",
        kind="case",
        library=2,
        caseName="Owl v. Mouse",
        dateDecided="1999-00-00 1999",
        abstractNote=OWLS,
    )
    await library.add([kept.folder])
    assert {(document.title, document.year) for document in await library.documents()} >= {
        ("Owl v. Mouse", 1999)
    }
    assert len((await library.search("circle")).hits) == 1


async def test_identifiers_stand_where_people_put_them(library: Library, kept: ZoteroFolder) -> None:
    kept.item(
        "AAAA2222", title="One Paper with a Long Title", extra="tex.x: y\nDOI: 10.1000/a", abstractNote=OWLS
    )
    kept.item(
        "BBBB2222",
        kind="preprint",
        title="Two Paper with a Long Title",
        url="https://arxiv.org/abs/2101.00001v2",
        abstractNote=OWLS,
    )
    kept.item(
        "CCCC2222", title="Three Paper with a Long Title", url="https://doi.org/10.1000/c", abstractNote=OWLS
    )
    await library.add([kept.folder])
    found = {
        document.title.split()[0]: (document.doi, document.arxiv_id) for document in await library.documents()
    }
    assert found == {"One": ("10.1000/a", None), "Two": (None, "2101.00001"), "Three": ("10.1000/c", None)}


async def test_a_saved_web_page_is_read_only_where_there_is_no_paper(
    library: Library, kept: ZoteroFolder
) -> None:
    page = b"<html><body><p>The web page of a paper about owls and how they hear.</p></body></html>"
    owl = _owl(kept)
    kept.stored("HTML2222", "owl.html", page, parent=owl, media_type="text/html")
    kept.stored("PDFPDF22", "owl.pdf", PAPER, parent=owl)
    kept.stored(
        "HTML3333",
        "bees.html",
        page,
        parent=kept.item("BEES2222", title="The Dance of the Honey Bee"),
        media_type="text/html",
    )
    await library.add([kept.folder])
    assert {Path(document.source).name for document in await library.documents()} == {"owl.pdf", "bees.html"}


async def test_linked_files_are_followed_if_the_person_named_this_folder(
    library: Library, kept: ZoteroFolder, tmp_path: Path
) -> None:
    linked = tmp_path / "elsewhere" / "linked.pdf"
    linked.parent.mkdir()
    linked.write_bytes(PAPER)
    kept.attached("LINK2222", str(linked), parent=_owl(kept))
    (tmp_path / "all").mkdir()
    kept.folder.rename(tmp_path / "all" / "Zotero")
    report = await library.add([tmp_path / "all"])
    assert "add the Zotero folder itself" in _reasons(report)["linked.pdf"]

    await library.add([tmp_path / "all" / "Zotero"])
    (document,) = await library.documents()
    assert (document.source, document.title) == (str(linked), "Hearing in the Tyto alba")


async def test_the_base_directory_is_the_one_of_the_profile_that_uses_this_folder(
    library: Library, kept: ZoteroFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "base \u00e9"
    (base / "owls").mkdir(parents=True)
    (base / "owls" / "linked.pdf").write_bytes(PAPER)
    kept.attached("LINK2222", "attachments:owls/linked.pdf", parent=_owl(kept))
    kept.attached("LINK3333", "attachments:../library/catalogue.sqlite")
    _profile("one", f'"{tmp_path}/another"', '"/nowhere"', monkeypatch)
    report = await library.add([kept.folder])
    assert "base directory" not in _reasons(report)["linked.pdf"]  # the only base there is: a copied library

    _profile("two", f'"{kept.folder}"', f'"{base}"', monkeypatch)
    await library.add([kept.folder])
    (document,) = await library.documents()
    assert document.source == str(base / "owls" / "linked.pdf")


_NONE = (
    ("PDFPDF22", "storage:../../../secret.pdf", "a name that cannot be one"),
    ("../../..", "storage:secret.pdf", "a name that cannot be one"),
    ("PDFPDF33", "storage:keys.txt\x00.pdf", "a name that cannot be one"),
    ("LINKED22", "storage:link.pdf", "lies outside of where Zotero keeps it"),
    ("FIFOFI22", "storage:fifo.pdf", "not a regular file"),
    ("PDFPDF44", "{secret}/.hidden/a.pdf", "a hidden folder"),
    ("PDFPDF55", "{secret}/id_rsa", "a kind that is not read (no suffix)"),
    ("PDFPDF66", "relative/secret.pdf", "not on this disk"),
)


async def test_an_attachment_that_is_none_is_not_read(
    library: Library, kept: ZoteroFolder, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.pdf"
    for outside in (secret, tmp_path / ".hidden" / "a.pdf", tmp_path / "id_rsa"):
        outside.parent.mkdir(exist_ok=True)
        outside.write_bytes(PAPER)
    for key in ("LINKED22", "FIFOFI22"):
        (kept.folder / "storage" / key).mkdir()
    (kept.folder / "storage" / "LINKED22" / "link.pdf").symlink_to(secret)
    os.mkfifo(kept.folder / "storage" / "FIFOFI22" / "fifo.pdf")
    for key, path, _ in _NONE:
        kept.attached(key, path.replace("{secret}", str(tmp_path)))
    report = await library.add([kept.folder])
    told = [reason for _, reason in report.failures]
    assert all(any(reason in each for each in told) for _, _, reason in _NONE), told
    assert await library.documents() == ()


async def test_another_version_is_one_clear_sentence_and_spoils_nothing_else(
    library: Library, kept: ZoteroFolder, tmp_path: Path
) -> None:
    kept.connection.execute("ALTER TABLE itemAttachments RENAME COLUMN parentItemID TO sourceItemID")
    kept.connection.execute("UPDATE version SET version = 77 WHERE schema = 'userdata'")
    kept.connection.commit()
    (tmp_path / "note.md").write_text("# A note\n\nOn owls.")
    report = await library.add([kept.folder, tmp_path / "note.md"])
    said = _reasons(report)["zotero.sqlite"]
    assert (
        "version of Zotero that is not read (database version 77): it has no itemAttachments.parentItemID"
        in said
    )
    assert "export it as BibTeX" in said
    assert report.counts == {Fate.INDEXED: 1, Fate.SKIPPED: 1}


@pytest.mark.parametrize("damage", ["no database", "half", "zeros"])
async def test_a_damaged_database_is_one_clear_sentence(
    library: Library, kept: ZoteroFolder, damage: str
) -> None:
    for number in range(200):
        kept.item(f"AAAA{number:04}", title=f"Title {number} " * 20)
    kept.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = kept.database.read_bytes()
    middle = len(whole) // 2
    kept.database.write_bytes(
        {
            "no database": b"This is no database." * 100,
            "half": whole[:middle],
            "zeros": whole[:8192] + bytes(len(whole) - 8192),
        }[damage]
    )
    report = await library.add([kept.folder])
    assert report.counts == {Fate.FAILED: 1}
    assert "is not a Zotero database that can be read" in _reasons(report)["zotero.sqlite"]
    assert "zotero.sqlite.bak" in _reasons(report)["zotero.sqlite"]


async def test_a_database_written_to_all_the_time_is_tried_again_later(
    library: Library, kept: ZoteroFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = iter(range(1000))
    monkeypatch.setattr(zotero, "_state", lambda path: (next(states), 0) if path == kept.database else None)
    monkeypatch.setattr(zotero, "_PAUSE_SECONDS", 0)
    report = await library.add([kept.folder])
    assert report.counts == {Fate.FAILED_FOR_NOW: 1}
    assert "Wait until Zotero has finished" in _reasons(report)["zotero.sqlite"]


async def test_asking_for_zotero_finds_the_persons_own(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PathMissing, match="no Zotero library") as told:
        await library.add([Path("zotero:")])
    assert "data folder" in told.value.hint

    for folder in (Path.home() / "Zotero", tmp_path / "moved"):
        with closing(ZoteroFolder(folder).connection):
            pass
    assert zotero.data_folder() == Path.home() / "Zotero"
    _profile("one", f'"{tmp_path / "moved"}"', '""', monkeypatch)
    assert zotero.data_folder() == tmp_path / "moved"
    assert (await library.add([Path("zotero:")])).counts == {Fate.SKIPPED: 1}


def test_a_library_inside_a_folder_is_met_as_one(kept: ZoteroFolder, tmp_path: Path) -> None:
    from indexes.walk import ZoteroFolder as Found
    from indexes.walk import walk

    kept.stored("PDFPDF22", "a.pdf", PAPER)
    (tmp_path / "b.md").write_text("text")
    found = walk([tmp_path])
    assert [path.name for path in found.files] == ["b.md"]
    assert found.libraries == (Found(kept.folder, False),)
    assert walk([tmp_path, kept.folder]).libraries == (Found(kept.folder, True),)


def test_a_database_is_never_opened_in_place(kept: ZoteroFolder) -> None:
    """What the test above relies on: the builder's own connection would show a reader's lock."""
    kept.connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    kept.connection.execute("BEGIN EXCLUSIVE")
    with (
        closing(sqlite3.connect(kept.database, timeout=0)) as second,
        pytest.raises(sqlite3.OperationalError),
    ):
        second.execute("SELECT * FROM items")
    kept.connection.rollback()


def _profile(name: str, data_folder: str, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes a profile's preferences as Zotero does on Linux."""
    monkeypatch.setattr("sys.platform", "linux")
    folder = Path.home() / ".zotero" / "zotero" / name
    folder.mkdir(parents=True)
    (folder / "prefs.js").write_text(
        f'user_pref("extensions.zotero.baseAttachmentPath", {base});\n'
        f'user_pref("extensions.zotero.dataDir", {data_folder});\n'
        'user_pref("extensions.zotero.useDataDir", true);\n',
        encoding="utf-8",
    )
