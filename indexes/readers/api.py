"""Reads one file in this process; what the reading child does for each request."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from indexes.clean import clean_line
from indexes.errors import Damaged, ReadError, TooLarge, Unsupported
from indexes.formats import Format
from indexes.readers.extract import Extract, document
from indexes.readers.limits import Limits
from indexes.readers.sniff import HEAD_BYTES, sniff
from indexes.types import ParsedDocument

if TYPE_CHECKING:
    from indexes.readers.archive import Archive, Member
    from indexes.readers.bibliography import Reference

__all__ = ["OpenArchives", "read_bibliography", "read_file"]

_NO_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""A FIFO must not block the open, and a link that replaced a file must not be followed."""


class _FormatReader(Protocol):
    """What each format's file offers."""

    def read(self, data: bytes, *, name: str, limits: Limits) -> Extract: ...


def read_file(path: Path, *, format: Format | None = None, limits: Limits | None = None) -> ParsedDocument:
    """Returns the document in the file at `path`; blocks, and trusts the file with this process.

    Args:
        path: A regular file. A symbolic link is refused: whoever walks folders has resolved it.
        format: How to read it; by default its content and name decide.
        limits: Sizes that stop the reading.

    Raises:
        ReadError: The file cannot be read; the class says why.
    """
    limits = limits or Limits()
    return _parsed(_content(path, name=clean_line(path.name), limits=limits), path, format, limits)


class OpenArchives:
    """Keeps the archive that was read from last open: its members are asked for one after another."""

    def __init__(self) -> None:
        self._held: tuple[tuple[int, ...], Archive] | None = None

    def members(self, path: Path, *, collection: str, limits: Limits | None = None) -> tuple[Member, ...]:
        """Returns the members of the archive at `path`; blocks and raises as `read_file` does."""
        with _shallow_and_small(clean_line(path.name)):
            return self._archive(path, limits or Limits()).members(collection=collection)

    def read(self, path: Path, member: str, *, limits: Limits | None = None) -> ParsedDocument:
        """Returns the document in the member that `members` calls so; blocks and raises as `read_file`."""
        limits = limits or Limits()
        with _shallow_and_small(clean_line(path.name)):
            data = self._archive(path, limits).read(member)
        return _parsed(data, Path(member), None, limits)

    def close(self) -> None:
        """Lets go of what is held."""
        if self._held is not None:
            self._held[1].close()
            self._held = None

    def _archive(self, path: Path, limits: Limits) -> Archive:
        """The archive that lies at `path` now: one that was replaced meanwhile is opened anew."""
        from indexes.readers.archive import Archive

        name = clean_line(path.name)
        file = _opened(path, name=name, limits=limits)
        status = os.fstat(file.fileno())
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if self._held is not None and self._held[0] == identity:
            file.close()
            return self._held[1]
        self.close()
        try:
            archive = Archive(file, name=name, limits=limits)
        except BaseException:
            file.close()
            raise
        self._held = (identity, archive)
        return archive


def read_bibliography(path: Path, *, limits: Limits | None = None) -> tuple[Reference, ...]:
    """Returns the entries of the bibliography at `path`; blocks and raises as `read_file` does."""
    from indexes.readers.bibliography import references

    name = clean_line(path.name)
    with _shallow_and_small(name):
        return references(_content(path, name=name, limits=limits or Limits()), name=name)


def _parsed(data: bytes, path: Path, format: Format | None, limits: Limits) -> ParsedDocument:
    name = clean_line(path.name)
    reader = cast(_FormatReader, import_module(f"indexes.readers.{format or sniff(path, data[:HEAD_BYTES])}"))
    with _shallow_and_small(name):
        return document(reader.read(data, name=name, limits=limits), path=path, limits=limits)


@contextmanager
def _shallow_and_small(name: str) -> Iterator[None]:
    try:
        yield
    except RecursionError as error:
        raise Damaged(f"{name!r} is nested too deeply to be read.") from error
    except MemoryError as error:
        raise TooLarge(f"{name!r} needs more memory than reading may take.") from error


def _content(path: Path, *, name: str, limits: Limits) -> bytes:
    with _opened(path, name=name, limits=limits) as file:
        try:
            # The buffer is taken at once: not more than the file.
            data = file.read(os.fstat(file.fileno()).st_size + 1)
        except OSError as error:
            raise _cannot_be_opened(name, error) from error
    limits.check_file(len(data), name=name)
    return data


def _opened(path: Path, *, name: str, limits: Limits) -> BinaryIO:
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | _NO_WAITING), "rb")
    except OSError as error:
        raise _cannot_be_opened(name, error) from error
    try:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Unsupported(f"{name!r} is not a regular file.")
        limits.check_file(status.st_size, name=name)
    except BaseException:
        file.close()
        raise
    return file


def _cannot_be_opened(name: str, error: OSError) -> ReadError:
    return ReadError(
        f"{name!r} cannot be opened: {error.strerror or error}.",
        hint="Check that it is still there and that you may read it.",
    )
