"""Looks a library over: the catalogue, its keyword index, the dense index, and whether they agree."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal

import numpy as np

from indexes.builder import count_in_child, max_file_bytes
from indexes.errors import LibraryDamaged, LibraryError, SearchError
from indexes.generations import Generation, GenerationFailed, Generations
from indexes.lock import WriterLock
from indexes.lost import missing_catalogue
from indexes.schema import connect, connect_reader, prepare
from indexes.shared_folder import damage_of
from indexes.types import Model
from indexes.vectors import INDEXED_ONCE

__all__ = ["CheckReport", "Finding", "check", "keyword_index_damage", "spoilt_vectors"]

Place = Literal["catalogue", "rows", "keyword index", "vectors", "dense index"]

_LENGTH_SLACK = 0.01
"""How far a vector's length may be from 1."""
_ROWS = 5_000


class Finding(Model):
    """One thing that is not as it should be."""

    place: Place
    """`catalogue` for the file itself, `rows` for what stands in it."""
    sentence: str


class CheckReport(Model):
    """What was looked at, and what is wrong with it."""

    findings: tuple[Finding, ...] = ()
    documents: int = 0
    passages: int = 0
    """Without lists of references, which are not embedded."""
    vectors: int = 0
    generation: str = ""
    """The live generation of the dense index; empty when there is none."""
    in_generation: int = 0
    """Passages in it, by its own count in a child process."""
    notes: tuple[str, ...] = ()
    """What could not be looked at."""
    seconds: float = 0.0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def has(self, *places: Place) -> bool:
        """Whether something is wrong in one of these places."""
        return any(finding.place in places for finding in self.findings)


async def check(folder: Path, *, count_index: bool = True, chroma: str = "") -> CheckReport:
    """Looks over the library in `folder`, and changes nothing in it.

    Args:
        folder: Of the library.
        count_index: Whether a child process opens the dense index to count what is in it: some seconds.
        chroma: Address of the Chroma server that keeps the dense index, if one does.

    Raises:
        LibraryDamaged: It is sound, but no catalogue, or made by a newer Carrel.
        LibraryError: It cannot be read at all, for example for want of permission.
    """
    began = time.monotonic()
    report = await asyncio.to_thread(_check_catalogue, folder)
    report = await _check_keywords(folder, report)
    if not report.has("catalogue"):
        report = await _check_dense(folder, report, count_index, chroma)
    return report.model_copy(update={"seconds": round(time.monotonic() - began, 3)})


def _found(report: CheckReport, place: Place, *sentences: str) -> CheckReport:
    new = (Finding(place=place, sentence=sentence) for sentence in sentences)
    return report.model_copy(update={"findings": (*report.findings, *new)})


# The catalogue.


def _check_catalogue(folder: Path) -> CheckReport:
    path = folder / "catalogue.sqlite"
    report = CheckReport()
    if (lost := missing_catalogue(folder)) is not None:
        return _found(report, "catalogue", lost)
    if not path.exists():
        return report
    try:
        prepare(path)
        with closing(connect_reader(path)) as connection:
            said = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
            # Newer releases of SQLite look the keyword index over as well; that has a check of its own.
            broken = [each for each in said if each != "ok" and "FTS5" not in each]
            if broken:
                named = "; ".join(" ".join(each.split()) for each in broken)[:300]
                return _found(report, "catalogue", f"The catalogue {path.name} is damaged: {named}.")
            return _check_rows(connection, report)
    except LibraryDamaged as error:
        if not isinstance(error.__cause__, sqlite3.Error):
            raise  # sound, but not ours or of a newer Carrel: nothing here may touch it
        return _found(report, "catalogue", error.message)
    except sqlite3.DatabaseError as error:
        return _found(report, "catalogue", f"The catalogue {path.name} cannot be read to its end: {error}.")


