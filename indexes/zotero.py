"""A Zotero library, read and never touched: its folder, a copy of its database, the files of its items."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from indexes.clean import clean_line
from indexes.entries import Bibliography
from indexes.errors import PathMissing, ReadError
from indexes.formats import ZOTERO
from indexes.readers.sniff import READABLE_SUFFIXES
from indexes.readers.zotero import DATABASE, Attachment, Item
from indexes.types import Reference
from indexes.walk import Skipped, Walk, ZoteroFolder

__all__ = [
    "ZoteroLibrary",
    "ZoteroReader",
    "data_folder",
    "expanded",
    "open_library",
    "said_of_library",
    "with_files_of",
]

_JOURNALS = ("-wal", "-journal")
"""What SQLite keeps beside a database that is in use, and must be copied with it."""
_TRIES, _PAUSE_SECONDS = 5, 0.2
_KEY = re.compile(r"[A-Z0-9]{8}")
_PREFERENCE = re.compile(
    r'^user_pref\("extensions\.zotero\.(\w+)",\s*("(?:[^"\\]|\\.)*"|true|false)\);', re.M
)
_LARGEST_PREFERENCES = 10_000_000


class ZoteroReader(Protocol):
    """Reads a copied database; `indexes.readers.pool.ReaderPool` is one."""

    async def read_zotero(self, database: Path) -> tuple[Item, ...]:
        """Returns the items.

        Raises:
            ReadError: It cannot be read.
        """
        ...


class ZoteroLibrary(NamedTuple):
    """What a Zotero library brings: entries that describe files, the files, and what is not there."""

    bibliography: Bibliography
    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...]


def expanded(paths: Iterable[Path]) -> list[Path]:
    """Returns the paths with `zotero:` as the person's own Zotero folder; blocks.

    Raises:
        PathMissing: It is not where Zotero keeps it.
    """
    return [data_folder() if str(path) == ZOTERO else path for path in paths]


def data_folder() -> Path:
    """Returns where this person's Zotero keeps its library: as its preferences say, else `~/Zotero`; blocks.

    Raises:
        PathMissing: There is none.
    """
    named = (
        Path(said["dataDir"]) for said in _preferences() if said.get("useDataDir") and said.get("dataDir")
    )
    for folder in (*named, _default_folder()):
        if (folder / DATABASE).is_file():
            return folder
    raise PathMissing(
        f"There is no Zotero library in {clean_line(str(_default_folder()))!r}.",
        hint="Name its data folder (Zotero's settings show it under Advanced): carrel add FOLDER",
    )


async def open_library(folder: ZoteroFolder, reader: ZoteroReader) -> ZoteroLibrary:
    """Returns what the library in `folder` brings; the folder is only read, also while Zotero runs.

    Raises:
        ReadError: Its database cannot be read.
    """
    database = folder.path / DATABASE
    with tempfile.TemporaryDirectory(prefix="carrel-zotero-", ignore_cleanup_errors=True) as scratch:
        copy = await asyncio.to_thread(_copied, database, Path(scratch))
        items = await reader.read_zotero(copy)
    return await asyncio.to_thread(_placed, folder, items)


def with_files_of(libraries: Sequence[ZoteroLibrary], found: Walk) -> Walk:
    """Returns the walk with what is in the libraries that it has met."""
    files = dict.fromkeys(found.files)
    skipped = {each.path: each for each in found.skipped}
    for library in libraries:
        files.update(dict.fromkeys(library.files))
        skipped.update({each.path: each for each in library.skipped})
    return found._replace(
        files=tuple(files), skipped=tuple(each for path, each in skipped.items() if path not in files)
    )


def said_of_library(library: ZoteroLibrary) -> str:
    """Returns what the report says of it."""
    entries = library.bibliography.entries
    count, files = len(entries), len(library.files)
    return (
        f"a Zotero library: {count} {'item' if count == 1 else 'items'} with metadata, "
        f"{files} {'file' if files == 1 else 'files'}, each with its own fate"
    )


def _copied(database: Path, folder: Path) -> Path:
    """Copies the database with its journals at a moment when nobody writes to it.

    Zotero holds it locked while it runs, and opening it in place would make files beside it.
    """
    copy = folder / DATABASE
    sources = [database, *(database.with_name(database.name + ending) for ending in _JOURNALS)]
    for _ in range(_TRIES):
        try:
            before = [_state(source) for source in sources]
            for source, state in zip(sources, before, strict=True):
                target = folder / source.name
                target.unlink(missing_ok=True)
                if state is not None:
                    shutil.copyfile(source, target)
            if before == [_state(source) for source in sources]:
                return copy
        except FileNotFoundError:
            pass  # a journal that went while it was copied
        except OSError as error:
            raise ReadError(
                f"{database.name!r} cannot be copied: {error.strerror or error}.",
                hint="Check that you may read it and that the disk has room for a copy of it.",
            ) from error
        time.sleep(_PAUSE_SECONDS)
    raise ReadError(
        f"{database.name!r} is being written to by Zotero all the time.",
        hint="Wait until Zotero has finished synchronising, or close it, and add the folder again.",
    )


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns


def _placed(folder: ZoteroFolder, items: Sequence[Item]) -> ZoteroLibrary:
    """The items' files as they lie on this disk."""
    base = _base_folder(folder.path)
    entries: list[Reference] = []
    files: dict[Path, None] = {}
    skipped: dict[Path, str] = {}
    for item in items:
        mine: list[Path] = []
        for attachment in _worth_reading(item.attachments):
            path, reason = _place(attachment, folder, base)
            if reason:
                skipped.setdefault(path, reason)
            else:
                mine.append(path)
        files.update(dict.fromkeys(mine))
        if item.reference.title:
            entries.append(
                item.reference.model_copy(update={"files": tuple(path.as_posix() for path in mine)})
            )
    return ZoteroLibrary(
        Bibliography(folder.path / DATABASE, tuple(entries)),
        tuple(files),
        tuple(Skipped(path, reason) for path, reason in skipped.items() if path not in files),
    )


