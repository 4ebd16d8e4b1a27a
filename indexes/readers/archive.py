"""Lists and reads the members of Zip and tar archives one at a time; nothing is unpacked to a disk."""

from __future__ import annotations

import hashlib
import lzma
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from indexes.clean import clean_line
from indexes.errors import Damaged, ReadError, TooLarge
from indexes.readers import latex_files
from indexes.readers.beside import Beside
from indexes.readers.limits import Limits
from indexes.readers.sniff import READABLE_SUFFIXES
from indexes.types import Model

__all__ = ["Archive", "Member", "is_archive"]

_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz")
_BESIDE_LATEX = (".bbl", ".bib")
"""Not papers, but what a LaTeX paper prints its references from."""
_MOST_MEMBERS = 5000
_MOST_KEPT_BYTES = 50_000_000
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
    part_of: str = ""
    """The LaTeX paper in the same archive that includes it; it is read with that one."""


class _Entry(NamedTuple):
    name: str
    refusal: str
    open: Callable[[int], bytes]
    """Returns at most so many bytes."""

    @property
    def readable(self) -> bool:
        """Whether it is a file with a name that stays in the archive."""
        return not self.refusal and not _leads_out(self.name)


def is_archive(path: Path) -> bool:
    """Whether the name is an archive's."""
    return path.name.lower().endswith(_SUFFIXES)


class Archive:
    """An archive held open: what is read in the order of its members is decompressed once, not once each."""

    def __init__(self, file: BinaryIO, *, name: str, limits: Limits) -> None:
        """Finds the members; closes `file` when it is closed.

        Args:
            file: The archive, open at its start.
            name: What to call it in an error.
            limits: Sizes that stop the reading.

        Raises:
            Damaged: It is broken.
            TooLarge: It has too many members, or grows too large when unpacked.
        """
        self._file = file
        self._name = name
        self._limits = limits
        self._entries: dict[str, _Entry] = {}
        self._sources: dict[str, bytes] = {}
        with self._broken_is_damaged():
            for entry in _zip(file) if file.read(2) == b"PK" else _tar(file, name, self._most):
                self._put(entry)

    def members(self, *, collection: str) -> tuple[Member, ...]:
        """Returns the files in it, in its order; hidden ones are passed over.

        Raises:
            Damaged: It is broken.
            TooLarge: It grows too large when unpacked.
        """
        left = self._most
        found: dict[str, Member] = {}
        mains: list[str] = []
        for shown, entry in self._entries.items():
            refusal = entry.refusal or _refusal(shown)
            if refusal and not (entry.readable and shown.lower().endswith(_BESIDE_LATEX)):
                found[shown] = Member(name=shown, refusal=refusal)
                continue
            content = self._content(entry, min(left, self._limits.max_file_bytes))
            left -= len(content)
            self._keep(shown, content)
            if refusal:
                found[shown] = Member(name=shown, refusal=refusal)
                continue
            found[shown] = _member(shown, content, collection)
            if PurePosixPath(shown).suffix.lower() in latex_files.SUFFIXES and latex_files.is_main(content):
                mains.append(shown)
        for main in mains:
            self._put_parts(found, main, mains, collection)
        return tuple(found.values())

    def beside(self, member: str) -> Beside:
        """Returns what reads the members in the folder of `member`, those that may be read."""
        folder = posixpath.dirname(member)

        def load(name: str) -> bytes | None:
            shown = posixpath.join(folder, name)
            entry = self._entries.get(shown)
            if entry is None or not entry.readable:
                return None
            if shown not in self._sources:
                try:
                    content = self._content(entry, latex_files.LARGEST)
                except ReadError:
                    return None
                self._keep(shown, content)
                return content
            return self._sources[shown]

        return load

    def read(self, wanted: str) -> bytes:
        """Returns the bytes of the member that `members` calls `wanted`.

        Raises:
            ReadError: There is none, or it is broken or too large; the class says which.
        """
        entry = self._entries.get(wanted)
        if entry is None or entry.refusal:
            raise ReadError(f"{self._name!r} has no member {wanted!r} any more.")
        return self._content(entry, self._limits.max_file_bytes)

    def close(self) -> None:
        """Gives the file back."""
        self._file.close()

    @property
    def _most(self) -> int:
        return _GROWTH * self._limits.max_file_bytes

    def _keep(self, shown: str, content: bytes) -> None:
        """Keeps a small source file: a paper asks for those that it includes in an order of its own."""
        source = PurePosixPath(shown).suffix.lower() in (*latex_files.SUFFIXES, *_BESIDE_LATEX)
        kept = sum(map(len, self._sources.values()))
        if source and len(content) <= latex_files.LARGEST and kept + len(content) <= _MOST_KEPT_BYTES:
            self._sources[shown] = content

    def _put_parts(self, found: dict[str, Member], main: str, mains: Sequence[str], collection: str) -> None:
        load = self.beside(main)
        data = load(posixpath.basename(main))
        if data is None:
            return
        try:
            parts = latex_files.parts(data, file=posixpath.basename(main), load=load)
        except TooLarge:
            return  # reading it says so
        if not parts:
            return
        found[main] = _member(main, data, collection, parts=latex_files.fingerprint(parts))
        for name in parts:
            part = posixpath.join(posixpath.dirname(main), name)
            if part not in mains and not found[part].refusal:
                found[part] = found[part].model_copy(update={"part_of": main})

    def _put(self, entry: _Entry) -> None:
        shown = clean_line(entry.name, limit=500)
        if shown in self._entries or any(part.startswith((".", "__MACOSX")) for part in _inner(shown)):
            return
        if len(self._entries) == _MOST_MEMBERS:
            raise TooLarge(
                f"{self._name!r} has more than {_MOST_MEMBERS:,} members, the limit.", hint="Unpack it."
            )
        self._entries[shown] = entry

    def _content(self, entry: _Entry, limit: int) -> bytes:
        try:
            content = entry.open(limit + 1)
        except _BROKEN as error:
            raise Damaged(f"{self._name!r} is broken at {clean_line(entry.name)!r}: {error}.") from error
        if len(content) > limit:
            raise _grows(self._name)
        return content

    @contextmanager
    def _broken_is_damaged(self) -> Iterator[None]:
        try:
            yield
        except _BROKEN as error:
            raise Damaged(f"{self._name!r} is a broken archive: {error}.") from error


