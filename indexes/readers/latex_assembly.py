r"""Puts a LaTeX paper together from its files: what it includes in its place, and its list of references."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from indexes.clean import clean_line
from indexes.errors import ReadError, TooLarge
from indexes.readers.beside import Beside
from indexes.readers.latex_files import DEEPEST, MOST_FILES, PRINTED, bibliographies, inclusions, prepared
from indexes.readers.limits import Limits

if TYPE_CHECKING:
    from indexes.types import Reference

__all__ = ["BODY", "Assembly"]

BODY = re.compile(r"\\begin\s*\{document\}(.*?)(?:\\end\s*\{document\}|\Z)", re.DOTALL)
_PLACE = re.compile(r"\\(?:bibliography\s*\{[^{}]{0,1000}\}|printbibliography(?:\s*\[[^\]]{0,500}\])?)")
_PRINTED = re.compile(r"\\begin\s*\{thebibliography\}(?:\s*\{[^{}]{0,100}\})?")
_ITEM = re.compile(r"\\bibitem\s*(?:\[(?:[^\[\]{}]|\{[^{}]{0,300}\}){0,500}\])?\s*\{([^{}]{0,200})\}")
_CITED = re.compile(r"\\[A-Za-z]{0,20}cite[A-Za-z]{0,12}\*?\s*(?:\[[^\]]{0,300}\]\s*){0,2}\{([^{}]*)\}")
_HEADING = r"\section*{References}"


class Assembly:
    """One paper's source, from all its files; what could not be followed is counted."""

    def __init__(self, *, name: str, load: Beside | None, limits: Limits) -> None:
        self.listings: list[str] = []
        self.notes: list[str] = []
        self._name = name
        self._load = load
        self._limits = limits
        self._left_out = 0
        self._included = 0
        self._length = 0

    def whole(self, data: bytes) -> str:
        """Returns the main file's source with everything that it includes in its place.

        Raises:
            Damaged: The main file is binary.
            TooLarge: There is too much of it, or files include each other too deeply.
        """
        source = self._source(data, self._name, above=(self._name,))
        source = self._with_references(source)
        if self._left_out:
            files = "file" if self._left_out == 1 else "files"
            self.notes.append(f"{self._left_out} other {files} that it includes not read with it")
        return _ITEM.sub(r"\n\n[\1] ", _PRINTED.sub(lambda _: _HEADING, source))

    def _source(self, data: bytes, file: str, *, above: tuple[str, ...]) -> str:
        prepared_file = prepared(data, name=PurePosixPath(file).name, listings_before=len(self.listings))
        self.listings += prepared_file.listings
        self.notes += prepared_file.notes
        source = prepared_file.text
        if len(above) > 1 and (body := BODY.search(source)):
            source = body[1]
        self._length += len(source)
        self._limits.check_text(self._length, name=clean_line(self._name))
        return "".join(self._followed(source, file, above))

    def _followed(self, source: str, file: str, above: tuple[str, ...]) -> Iterator[str]:
        start = 0
        for each in inclusions(source, file=file):
            yield source[start : each.start]
            start = each.end
            included = self._content(each.candidates, above)
            if included is None:
                self._left_out += 1
                continue
            path, content = included
            try:
                yield "\n" + self._source(content, path, above=(*above, path)) + "\n"
            except TooLarge:
                raise
            except ReadError:
                self._left_out += 1
        yield source[start:]

    def _content(self, candidates: tuple[str, ...], above: tuple[str, ...]) -> tuple[str, bytes] | None:
        if self._load is None:
            return None
        for path in candidates:
            if path in above:
                return None
            content = self._load(path)
            if content is None:
                continue
            self._included += 1
            if self._included > MOST_FILES or len(above) > DEEPEST:
                raise TooLarge(
                    f"{clean_line(self._name)!r} includes more than {MOST_FILES} files, or files more than "
                    f"{DEEPEST} deep, the limit.",
                    hint="Add the PDF that is made from it.",
                )
            return path, content
        return None

    def _with_references(self, source: str) -> str:
        """`source` with its references where it prints them: as BibTeX made them, else from the entries."""
        place = _PLACE.search(source)
        if place is None or self._load is None:
            return source
        printed = self._load(f"{posixpath.splitext(self._name)[0]}.bbl")
        if printed is not None and PRINTED in printed:
            references = self._source(printed, self._name, above=(self._name,))
        else:
            self.listings += self._entries(source)
            references = f"{_HEADING}\x01{len(self.listings) - 1}\x01" if self.listings else ""
        return source[: place.start()] + references + source[place.end() :]

    def _entries(self, source: str) -> Iterator[str]:
        from indexes.readers.bibliography import references

        assert self._load is not None
        keys = {key.strip(): None for found in _CITED.finditer(source) for key in found[1].split(",")}
        known: dict[str, Reference] = {}
        for path in bibliographies(source):
            content = self._load(path)
            if content is None:
                continue
            try:
                known |= {entry.key: entry for entry in references(content, name=path)}
            except ReadError:
                self.notes.append(f"the bibliography {path} cannot be read")
        cited = known if "*" in keys else [key for key in keys if key in known]
        if lines := [f"[{key}] {known[key].sentence}" for key in cited]:
            yield "\n\n".join(lines)
