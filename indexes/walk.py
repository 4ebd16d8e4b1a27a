"""The files under given paths: regular, inside, not hidden, in an order that is always the same."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from indexes.clean import clean_line
from indexes.errors import PathMissing
from indexes.readers.archive import is_archive
from indexes.readers.sniff import READABLE_SUFFIXES
from indexes.readers.zotero import DATABASE
from indexes.shelf import may_be_bibliography

__all__ = ["Skipped", "Walk", "ZoteroFolder", "walk"]

_ZOTERO, _ZOTERO_NAMED = "a Zotero library", "a Zotero library, named by the person"


class Skipped(NamedTuple):
    """A file that is not read, and why."""

    path: Path
    reason: str


class ZoteroFolder(NamedTuple):
    """The data folder of a Zotero library: what is in it, its database says."""

    path: Path
    named: bool
    """Whether the person named this very folder, and so means the files that it links to as well."""


class Walk(NamedTuple):
    """What lies under the paths, each list in the order of the walk and each file once."""

    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...]
    bibliographies: tuple[Path, ...] = ()
    """Not papers themselves: files of references."""
    libraries: tuple[ZoteroFolder, ...] = ()
    """Zotero's; nothing under them is in the other lists."""


def walk(paths: Sequence[Path], *, also: Collection[str] = ()) -> Walk:
    """Returns the files to read under `paths`; blocking.

    A file named by the person is read whatever its name says. Inside a folder, names that begin with a dot
    are passed over in silence; links that lead out of the folder, things that are not regular files and kinds
    that are not read are skipped with a reason. A link to a file inside the folder stands for that file.

    Args:
        paths: Files and folders; `~` is the home folder.
        also: Suffixes to read besides `READABLE_SUFFIXES`, in lower case, with the dot.

    Raises:
        PathMissing: One of the paths does not exist.
    """
    readable = READABLE_SUFFIXES.union(also)
    files: dict[Path, None] = {}
    skipped: dict[Path, str] = {}
    libraries: dict[Path, bool] = {}
    for path in paths:
        for file, reason in _under(path, readable):
            if reason in (_ZOTERO, _ZOTERO_NAMED):
                libraries[file] = libraries.get(file, False) or reason == _ZOTERO_NAMED
            elif reason:
                skipped.setdefault(file, reason)
            else:
                files.setdefault(file)
    bibliographies = dict.fromkeys(path for path in (*files, *skipped) if may_be_bibliography(path))
    return Walk(
        files=tuple(path for path in files if path not in bibliographies),
        skipped=tuple(
            Skipped(path, reason)
            for path, reason in skipped.items()
            if path not in files and path not in bibliographies
        ),
        bibliographies=tuple(bibliographies),
        libraries=tuple(ZoteroFolder(path, named) for path, named in libraries.items()),
    )


def _under(path: Path, readable: frozenset[str]) -> Iterator[tuple[Path, str]]:
    """Yields each file with an empty reason, or with why it is skipped."""
    try:
        # A person may name a link; what it leads to is then what they mean.
        root = path.expanduser().resolve(strict=True)
        mode = root.stat().st_mode
    except (OSError, RuntimeError, ValueError) as error:
        raise PathMissing(f"There is no file or folder {clean_line(str(path))!r}.") from error
    if stat.S_ISDIR(mode):
        yield from _inside(root, readable)
    elif stat.S_ISREG(mode) and root.name == DATABASE:
        yield root.parent, _ZOTERO_NAMED
    elif stat.S_ISREG(mode):
        yield root, ""
    else:
        yield root, "not a regular file"


def _inside(root: Path, readable: frozenset[str]) -> Iterator[tuple[Path, str]]:
    # A stack of our own: folders may be nested deeper than Python's calls.
    ahead = [iter([root])]
    while ahead:
        path = next(ahead[-1], None)
        if path is None:
            ahead.pop()
            continue
        try:
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                inside = sorted(path.iterdir(), key=os.fsencode)
                if any(entry.name == DATABASE and stat.S_ISREG(entry.lstat().st_mode) for entry in inside):
                    yield path, _ZOTERO_NAMED if path == root else _ZOTERO
                    continue
                ahead.append(iter([entry for entry in inside if not entry.name.startswith(".")]))
                continue
        except OSError as error:
            yield path, f"it cannot be opened: {error.strerror or error}"
            continue
        yield from _one(path, mode, root, readable)


def _one(path: Path, mode: int, root: Path, readable: frozenset[str]) -> Iterator[tuple[Path, str]]:
    suffix = path.suffix.lower()
    if stat.S_ISLNK(mode):
        yield from _linked(path, root, readable)
    elif not stat.S_ISREG(mode):
        yield path, "not a regular file"
    elif suffix not in readable and not is_archive(path):
        yield path, f"a kind that is not read ({clean_line(suffix) or 'no suffix'})"
    else:
        yield path, ""


def _linked(link: Path, root: Path, readable: frozenset[str]) -> Iterator[tuple[Path, str]]:
    try:
        target = link.resolve(strict=True)
        mode = target.lstat().st_mode
    except (OSError, RuntimeError):
        yield link, "a link that leads nowhere"
        return
    if not target.is_relative_to(root):
        yield link, "a link that leads out of the folder"
    elif stat.S_ISREG(mode):
        # A folder inside is met under its own name; following links to it could go round in circles.
        yield from _one(target, mode, root, readable)