def _refusal(shown: str) -> str:
    suffix = PurePosixPath(shown).suffix.lower()
    if _leads_out(shown):
        return "its name leads out of the archive"
    if is_archive(Path(shown)):
        return "an archive in an archive"
    return "" if suffix in READABLE_SUFFIXES else f"a kind that is not read ({suffix or 'no suffix'})"


def _leads_out(shown: str) -> bool:
    return shown.startswith(("/", "\\")) or ":" in shown[:2] or ".." in shown.replace("\\", "/").split("/")


def _member(shown: str, content: bytes, collection: str, *, parts: bytes = b"") -> Member:
    return Member(
        name=shown,
        hash=hashlib.sha256(content + parts).hexdigest(),
        document_id=hashlib.sha256(collection.encode() + b"\x00" + content + parts).hexdigest()[:20],
        size=len(content),
    )


def _inner(shown: str) -> list[str]:
    return [part for part in shown.split("/") if part not in (".", "..")]


def _zip(file: BinaryIO) -> Iterator[_Entry]:
    archive = zipfile.ZipFile(file)
    for info in archive.infolist():
        if info.is_dir():
            continue
        linked = stat.S_ISLNK(info.external_attr >> 16)
        refusal = "a link" if linked else "it needs a password" if info.flag_bits & 1 else ""

        def content(most: int, info: zipfile.ZipInfo = info) -> bytes:
            with archive.open(info) as file:
                return file.read(most)

        yield _Entry(info.filename, refusal, content)


def _tar(file: BinaryIO, name: str, left: int) -> Iterator[_Entry]:
    file.seek(0)
    archive = tarfile.open(fileobj=file, mode="r:*")  # noqa: SIM115 - it stays open as long as its file
    for info in archive:
        left -= max(info.size, 0)
        if left < 0:  # what is passed over is decompressed too
            raise _grows(name)
        if info.isdir():
            continue
        refusal = "" if info.isreg() else "a link" if info.islnk() or info.issym() else "not a regular file"

        def content(most: int, info: tarfile.TarInfo = info) -> bytes:
            file = archive.extractfile(info)
            return b"" if file is None else file.read(most)

        yield _Entry(info.name, refusal, content)


def _grows(name: str) -> TooLarge:
    return TooLarge(f"{name!r} grows beyond the limit when it is unpacked.", hint="Unpack it.")
