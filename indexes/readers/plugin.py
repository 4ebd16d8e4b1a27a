"""Plugs in any LlamaIndex reader: its documents become the pages of one of ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from indexes.clean import clean_line
from indexes.errors import NoText, ReadError
from indexes.readers import front
from indexes.readers.block import Block
from indexes.readers.extract import Extract, document
from indexes.readers.limits import Limits
from indexes.types import ParsedDocument

if TYPE_CHECKING:
    from llama_index.core.schema import Document as LlamaDocument

__all__ = ["FileReader", "LlamaIndexReader"]


class FileReader(Protocol):
    """What LlamaIndex's file readers have in common: the file is their first parameter, whatever its name."""

    def load_data(self, file: Path, /) -> Sequence[LlamaDocument]:
        """Returns the documents in `file`, in reading order."""
        ...


class LlamaIndexReader:
    """A LlamaIndex reader, used for files of some suffixes.

    Passed to `Library.add` it runs in this process, in a thread: it is the person's own code, and may need
    their network and their keys. Named (see `indexes.readers.named`) it runs in the reading child, within its
    limits and without a network. What it returns is sanitised like any other text.
    """

    def __init__(
        self,
        reader: FileReader,
        *,
        suffixes: Iterable[str],
        media_type: str = "text/plain",
        limits: Limits | None = None,
    ) -> None:
        self._reader = reader
        self._media_type = media_type
        self._limits = limits or Limits()
        self.suffixes = frozenset(suffix.lower() for suffix in suffixes)

    def read(self, path: Path) -> ParsedDocument:
        """Returns the file as one document, each of the reader's documents a page; blocks.

        Raises:
            ReadError: The reader failed, with its own words; `NoText` where it found nothing.
        """
        name = clean_line(path.name)
        try:
            found = list(self._reader.load_data(path))
            pages = tuple((Block(page.get_content()),) for page in found)
        except MemoryError:
            raise  # the file is too large for the limits of where it is read
        except Exception as error:
            # An outer door: any code may stand behind it, and one file must not end the others.
            raise ReadError(
                f"{name!r} cannot be read by {type(self._reader).__name__}: {clean_line(str(error))}",
                hint="The reader that was plugged in failed; try it on this file by itself.",
            ) from error
        extract = Extract(
            media_type=self._media_type,
            pages=pages,
            titles=tuple(_said(found, "title", "Title")),
            authors=tuple(_people(found)),
            year=front.year(" ".join(_said(found, "year", "publication_date", "date"))),
            doi=next(_said(found, "doi", "DOI"), None),
        )
        try:
            return document(extract, path=path, limits=self._limits)
        except NoText as error:
            raise NoText(f"{name!r} holds no text that {type(self._reader).__name__} finds.") from error


def _said(found: Sequence[LlamaDocument], *keys: str) -> Iterator[str]:
    """What the documents' metadata says under `keys`, each saying once."""
    values = (page.metadata.get(key) for key in keys for page in found)
    yield from dict.fromkeys(str(value) for value in values if isinstance(value, str | int) and value)


def _people(found: Sequence[LlamaDocument]) -> Iterator[str]:
    for key in ("authors", "author", "Author"):
        listed = next((page.metadata[key] for page in found if page.metadata.get(key)), None)
        if isinstance(listed, list | tuple):
            yield from map(str, listed)
        elif isinstance(listed, str):
            yield from front.split_names(listed)
