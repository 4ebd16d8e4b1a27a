"""Libraries of older versions open, and become as new ones are."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from indexes.errors import LibraryDamaged, LibraryError
from indexes.library import Library
from indexes.schema import VERSION, connect, prepare

_VERSION_1 = Path(__file__).with_name("schema_1.sql")


def _old(folder: Path) -> Path:
    path = folder / "catalogue.sqlite"
    folder.mkdir()
    with closing(connect(path)) as connection:
        connection.executescript(_VERSION_1.read_text())
        connection.executescript(
            """
            INSERT INTO documents VALUES
                (1, 'old', '/p/old.txt', 'Old title', '["A. One"]', 1999, '10.1/x', 'text/plain', 'papers', 1,
                 22, '["a note"]');
            INSERT INTO sources VALUES ('/p/old.txt', 'papers', 1, 'hash', 22, 0, 'indexed', '', 1, '2026-01-01');
            INSERT INTO pages VALUES (1, 1, 0, 'Glaciers carve valleys');
            INSERT INTO passages VALUES (1, 1, 0, 1, 0, 22, NULL, 'Glaciers carve valleys');
            PRAGMA application_id = 1130459762;
            PRAGMA user_version = 1;
            """
        )
    return path


def _shape(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Each table's columns, by name, with type, NOT NULL, default and place in the key."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            table: sorted(row[1:] for row in connection.execute(f"PRAGMA table_info ({table})"))
            for table in tables
        }


async def test_a_library_of_version_1_opens_with_all_that_it_holds(tmp_path: Path) -> None:
    _old(tmp_path / "library")
    async with Library.open(tmp_path / "library") as library:
        (document,) = await library.documents()
        assert (document.title, document.authors, document.doi) == ("Old title", ("A. One",), "10.1/x")
        assert (document.arxiv_id, document.venue, document.retraction) == (None, "", "")
        details = await library.details("old")
        assert (details.abstract, details.references, details.notes) == ("", (), ("a note",))
        (hit,) = (await library.search("glacier")).hits
        assert (hit.passage.text, hit.passage.part) == ("Glaciers carve valleys", "body")


def test_after_the_upgrade_its_tables_are_those_of_a_new_library(tmp_path: Path) -> None:
    old, new = _old(tmp_path / "old"), tmp_path / "new" / "catalogue.sqlite"
    prepare(old)
    prepare(new)
    assert _shape(old) == _shape(new)
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_two_that_open_an_old_library_at_once_upgrade_it_once(tmp_path: Path) -> None:
    path = _old(tmp_path / "library")
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
            prepare(path)
        except BaseException as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    threads = [Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_an_upgrade_that_fails_leaves_the_library_as_it_was(tmp_path: Path) -> None:
    path = _old(tmp_path / "library")
    with closing(connect(path)) as connection:
        connection.execute("CREATE TABLE cited (in_the_way TEXT)")
    before = _shape(path)
    with pytest.raises((LibraryDamaged, LibraryError, sqlite3.Error)):
        prepare(path)
    assert _shape(path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to everything")
def test_an_old_library_that_may_not_be_written_to_says_what_to_do(tmp_path: Path) -> None:
    path = _old(tmp_path / "library")
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(LibraryError, match="older Carrel"):
            prepare(path)
    finally:
        path.parent.chmod(0o700)
