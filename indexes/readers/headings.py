"""Headings in text that has none marked: numbers in order, and the names papers give their parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from indexes.readers.block import Block
from indexes.readers.people import is_place

__all__ = ["REFERENCES", "SUMMARY", "with_headings"]

SUMMARY = re.compile(
    r"\W*(?:\d{1,2}\.?\s+)?(?:a\s?b\s?s\s?t\s?r\s?a\s?c\s?t|summary|resumo|resumen|résumé)\W*", re.IGNORECASE
)
"""The heading of an abstract, as a whole line."""
REFERENCES = re.compile(
    r"\W*(?:\d{1,2}\.?\s+|[IVX]+\.\s+)?"
    r"(?:(?:notes and |literature |list of )?references?(?: cited| and notes)?|bibliograph(?:y|ie)"
    r"|(?:literature|works?) cited|literature|literatur(?:verzeichnis)?|referencias(?: bibliogr[áa]ficas)?"
    r"|refer[êe]ncias(?: bibliogr[áa]ficas)?|références)\W*",
    re.IGNORECASE,
)
"""The heading of a list of references, as a whole line."""

_NAMED = re.compile(
    r"\W*(?:introduc(?:tion|ción|ão)|background|related works?|motivation|preliminaries|statement of need"
    r"|(?:materials? and |patients and |research )?methods?(?: and materials)?|methodology|materials"
    r"|experiment(?:s|al)?(?: (?:setup|results|section))?|evaluation|implementation|limitations|future work"
    r"|results?(?: and discussion)?|discussions?(?: and conclusions?)?|acknowledge?ments?|funding"
    r"|conclu(?:sions?|ding remarks)(?: and (?:future work|outlook))?|author contributions?"
    r"|competing interests?|conflicts? of interests?|data (?:and code )?availability(?: statement)?"
    r"|ethics statement|appendi(?:x|ces)|supplement(?:ary|al) (?:materials?|information)|key\s?words"
    r"|index terms)\W*",
    re.IGNORECASE,
)
_AFTER_REFERENCES = re.compile(
    r"\W*(?:appendi(?:x|ces)\b.{0,60}|supplement(?:ary|al)\b.{0,60}|acknowledge?ments?"
    r"|author contributions?)\W*",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\s*(\d{1,2})((?:\.\d{1,2}){0,3})\.?\s+(\S.{1,90})")
_ROMAN = re.compile(r"\s*([IVX]{1,5})\.\s+([A-Z].{1,80})")
_ROMAN_NUMBERS = "I II III IV V VI VII VIII IX X XI XII XIII XIV XV".split()
_LOWER_CASE = frozenset("abcdefghijklmnopqrstuvwxyz")
_LONGEST = 110
_LIST_GAP = 300
"""Characters: where 2 follows 1 within so few, they number a list's items."""


def with_headings(pages: Sequence[str]) -> tuple[tuple[Block, ...], ...]:
    """Returns each page's text as blocks, the lines that are headings apart; nothing is left out."""
    lines = [page.split("\n") for page in pages]
    headings = _headings([line for page in lines for line in page])
    blocks: list[tuple[Block, ...]] = []
    first = 0
    for page in lines:
        blocks.append(tuple(_blocks(page, {place - first for place in headings})))
        first += len(page)
    return tuple(blocks)


def _blocks(lines: Sequence[str], headings: set[int]) -> Iterator[Block]:
    rest: list[str] = []
    for place, line in enumerate(lines):
        if place in headings:
            if rest:
                yield Block("\n".join(rest))
                rest = []
            yield Block(line, heading=True)
        else:
            rest.append(line)
    if rest:
        yield Block("\n".join(rest))


def _headings(lines: Sequence[str]) -> set[int]:
    """The places of the lines that are headings: those with a known name, and numbers in their order."""
    numbered = _numbered(lines)
    found: set[int] = set()
    last: tuple[int, ...] = (0,)
    in_references = False
    for place, line in enumerate(lines):
        if not line.strip() or len(line) > _LONGEST:
            continue
        if in_references:  # whose entries are numbered too
            known = _AFTER_REFERENCES.fullmatch(line) is not None
        else:
            known = line.strip()[0] not in _LOWER_CASE and _named(line)
            in_references = known and REFERENCES.fullmatch(line) is not None
            number = numbered.get(place)
            if number is not None and number in _following(last):
                last, known = number, True
        if known:
            found.add(place)
    return found


def _named(line: str) -> bool:
    return any(pattern.fullmatch(line) for pattern in (_NAMED, SUMMARY, REFERENCES))


def _numbered(lines: Sequence[str]) -> dict[int, tuple[int, ...]]:
    """The numbers of the lines that may be numbered headings, by place, without the items of lists."""
    found: dict[int, tuple[int, ...]] = {}
    offsets: dict[int, int] = {}
    offset = 0
    for place, line in enumerate(lines):
        if len(line) <= _LONGEST and (number := _number(line)):
            found[place] = number
            offsets[place] = offset
        offset += len(line) + 1
    top = [place for place, number in found.items() if len(number) == 1]
    items: set[int] = set()
    for place, following in pairwise(top):
        near = offsets[following] - offsets[place] < _LIST_GAP
        if near and found[following][0] == found[place][0] + 1:
            items |= {place, following}
    return {
        place: number
        for place, number in found.items()
        if place not in items or _named(re.sub(r"^\s*[\dIVX.]+\s+", "", lines[place]))
    }


def _number(line: str) -> tuple[int, ...] | None:
    if found := _NUMBERED.fullmatch(line):
        number: tuple[int, ...] = (int(found[1]), *(int(part) for part in found[2].split(".")[1:]))
        words = found[3]
    elif (found := _ROMAN.fullmatch(line)) and found[1] in _ROMAN_NUMBERS:
        number, words = (_ROMAN_NUMBERS.index(found[1]) + 1,), found[2]
    else:
        return None
    return number if _titled(words) and not is_place(words) else None


def _titled(words: str) -> bool:
    letters = sum(character.isalpha() or character.isspace() for character in words)
    return (
        words[0] not in _LOWER_CASE
        and letters > 0.8 * len(words)
        and re.search(r"[.;,]\s*$|\b(?:the|an?|of|and|or|in|to|for|with|by)$", words) is None
        and any(character.isalpha() for character in words)
    )


def _following(number: tuple[int, ...]) -> set[tuple[int, ...]]:
    """The numbers that may come after `number`: 2.1 and 3 after 2, 2.2 and 3 after 2.1."""
    return {(*number, 1)} | {(*number[:depth], number[depth] + 1) for depth in range(len(number))}
