"""Reads one file in this process; what the reading child does for each request."""

from __future__ import annotations

import os
import stat
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from indexes.clean import clean_line
from indexes.errors import Damaged, ReadError, TooLarge, Unsupported
from indexes.readers.extract import Extract, document
from indexes.readers.limits import Limits
from indexes.readers.sniff import HEAD_BYTES, Format, sniff
from indexes.types import ParsedDocument

if TYPE_CHECKING:
    from indexes.readers.archive import Member
    from indexes.readers.bibliography import Reference

__all__ = ["read_bibliography", "read_file", "read_members"]

_NO_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""A FIFO must not block the open, and a link that replaced a file must not be followed."""


class _FormatReader(Protocol):
    """What each format's file offers."""

    def read(self, data: bytes, *, name: str, limits: Limits) -> Extract: ...


def read_file(
    path: Path, *, format: Format | None = None, limits: Limits | None = None, member: str | None = None
) -> ParsedDocument:
    """Returns the document in the file at `path`; blocks, and trusts the file with this process.

    Args:
        path: A regular file. A symbolic link is refused: whoever walks folders has resolved it.
        format: How to read it; by default its content and name decide.
        limits: Sizes that stop the reading.
        member: The name, as `read_members` gives it, of what to read in the archive at `path`.

    Raises:
        ReadError: The file cannot be read; the class says why.
    """
    limits = limits or Limits()
    name = clean_line(path.name)
    data = _content(path, name=name, limits=limits)
    if member is not None:
        from indexes.readers import archive

        data = archive.member(data, member, name=name, limits=limits)
        path = Path(member)
        name = clean_line(path.name)
    reader = cast(_FormatReader, import_module(f"indexes.readers.{format or sniff(path, data[:HEAD_BYTES])}"))
    try:
        return document(reader.read(data, name=name, limits=limits), path=path, limits=limits)
    except RecursionError as error:
        raise Damaged(f"{name!r} is nested too deeply to be read.") from error
    except MemoryError as error:
        raise TooLarge(f"{name!r} needs more memory than reading may take.") from error


def read_members(path: Path, *, collection: str, limits: Limits | None = None) -> tuple[Member, ...]:
    """Returns the members of the archive at `path`; blocks and raises as `read_file` does."""
    from indexes.readers.archive import members

    limits = limits or Limits()
    name = clean_line(path.name)
    try:
        data = _content(path, name=name, limits=limits)
        return members(data, name=name, collection=collection, limits=limits)
    except MemoryError as error:
        raise TooLarge(f"{name!r} needs more memory than reading may take.") from error


def read_bibliography(path: Path, *, limits: Limits | None = None) -> tuple[Reference, ...]:
    """Returns the entries of the bibliography at `path`; blocks and raises as `read_file` does."""
    from indexes.readers.bibliography import references

    name = clean_line(path.name)
    try:
        return references(_content(path, name=name, limits=limits or Limits()), name=name)
    except RecursionError as error:
        raise Damaged(f"{name!r} is nested too deeply to be read.") from error
    except MemoryError as error:
        raise TooLarge(f"{name!r} needs more memory than reading may take.") from error


def _content(path: Path, *, name: str, limits: Limits) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_WAITING)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Unsupported(f"{name!r} is not a regular file.")
            limits.check_file(status.st_size, name=name)
            data = file.read(status.st_size + 1)  # the buffer is taken at once: not more than the file
    except OSError as error:
        raise ReadError(
            f"{name!r} cannot be opened: {error.strerror or error}.",
            hint="Check that it is still there and that you may read it.",
        ) from error
    limits.check_file(len(data), name=name)
    return data
