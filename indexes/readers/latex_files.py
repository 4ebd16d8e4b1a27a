r"""What a LaTeX paper is made of: the files that its main file includes, from its own folder only."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from indexes.clean import clean_line
from indexes.errors import ReadError, TooLarge
from indexes.readers.beside import Beside, inside
from indexes.readers.decoding import decode

__all__ = [
    "DEEPEST",
    "LARGEST",
    "MOST_FILES",
    "PRINTED",
    "SUFFIXES",
    "Inclusion",
    "Source",
    "bibliographies",
    "fingerprint",
    "inclusions",
    "is_main",
    "parts",
    "prepared",
]

SUFFIXES = frozenset({".tex", ".ltx", ".latex"})
MOST_FILES = 300
"""Inclusions of one paper, the same file again counted again; a bomb of them stops here."""
DEEPEST = 20
PRINTED = b"thebibliography"
"""In a `.bbl` file that BibTeX made; one made for biblatex is no list, but data."""
LARGEST = 5_000_000
"""Bytes of one file that is followed."""
_MOST_BYTES = 50_000_000
_LISTING = re.compile(r"\\begin\s*\{((?:verbatim|Verbatim|lstlisting|minted)\*?)\}")
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*(?:\n[ \t]*)?")
_MAIN = re.compile(r"\\document(?:class|style)\s*(?:\[[^\]]{0,500}\])?\s*\{\s*(?!subfiles|standalone)")
_NAME = r"\{\s*([^{}\n]{1,300})\}"
_INCLUSION = re.compile(
    rf"\\(?:(?:input|include|subfile(?:include)?)(?![A-Za-z])(?:\s*{_NAME}|[ \t]+([\w./-]{{1,300}}))"
    rf"|(?:sub)?import\*?\s*\{{([^{{}}\n]{{0,300}})\}}\s*{_NAME})"
)
_BIBLIOGRAPHY = re.compile(rf"\\(?:bibliography|addbibresource(?:\s*\[[^\]]{{0,200}}\])?)\s*{_NAME}")


class Source(NamedTuple):
    """A file's source without comments, and the listings that were set aside, each for a number in it."""

    text: str
    listings: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Inclusion(NamedTuple):
    """A place where a file includes another."""

    start: int
    end: int
    candidates: tuple[str, ...]
    """Where that file may lie, best first; empty when the name leads out of the folder."""


def prepared(data: bytes, *, name: str, listings_before: int = 0) -> Source:
    """Returns a file's source; raises `Damaged` for a binary file."""
    decoded = decode(data, name=name)
    text, listings = _listings_aside(decoded.text.replace("\r\n", "\n").replace("\r", "\n"), listings_before)
    return Source(_COMMENT.sub(r"\1", text), tuple(listings), decoded.notes)


def is_main(data: bytes) -> bool:
    r"""Whether it is a paper of its own: it has a `\documentclass`, and not that of a part."""
    try:
        return _MAIN.search(prepared(data[:200_000], name="").text) is not None
    except ReadError:
        return False


def inclusions(source: str, *, file: str) -> Iterator[Inclusion]:
    """Returns where the source of `file`, a path in the main folder, includes another, in its order."""
    folder = posixpath.dirname(file)
    for found in _INCLUSION.finditer(source):
        name = found[1] or found[2] or posixpath.join(found[3] or "", found[4] or "")
        # TeX takes names from the main file's folder, some packages from the including file's.
        paths = dict.fromkeys(path for path in (inside(name), inside(name, folder=folder)) if path)
        suffixed = PurePosixPath(name.strip()).suffix.lower() in SUFFIXES
        ends = ("",) if suffixed else (".tex", "")
        yield Inclusion(found.start(), found.end(), tuple(path + end for path in paths for end in ends))


def bibliographies(source: str) -> Iterator[str]:
    """Returns the paths of the BibTeX files that the source names, those that stay in the folder."""
    for found in _BIBLIOGRAPHY.finditer(source):
        for name in found[1].split(","):
            if path := inside(name):
                yield path if path.lower().endswith(".bib") else path + ".bib"


def parts(data: bytes, *, file: str, load: Beside) -> Mapping[str, bytes]:
    """Returns the files that a main file is made of beside itself, by path in its folder, each once.

    Args:
        data: The main file.
        file: Its name in its folder.
        load: Reads the others.

    Raises:
        TooLarge: There are too many, or they are too large.
    """
    found: dict[str, bytes] = {}
    ahead = [(file, data)]
    named: dict[str, None] = {}
    while ahead:
        current, content = ahead.pop()
        if len(content) > LARGEST:
            continue
        try:
            source = prepared(content, name=current).text
        except ReadError:
            continue
        for each in inclusions(source, file=current):
            loaded = _first(each.candidates, found, load)
            if loaded is not None and loaded[0] not in found and loaded[0] != file:
                _put(found, *loaded, file=file)
                ahead.append(loaded)
        named |= dict.fromkeys(bibliographies(source))
    printed = f"{PurePosixPath(file).stem}.bbl"
    for path in (printed, *named) if named else ():
        if path not in found and (content_of_it := load(path)) is not None:
            _put(found, path, content_of_it, file=file)
            if path == printed and PRINTED in content_of_it:
                break
    return found


def fingerprint(parts: Mapping[str, bytes]) -> bytes:
    """Returns bytes that change when a part does; none for a paper without parts."""
    return b"".join(
        b"\x00" + name.encode("utf-8", "backslashreplace") + b"\x00" + hashlib.sha256(content).digest()
        for name, content in sorted(parts.items())
    )


def _first(candidates: tuple[str, ...], known: Mapping[str, bytes], load: Beside) -> tuple[str, bytes] | None:
    for path in candidates:
        content = known.get(path) or load(path)
        if content is not None:
            return path, content
    return None


def _put(found: dict[str, bytes], path: str, content: bytes, *, file: str) -> None:
    if len(found) == MOST_FILES or sum(map(len, found.values())) + len(content) > _MOST_BYTES:
        raise TooLarge(
            f"{clean_line(file)!r} includes over {MOST_FILES} files or {_MOST_BYTES:,} bytes, the limit.",
            hint="Add the PDF that is made from it.",
        )
    found[path] = content


def _listings_aside(source: str, before: int) -> tuple[str, list[str]]:
    """`source` with a number in place of each listing, whose `%` is no comment, and the listings."""
    kept: list[str] = []
    listings: list[str] = []
    unclosed: set[str] = set()
    start = 0
    source = source.replace("\x01", "")
    for found in _LISTING.finditer(source):
        closing = f"\\end{{{found[1]}}}"
        commented = "%" in source[source.rfind("\n", 0, found.start()) + 1 : found.start()]
        if found.start() < start or commented or closing in unclosed:
            continue
        end = source.find(closing, found.end())
        if end < 0:
            unclosed.add(closing)
            continue
        kept.append(f"{source[start : found.start()]}\x01{before + len(listings)}\x01")
        listings.append(source[found.end() : end])
        start = end + len(closing)
    return "".join(kept) + source[start:], listings
