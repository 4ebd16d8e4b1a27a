"""The catalogue file: its tables, its version, and how a connection to it is opened."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from indexes.errors import LibraryBusy, LibraryDamaged, LibraryError

__all__ = ["VERSION", "connect", "connect_reader", "prepare", "translated"]

VERSION = 2
"""Of the tables below, kept in the file as `PRAGMA user_version`."""

_OURS = 0x43617272
"""`PRAGMA application_id` of a catalogue: "Carr" in ASCII."""

_BUSY_MILLISECONDS = 5_000

_NEW_IN_2 = """
-- The works that a document cites, in the order of its list.
CREATE TABLE cited (
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    text TEXT NOT NULL,
    title TEXT NOT NULL,
    authors TEXT NOT NULL, -- JSON array of strings
    year INTEGER,
    doi TEXT,
    arxiv_id TEXT,
    venue TEXT NOT NULL,
    PRIMARY KEY (document, ordinal)
) WITHOUT ROWID;
-- References are left out of searches.
CREATE INDEX passages_of_references ON passages (number) WHERE part = 'references';
"""

_UPGRADES = {
    1: """
ALTER TABLE documents ADD COLUMN arxiv_id TEXT;
ALTER TABLE documents ADD COLUMN venue TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN abstract TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN sections TEXT NOT NULL DEFAULT '[]';
ALTER TABLE documents ADD COLUMN origins TEXT NOT NULL DEFAULT '{}';
ALTER TABLE documents ADD COLUMN retraction TEXT NOT NULL DEFAULT '';
ALTER TABLE passages ADD COLUMN part TEXT NOT NULL DEFAULT 'body';
"""
    + _NEW_IN_2
}
"""From each older version to the one after it."""

_TABLES = """
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    title TEXT NOT NULL,
    authors TEXT NOT NULL, -- JSON array of strings
    year INTEGER,
    doi TEXT,
    media_type TEXT NOT NULL,
    collection TEXT NOT NULL,
    page_count INTEGER NOT NULL,
    characters INTEGER NOT NULL,
    notes TEXT NOT NULL, -- JSON array of strings
    arxiv_id TEXT,
    venue TEXT NOT NULL DEFAULT '',
    abstract TEXT NOT NULL DEFAULT '',
    sections TEXT NOT NULL DEFAULT '[]', -- JSON array of [title, start]
    origins TEXT NOT NULL DEFAULT '{}', -- JSON object: the source of each field
    retraction TEXT NOT NULL DEFAULT ''
);
CREATE INDEX documents_by_collection ON documents (collection);

-- The ledger: one row for each file ever met, whatever became of it.
CREATE TABLE sources (
    path TEXT NOT NULL,
    collection TEXT NOT NULL,
    document INTEGER REFERENCES documents (number) ON DELETE SET NULL,
    content_hash TEXT NOT NULL DEFAULT '', -- of the bytes last looked at
    size INTEGER NOT NULL DEFAULT 0,
    modified_ns INTEGER NOT NULL DEFAULT 0, -- a hint for people; identity is the hash
    fate TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    updated TEXT NOT NULL, -- UTC, ISO 8601
    PRIMARY KEY (path, collection)
) WITHOUT ROWID;
CREATE INDEX sources_by_document ON sources (document);

CREATE TABLE pages (
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    page INTEGER NOT NULL,
    start INTEGER NOT NULL, -- offset of its first character in the document's text
    text TEXT NOT NULL,
    PRIMARY KEY (document, page)
) WITHOUT ROWID;

-- The text is stored although pages hold it too: SQLite counts characters by scanning, so cutting a passage
-- out of a long page costs the whole page, and the keyword index reads this column as its content.
-- AUTOINCREMENT: a number is never used again, so a dense index that is behind cannot name a wrong passage.
CREATE TABLE passages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    page INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    section TEXT,
    text TEXT NOT NULL,
    part TEXT NOT NULL DEFAULT 'body', -- or 'front', 'references'
    UNIQUE (document, ordinal)
);

CREATE VIRTUAL TABLE passages_fts USING fts5 (
    text, content = 'passages', content_rowid = 'number', tokenize = 'porter unicode61 remove_diacritics 2'
);
-- Triggers, so that no statement can change a passage without its keyword row.
CREATE TRIGGER passage_added AFTER INSERT ON passages BEGIN
    INSERT INTO passages_fts (rowid, text) VALUES (new.number, new.text);
END;
CREATE TRIGGER passage_gone AFTER DELETE ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, text) VALUES ('delete', old.number, old.text);
END;

