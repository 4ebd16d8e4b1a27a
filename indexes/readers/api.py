"""Reads one file in this process; what the reading child does for each request."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from indexes.clean import clean_line
from indexes.errors import Damaged, TooLarge
from indexes.formats import Format
from indexes.readers.beside import Beside, beside, content, opened
from indexes.readers.extract import Extract, document
from indexes.readers.limits import Limits
from indexes.readers.sniff import HEAD_BYTES, sniff
from indexes.types import ParsedDocument

if TYPE_CHECKING:
    from indexes.readers.archive import Archive, Member
    from indexes.types import Reference

__all__ = ["OpenArchives", "blank_pages", "page_by_ocr", "read_bibliography", "read_file"]


class _FormatReader(Protocol):
    """What each format's file offers."""

    def read(self, data: bytes, *, name: str, limits: Limits) -> Extract: ...


def read_file(
    path: Path,
    *,
    format: Format | None = None,
    limits: Limits | None = None,
    by_ocr: Mapping[int, str] | None = None,
) -> ParsedDocument:
    """Returns the document in the file at `path`; blocks, and trusts the file with this process.

    Args:
        path: A regular file. A symbolic link is refused: whoever walks folders has resolved it.
        format: How to read it; by default its content and name decide.
        limits: Sizes that stop the reading.
        by_ocr: The text of a PDF's pages that are pictures, by number.

    Raises:
        ReadError: The file cannot be read; the class says why.
    """
    limits = limits or Limits()
    data = content(path, name=clean_line(path.name), limits=limits)
    return _parsed(data, path, format, limits, load=beside(path.parent, limits=limits), by_ocr=by_ocr)


def blank_pages(path: Path, *, limits: Limits) -> tuple[int, ...]:
    """Returns the pages, from 1, of the PDF at `path` that have no text; blocks and raises as `read_file`."""
    from indexes.readers import ocr

    return ocr.blank_pages(content(path, name=clean_line(path.name), limits=limits))


def page_by_ocr(path: Path, number: int, *, limits: Limits) -> str:
    """Returns what OCR reads on a page of the PDF at `path`; blocks and raises as `read_file` does."""
    from indexes.readers import ocr

    name = clean_line(path.name)
    return ocr.page_text(content(path, name=name, limits=limits), number, name=name)


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
            archive = self._archive(path, limits)
            data = archive.read(member)
        return _parsed(data, Path(member), None, limits, load=archive.beside(member))

    def close(self) -> None:
        """Lets go of what is held."""
        if self._held is not None:
            self._held[1].close()
            self._held = None

    def _archive(self, path: Path, limits: Limits) -> Archive:
        """The archive that lies at `path` now: one that was replaced meanwhile is opened anew."""
        from indexes.readers.archive import Archive

        name = clean_line(path.name)
        file = opened(path, name=name, limits=limits)
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
        return references(content(path, name=name, limits=limits or Limits()), name=name)


def _parsed(
    data: bytes,
    path: Path,
    format: Format | None,
    limits: Limits,
    *,
    load: Beside,
    by_ocr: Mapping[int, str] | None = None,
) -> ParsedDocument:
    name = clean_line(path.name)
    format = format or sniff(path, data[:HEAD_BYTES])
    with _shallow_and_small(name):
        if format is Format.LATEX:  # the one format that names files of its own
            from indexes.readers import latex, latex_files

            followed = load if path.suffix.lower() in latex_files.SUFFIXES else None
            extract = latex.read(data, name=path.name, limits=limits, load=followed)
        elif format is Format.PDF and by_ocr is not None:
            from indexes.readers import pdf

            extract = pdf.read(data, name=name, limits=limits, by_ocr=by_ocr)
        else:
            reader = cast(_FormatReader, import_module(f"indexes.readers.{format}"))
            extract = reader.read(data, name=name, limits=limits)
        return document(extract, path=path, limits=limits)


@contextmanager
def _shallow_and_small(name: str) -> Iterator[None]:
    try:
        yield
    except RecursionError as error:
        raise Damaged(f"{name!r} is nested too deeply to be read.") from error
    except MemoryError as error:
        raise TooLarge(f"{name!r} needs more memory than reading may take.") from error
