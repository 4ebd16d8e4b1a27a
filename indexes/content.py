"""What tells one file's bytes from another's, and how the catalogue writes its path."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from indexes.ledger import Content
from indexes.types import ParsedDocument

__all__ = ["content_of", "content_of_text", "stored_path"]


def content_of(path: Path, collection: str) -> Content:
    """Returns what tells the file's bytes apart; blocks.

    Raises:
        OSError: It cannot be opened.
    """
    with path.open("rb") as file:
        plain, named = hashlib.sha256(), _document_hash(collection)
        while block := file.read(1 << 20):
            plain.update(block)
            named.update(block)
        status = os.fstat(file.fileno())
    return Content(
        hash=plain.hexdigest(),
        document_id=named.hexdigest()[:20],
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
    )


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