CREATE TABLE encoders (
    number INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    dimensions INTEGER NOT NULL
);
CREATE TABLE vectors (
    position INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of storing
    passage INTEGER NOT NULL REFERENCES passages (number) ON DELETE CASCADE,
    encoder INTEGER NOT NULL REFERENCES encoders (number),
    vector BLOB NOT NULL, -- little-endian float32, unit length
    UNIQUE (passage, encoder)
);
CREATE INDEX vectors_by_encoder ON vectors (encoder);

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_READERS_OWN = """
-- The words of the keyword index with the number of passages each is in, and each place of each word.
CREATE VIRTUAL TABLE temp.words USING fts5vocab (main, passages_fts, row);
CREATE VIRTUAL TABLE temp.places USING fts5vocab (main, passages_fts, instance);
-- Cuts a question into words as the keyword index does.
CREATE VIRTUAL TABLE temp.asked USING fts5 (text, tokenize = 'porter unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE temp.asked_words USING fts5vocab (temp, asked, instance);
"""
"""Tables that each reading connection has in its own memory."""


def prepare(path: Path) -> None:
    """Creates the catalogue at `path`, readable by its owner only, or checks and upgrades the one there.

    Raises:
        LibraryDamaged: The file is not a catalogue, is broken, or was made by a newer Carrel.
        LibraryError: The folder cannot be made or written to.
    """
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
        if not path.exists() or path.stat().st_size == 0:
            _create(path)
        if _version(path) < VERSION:
            _upgrade(path)
    except OSError as error:
        raise LibraryError(
            f"The library's folder {str(path.parent)!r} cannot be used: {error.strerror or error}.",
            hint="Choose another folder, or change its permissions.",
        ) from error
    except sqlite3.Error as error:
        raise translated(error, path) from error


def connect(path: Path) -> sqlite3.Connection:
    """Opens `path` for writing. Commits reach the disk; deleted text is overwritten."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Opens `path` for reading only; works beside a writer, and where the folder cannot be written to."""
    try:
        return _connect_reader(path, "mode=ro")
    except sqlite3.OperationalError:
        if os.access(path.parent, os.W_OK) or path.with_name(path.name + "-wal").exists():
            raise
        return _connect_reader(path, "immutable=1")


def translated(error: sqlite3.Error, path: Path) -> Exception:
    """Returns our error for what SQLite said about `path`; `error` itself if it is a mistake of ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LibraryBusy(f"Another program holds the catalogue {str(path)!r} for longer than 5 seconds.")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return LibraryDamaged(
            f"The catalogue {str(path)!r} is damaged or is not a catalogue ({error}).",
            hint="`carrel papers repair` saves what can still be read; or restore it from a backup.",
        )
    if code == sqlite3.SQLITE_FULL:
        return LibraryError(
            f"There is no space left on the disk of {str(path)!r}; what was added before is kept.",
            hint="Free some space and run the same command again: it continues where it stopped.",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR):
        return LibraryError(
            f"The catalogue {str(path)!r} cannot be used: {error}.",
            hint="Check that the disk is there and that you may write to the folder.",
        )
    return error


def _create(path: Path) -> None:
    path.touch(mode=0o600)
    with closing(connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        # Another process may have made the tables while this one waited.
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _statements(_TABLES + _NEW_IN_2):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_OURS}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")


def _version(path: Path) -> int:
    """Returns the version of the tables at `path`, at most ours."""
    with closing(connect_reader(path)) as connection:
        ours = connection.execute("PRAGMA application_id").fetchone()[0] == _OURS
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if not ours:
        raise LibraryDamaged(
            f"{str(path)!r} is a database, but not a Carrel catalogue.",
            hint="Choose another folder for the library, or move this file away.",
        )
    if version > VERSION:
        raise LibraryDamaged(
            f"The library {str(path.parent)!r} was made by a newer Carrel "
            f"(format {version}; this one reads up to {VERSION}).",
            hint="Upgrade Carrel; the library is left as it is.",
        )
    return version


def _upgrade(path: Path) -> None:
    """Brings the tables up to `VERSION` in one transaction; stopped at any moment, they are as they were.

    A process that still has an older Carrel goes on reading and writing: columns are only ever added.
    """
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise LibraryError(
            f"The library {str(path.parent)!r} was made by an older Carrel and has to be upgraded once, "
            "but may not be written to.",
            hint="Open it once where you may write to it, or use a copy.",
        )
    with closing(connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        # Another process may have done it while this one waited.
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        for step in range(version, VERSION):
            for statement in _statements(_UPGRADES[step]):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {max(version, VERSION)}")
        connection.execute("COMMIT")


def _connect_reader(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("SELECT count(*) FROM sqlite_master")
        for statement in _statements(_READERS_OWN):
            connection.execute(statement)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _statements(script: str) -> list[str]:
    """Cuts a script into statements; `executescript` would commit the transaction around it first."""
    statements: list[str] = []
    rest = ""
    for line in script.splitlines(keepends=True):
        rest += line
        if sqlite3.complete_statement(rest):
            statements.append(rest)
            rest = ""
    return statements
