"""The parts of a paper's text: front matter, abstract and the list of references, by its headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from indexes.clean import clean_line
from indexes.readers.headings import REFERENCES, SUMMARY
from indexes.types import PAGE_BREAK, Section, Stretch

__all__ = ["Parts", "parts_of"]

_FRONT = 8_000
"""Characters in which front matter has to end, where an abstract follows it."""
_FRONT_ALONE = 2_500
"""The same, where the first section follows it."""
_ABSTRACT = (150, 6_000)
"""Fewest and most characters of an abstract."""
_INLINE = re.compile(r"^[ \t]*abstract\s?[.:—–-]*[ \t]*(?=\S)", re.IGNORECASE | re.MULTILINE)
_ABSTRACT_ENDS = re.compile(
    r"^[ \t]*(?:\W*key\s?words\b|index terms\b|(?:\d{1,2}|I)\.?[ \t]+introduction\b|introduction\s*$"
    r"|CCS concepts\b)",
    re.IGNORECASE | re.MULTILINE,
)


class Parts(NamedTuple):
    """What the parts of a text are."""

    abstract: str
    marked: tuple[Stretch, ...]
    references: str
    """The list of references without its heading, page breaks as line ends."""


def parts_of(text: str, sections: Sequence[Section], *, has_front: bool) -> Parts:
    """Returns the parts of a document's text.

    Args:
        text: The whole text.
        sections: Its headings, in order.
        has_front: Whether a title page stands in the text, as in a PDF.
    """
    abstract_at, body_at, abstract = _abstract(text, sections)
    marked: list[Stretch] = []
    front_end, most = (abstract_at, _FRONT) if abstract else (body_at, _FRONT_ALONE)
    if has_front and 0 < front_end <= min(most, len(text) - 1):
        marked.append(Stretch(part="front", start=0, end=front_end))
    references = ""
    if (place := _references(sections, len(text))) is not None:
        start, end = place
        marked.append(Stretch(part="references", start=start, end=end))
        references = text[start:end].partition("\n")[2].replace(PAGE_BREAK, "\n")
    return Parts(abstract, tuple(marked), references)


def _abstract(text: str, sections: Sequence[Section]) -> tuple[int, int, str]:
    """Where the abstract and where the first section begin, and the abstract's text, empty without one."""
    first = next((one.start for one in sections if not SUMMARY.fullmatch(one.title)), len(text))
    for index, section in enumerate(sections[:3]):
        if SUMMARY.fullmatch(section.title) and section.start <= _FRONT:
            end = sections[index + 1].start if index + 1 < len(sections) else len(text)
            return section.start, end, _bounded(text[section.start : end].partition("\n")[2])
    if inline := _INLINE.search(text[:_FRONT]):
        after = next((one.start for one in sections if one.start > inline.end()), len(text))
        return inline.start(), first, _bounded(text[inline.end() : after])
    return first, first, ""


def _bounded(text: str) -> str:
    """An abstract on one line, up to the key words; nothing where it is too short or too long to be one."""
    if ends := _ABSTRACT_ENDS.search(text):
        text = text[: ends.start()]
    line = clean_line(text, limit=_ABSTRACT[1] + 1)
    return line if _ABSTRACT[0] <= len(line) <= _ABSTRACT[1] else ""


def _references(sections: Sequence[Section], length: int) -> tuple[int, int] | None:
    """Where the last list of references begins, its heading included, and where it ends."""
    for index in range(len(sections) - 1, -1, -1):
        if REFERENCES.fullmatch(sections[index].title):
            end = sections[index + 1].start if index + 1 < len(sections) else length
            return sections[index].start, end
    return None
