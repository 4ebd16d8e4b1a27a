"""Lists and reads the members of Zip and tar archives in memory; nothing is unpacked to a disk."""

from __future__ import annotations

import hashlib
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from indexes.clean import clean_line
from indexes.errors import Damaged, ReadError, TooLarge
from indexes.readers.limits import Limits
from indexes.readers.sniff import READABLE_SUFFIXES
from indexes.types import Model

__all__ = ["Member", "is_archive", "member", "members"]

_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz")
_MOST_MEMBERS = 5000
_GROWTH = 5
"""How many times the limit on one file's size all members together may have."""
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
)


class Member(Model):
    """One file in an archive."""

    name: str
    """With `/` between folders, clean; for people and for the ledger, never a path to open."""
    hash: str = ""
    """SHA-256 of its bytes, hexadecimal."""
    document_id: str = ""
    """As a file with these bytes would have it: the same paper in and beside an archive is one document."""
    size: int = 0
    refusal: str = ""
    """Why it is not read; empty for one that is."""


class _Entry(NamedTuple):
    name: str
    refusal: str
    open: Callable[[int], bytes]
    """Returns at most so many bytes."""


def is_archive(path: Path) -> bool:
    """Whether the name is an archive's."""
    return path.name.lower().endswith(_SUFFIXES)


def members(data: bytes, *, name: str, collection: str, limits: Limits) -> tuple[Member, ...]:
    """Returns the files in the archive, in its order; hidden ones are passed over.

    Raises:
        Damaged: It is broken.
        TooLarge: It has too many members, or grows too large when unpacked.
    """
    left = _GROWTH * limits.max_file_bytes
    found: dict[str, Member] = {}
    for entry in _entries(data, name, left):
        shown = clean_line(entry.name, limit=500)
        if shown in found or any(part.startswith((".", "__MACOSX")) for part in _inner(shown)):
            continue
        if len(found) == _MOST_MEMBERS:
            raise TooLarge(f"{name!r} has more than {_MOST_MEMBERS:,} members, the limit.", hint="Unpack it.")
        refusal = entry.refusal or _refusal(shown)
        if not refusal:
            content = _read(entry, name, min(left, limits.max_file_bytes))
            left -= len(content)
            found[shown] = Member(
                name=shown,
                hash=hashlib.sha256(content).hexdigest(),
                document_id=hashlib.sha256(collection.encode() + b"\x00" + content).hexdigest()[:20],
                size=len(content),
            )
        else:
            found[shown] = Member(name=shown, refusal=refusal)
    return tuple(found.values())


def member(data: bytes, wanted: str, *, name: str, limits: Limits) -> bytes:
    """Returns the bytes of the member that `members` calls `wanted`.

    Raises:
        ReadError: There is none, or it is broken or too large; the class says which.
    """
    for entry in _entries(data, name, _GROWTH * limits.max_file_bytes):
        if clean_line(entry.name, limit=500) == wanted and not entry.refusal:
            return _read(entry, name, limits.max_file_bytes)
    raise ReadError(f"{name!r} has no member {wanted!r} any more.")


def _read(entry: _Entry, name: str, limit: int) -> bytes:
    try:
        content = entry.open(limit + 1)
    except _BROKEN as error:
        raise Damaged(f"{name!r} is broken at {clean_line(entry.name)!r}: {error}.") from error
    if len(content) > limit:
        raise TooLarge(f"{name!r} grows beyond the limit when it is unpacked.", hint="Unpack it.")
    return content


def _refusal(shown: str) -> str:
    suffix = PurePosixPath(shown).suffix.lower()
    if shown.startswith(("/", "\\")) or ":" in shown[:2] or ".." in shown.replace("\\", "/").split("/"):
        return "its name leads out of the archive"
    if is_archive(Path(shown)):
        return "an archive in an archive"
    return "" if suffix in READABLE_SUFFIXES else f"a kind that is not read ({suffix or 'no suffix'})"


def _inner(shown: str) -> list[str]:
    return [part for part in shown.split("/") if part not in (".", "..")]


def _entries(data: bytes, name: str, left: int) -> Iterator[_Entry]:
    try:
        yield from _zip(data) if data.startswith(b"PK") else _tar(data, name, left)
    except _BROKEN as error:
        raise Damaged(f"{name!r} is a broken archive: {error}.") from error


def _zip(data: bytes) -> Iterator[_Entry]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            linked = stat.S_ISLNK(info.external_attr >> 16)
            refusal = "a link" if linked else "it needs a password" if info.flag_bits & 1 else ""

            def content(most: int, info: zipfile.ZipInfo = info) -> bytes:
                with archive.open(info) as file:
                    return file.read(most)

            yield _Entry(info.filename, refusal, content)


def _tar(data: bytes, name: str, left: int) -> Iterator[_Entry]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as archive:
        for info in archive:
            left -= max(info.size, 0)
            if left < 0:  # what is passed over is decompressed too
                raise TooLarge(f"{name!r} grows beyond the limit when it is unpacked.", hint="Unpack it.")
            if info.isdir():
                continue
            refusal = (
                "" if info.isreg() else "a link" if info.islnk() or info.issym() else "not a regular file"
            )

            def content(most: int, info: tarfile.TarInfo = info) -> bytes:
                file = archive.extractfile(info)
                return b"" if file is None else file.read(most)

            yield _Entry(info.name, refusal, content)
