"""What tells one file's bytes from another's, and how the catalogue writes its path."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from indexes.errors import TooLarge
from indexes.ledger import Content
from indexes.readers import latex_files
from indexes.readers.beside import beside
from indexes.readers.limits import Limits
from indexes.types import ParsedDocument

__all__ = ["content_of", "content_of_text", "papers_including", "parts_of", "stored_path"]


def content_of(path: Path, collection: str) -> Content:
    """Returns what tells the file's bytes apart, with those of the files that a LaTeX file includes; blocks.

    Raises:
        OSError: It cannot be opened.
        TooLarge: It includes too much.
    """
    with path.open("rb") as file:
        plain, named = hashlib.sha256(), _document_hash(collection)
        while block := file.read(1 << 20):
            plain.update(block)
            named.update(block)
        status = os.fstat(file.fileno())
    if parts := latex_files.fingerprint(parts_of(path)):
        plain.update(parts)
        named.update(parts)
    return Content(
        hash=plain.hexdigest(),
        document_id=named.hexdigest()[:20],
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
    )


def parts_of(path: Path) -> Mapping[str, bytes]:
    """Returns what a LaTeX file includes, by path in its folder; nothing for any other file; blocks.

    Raises:
        TooLarge: There is too much of it.
    """
    if path.suffix.lower() not in latex_files.SUFFIXES:
        return {}
    load = beside(path.parent, limits=Limits(max_file_bytes=latex_files.LARGEST))
    data = load(path.name)
    return {} if data is None else latex_files.parts(data, file=path.name, load=load)


def papers_including(files: Sequence[Path]) -> dict[Path, Path]:
    """Returns the LaTeX files that are parts of one of `files`, each with the paper that includes it; blocks.

    A paper is a file with a document class of its own; one without, which no paper includes, is read alone.
    """
    limits = Limits(max_file_bytes=latex_files.LARGEST)
    sources = [path for path in files if path.suffix.lower() in latex_files.SUFFIXES]
    mains = [
        path for path in sources if latex_files.is_main(beside(path.parent, limits=limits)(path.name) or b"")
    ]
    found: dict[Path, Path] = {}
    for main in mains:
        try:
            parts = parts_of(main)
        except TooLarge:
            continue  # reading it says so
        for name in parts:
            part = main.parent / name
            if part.suffix.lower() in latex_files.SUFFIXES and part not in mains:
                found.setdefault(part, main)
    return found


def content_of_text(parsed: ParsedDocument, collection: str) -> Content:
    """Returns what tells a document apart that was never a file."""
    written = parsed.model_dump_json().encode()
    named = _document_hash(collection)
    named.update(written)
    return Content(
        hash=hashlib.sha256(written).hexdigest(),
        document_id=named.hexdigest()[:20],
        size=len(written),
        modified_ns=0,
    )


def stored_path(path: Path) -> str:
    """Returns the path as the catalogue keeps it: valid Unicode also where the file's name is not."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _document_hash(collection: str) -> hashlib._Hash:
    return hashlib.sha256(collection.encode() + b"\x00")
