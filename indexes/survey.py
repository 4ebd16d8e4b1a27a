"""What lies under a path, counted by kind before anything of it is read, and what is passed over."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path

from indexes.formats import CALLED
from indexes.readers.archive import is_archive
from indexes.readers.sniff import READABLE_SUFFIXES, format_of_suffix
from indexes.readers.zotero import DATABASE
from indexes.surveyed import Kind, Place, Survey
from indexes.walk import walk

__all__ = ["places", "survey"]

_MOST_ENTRIES = 4_000
"""What is looked at in one place before its papers are counted no further."""


def survey(paths: Sequence[Path], *, also: Collection[str] = ()) -> Survey:
    """Returns what adding the paths would read, by the names and sizes of the files alone; blocking.

    Args:
        paths: As for `indexes.walk.walk`.
        also: Further suffixes that are read.

    Raises:
        PathMissing: One of the paths does not exist.
    """
    found = walk(paths, also=also)
    files, sizes = Counter[str](), Counter[str]()
    for path in found.files:
        kind = _kind(path)
        files[kind] += 1
        sizes[kind] += _size(path)
    for path in found.bibliographies:
        files["files of references"] += 1
        sizes["files of references"] += _size(path)
    if found.libraries:
        files["Zotero libraries, with what is attached there"] += len(found.libraries)
    reasons = Counter(skipped.reason for skipped in found.skipped)
    return Survey(
        kinds=tuple(Kind(name=name, files=number, size=sizes[name]) for name, number in files.most_common()),
        skipped=tuple(Kind(name=reason, files=number) for reason, number in reasons.most_common()),
    )


def places(folders: Sequence[Path]) -> tuple[Place, ...]:
    """Returns those of the folders that hold papers, each once, most papers first; blocking, for a moment."""
    counted: dict[Path, int] = {}
    for folder in folders:
        try:
            root = folder.expanduser().resolve(strict=True)
        except (OSError, RuntimeError):
            continue
        if root not in counted:
            kept = root / "storage" if (root / DATABASE).is_file() else root  # where Zotero has its papers
            counted[root] = sum(1 for path in islice(_near(kept), _MOST_ENTRIES) if _may_be_paper(path))
    found = [Place(path=str(path), files=files) for path, files in counted.items() if files]
    return tuple(sorted(found, key=lambda place: -place.files))


def _near(root: Path) -> Iterator[Path]:
    """What lies in a folder and in those inside it; folders that cannot be opened are passed over."""
    folders = [root, *(entry for entry in _entries(root) if entry.is_dir() and not entry.is_symlink())]
    for folder in folders:
        yield from _entries(folder)


def _entries(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in islice(entries, _MOST_ENTRIES) if entry.name[:1] != "."]
    except OSError:
        return []


def _may_be_paper(path: Path) -> bool:
    return path.suffix.lower() in READABLE_SUFFIXES


def _kind(path: Path) -> str:
    if is_archive(path):
        return "archives (zip, tar)"
    format = format_of_suffix(path.suffix)
    return "other" if format is None else CALLED[format]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