def _check_rows(connection: sqlite3.Connection, report: CheckReport) -> CheckReport:
    def count(query: str) -> int:
        return int(connection.execute(query).fetchone()[0])

    report = report.model_copy(
        update={
            "documents": count("SELECT count(*) FROM documents"),
            "passages": count("SELECT count(*) FROM passages WHERE part != 'references'"),
            "vectors": count("SELECT count(*) FROM vectors"),
        }
    )
    wrong = {
        "{} rows belong to something that is not there.": sum(
            1 for _ in connection.execute("PRAGMA foreign_key_check")
        ),
        "{} documents stand for no file.": count(
            "SELECT count(*) FROM documents WHERE number NOT IN "
            "(SELECT document FROM sources WHERE document IS NOT NULL)"
        ),
        "{} documents lack pages.": count(
            """SELECT count(*) FROM documents d WHERE d.page_count !=
            (SELECT count(*) FROM pages p WHERE p.document = d.number)"""
        ),
        "{} documents have passages that are not what stands on their pages.": count(
            """SELECT count(DISTINCT p.document) FROM passages p
            LEFT JOIN pages g ON g.document = p.document AND g.page = p.page
            WHERE g.text IS NULL OR substr(g.text, p.start - g.start + 1, p."end" - p.start) != p.text"""
        ),
    }
    sentences = [sentence.format(f"{number:,}") for sentence, number in wrong.items() if number]
    report = _found(report, "rows", *sentences)
    if spoilt := len(spoilt_vectors(connection)):
        report = _found(report, "vectors", f"{spoilt:,} vectors are not of unit length any more.")
    return report


def spoilt_vectors(connection: sqlite3.Connection) -> list[int]:
    """Returns the positions of vectors that no encoder can have made."""
    spoilt: list[int] = []
    encoders = connection.execute("SELECT number, dimensions FROM encoders").fetchall()
    for encoder, dimensions in encoders:
        after = 0
        block = """SELECT position, vector FROM vectors
        WHERE encoder = ? AND position > ? ORDER BY position LIMIT ?"""
        while rows := connection.execute(block, (encoder, after, _ROWS)).fetchall():
            after = rows[-1][0]
            right = [row for row in rows if isinstance(row[1], bytes) and len(row[1]) == dimensions * 4]
            spoilt += {row[0] for row in rows} - {row[0] for row in right}
            matrix = np.frombuffer(b"".join(row[1] for row in right), "<f4").reshape(len(right), dimensions)
            with np.errstate(all="ignore"):
                off = np.abs(np.linalg.norm(matrix.astype(np.float64), axis=1) - 1.0)
            spoilt += [row[0] for row, far in zip(right, off, strict=True) if not far <= _LENGTH_SLACK]
    return spoilt


# The keyword index.


async def _check_keywords(folder: Path, report: CheckReport) -> CheckReport:
    path = folder / "catalogue.sqlite"
    if report.has("catalogue") or not path.exists():
        return report
    try:
        # FTS5 looks itself over only on a connection that may write, although it writes nothing.
        async with WriterLock(folder / "writer.lock").held():
            damage = await asyncio.to_thread(_own_check, path)
    except (LibraryError, OSError) as error:
        said = error.message if isinstance(error, LibraryError) else "The library may not be written to."
        note = f"The keyword index was only counted, not read: {said}"
        report = report.model_copy(update={"notes": (*report.notes, note)})
        damage = await asyncio.to_thread(_counted, path)
    return _found(report, "keyword index", damage) if damage else report


def _own_check(path: Path) -> str | None:
    if not os.access(path, os.W_OK):
        raise PermissionError(path)
    with closing(connect(path)) as connection:
        return keyword_index_damage(connection)


