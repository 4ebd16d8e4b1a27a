"""Threads and connections: one writer and a few readers on one SQLite file, off the event loop."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from indexes.lost import require_catalogue
from indexes.schema import connect, connect_reader, prepare, translated

__all__ = ["Database"]

T = TypeVar("T")

_READERS = 4


class Database:
    """One SQLite file. Work is given as a function of a connection and runs in one transaction of its own."""

    def __init__(self, path: Path) -> None:
        require_catalogue(path.parent)
        prepare(path)
        self.path = path
        self._writer = ThreadPoolExecutor(1, "catalogue-writer")
        self._readers = ThreadPoolExecutor(_READERS, "catalogue-reader")
        self._connection: sqlite3.Connection | None = None
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._watching: sqlite3.Connection | None = None
        self._watch = threading.Lock()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` on a read-only connection; what it sees does not change while it runs.

        Raises:
            LibraryError: The file cannot be read.
        """
        return await asyncio.wrap_future(self._readers.submit(self.read_now, work))

    def read_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The blocking form of `read`, for callers that have a thread of their own."""
        with self._translation(), self._reader() as connection:
            connection.execute("BEGIN")
            try:
                return work(connection)
            finally:
                connection.rollback()

    def changes(self) -> int:
        """Returns a number that another commit, of this process or another one, changes; blocking, but cheap.

        Raises:
            LibraryError: The file cannot be read.
        """
        with self._translation(), self._watch:
            if self._watching is None:
                # The number is a connection's own: two connections cannot compare theirs.
                self._watching = connect_reader(self.path)
            return int(self._watching.execute("PRAGMA data_version").fetchone()[0])

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` on the writing connection and commits; when it raises, nothing of it is kept.

        A cancelled caller does not wait; the transaction then happens whole or not at all.

        Raises:
            LibraryError: The file cannot be written.
        """
        return await asyncio.wrap_future(self._writer.submit(self._write_now, work))

    async def compact(self) -> None:
        """Empties the write-ahead log into the file, so that overwritten text is in neither."""
        await asyncio.wrap_future(self._writer.submit(self._checkpoint))

    async def close(self) -> None:
        """Waits for running work and closes every connection. Closing twice does nothing."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """The blocking form of `close`."""
        self._readers.shutdown()
        self._writer.shutdown()
        while not self._idle.empty():
            self._idle.get_nowait().close()
        with self._watch:
            if self._watching is not None:
                self._watching.close()
                self._watching = None
        if self._connection is not None:
            # Last, because the last connection to close tidies the write-ahead log away.
            self._connection.close()
            self._connection = None

    def _write_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._translation():
            connection = self._writing()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
            return result

    def _checkpoint(self) -> None:
        with self._translation():
            self._writing().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _writing(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self.path)
        return self._connection

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = connect_reader(self.path)
        try:
            yield connection
        finally:
            self._idle.put(connection)

    @contextmanager
    def _translation(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
