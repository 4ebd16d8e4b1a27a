"""The history's file: its tables, its version, one thread that writes in groups and one that reads."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, TypeVar

from indexes.chaos import point
from indexes.errors import CarrelError
from indexes.schema import connect

__all__ = ["HistoryError", "HistoryFile"]

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_VERSION = 4
"""Of the tables below, kept in the file as `PRAGMA user_version`."""
_OURS = 0x43617248
"""`PRAGMA application_id` of a history: "CarH" in ASCII."""

# Sequence numbers say what came first; times are for people, because clocks jump.
_TABLES = (
    """
    CREATE TABLE runs (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL, -- 'ask' or 'batch'
        place TEXT NOT NULL, -- the file that a batch writes its answers to
        started TEXT NOT NULL, -- UTC, ISO 8601
        finished TEXT
    )""",
    """
    CREATE TABLE questions (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        id TEXT NOT NULL,
        text TEXT NOT NULL,
        collections TEXT NOT NULL, -- JSON array of strings
        state TEXT NOT NULL,
        said TEXT NOT NULL DEFAULT '', -- the answer's text, or why there is none
        answer BLOB, -- an Answer as JSON, compressed: its passages are most of it
        ended TEXT,
        UNIQUE (run, id)
    )""",
    """
    CREATE TABLE results (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL,
        question TEXT NOT NULL,
        step TEXT NOT NULL,
        input_hash TEXT NOT NULL,
        text TEXT NOT NULL,
        model TEXT NOT NULL,
        usage TEXT NOT NULL, -- a Usage as JSON
        UNIQUE (run, question, step, input_hash),
        FOREIGN KEY (run, question) REFERENCES questions (run, id) ON DELETE CASCADE
    )""",
    "CREATE INDEX results_by_input ON results (step, input_hash)",
)


_NEW_IN_2 = (
    "ALTER TABLE questions ADD COLUMN helped INTEGER",  # 1, 0, or nothing where the person did not say
    """
    CREATE VIRTUAL TABLE questions_fts USING fts5 (
        text, said, content = 'questions', content_rowid = 'sequence',
        tokenize = 'unicode61 remove_diacritics 2'
    )""",
    # Triggers, so that no statement can change a question without its words.
    """
    CREATE TRIGGER question_added AFTER INSERT ON questions BEGIN
        INSERT INTO questions_fts (rowid, text, said) VALUES (new.sequence, new.text, new.said);
    END""",
    """
    CREATE TRIGGER question_gone AFTER DELETE ON questions BEGIN
        INSERT INTO questions_fts (questions_fts, rowid, text, said)
        VALUES ('delete', old.sequence, old.text, old.said);
    END""",
    """
    CREATE TRIGGER question_changed AFTER UPDATE OF text, said ON questions BEGIN
        INSERT INTO questions_fts (questions_fts, rowid, text, said)
        VALUES ('delete', old.sequence, old.text, old.said);
        INSERT INTO questions_fts (rowid, text, said) VALUES (new.sequence, new.text, new.said);
    END""",
    "INSERT INTO questions_fts (questions_fts) VALUES ('rebuild')",
)

_NEW_IN_3 = (
    "ALTER TABLE questions ADD COLUMN follows TEXT NOT NULL DEFAULT ''",  # run and id of another question
    "ALTER TABLE questions ADD COLUMN again TEXT NOT NULL DEFAULT ''",  # how that one was asked again
)

_NEW_IN_4 = (
    # Of its own, so that what was learnt can be forgotten while the history keeps what was said, and stays
    # when the history drops old answers.
    """
    CREATE TABLE marks (
        run TEXT NOT NULL,
        question TEXT NOT NULL,
        kind TEXT NOT NULL,
        author TEXT NOT NULL, -- name of the model
        helped INTEGER NOT NULL,
        PRIMARY KEY (run, question)
    ) WITHOUT ROWID""",
)


class HistoryError(CarrelError):
    """The history cannot be used; questions are answered all the same."""

    stage = "history"
    default_hint = "`carrel paths` shows where it lies. Move the file away to begin a new one."


class HistoryFile:
    """One SQLite file, off the event loop. Writes that wait together share one transaction and one sync.

    Args:
        path: The file; it is made, readable by its owner only, if it is not there. Blocks.

    Raises:
        HistoryError: It cannot be made or opened, or is not a history.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: deque[tuple[Work[Any], Future[Any]]] = deque()
        try:
            self._writing, self._reading = _opened(path)
        except (OSError, sqlite3.Error) as error:
            raise _translated(error, path) from error
        self._writer = ThreadPoolExecutor(1, "history-writer")
        self._reader = ThreadPoolExecutor(1, "history-reader")

    def submit(self, work: Work[T]) -> Future[T]:
        """Has `work` done in a transaction, in the order of submitting, whether or not anybody waits."""
        done: Future[T] = Future()
        done.set_running_or_notify_cancel()  # a caller that is cancelled takes nothing back
        self._waiting.append((work, done))
        self._writer.submit(self._write_waiting)
        return done

    async def write(self, work: Work[T]) -> T:
        """Returns what `work` returns, once that has reached the disk.

        Raises:
            HistoryError: It could not be kept.
        """
        return await asyncio.wrap_future(self.submit(work))

    async def read(self, work: Work[T]) -> T:
        """Returns what `work` reads; everything that was written before is seen.

        Raises:
            HistoryError: It cannot be read.
        """
        return await asyncio.wrap_future(self._reader.submit(self._read, work))

    async def compact(self) -> None:
        """Gives what was deleted back to the disk, and empties the write-ahead log."""
        await asyncio.wrap_future(self._writer.submit(self._compact))

    async def close(self) -> None:
        """Writes what waits and closes the file. Closing twice does nothing."""
        await asyncio.to_thread(self._close)

    def _write_waiting(self) -> None:
        group = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            results = self._commit(group)
        except Exception as error:  # noqa: BLE001 - a thread's outer door; whoever waits gets the error
            if len(group) > 1:
                for each in group:  # one that fails must not take the others with it
                    self._waiting.append(each)
                    self._write_waiting()
            else:
                group[0][1].set_exception(_translated(error, self.path))
            return
        for (_, done), result in zip(group, results, strict=True):
            done.set_result(result)

    def _commit(self, group: list[tuple[Work[Any], Future[Any]]]) -> list[Any]:
        if not group:
            return []
        point("history.commit.before")
        self._writing.execute("BEGIN IMMEDIATE")
        try:
            results = [work(self._writing) for work, _ in group]
            point("history.commit.during")
            self._writing.execute("COMMIT")
        except BaseException:
            self._writing.rollback()
            raise
        point("history.commit.after")
        return results

    def _read(self, work: Work[T]) -> T:
        try:
            return work(self._reading)
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error

    def _compact(self) -> None:
        try:
            # As a script: `execute` takes one step only, which gives back one page.
            self._writing.executescript("PRAGMA incremental_vacuum")
            self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error

    def _close(self) -> None:
        self._reader.shutdown()
        self._writer.shutdown()
        self._reading.close()
        self._writing.close()  # last, because the last connection to close tidies the write-ahead log away


