"""Reads bibliographies (BibTeX, RIS, CSL-JSON): what a person's own list says of the files it lies beside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from indexes.clean import clean_line
from indexes.errors import Damaged, TooLarge
from indexes.readers import front, latex
from indexes.readers.decoding import decode
from indexes.types import Reference

__all__ = ["references"]

_MOST_BYTES = 50_000_000
_MOST_ENTRIES = 100_000
_ENTRY = re.compile(r"^[ \t]*@\s*(\w+)\s*[{(]", re.MULTILINE)
_FIELD = re.compile(r"[\s,]*([\w:.+-]+)\s*=\s*")
_BARE = re.compile(r"[^\s,#{}\"()=]+")
_NESTED = re.compile(r'\\.|[{}"]', re.DOTALL)
_AND = re.compile(r"\\.|[{}]| and ")
_NO_PAPER = frozenset({"comment", "preamble", "string"})
_RIS_LINE = re.compile(r"^([A-Z][A-Z0-9])  ?- ?(.*)$", re.MULTILINE)
_TAG = re.compile(r"</?[A-Za-z][\w:-]{0,30}(?:\s[^<>]{0,200})?/?>")
_LONGEST_ABSTRACT = 20_000
_YEAR = re.compile(r"\b(1[5-9]\d\d|20\d\d)\b")


def references(data: bytes, *, name: str) -> tuple[Reference, ...]:
    """Returns the entries in order; one that cannot be understood is left out.

    Raises:
        Damaged: It is no bibliography.
        TooLarge: It has too many bytes.
    """
    if len(data) > _MOST_BYTES:
        raise TooLarge(f"{name!r} has more than {_MOST_BYTES:,} bytes, the limit for a bibliography.")
    text = decode(data, name=name).text
    suffix = PurePosixPath(name).suffix.lower()
    entries = _csl(text, name) if suffix == ".json" else _ris(text) if suffix == ".ris" else _bibtex(text)
    found: list[Reference] = []
    for entry in entries:
        if len(found) == _MOST_ENTRIES:
            break
        if entry.title or entry.doi:
            found.append(entry)
    return tuple(found)


def _bibtex(text: str) -> Iterator[Reference]:
    begun = list(_ENTRY.finditer(text))
    macros: dict[str, str] = {}
    for entry, following in zip(begun, [*begun[1:], None], strict=False):  # there may be none at all
        # An entry ends where the next begins: one that is never closed spoils no other.
        body = text[entry.end() : following.start() if following else len(text)]
        kind = entry[1].lower()
        if kind == "string":
            macros |= _fields(body, macros)
        elif kind not in _NO_PAPER:
            key, _, fields = body.partition(",")
            yield _from_bibtex(clean_line(key, limit=200), _fields(fields, macros))


def _fields(body: str, macros: dict[str, str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    at = 0
    while found := _FIELD.match(body, at):
        value, at = _value(body, found.end(), macros)
        fields.setdefault(found[1].lower(), value)
        if at == found.end():
            break
    return fields


def _value(body: str, at: int, macros: dict[str, str]) -> tuple[str, int]:
    """A field's source, its parts joined, and where it ends; unmoved where there is none."""
    parts: list[str] = []
    while at < len(body):
        if body[at] in '{"':
            end = _closing(body, at)
            if end < 0:
                break
            parts.append(body[at + 1 : end])
            at = end + 1
        elif bare := _BARE.match(body, at):
            parts.append(macros.get(bare[0].lower(), bare[0]))
            at = bare.end()
        else:
            break
        joined = re.compile(r"\s*#\s*").match(body, at)
        if joined is None:
            break
        at = joined.end()
    return "".join(parts), at


def _closing(body: str, start: int) -> int:
    """Where what opens at `start` is closed, -1 for never."""
    quoted, depth = body[start] == '"', 0
    for found in _NESTED.finditer(body, start + quoted):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if (quoted and found[0] == '"' and depth == 0) or (not quoted and depth == 0 and found[0] == "}"):
            return found.start()
    return -1


def _from_bibtex(key: str, fields: dict[str, str]) -> Reference:
    people = (
        # In braces of its own it is an institution, whose commas and "and" divide nothing.
        [_said(person)] if person.startswith("{") else front.split_names(_said(person) + ";")
        for person in _people(fields.get("author", ""))
    )
    venue = (fields.get(name, "") for name in ("journal", "journaltitle", "booktitle", "publisher", "school"))
    return Reference(
        key=key,
        title=_said(fields.get("title", "")),
        authors=front.names(name for names in people for name in names if name.lower() != "others"),
        year=_year(fields.get("year") or fields.get("date") or ""),
        doi=front.doi(fields.get("doi", "").replace("\\_", "_")),
        arxiv_id=_arxiv(fields),
        files=tuple(_files(fields.get("file", ""))),
        venue=_said(next(filter(None, venue), "")),
        abstract=_said(fields.get("abstract", ""), limit=_LONGEST_ABSTRACT),
    )


