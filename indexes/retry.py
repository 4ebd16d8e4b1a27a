"""Failed files read again, with the bibliographies and parts that describe and complete them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from indexes.events import AddEvent
from indexes.gone import path_on_disk
from indexes.ledger import Record
from indexes.readers.latex_files import SUFFIXES as LATEX
from indexes.readers.zotero import DATABASE as ZOTERO
from indexes.shelf import may_be_bibliography
from indexes.types import AddReport
from indexes.walk import Walk, ZoteroFolder

if TYPE_CHECKING:
    from indexes.library import Library
    from indexes.readers.named import NamedReader

__all__ = ["Retry", "retry", "to_retry", "together"]


class Retry(NamedTuple):
    """What of one collection is read again."""

    found: Walk
    missing: tuple[str, ...]
    """Failed files that are no longer on the disk."""


async def retry(
    library: Library,
    names: Sequence[str] = (),
    *,
    collection: str | None = None,
    emit: Callable[[AddEvent], None] | None = None,
    named_readers: Sequence[NamedReader] = (),
    ocr: bool = False,
) -> AddReport:
    """Reads the files again that failed, one collection after the other; returns what became of them.

    Args:
        library: Where they failed.
        names: Paths, or names of files; empty for all that failed.
        collection: Only files of this collection.
        emit: Told what happens.
        named_readers: See `Library.add`.
        ocr: See `Library.add`.

    Raises:
        PathMissing: No failed file has one of the names.
        LibraryBusy: Another process is writing.
    """
    report = AddReport()
    for name, again in (await library.holdings.to_retry(names, collection=collection)).items():
        done = await library.add_found(
            again.found, collection=name, emit=emit, named_readers=named_readers, ocr=ocr, again=True
        )
        lost = tuple(f"No longer on the disk: {path}." for path in again.missing)
        report = together(report, done.model_copy(update={"notes": (*done.notes, *lost)}))
    return report


def together(one: AddReport, other: AddReport) -> AddReport:
    """Returns two reports as one."""
    return AddReport(
        counts=dict(Counter(one.counts) + Counter(other.counts)),
        pages=one.pages + other.pages,
        passages=one.passages + other.passages,
        failures=one.failures + other.failures,
        seconds=one.seconds + other.seconds,
        notes=one.notes + other.notes,
    )


def to_retry(failed: Sequence[Record], records: Sequence[Record]) -> Retry:
    """Returns what to read again; blocking.

    An archive is opened again for its members, but only those that are new or failed are read. Bibliographies
    met before come along, because what they say of a paper goes before what the paper says of itself; a LaTeX
    file comes with those beside it, of which it may be a part; and a file that Zotero keeps comes with its
    library.

    Args:
        failed: Rows of one collection.
        records: All rows of that collection.
    """
    files: dict[Path, None] = {}
    missing: list[str] = []
    for record in failed:
        path = _file_of(record)
        if not path.is_file():
            missing.append(record.path)
        elif not may_be_bibliography(path):
            files.setdefault(path)
    met = dict.fromkeys(_file_of(record) for record in records)
    folders = {path.parent for path in files if path.suffix.lower() in LATEX}
    beside = [path for path in met if path.parent in folders and path.suffix.lower() in LATEX]
    files |= dict.fromkeys(path for path in beside if path.is_file())
    bibliographies = tuple(path for path in met if may_be_bibliography(path))
    zotero = [path.parent for path in met if path.name == ZOTERO and path.is_file()]
    libraries = {folder for folder in zotero if any(path.is_relative_to(folder) for path in files)}
    alone = tuple(path for path in files if not libraries.intersection(path.parents))
    walk = Walk(alone, (), bibliographies, tuple(ZoteroFolder(folder, named=True) for folder in libraries))
    return Retry(walk, tuple(missing))


def _file_of(record: Record) -> Path:
    return path_on_disk(record.path.partition("!/")[0])