def keyword_index_damage(connection: sqlite3.Connection) -> str | None:
    """Returns what is wrong with the keyword index, as a sentence; `None` when nothing is.

    Args:
        connection: May write.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        # Rank 1 compares it with the passages, too.
        connection.execute("INSERT INTO passages_fts (passages_fts, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        return f"The keyword index does not agree with the passages: {error}."
    finally:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
    return None


def _counted(path: Path) -> str | None:
    try:
        with closing(connect_reader(path)) as connection:
            held = connection.execute("SELECT count(*) FROM passages_fts_docsize").fetchone()[0]
            passages = connection.execute("SELECT count(*) FROM passages").fetchone()[0]
    except sqlite3.DatabaseError as error:
        return f"The keyword index cannot be read: {error}."
    return None if held == passages else f"The keyword index holds {held:,} passages and not {passages:,}."


# The dense index.


async def _check_dense(folder: Path, report: CheckReport, count_index: bool, chroma: str) -> CheckReport:
    catalogue, folder = folder / "catalogue.sqlite", folder / "dense"
    generations = Generations(folder)
    try:
        live = await asyncio.to_thread(generations.live)
    except GenerationFailed as error:
        return _found(report, "dense index", f"{error.message[0].upper()}{error.message[1:]}.")
    if live is None:
        return _found(report, "dense index", *await asyncio.to_thread(_absence, folder, catalogue, report))
    report = report.model_copy(update={"generation": live.name})
    if live.server:
        sentences = [*await _away_or_damaged(generations, live, chroma), *_disagreements(catalogue, live)]
        return _found(report.model_copy(update={"in_generation": live.count}), "dense index", *sentences)
    damage = await asyncio.to_thread(generations.damage, live)
    if damage:
        return _found(report, "dense index", f"The generation {live.name} {damage}.")
    sentences = [*_strays(generations.path(live), live), *_disagreements(catalogue, live)]
    try:
        held = await count_in_child(generations, live) if count_index else live.count
    except LibraryError as error:
        return _found(report, "dense index", *sentences, f"Opening {live.name} failed: {error.message}")
    if held != live.count:
        sentences.append(f"The generation {live.name} holds {held:,} passages and not {live.count:,}.")
    return _found(report.model_copy(update={"in_generation": held}), "dense index", *sentences)


async def _away_or_damaged(generations: Generations, live: Generation, chroma: str) -> list[str]:
    """What is wrong with a generation on a Chroma server, which is asked only if the settings name it."""
    if live.server != chroma:
        return [
            f"The dense index lies on the Chroma server {live.server}, which library.chroma does not name."
        ]
    try:
        damage = await asyncio.to_thread(damage_of, generations, live)
    except SearchError as error:
        return [f"The dense index cannot be looked at: {error.message}."]
    return [] if damage is None else [f"The dense index is damaged: {damage}."]


def _absence(folder: Path, catalogue: Path, report: CheckReport) -> Iterator[str]:
    """What is wrong about there being no pointer, if anything is."""
    if folder.is_dir() and any(folder.glob("g-[0-9]*")):
        yield "There are generations of the dense index, but no pointer that says which one is live."
    elif report.vectors and _was_indexed(catalogue):
        yield "The dense index is gone: it was built once, and its folder is missing or empty."


def _was_indexed(catalogue: Path) -> bool:
    with closing(connect_reader(catalogue)) as connection:
        return connection.execute("SELECT 1 FROM meta WHERE key = ?", (INDEXED_ONCE,)).fetchone() is not None


def _strays(folder: Path, live: Generation) -> Iterator[str]:
    """Files that nobody wrote down, or that are far larger than the passages can need."""
    known = {facts.path for facts in live.files}
    largest = max_file_bytes(live.count, live.dimensions)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        size, inside = path.stat().st_size, path.relative_to(folder).as_posix()
        if size > largest:
            yield (
                f"The generation {live.name} has a file that is far too large for {live.count:,} passages: "
                f"{path.name}, {size:,} bytes."
            )
        elif inside not in known:
            yield f"The generation {live.name} has a file that was not there when it was built: {path.name}."


def _disagreements(catalogue: Path, live: Generation) -> Iterator[str]:
    """What the catalogue says otherwise than the generation: it may have fewer passages now, never more."""
    with closing(connect_reader(catalogue)) as connection:
        row = connection.execute(
            "SELECT number FROM encoders WHERE fingerprint = ?", (live.fingerprint,)
        ).fetchone()
        if row is None:
            if connection.execute("SELECT 1 FROM vectors LIMIT 1").fetchone():
                yield f"The generation {live.name} was made with another embedding model than the vectors."
            return
        held = connection.execute(
            "SELECT count(*) FROM vectors WHERE encoder = ? AND position <= ?", (row[0], live.last_position)
        ).fetchone()[0]
    if held > live.count:
        yield (
            f"The generation {live.name} holds {live.count:,} passages, but the catalogue has {held:,} "
            "that should be in it."
        )
