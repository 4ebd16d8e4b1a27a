"""Files of the ledger that are no longer on the disk, and folders that look emptied or not mounted."""

from __future__ import annotations

import asyncio
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from indexes.catalogue import Catalogue
from indexes.content import stored_path
from indexes.ledger import Record
from indexes.walk import Walk

__all__ = ["Gone", "gone_from_disk", "is_on_disk", "path_on_disk", "vanished_note"]

_NAMED_IN_A_NOTE = 5
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


class Gone(NamedTuple):
    """Rows of files that are not where they were."""

    records: tuple[Record, ...]
    """Missing from folders that hold other files: these were moved or deleted."""
    emptied: dict[str, tuple[Record, ...]]
    """By folder, where the folder is missing or empty: it may only be on a disk that is not there."""


def gone_from_disk(records: Iterable[Record]) -> Gone:
    """Returns those of `records` whose file is missing; blocking. What never was a file is left out."""
    files = [record for record in records if Path(record.path).is_absolute()]
    on_disk = {record.path: is_on_disk(record.path) for record in files}
    missing = [record for record in files if not on_disk[record.path]]
    there = {parent for path, found in on_disk.items() if found for parent in Path(path).parents}
    single: list[Record] = []
    emptied: defaultdict[str, list[Record]] = defaultdict(list)
    for record in missing:
        folder = _emptied_folder(Path(record.path.partition("!/")[0]), there)
        if folder is None:
            single.append(record)
        else:
            emptied[str(folder)].append(record)
    return Gone(tuple(single), {folder: tuple(found) for folder, found in sorted(emptied.items())})


async def vanished_note(
    catalogue: Catalogue, paths: Sequence[Path], found: Walk, collection: str
) -> tuple[str, ...]:
    """Returns a note on files that once were in the folders among `paths`; empty if they all still are."""
    met = {stored_path(path) for path in found.files}
    gone: list[str] = []
    for folder in await asyncio.to_thread(_folders, paths):
        records = await catalogue.recorded_under(folder, collection)
        unmet = [record.path for record in records if record.path not in met]
        there = await asyncio.to_thread(lambda paths: [*map(is_on_disk, paths)], unmet)
        gone += [path for path, on_disk in zip(unmet, there, strict=True) if not on_disk]
    if not gone:
        return ()
    names = ", ".join(Path(path).name for path in gone[:_NAMED_IN_A_NOTE])
    more = f" and {len(gone) - _NAMED_IN_A_NOTE} more" if len(gone) > _NAMED_IN_A_NOTE else ""
    return (
        f"Gone from the folder, but kept in the library: {names}{more}. "
        "`carrel papers remove --gone` takes them out.",
    )


def is_on_disk(path: str) -> bool:
    """Whether the file that the ledger calls `path` is there.

    A member of an archive, or an entry of a bibliography, is there as long as the file that it is in: what
    left that file is told when it is read.
    """
    try:
        return path_on_disk(path).exists() or path_on_disk(path.partition("!/")[0]).is_file()
    except OSError:
        return True  # what may not be looked at is not gone


def path_on_disk(path: str) -> Path:
    r"""Returns the path as the disk has it: the ledger writes bytes that are no text as `\xe9`."""
    if "\\x" not in path or Path(path).exists():
        return Path(path)
    return Path(os.fsdecode(_ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), os.fsencode(path))))


def _folders(paths: Sequence[Path]) -> list[str]:
    """Those of `paths` that are folders, as the ledger's paths begin."""
    roots = (path.expanduser().resolve() for path in paths)
    return [stored_path(root).rstrip(os.sep) + os.sep for root in roots if root.is_dir()]


def _emptied_folder(file: Path, there: set[Path]) -> Path | None:
    """The highest folder above `file` that holds nothing any more; `None` if its own holds something."""
    found = None
    for folder in file.parents:
        if folder in there or _holds_something(folder):
            return found
        found = folder
    return found


def _holds_something(folder: Path) -> bool:
    try:
        return any(not entry.name.startswith(".") for entry in folder.iterdir())
    except OSError:
        return False