def _arxiv(fields: dict[str, str]) -> str | None:
    kind = (fields.get("archiveprefix") or fields.get("eprinttype") or "").lower()
    return front.arxiv_id(fields.get("eprint", ""), alone=kind == "arxiv") or front.arxiv_id(
        f"{fields.get('journal', '')} {fields.get('url', '')} {fields.get('doi', '')}"
    )


def _people(source: str) -> Iterator[str]:
    """Splits at each "and" that stands outside of braces."""
    source = " ".join(source.split())
    start = depth = 0
    for found in _AND.finditer(source):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if found[0] == " and " and depth == 0:
            yield source[start : found.start()]
            start = found.end()
    yield source[start:]


def _said(source: str, *, limit: int = 300) -> str:
    """A field as text: accents written out, the braces that keep capitals gone."""
    if not re.search(r"[\\{}$~]|--", source):
        return clean_line(source, limit=limit)
    return clean_line(latex.words(source[: max(limit, 5000)]), limit=limit)


def _files(field: str) -> Iterator[str]:
    r"""Zotero writes `Title:path:type;...` or a bare path, JabRef `:path:type`; both escape with `\`."""
    for one in re.split(r"(?<!\\);", field):
        parts = [re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\):", one)]
        path = parts[-2] if len(parts) >= 3 else max(parts, key=len)
        if path.strip():
            yield clean_line(path.replace("\\", "/"), limit=1000)


def _ris(text: str) -> Iterator[Reference]:
    entry: dict[str, list[str]] = {}
    for found in _RIS_LINE.finditer(text.replace("\r\n", "\n")):
        tag, value = found[1], found[2].strip()
        if tag == "TY":
            entry = {}
        elif tag == "ER":
            yield _from_ris(entry)
            entry = {}
        else:
            entry.setdefault(tag, []).append(value)


def _from_ris(entry: dict[str, list[str]]) -> Reference:
    def first(*tags: str) -> str:
        return next((value for tag in tags for value in entry.get(tag, ()) if value), "")

    people = (
        name
        for tag in ("AU", "A1")
        for person in entry.get(tag, ())
        for name in front.split_names(person + ";")
    )
    links = (unquote(link.removeprefix("file://")) for tag in ("L1", "L4") for link in entry.get(tag, ()))
    return Reference(
        title=clean_line(first("TI", "T1", "CT")),
        authors=front.names(people),
        year=_year(first("PY", "Y1", "DA")),
        doi=front.doi(first("DO")),
        arxiv_id=front.arxiv_id(f"{first('UR')} {first('DO')}"),
        venue=clean_line(first("T2", "JO", "JF", "JA", "BT", "PB")),
        abstract=_abstract(first("AB", "N2")),
        files=tuple(clean_line(link, limit=1000) for link in links if "://" not in link),
    )


def _csl(text: str, name: str) -> Iterator[Reference]:
    try:
        items = json.loads(text)
    except ValueError as error:
        raise Damaged(f"{name!r} is not JSON: {error}.") from error
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(item.get("title"), str):
            people = item.get("author")
            yield Reference(
                key=clean_line(str(item.get("id") or ""), limit=200),
                title=_unmarked(item["title"]),
                authors=front.names(map(_csl_name, people if isinstance(people, list) else ())),
                year=_year(json.dumps(item.get("issued"))[:200]),
                doi=front.doi(str(item.get("DOI") or "")[:500]),
                arxiv_id=front.arxiv_id(f"{item.get('number')} {item.get('URL')} {item.get('DOI')}"),
                venue=_unmarked(item.get("container-title") or item.get("publisher")),
                abstract=_abstract(item.get("abstract")),
            )


def _unmarked(said: Any) -> str:
    """A field without the few tags that CSL allows in it."""
    return clean_line(re.sub(r"</?\w{1,8}>", "", said)) if isinstance(said, str) else ""


def _abstract(said: Any) -> str:
    """An abstract without the JATS or HTML tags that publishers leave in it."""
    if not isinstance(said, str):
        return ""
    return clean_line(_TAG.sub(" ", said[:_LONGEST_ABSTRACT]), limit=_LONGEST_ABSTRACT)


def _csl_name(person: Any) -> str:
    if not isinstance(person, dict):
        return ""
    parts = (person.get(key) for key in ("given", "non-dropping-particle", "family", "literal"))
    return " ".join(part for part in parts if isinstance(part, str))


def _year(said: str) -> int | None:
    found = _YEAR.search(said)
    return int(found[1]) if found else None
