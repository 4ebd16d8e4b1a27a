"""A paper's title and authors, from where and how large they stand on its first page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from indexes.clean import clean_line
from indexes.readers import front
from indexes.readers.layout import Line
from indexes.readers.people import MARK, people, person_share

__all__ = ["TITLE_PAGE_ENDS", "TitlePage", "read_title_page"]

_LONGEST_TITLE = 400
_SHORTEST_TITLE = 8
"""Letters."""
_LOOKED_AT = 60
"""Lines under the title among which the authors stand."""
TITLE_PAGE_ENDS = re.compile(
    r"^\W*(?:\d+\.?\s+|[IVX]+\.\s+)?(?:a\s?b\s?s\s?t\s?r\s?a\s?c\s?t|summary|introduction|key\s?words"
    r"|index terms|background|objectives?|highlights|contents|table of contents|resum[eo]|résumé"
    r"|zusammenfassung)\b",
    re.IGNORECASE,
)
"""The line under which no author stands any more."""
_OTHER_PEOPLE = re.compile(
    r"\b(?:edited|reviewed|handled|communicated|recommended|translated) by\b|\b(?:editors?|reviewers?"
    r"|advisors?|supervisors?|correspond\w+)\b",
    re.IGNORECASE,
)
_PROSE_WORDS = 9


class TitlePage(NamedTuple):
    """What a first page says."""

    titles: tuple[str, ...]
    """What may be the title, the likeliest first."""
    authors: tuple[str, ...]


class _Block(NamedTuple):
    """Lines of one size, one under the other."""

    lines: tuple[Line, ...]
    last: int
    """Place of its last line on the page."""

    @property
    def text(self) -> str:
        return " ".join(line.text.replace(MARK, "") for line in self.lines)


def read_title_page(lines: Sequence[Line]) -> TitlePage:
    """Returns what the lines of a first page, in reading order, say of the paper."""
    candidates = sorted(_candidates(lines), key=lambda block: -block.lines[0].size)
    authors: tuple[str, ...] = ()
    for block in candidates[:2]:
        authors = people(_author_lines(lines, block))
        if authors:
            candidates.remove(block)
            candidates.insert(0, block)
            break
    return TitlePage(titles=tuple(block.text for block in candidates), authors=authors)


def _candidates(lines: Sequence[Line]) -> Iterator[_Block]:
    """Yields what is larger than the text and reads as a title."""
    sizes = Counter[float]()
    for line in lines:
        sizes[line.size] += len(line.text)
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    for block in _blocks(lines):
        while len(block.lines) > 1 and not front.looks_like_title(block.lines[0].text):
            block = block._replace(lines=block.lines[1:])  # "Research Article" above the title
        text = clean_line(block.text, limit=_LONGEST_TITLE + 1)
        letters = sum(character.isalpha() for character in text)
        large = (
            block.lines[0].size > 1.08 * body and letters >= _SHORTEST_TITLE and len(text) <= _LONGEST_TITLE
        )
        if large and " " in text and front.looks_like_title(text) and not TITLE_PAGE_ENDS.match(text):
            yield block


def _blocks(lines: Sequence[Line]) -> Iterator[_Block]:
    block: list[Line] = []
    for place, line in enumerate(lines):
        if block and not _under(block[-1], line):
            yield _Block(tuple(block), place - 1)
            block = []
        block.append(line)
    if block:
        yield _Block(tuple(block), len(lines) - 1)


def _under(above: Line, line: Line) -> bool:
    return (
        abs(above.size - line.size) <= 0.3
        and 0 < above.bottom - line.bottom <= 2.2 * line.size
        and min(above.right, line.right) > max(above.left, line.left)
    )


def _author_lines(lines: Sequence[Line], title: _Block) -> list[str]:
    """The lines under the title that name people; a gap between two of them becomes a comma."""
    left = min(line.left for line in title.lines)
    right = max(line.right for line in title.lines)
    bottom = title.lines[-1].bottom
    found: list[tuple[int, Line]] = []
    after_others = False
    for place, line in enumerate(lines[title.last + 1 : title.last + 1 + _LOOKED_AT], title.last + 1):
        if line.top > bottom + 0.5 * line.size or line.right < left - 20 or line.left > right + 60:
            continue
        if TITLE_PAGE_ENDS.match(line.text) or (found and _is_prose(line.text)):
            break
        if _OTHER_PEOPLE.search(line.text):
            after_others = True
            continue
        if not after_others and _names_people(line, place, found):
            found.append((place, line))
        after_others = False
    last = {place for place, _ in found[-1:]}
    places = {place for place, _ in found}
    return [line.text if place in last or place + 1 in places else f"{line.text}," for place, line in found]


def _names_people(line: Line, place: int, found: Sequence[tuple[int, Line]]) -> bool:
    share = person_share(line.text)
    if not found:
        return share >= 0.5
    before_place, before = found[-1]
    if abs(line.size - found[0][1].size) > 1.2 or re.match(rf"\s*(?:{MARK}|\d)", line.text):
        return False  # a footnote's mark begins an affiliation
    close = 0 <= before.bottom - line.bottom <= 1.6 * line.size
    if place == before_place + 1 and close and len(line.text.split()) <= 3:
        # The rest of a name, and what follows it.
        return share >= 0.5 or person_share(f"{before.text} {line.text}") >= 0.5
    if not close and (place == before_place + 1 or (MARK in before.text and MARK not in line.text)):
        return share >= 0.5 and abs(before.bottom - line.bottom) < 0.5 * line.size  # side by side
    return share >= 0.5


def _is_prose(text: str) -> bool:
    words = text.split()
    return len(words) >= _PROSE_WORDS and sum(word.islower() for word in words) > 0.6 * len(words)
