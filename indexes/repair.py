"""Mends a library with what is in it: no file is read again, and nothing is embedded."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from indexes import ledger
from indexes.check import CheckReport, check, keyword_index_damage, spoilt_vectors
from indexes.database import Database
from indexes.errors import LibraryError
from indexes.filing import drop_if_unused
from indexes.generations import POINTER, GenerationFailed
from indexes.lock import WriterLock
from indexes.rebuild import rebuild_dense, usual_encoder
from indexes.salvage import Salvaged, salvage
from indexes.schema import connect, prepare, translated
from indexes.types import Fate, Model
from indexes.vectors import PassageVectors

__all__ = ["RepairReport", "repair"]

_JOURNALS = ("-wal", "-shm")


class RepairReport(Model):
    """What was wrong, what was done about it, and what is left."""

    before: CheckReport
    after: CheckReport
    done: tuple[str, ...]
    """What was done, a sentence each; empty when nothing was wrong."""
    seconds: float = 0.0


async def repair(folder: Path, *, chroma: str = "") -> RepairReport:
    """Mends the library in `folder`; nobody else may have it open for writing.

    A damaged file is kept under another name unless all of it can be made again from the catalogue.

    Args:
        folder: Of the library.
        chroma: Address of the Chroma server that keeps the dense index, if one does.

    Raises:
        LibraryBusy: Another process is writing.
        LibraryError: The library cannot be written.
    """
    began = time.monotonic()
    before = await check(folder, chroma=chroma)
    if before.sound:
        return RepairReport(before=before, after=before, done=(), seconds=before.seconds)
    async with WriterLock(folder / "writer.lock").held():
        try:
            done = await asyncio.to_thread(_mend_catalogue, folder, before)
            done += await _mend_dense(folder, before, chroma)
        except sqlite3.Error as error:
            raise translated(error, folder / "catalogue.sqlite") from error
        except OSError as error:
            raise LibraryError(
                f"The library {str(folder)!r} cannot be mended: {error.strerror or error}.",
                hint="Check that you may write to it and that its disk has room.",
            ) from error
    # A generation that was just built has been opened and counted by then.
    after = await check(folder, count_index=not before.has("dense index", "catalogue"), chroma=chroma)
    return RepairReport(
        before=before, after=after, done=tuple(done), seconds=round(time.monotonic() - began, 3)
    )


# The catalogue.


def _mend_catalogue(folder: Path, report: CheckReport) -> list[str]:
    path = folder / "catalogue.sqlite"
    if report.has("catalogue"):
        return [_rescue(path)]
    try:
        done = _mend_in_place(path, report)
    except sqlite3.DatabaseError:  # it is worse than it looked
        done = [_rescue(path)]
    return done


def _mend_in_place(path: Path, report: CheckReport) -> list[str]:
    done: list[str] = []
    with closing(connect(path)) as connection:
        if report.has("keyword index"):
            done.append(_mend_keywords(connection))
        if report.has("rows"):
            done.append(_mend_rows(connection))
        if report.has("vectors"):
            done.append(_drop_spoilt_vectors(connection))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return done


def _rescue(path: Path) -> str:
    """Puts a new catalogue with all that can be read in the place of a damaged one."""
    rescued = path.with_name("catalogue.rescued.sqlite")
    _unlink(rescued)
    if not path.exists() or path.stat().st_size == 0:
        _unlink(path)
        prepare(path)
        return (
            f"Nothing was left of {path.name}, so the library begins empty. Restore the file from a backup, "
            "or add the papers again: they are untouched."
        )
    found = salvage(path, rescued)
    kept = _free_name(path)
    for ending in ("", *_JOURNALS):
        with suppress(FileNotFoundError):
            Path(f"{path}{ending}").rename(f"{kept}{ending}")
    rescued.rename(path)
    return f"{_said(found)} The damaged file is kept as {kept.name}."


def _said(found: Salvaged) -> str:
    if not found.documents:
        return (
            "Nothing could be read from the damaged catalogue, so the library begins empty. Restore the file "
            "from a backup, or add the papers again: they are untouched."
        )
    return (
        f"{found.documents:,} documents and {found.vectors:,} vectors were saved from the damaged catalogue; "
        f"{found.lost:,} documents were not whole, and adding their folder reads them again."
    )


def _mend_keywords(connection: sqlite3.Connection) -> str:
    with suppress(sqlite3.DatabaseError):
        connection.execute("INSERT INTO passages_fts (passages_fts) VALUES ('rebuild')")
    if keyword_index_damage(connection) is not None:
        made_by = "SELECT sql FROM sqlite_master WHERE name = 'passages_fts'"
        (statement,) = connection.execute(made_by).fetchone()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DROP TABLE passages_fts")
        connection.execute(statement)
        connection.execute("INSERT INTO passages_fts (passages_fts) VALUES ('rebuild')")
        connection.execute("COMMIT")
    return "The keyword index was made anew from the passages."


def _mend_rows(connection: sqlite3.Connection) -> str:
    """Takes out what belongs to nothing, and documents that are not whole; their files are read again."""
    connection.execute("BEGIN IMMEDIATE")
    for table, row, _, _ in connection.execute("PRAGMA foreign_key_check").fetchall():
        if row is not None:
            connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))  # noqa: S608
    gone = "document NOT IN (SELECT number FROM documents)"
    for table in ("pages", "cited"):  # tables without numbers, of which the check does not say which row
        connection.execute(f"DELETE FROM {table} WHERE {gone}")  # noqa: S608
    connection.execute(
        "UPDATE sources SET document = NULL WHERE document NOT IN (SELECT number FROM documents)"
    )
    unowned = connection.execute(
        """SELECT number FROM documents
        WHERE number NOT IN (SELECT document FROM sources WHERE document IS NOT NULL)"""
    ).fetchall()
    broken = connection.execute(
        """SELECT number FROM documents d
        WHERE d.page_count != (SELECT count(*) FROM pages p WHERE p.document = d.number)
        OR EXISTS (SELECT 1 FROM passages p LEFT JOIN pages g ON g.document = p.document AND g.page = p.page
            WHERE p.document = d.number
            AND (g.text IS NULL OR substr(g.text, p.start - g.start + 1, p."end" - p.start) != p.text))"""
    ).fetchall()
    for (number,) in {*unowned, *broken}:
        connection.execute(
            "UPDATE sources SET document = NULL, content_hash = '', fate = ? WHERE document = ?",
            (Fate.FOUND, number),
        )
        drop_if_unused(connection, number)
    connection.execute("COMMIT")
    return (
        f"{len({*unowned, *broken}):,} documents that were not whole, and what belonged to nothing, were "
        "taken out; adding their folder reads them again."
    )


def _drop_spoilt_vectors(connection: sqlite3.Connection) -> str:
    spoilt = spoilt_vectors(connection)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("DELETE FROM vectors WHERE position = ?", [(position,) for position in spoilt])
    ledger.mark_unembedded(connection)
    connection.execute("COMMIT")
    return (
        f"{len(spoilt):,} spoilt vectors were taken out; the next `carrel add` embeds their passages again."
    )


# The dense index.


async def _mend_dense(folder: Path, report: CheckReport, chroma: str) -> list[str]:
    """Builds a new generation; publishing it deletes all others: what they hold is in the catalogue."""
    if not report.has("dense index", "catalogue"):
        return []
    dense = folder / "dense"
    database = await asyncio.to_thread(Database, folder / "catalogue.sqlite")
    try:
        vectors = PassageVectors(database)
        known = await usual_encoder(dense, vectors)
        if not chroma:
            # Without a pointer nothing damaged is copied into the new generation.
            await asyncio.to_thread((dense / POINTER).unlink, missing_ok=True)
        built = await rebuild_dense(dense, vectors, known=known, force=True, chroma=chroma)
    except GenerationFailed as error:
        return [f"The dense index could not be built anew; search compares every passage: {error.message}"]
    finally:
        await database.close()
    if built:
        return ["The dense index was built anew from the stored vectors, without the embedding model."]
    if not dense.exists():
        return []
    await asyncio.to_thread(shutil.rmtree, dense, ignore_errors=True)
    return ["The dense index was taken away: there is no vector to build it from."]


# Files.


def _free_name(path: Path) -> Path:
    """A name beside `path` that is not taken, for what is kept of it."""
    names = (path.with_name(f"{path.stem}.damaged-{number}{path.suffix}") for number in itertools.count(1))
    return next(name for name in names if not name.exists())


def _unlink(path: Path) -> None:
    for ending in ("", *_JOURNALS):
        Path(f"{path}{ending}").unlink(missing_ok=True)
