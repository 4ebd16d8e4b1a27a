"""Collections renamed, joined and removed, each in one transaction; nothing is read or embedded again."""

from __future__ import annotations

import hashlib
import sqlite3

from indexes.clean import clean_line
from indexes.errors import InputError
from indexes.filing import RENAMED, drop_if_unused

__all__ = ["remove_collection", "rename_collection", "require_move", "require_name"]

_LONGEST_NAME = 60


def require_name(name: str) -> None:
    """Does nothing for the name of a collection.

    Raises:
        InputError: It is empty, too long, or holds what cannot be seen.
    """
    if not name or clean_line(name) != name or len(name) > _LONGEST_NAME:
        raise InputError(
            f"{clean_line(name, 80)!r} cannot be the name of a collection.",
            hint=f"A name is one line of at most {_LONGEST_NAME} visible characters.",
        )


def require_move(connection: sqlite3.Connection, old: str, new: str, merge: bool) -> None:
    """Does nothing if `rename_collection` can be done.

    Raises:
        InputError: It cannot.
    """
    require_name(new)
    if old == new:
        raise InputError(f"The collection is called {new!r} already.")
    _require(connection, old)
    if _exists(connection, new) and not merge:
        raise InputError(
            f"There is a collection {new!r} already.",
            hint="--merge puts both together: the same file in both becomes one paper.",
        )


def rename_collection(connection: sqlite3.Connection, old: str, new: str, *, merge: bool) -> tuple[int, int]:
    """Moves all of `old` into `new`; returns how many papers moved, and how many of them `new` had already.

    The same bytes in both are one paper, that of `new`, which then stands for the files of both. A file that
    both have met keeps the row of the later look. Where a paper moves it gets another id, because an id tells
    bytes apart within one collection.

    Args:
        connection: In a transaction.
        old: What there is.
        new: What it is called from now on.
        merge: Whether there may be a collection of that name already.

    Raises:
        InputError: There is no `old`, or there is a `new` and it is not to be joined with it.
    """
    require_move(connection, old, new, merge)
    doubled = _join_the_same(connection, old, new)
    _settle_files_of_both(connection, old, new)
    moved = connection.execute("SELECT number, id FROM documents WHERE collection = ?", (old,)).fetchall()
    connection.executemany(
        "UPDATE documents SET id = ?, collection = ? WHERE number = ?",
        [(_moved_id(new, id), new, number) for number, id in moved],
    )
    connection.execute("UPDATE sources SET collection = ? WHERE collection = ?", (new, old))
    return len(moved) + doubled, doubled


def remove_collection(connection: sqlite3.Connection, name: str) -> int:
    """Takes out all papers of a collection, and all that the ledger says of it; returns how many papers.

    Raises:
        InputError: There is no such collection.
    """
    _require(connection, name)
    numbers = connection.execute("SELECT number FROM documents WHERE collection = ?", (name,)).fetchall()
    connection.execute("DELETE FROM sources WHERE collection = ?", (name,))
    for (number,) in numbers:
        drop_if_unused(connection, number)
    return len(numbers)


def _settle_files_of_both(connection: sqlite3.Connection, old: str, new: str) -> None:
    """Of the two rows of a file that both collections have met, the later stays."""
    rows = connection.execute(
        """SELECT o.path, o.document, n.document, o.updated > n.updated FROM sources o
        JOIN sources n ON n.path = o.path AND n.collection = ?2 WHERE o.collection = ?1""",
        (old, new),
    ).fetchall()
    for path, of_old, of_new, old_is_later in rows:
        loser, document = (new, of_new) if old_is_later else (old, of_old)
        connection.execute("DELETE FROM sources WHERE path = ? AND collection = ?", (path, loser))
        if document is not None:
            drop_if_unused(connection, document)


def _join_the_same(connection: sqlite3.Connection, old: str, new: str) -> int:
    """Lets the files of a paper that both have stand for that of `new`; returns how many papers that are."""
    same = connection.execute(
        """SELECT o.document, min(n.document) FROM sources o
        JOIN sources n ON n.content_hash = o.content_hash AND n.collection = ?2
        WHERE o.collection = ?1 AND o.content_hash != '' AND o.document IS NOT NULL AND n.document IS NOT NULL
        AND o.fate IN ('indexed', 'embedded') AND n.fate IN ('indexed', 'embedded')
        GROUP BY o.document""",
        (old, new),
    ).fetchall()
    for of_old, of_new in same:
        connection.execute("UPDATE sources SET document = ? WHERE document = ?", (of_new, of_old))
        drop_if_unused(connection, of_old)
    return len(same)


def _moved_id(collection: str, id: str) -> str:
    named = hashlib.sha256(f"{collection}\x00{id}".encode()).hexdigest()
    return f"{RENAMED}{named[:19]}"


def _require(connection: sqlite3.Connection, name: str) -> None:
    if _exists(connection, name):
        return
    names = [row[0] for row in connection.execute("SELECT DISTINCT collection FROM sources ORDER BY 1")]
    there = f"The library has: {', '.join(clean_line(each, 60) for each in names)}."
    raise InputError(
        f"There is no collection {clean_line(name, 80)!r}.",
        hint=there if names else "The library is empty: `carrel add PATH` adds papers.",
    )


def _exists(connection: sqlite3.Connection, name: str) -> bool:
    query = "SELECT 1 FROM sources WHERE collection = ?1 UNION SELECT 1 FROM documents WHERE collection = ?1"
    return connection.execute(query, (name,)).fetchone() is not None
