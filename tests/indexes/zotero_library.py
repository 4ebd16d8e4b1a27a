"""Builds a Zotero data folder: the tables and columns of its database as Zotero 9 has them, and its storage."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["ZoteroFolder"]

_TABLES = """
CREATE TABLE version (schema TEXT PRIMARY KEY, version INT NOT NULL);
CREATE TABLE libraries (libraryID INTEGER PRIMARY KEY, type TEXT NOT NULL, editable INT, filesEditable INT);
CREATE TABLE feeds (libraryID INTEGER PRIMARY KEY, name TEXT NOT NULL, url TEXT NOT NULL UNIQUE);
CREATE TABLE itemTypes (itemTypeID INTEGER PRIMARY KEY, typeName TEXT, templateItemTypeID INT, display INT);
CREATE TABLE fields (fieldID INTEGER PRIMARY KEY, fieldName TEXT, fieldFormatID INT);
CREATE TABLE fieldsCombined (fieldID INT PRIMARY KEY, fieldName TEXT, label TEXT, fieldFormatID INT, custom INT);
CREATE TABLE creatorTypes (creatorTypeID INTEGER PRIMARY KEY, creatorType TEXT);
CREATE TABLE items (itemID INTEGER PRIMARY KEY, itemTypeID INT NOT NULL,
  dateAdded TIMESTAMP DEFAULT CURRENT_TIMESTAMP, dateModified TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  libraryID INT NOT NULL, key TEXT NOT NULL, version INT DEFAULT 0, synced INT DEFAULT 0, UNIQUE (libraryID, key));
CREATE TABLE itemDataValues (valueID INTEGER PRIMARY KEY, value UNIQUE, valueNormalized TEXT);
CREATE TABLE itemData (itemID INT, fieldID INT, valueID, PRIMARY KEY (itemID, fieldID));
CREATE TABLE itemNotes (itemID INTEGER PRIMARY KEY, parentItemID INT, note TEXT, title TEXT);
CREATE TABLE itemAttachments (itemID INTEGER PRIMARY KEY, parentItemID INT, linkMode INT, contentType TEXT,
  charsetID INT, path TEXT, syncState INT DEFAULT 0, storageModTime INT, storageHash TEXT);
CREATE TABLE creators (creatorID INTEGER PRIMARY KEY, firstName TEXT, lastName TEXT, fieldMode INT,
  UNIQUE (lastName, firstName, fieldMode));
CREATE TABLE itemCreators (itemID INT NOT NULL, creatorID INT NOT NULL, creatorTypeID INT DEFAULT 1,
  orderIndex INT DEFAULT 0, PRIMARY KEY (itemID, creatorID, creatorTypeID, orderIndex));
