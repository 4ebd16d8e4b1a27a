"""Bibliographies beside the files that are added: which entry describes which document."""

from __future__ import annotations

import re
import stat
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from indexes.clean import clean, clean_line
from indexes.formats import BIBLIOGRAPHIES
from indexes.types import DESCRIBED, Document, ParsedDocument, Reference

__all__ = ["Shelf", "letters", "may_be_bibliography", "said_by"]

_SHORTEST_TITLE = 15
"""Letters: "Introduction" is the title of many papers."""
_IN_WORDS = {"doi": "DOI", "arxiv_id": "arXiv id"}
_CSL = re.compile(rb'\s*\[\s*\{(?=.{0,4000}"(?:DOI|issued|author|container-title)"\s*:)', re.DOTALL)


class _Entry(NamedTuple):
    reference: Reference
    bibliography: str
    folder: Path


class Shelf:
    """Entries found by the file they name, else by DOI, else by title; one that is not alone is no match."""

    def __init__(self) -> None:
        self._by_file: dict[str, list[tuple[tuple[str, ...], _Entry]]] = defaultdict(list)
        self._by_doi: dict[str, list[_Entry]] = defaultdict(list)
        self._by_title: dict[str, list[_Entry]] = defaultdict(list)

    def put(self, bibliography: Path, references: Iterable[Reference]) -> None:
        """Adds the entries of one bibliography."""
        for reference in references:
            entry = _Entry(reference, clean_line(bibliography.name), bibliography.parent)
            for file in reference.files:
                parts = _parts(PurePosixPath(file))
                if parts:
                    self._by_file[parts[-1]].append((parts, entry))
            if reference.doi:
                self._by_doi[reference.doi.lower()].append(entry)
            if len(title := letters(reference.title)) >= _SHORTEST_TITLE:
                self._by_title[title].append(entry)

    def described(self, parsed: ParsedDocument, path: Path) -> ParsedDocument:
        """Returns the document with what its entry says in place of what its text says, and a note."""
        entry = self._entry(path, title=parsed.title, doi=parsed.doi)
        if entry is None:
            return parsed
        said = said_by(entry.reference)
        origins = parsed.origins | dict.fromkeys(said, "bibliography")
        note = f"{', '.join(_IN_WORDS.get(field, field) for field in said)} from {entry.bibliography}"
        return parsed.model_copy(update={**said, "origins": origins, "notes": (*parsed.notes, note)})

    def entry(self, document: Document) -> Reference | None:
        """Returns the entry of a document that is in the library."""
        found = self._entry(Path(document.source), title=document.title, doi=document.doi, here=True)
        return None if found is None else found.reference

    def said(self, document: Document) -> dict[str, Any]:
        """Returns what the entry of a document says, by the document's fields; nothing without an entry."""
        entry = self.entry(document)
        return {} if entry is None else said_by(entry)

    def _entry(self, path: Path, *, title: str | None, doi: str | None, here: bool = False) -> _Entry | None:
        return (
            self._named(path, here=here)
            or _only(self._by_doi.get((doi or "").lower(), ()))
            or _only(self._by_title.get(letters(title or ""), ()))
        )

    def _named(self, path: Path, *, here: bool) -> _Entry | None:
        """The entry whose file has the most folders in common with `path`, from the file's name upwards.

        A paper that was here before may lie anywhere and be called `paper.pdf`: unless it lies beside the
        bibliography, two folders have to agree as well.
        """
        parts = _parts(path)
        alike = [(_in_common(named, parts), entry) for named, entry in self._by_file.get(parts[-1], ())]
        if here:
            alike = [
                (count, entry) for count, entry in alike if count > 2 or path.is_relative_to(entry.folder)
            ]
        most = max((count for count, _ in alike), default=0)
        return _only([entry for count, entry in alike if count == most])


def may_be_bibliography(path: Path) -> bool:
    """Whether the file is worth reading as a bibliography; it is opened only where its name does not tell."""
    suffix = path.suffix.lower()
    if suffix not in BIBLIOGRAPHIES and suffix != ".json":
        return False
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False  # a pipe would block, a link may lead out of the folder
        if suffix in BIBLIOGRAPHIES:
            return True
        with path.open("rb") as file:
            return _CSL.match(file.read(8192)) is not None
    except OSError:
        return False


def _parts(path: PurePosixPath | Path) -> tuple[str, ...]:
    return tuple(clean(part).casefold() for part in path.parts if part not in (".", "/"))


def _in_common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    count = 0
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left != right:
            break
        count += 1
    return count


def said_by(reference: Reference) -> dict[str, Any]:
    """Returns what an entry says of its work, by the fields of `DESCRIBED`, without what it leaves out."""
    return {field: value for field in DESCRIBED if (value := getattr(reference, field))}


def _only(entries: Iterable[_Entry]) -> _Entry | None:
    """The one entry there is; the same said twice, by two bibliographies or in one, is once."""
    different = {(entry.reference.title, entry.reference.doi): entry for entry in entries}
    return next(iter(different.values())) if len(different) == 1 else None


def letters(title: str) -> str:
    """Returns a title's letters and digits: how two spellings of one title are told to be the same."""
    return "".join(character for character in clean(title).casefold() if character.isalnum())
