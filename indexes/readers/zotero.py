"""Reads a copy of a Zotero database: items, their metadata, and where their attachments should lie."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from indexes.clean import clean_line
from indexes.errors import Damaged, Unsupported
from indexes.types import Model, Reference

__all__ = ["DATABASE", "Attachment", "Item", "items"]

DATABASE = "zotero.sqlite"
"""What Zotero calls its database, in its data folder."""

_NEEDED: Mapping[str, frozenset[str]] = {
    "items": frozenset({"itemID", "itemTypeID", "libraryID", "key"}),
    "itemTypes": frozenset({"itemTypeID", "typeName"}),
    "fieldsCombined": frozenset({"fieldID", "fieldName"}),
    "itemData": frozenset({"itemID", "fieldID", "valueID"}),
    "itemDataValues": frozenset({"valueID", "value"}),
    "creators": frozenset({"creatorID", "firstName", "lastName"}),
    "itemCreators": frozenset({"itemID", "creatorID", "creatorTypeID", "orderIndex"}),
    "creatorTypes": frozenset({"creatorTypeID", "creatorType"}),
    "itemAttachments": frozenset({"itemID", "parentItemID", "linkMode", "contentType", "path"}),
    "deletedItems": frozenset({"itemID"}),
}
"""The tables and columns that are read; they have been the same since Zotero 5.0 (2017)."""

_MOST_ITEMS = 200_000
_TITLES = ("title", "caseName", "nameOfAct", "subject")
_DATES = ("date", "dateDecided", "dateEnacted", "issueDate")
_VENUES = (
    "publicationTitle",
    "proceedingsTitle",
    "bookTitle",
    "encyclopediaTitle",
    "dictionaryTitle",
    "websiteTitle",
    "blogTitle",
    "conferenceName",
    "repository",
    "institution",
    "university",
    "publisher",
)
_FIELDS = (*_TITLES, *_DATES, *_VENUES, "DOI", "extra", "url", "abstractNote")
_DOI_IN_EXTRA = re.compile(r"^\s*DOI\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_NOT_BY = frozenset({"editor", "seriesEditor", "translator", "reviewedAuthor", "contributor", "counsel"})
"""Creators who did not write the work."""
_YEAR = re.compile(r"\b(?:1[5-9]\d\d|20\d\d)\b")
_RICH = re.compile(r"</?(?:i|b|sub|sup|span)(?:\s[^<>]{0,100})?>")
"""The few tags that Zotero allows in a field, such as `<i>` in a title."""
_TAG = re.compile(r"</?[A-Za-z][\w:-]{0,30}(?:\s[^<>]{0,200})?/?>")
"""Those that publishers leave in an abstract."""
_LONGEST_ABSTRACT = 20_000
_LINK_TO_THE_WEB, _PICTURE_IN_A_NOTE = 3, 4


class Attachment(Model):
    """A file that Zotero keeps for an item."""

    key: str
    """Names its folder inside `storage`."""
    path: str
    """As Zotero writes it: `storage:NAME`, `attachments:RELATIVE`, or an absolute path; empty for none."""
    media_type: str = ""


class Item(Model):
    """One entry of a Zotero library with its files; a file without an entry has a bare reference."""

    reference: Reference
    """Its key is Zotero's; its `files` are empty, because where they lie is not known here."""
    attachments: tuple[Attachment, ...] = ()


def items(database: Path, *, name: str) -> tuple[Item, ...]:
    """Returns the items of the database, oldest first, without those in the bin and those of feeds; blocks.

    Args:
        database: A copy that may be written to: SQLite brings it up to date with its journal.
        name: What the library is called in an error.

    Raises:
        Damaged: It is not an SQLite database, or a broken one.
        Unsupported: Its tables are not those that Zotero has.
    """
    try:
        with closing(sqlite3.connect(database)) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            _require_whole(connection, name)
            connection.execute("PRAGMA query_only = ON")
            _require_tables(connection, name)
            return tuple(_items(connection))
    except sqlite3.Error as error:
        raise _damaged(name, str(error)) from error


def _require_whole(connection: sqlite3.Connection, name: str) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise _damaged(name, str(found))


def _damaged(name: str, problem: str) -> Damaged:
    return Damaged(
        f"{name!r} is not a Zotero database that can be read: {clean_line(problem)}.",
        hint="Open Zotero: it checks its database; `zotero.sqlite.bak` beside it is its last backup.",
    )


def _require_tables(connection: sqlite3.Connection, name: str) -> None:
    for table, columns in _NEEDED.items():
        there = _columns(connection, table)
        if missing := sorted(columns - there):
            what = f"{table}.{missing[0]}" if there else f"the table {table}"
            raise Unsupported(
                f"{name!r} is of a version of Zotero that is not read ({_version(connection)}): "
                f"it has no {what}.",
                hint="Zotero 5 and later are read: open the library in one once, or export it as BibTeX.",
            )