CREATE TABLE collections (collectionID INTEGER PRIMARY KEY, collectionName TEXT NOT NULL, key TEXT NOT NULL);
CREATE TABLE collectionItems (collectionID INT NOT NULL, itemID INT NOT NULL, orderIndex INT DEFAULT 0);
CREATE TABLE deletedItems (itemID INTEGER PRIMARY KEY, dateDeleted DEFAULT CURRENT_TIMESTAMP NOT NULL);
INSERT INTO version VALUES ('userdata', 129), ('system', 32);
INSERT INTO libraries VALUES (1, 'user', 1, 1), (2, 'group', 1, 1), (3, 'feed', 0, 0);
INSERT INTO feeds VALUES (3, 'News', 'https://news.example/feed');
"""
_TYPES = ("annotation", "attachment", "book", "case", "journalArticle", "note", "preprint")
_FIELDS = (
    "title",
    "caseName",
    "abstractNote",
    "publicationTitle",
    "date",
    "dateDecided",
    "DOI",
    "url",
    "extra",
    "pages",
)
_CREATORS = ("author", "editor", "translator", "contributor")


class ZoteroFolder:
    """A folder as Zotero keeps it."""

    def __init__(self, folder: Path) -> None:
        (folder / "storage").mkdir(parents=True)
        self.folder = folder
        self.database = folder / "zotero.sqlite"
        self.connection = sqlite3.connect(self.database)
        self.connection.executescript(_TABLES)
        for name, types in (("itemTypes", _TYPES), ("fields", _FIELDS)):
            rows = [(number, kind) for number, kind in enumerate(types, 1)]
            column = "itemTypeID, typeName" if name == "itemTypes" else "fieldID, fieldName"
            self.connection.executemany(f"INSERT INTO {name} ({column}) VALUES (?, ?)", rows)
        self.connection.execute(
            "INSERT INTO fieldsCombined SELECT fieldID, fieldName, NULL, NULL, 0 FROM fields"
        )
        self.connection.executemany("INSERT INTO creatorTypes VALUES (?, ?)", enumerate(_CREATORS, 1))
        self.connection.commit()

    def item(
        self,
        key: str,
        *,
        kind: str = "journalArticle",
        creators: Sequence[tuple[str, str, str]] = (),
        library: int = 1,
        deleted: bool = False,
        **fields: str,
    ) -> int:
        """Adds an item; creators are what they did, first and last name, in order."""
        number = self._row(key, kind, library, deleted)
        for field, value in fields.items():
            self.connection.execute("INSERT OR IGNORE INTO itemDataValues (value) VALUES (?)", (value,))
            self.connection.execute(
                """INSERT INTO itemData SELECT ?, f.fieldID, v.valueID FROM fields f, itemDataValues v
                WHERE f.fieldName = ? AND v.value = ?""",
                (number, field, value),
            )
        for order, (did, first, last) in enumerate(creators):
            mode = 0 if first else 1
            self.connection.execute(
                "INSERT OR IGNORE INTO creators (firstName, lastName, fieldMode) VALUES (?, ?, ?)",
                (first, last, mode),
            )
            self.connection.execute(
                """INSERT INTO itemCreators SELECT ?, c.creatorID, t.creatorTypeID, ? FROM creators c, creatorTypes t
                WHERE c.firstName = ? AND c.lastName = ? AND t.creatorType = ?""",
                (number, order, first, last, did),
            )
        self.connection.commit()
        return number

    def stored(
        self,
        key: str,
        name: str,
        content: bytes | None,
        *,
        parent: int | None = None,
        media_type: str = "application/pdf",
        deleted: bool = False,
    ) -> Path:
        """Adds a file in Zotero's own storage; without content it is one that was never fetched."""
        path = self.folder / "storage" / key / name
        if content is not None:
            path.parent.mkdir()
            path.write_bytes(content)
        self.attached(
            key, f"storage:{name}", parent=parent, link_mode=1, media_type=media_type, deleted=deleted
        )
        return path

    def attached(
        self,
        key: str,
        path: str | None,
        *,
        parent: int | None = None,
        link_mode: int = 2,
        media_type: str = "application/pdf",
        deleted: bool = False,
    ) -> None:
        """Adds an attachment with the path as Zotero would write it."""
        number = self._row(key, "attachment", 1, deleted)
        self.connection.execute(
            "INSERT INTO itemAttachments (itemID, parentItemID, linkMode, contentType, path) VALUES (?, ?, ?, ?, ?)",
            (number, parent, link_mode, media_type, path),
        )
        self.connection.commit()

    def files(self) -> Mapping[str, bytes]:
        """Every file in the folder with its content."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def _row(self, key: str, kind: str, library: int, deleted: bool) -> int:
        cursor = self.connection.execute(
            "INSERT INTO items (itemTypeID, libraryID, key) SELECT itemTypeID, ?, ? FROM itemTypes WHERE typeName = ?",
            (library, key, kind),
        )
        assert cursor.lastrowid is not None
        if deleted:
            self.connection.execute("INSERT INTO deletedItems (itemID) VALUES (?)", (cursor.lastrowid,))
        return cursor.lastrowid
