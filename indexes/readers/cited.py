"""A paper's list of references, one by one: where each entry ends, and what it says of the work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indexes.clean import clean_line
from indexes.readers import front
from indexes.types import Reference

__all__ = ["cited", "entry"]

_MOST = 2_000
_LONGEST = 1_200
"""Characters of one entry; what is longer is no entry."""
_BRACKETED = re.compile(r"^[ \t]*\[([^\]\s]{1,60})\][ \t]*", re.MULTILINE)
_NUMBERED = re.compile(r"^[ \t]*\(?(\d{1,3})(?:[.)][ \t]*|[ \t]+)(?=[^\W\d_a-z]|[“\"'‘])", re.MULTILINE)
_BEGINS = re.compile(
    r"(?:[a-z]{2,4}[ ]){0,2}[^\W\d_a-z][^\W\d_'’.-]*(?:[ -][^\W\d_]['’\w-]+){0,3},[ ]"
    r"(?:[^\W\d_a-z]\.|[^\W\d_a-z][^\W\d_]+|\(?(?:19|20)\d\d)"
    r"|[^\W\d_a-z][\w .&’'-]{2,60}[.,]?[ ]\((?:19|20)\d\d[a-z]?\)"
    r"|[^\W\d_a-z][^\W\d_]+[ ][A-Z]{1,3}[,.][ ]"
    r"|(?:[^\W\d_a-z]\.[ -]?){1,3}[ ]?[^\W\d_a-z][^\W\d_]+,[ ]"
)
_ENDED = re.compile(r"(?:[.)\]/\d]|\S*[/=_.]\S{3,})\s*$")
_BROKEN_DOI = re.compile(r"((?:doi\.org/|10\.\d{4,9}/\S*[-/_])|10\.\d{4,9}/\S*\.(?=\s\S*\d))\s+(?=[\w(])")
"""A DOI that a line's end divides."""
_YEAR = re.compile(r"(?<![\d.])\(?((?:1[89]|20)\d\d)[a-z]?\)?(?![\d–-])")
_IN_BRACKETS = re.compile(r"\(((?:1[89]|20)\d\d)[a-z]?(?:,[^)]{1,20})?\)")
_QUOTED = re.compile(r"[“\"‘]([^”\"]{8,300}?)[,.]?[”\"’](?!\w)")
_SENTENCE = re.compile(r"(?:(?<=[^\W\d_]{2})|(?<=[)?!\d]))[.?!]\s+(?=[^\W\d_a-z]|[“\"\d\[(])|[?!]\s+")


def cited(text: str) -> tuple[Reference, ...]:
    """Returns the entries of a list of references, in its order.

    Args:
        text: The list, without its heading; pages joined.
    """
    found = (entry(one) for one in _entries(text))
    return tuple(one for one, _ in zip(found, range(_MOST), strict=False))


def entry(text: str) -> Reference:
    """Returns what one entry says; only its text and identifiers are certain, the rest is a reading of it."""
    line = clean_line(text, limit=_LONGEST)
    line = _BROKEN_DOI.sub(r"\1", _BROKEN_DOI.sub(r"\1", line))
    bracketed = _IN_BRACKETS.search(line)
    years = [int(found[1]) for found in _YEAR.finditer(front.without_identifiers(line))]
    year = int(bracketed[1]) if bracketed else next(iter(reversed(years)), None)
    people, title = _people_and_title(line, bracketed)
    return Reference(
        text=line,
        title=title,
        authors=people,
        year=year,
        doi=front.doi(line),
        arxiv_id=front.arxiv_id(line),
    )


def _entries(text: str) -> Iterator[str]:
    for pattern in (_BRACKETED, _NUMBERED):
        starts = _in_order(list(pattern.finditer(text)))
        if len(starts) >= 2 and starts[0].start() < 400:
            ends = [found.start() for found in starts[1:]] + [len(text)]
            yield from _short(text[found.end() : end] for found, end in zip(starts, ends, strict=True))
            return
    yield from _short(_hanging(text))


def _in_order(found: list[re.Match[str]]) -> list[re.Match[str]]:
    """Those whose numbers count up from 1: a year at a line's beginning is none. Labels are all taken."""
    if found and not found[0][1].isdigit():
        return found
    kept: list[re.Match[str]] = []
    expected = 1
    for one in found:
        if one[1].isdigit() and int(one[1]) == expected:
            kept.append(one)
            expected += 1
    return kept


def _hanging(text: str) -> Iterator[str]:
    """Entries without numbers: one begins with a name, where the line before ends a sentence."""
    lines: list[str] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        if lines and _ENDED.search(lines[-1]) and _BEGINS.match(line.strip()):
            yield "\n".join(lines)
            lines = []
        lines.append(line)
    if lines:
        yield "\n".join(lines)


def _short(entries: Iterable[str]) -> Iterator[str]:
    for one in entries:
        joined = " ".join(one.split())
        if len(joined) >= 15 and any(character.isalpha() for character in joined):
            yield joined[:_LONGEST]


def _people_and_title(line: str, year: re.Match[str] | None) -> tuple[tuple[str, ...], str]:
    if quoted := _QUOTED.search(line):
        return _people(line[: quoted.start()]), clean_line(quoted[1])
    if year and year.start() > 2 and year.end() < len(line) - 10:
        # Authors (2019). Title. Journal, 3, 1-9.
        rest = line[year.end() :].lstrip(" .,:")
        return _people(line[: year.start()]), _title(_SENTENCE.split(rest, maxsplit=1)[0])
    parts = [part.strip(" .") for part in _SENTENCE.split(line, maxsplit=2)]
    if len(parts) >= 2:
        # Authors. Title. Journal 3, 1-9, 2019.
        return _people(parts[0]), _title(parts[1])
    return (), ""


def _title(text: str) -> str:
    return clean_line(re.sub(r"\W\s*(?:Retrieved|Available|Accessed)\b.*", "", text)).rstrip(".")


def _people(text: str) -> tuple[str, ...]:
    from indexes.readers.people import people

    return people([re.sub(r"\bet al\b\.?|\b[Ii]n:?\s*$", "", text).strip(" ,(")])