def _opened(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """A connection that writes and one that reads."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    if path.stat().st_size == 0:
        with closing(sqlite3.connect(path)) as first:
            # Deleted pages can be given back only if this stands before anything else does.
            first.execute("PRAGMA auto_vacuum = INCREMENTAL")
            first.execute(f"PRAGMA application_id = {_OURS}")
    with ExitStack() as opened:
        writing = opened.enter_context(closing(connect(path)))
        _prepare(writing)
        reading = opened.enter_context(closing(connect(path)))
        reading.execute("PRAGMA query_only = ON")
        opened.pop_all()
    return writing, reading


def _prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables in a new file and those that an older one lacks; checks any other."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != _OURS:
        raise sqlite3.DatabaseError("it is a database of another program")
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > _VERSION:
        connection.execute("ROLLBACK")
        raise sqlite3.DatabaseError("it was made by a newer Carrel")
    newer = {0: _TABLES, 1: _NEW_IN_2, 2: _NEW_IN_3, 3: _NEW_IN_4}
    steps = [statement for older in range(version, _VERSION) for statement in newer[older]]
    for statement in steps:
        connection.execute(statement)
    if steps:
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")


def _translated(error: Exception, path: Path) -> Exception:
    """Our error for what the system or SQLite said; any other is a mistake of ours and stays as it is."""
    if isinstance(error, sqlite3.Error | OSError):
        return HistoryError(f"The history {str(path)!r} cannot be used: {error}.")
    return error