def _worth_reading(attachments: Sequence[Attachment]) -> Iterator[Attachment]:
    """All but the saved web page of an item that has a file of another kind: that page only announces it."""
    papers = [each for each in attachments if each.media_type not in ("text/html", "application/xhtml+xml")]
    readable = [each for each in papers if _suffix(each.path) in READABLE_SUFFIXES]
    yield from papers if readable else attachments


def _suffix(path: str) -> str:
    return "." + path.rpartition(".")[2].lower()


def _place(attachment: Attachment, folder: ZoteroFolder, base: Path | None) -> tuple[Path, str]:
    """Where an attachment lies, and why it is not read; an empty reason means that it is."""
    kind, _, rest = attachment.path.partition(":")
    here = folder.path / "storage" / attachment.key
    if kind == "storage":
        if not _KEY.fullmatch(attachment.key) or not _plain(rest):
            return folder.path / "storage", "an attachment with a name that cannot be one"
        path, root = here / rest, here
    elif kind == "attachments":
        if base is None:
            return here / Path(rest).name, "a linked file in Zotero's base directory, which is not known here"
        path, root = base / rest.replace("\\", "/"), base
    else:
        path, root = Path(attachment.path), Path(Path(attachment.path).anchor or "/")
    if kind != "storage" and not folder.named:
        return path, "a linked file outside of the folder: add the Zotero folder itself to read it"
    return _checked(path, root)


def _plain(name: str) -> bool:
    return bool(name) and name not in (".", "..") and not set(name) & {"/", "\\", "\x00"}


def _checked(path: Path, root: Path) -> tuple[Path, str]:
    if path.suffix.lower() not in READABLE_SUFFIXES:
        return path, f"a kind that is not read ({clean_line(path.suffix.lower()) or 'no suffix'})"
    try:
        place = path.resolve(strict=True)
        if not path.is_absolute() or not place.is_relative_to(root.resolve()):
            return path, "an attachment that lies outside of where Zotero keeps it"
        if any(part.startswith(".") for part in place.relative_to(root.resolve()).parts):
            return path, "an attachment that lies in a hidden folder"
        if not stat.S_ISREG(place.lstat().st_mode):
            return path, "not a regular file"
    except (OSError, RuntimeError, ValueError):
        return path, "an attachment that is not on this disk; Zotero can fetch it"
    return place, ""


def _base_folder(folder: Path) -> Path | None:
    """The base directory of linked files, as the preferences of the Zotero that uses this folder have it."""
    bases: dict[Path, Path] = {}
    for said in _preferences():
        if base := said.get("baseAttachmentPath"):
            data = said.get("dataDir") if said.get("useDataDir") else None
            bases[Path(data) if data else _default_folder()] = Path(base)
    for used, its_base in bases.items():
        if os.path.realpath(used) == os.path.realpath(folder):
            return its_base
    return next(iter(bases.values())) if len(bases) == 1 else None  # a copy of the one library there is


def _default_folder() -> Path:
    return Path.home() / "Zotero"


def _preferences() -> Iterator[dict[str, str]]:
    """What each of the person's Zotero profiles says, by setting; `true` and `false` as "1" and ""."""
    for profiles in _profile_folders():
        for file in sorted(profiles.glob("*/prefs.js")):
            try:
                if file.stat().st_size > _LARGEST_PREFERENCES:
                    continue
                text = file.read_text("utf-8", "replace")
            except OSError:
                continue
            yield {name: _value(raw) for name, raw in _PREFERENCE.findall(text)}


def _value(raw: str) -> str:
    if raw in ("true", "false"):
        return "1" if raw == "true" else ""
    try:
        return str(json.loads(raw))
    except ValueError:  # JavaScript knows a few escapes that JSON does not
        return raw.strip('"').replace("\\\\", "\\")


def _profile_folders() -> Iterator[Path]:
    if sys.platform == "darwin":
        yield Path.home() / "Library" / "Application Support" / "Zotero" / "Profiles"
    elif sys.platform == "win32":
        yield Path(os.environ.get("APPDATA") or Path.home()) / "Zotero" / "Zotero" / "Profiles"
    else:
        yield Path.home() / ".zotero" / "zotero"