def _version(connection: sqlite3.Connection) -> str:
    try:
        row = connection.execute("SELECT version FROM version WHERE schema = 'userdata'").fetchone()
    except sqlite3.Error:
        row = None
    return "unknown" if row is None else f"database version {clean_line(str(row[0]), limit=20)}"


def _items(connection: sqlite3.Connection) -> Iterator[Item]:
    left_out = _in_the_bin_or_a_feed(connection)
    fields, creators = _all_fields(connection), _all_creators(connection)
    attachments = _all_attachments(connection, left_out)
    rows = connection.execute(
        """SELECT i.itemID, i.key FROM items i JOIN itemTypes t ON t.itemTypeID = i.itemTypeID
        WHERE t.typeName NOT IN ('attachment', 'note', 'annotation') ORDER BY i.itemID LIMIT ?""",
        (_MOST_ITEMS,),
    )
    for number, key in rows:
        if number not in left_out:
            yield Item(
                reference=_reference(str(key), fields.get(number, {}), creators.get(number, ())),
                attachments=tuple(attachments.get(number, ())),
            )
    for alone in attachments.get(None, ()):
        yield Item(reference=Reference(key=alone.key), attachments=(alone,))


def _in_the_bin_or_a_feed(connection: sqlite3.Connection) -> set[int]:
    """Feeds are kept in the same tables; what they hold is news and not a library."""
    left_out = {int(number) for (number,) in connection.execute("SELECT itemID FROM deletedItems")}
    if _columns(connection, "feeds"):
        of_feeds = "SELECT itemID FROM items WHERE libraryID IN (SELECT libraryID FROM feeds)"
        left_out |= {int(number) for (number,) in connection.execute(of_feeds)}
    return left_out


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")}


def _all_fields(connection: sqlite3.Connection) -> Mapping[int, Mapping[str, str]]:
    rows = connection.execute(
        """SELECT d.itemID, f.fieldName, v.value FROM itemData d
        JOIN fieldsCombined f ON f.fieldID = d.fieldID JOIN itemDataValues v ON v.valueID = d.valueID"""
    )
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for number, field, value in rows:
        if field in _FIELDS:
            found[number][field] = str(value)
    return found


def _all_creators(connection: sqlite3.Connection) -> Mapping[int, Sequence[tuple[str, str]]]:
    """Each item's creators in order: what each did, and the name."""
    rows = connection.execute(
        """SELECT ic.itemID, t.creatorType, c.firstName, c.lastName FROM itemCreators ic
        JOIN creators c ON c.creatorID = ic.creatorID
        JOIN creatorTypes t ON t.creatorTypeID = ic.creatorTypeID
        ORDER BY ic.itemID, ic.orderIndex"""
    )
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for number, kind, first, last in rows:
        found[number].append((str(kind), f"{first or ''} {last or ''}".strip()))
    return found


def _all_attachments(
    connection: sqlite3.Connection, left_out: set[int]
) -> Mapping[int | None, Sequence[Attachment]]:
    """By the item they belong to; those that belong to none, under `None`."""
    rows = connection.execute(
        """SELECT a.itemID, a.parentItemID, i.key, a.path, a.contentType FROM itemAttachments a
        JOIN items i ON i.itemID = a.itemID
        WHERE coalesce(a.linkMode, 0) NOT IN (?, ?) AND a.path IS NOT NULL ORDER BY a.itemID""",
        (_LINK_TO_THE_WEB, _PICTURE_IN_A_NOTE),
    )
    found: dict[int | None, list[Attachment]] = defaultdict(list)
    for number, parent, key, path, media_type in rows:
        if number not in left_out:
            kind = clean_line(str(media_type or ""), limit=100)
            found[parent].append(Attachment(key=str(key), path=str(path), media_type=kind))
    return found


def _reference(key: str, fields: Mapping[str, str], creators: Sequence[tuple[str, str]]) -> Reference:
    from indexes.readers import front

    def first(*names: str) -> str:
        return next((fields[name] for name in names if fields.get(name)), "")

    wrote = [name for kind, name in creators if kind not in _NOT_BY]
    in_extra = _DOI_IN_EXTRA.search(first("extra")[:5000])
    url = first("url")[:500]
    # Zotero writes a date twice, as `2014-05-00 May 2014`, where 0 stands for what is not known.
    dated = _YEAR.search(first(*_DATES)[:100])
    return Reference(
        key=clean_line(key, limit=20),
        title=clean_line(_RICH.sub("", first(*_TITLES)[:5000])),
        authors=front.names(wrote or [name for _, name in creators]),
        year=int(dated[0]) if dated else None,
        doi=front.doi(first("DOI")[:500])
        or front.doi(in_extra[1] if in_extra else "")
        or front.doi(url if "doi.org/" in url else ""),
        arxiv_id=front.arxiv_id(f"{first('DOI')} {url} {first('extra')[:5000]}"),
        venue=clean_line(_RICH.sub("", first(*_VENUES)[:5000])),
        abstract=clean_line(
            _TAG.sub(" ", first("abstractNote")[:_LONGEST_ABSTRACT]), limit=_LONGEST_ABSTRACT
        ),
    )
