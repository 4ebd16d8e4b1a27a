"""What a PDF repeats on every page: running heads, feet and page numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["without_running_heads"]

_FEWEST_PAGES = 3
_SHARE = 0.4
"""Of the pages: heads differ between left and right pages."""
_LONGEST = 160
_LETTERS = re.compile(r"(?:[\W\d_]*[^\W\d_]){5}")
"""Fewer may be a table's row."""
_NUMBER = re.compile(r"\W*(?:page\s*)?\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?\W*", re.IGNORECASE)
_EDGE = 2
"""Lines from the top or the bottom where a page's number stands."""


def without_running_heads(pages: Sequence[str]) -> list[str]:
    """Returns the pages without lines that return on many of them; the first keeps all but its number."""
    if len(pages) < _FEWEST_PAGES:
        return list(pages)
    split = [page.split("\n") for page in pages]
    shapes = [[_shape(line) for line in lines] for lines in split]
    seen = Counter(shape for page in shapes for shape in set(page) if shape)
    fewest = max(_FEWEST_PAGES, _SHARE * len(pages))
    heads = {shape for shape, count in seen.items() if count >= fewest}
    numbered = sum(any(_NUMBER.fullmatch(line) for line in _edges(lines)) for lines in split) >= fewest
    return [
        "\n".join(
            line
            for place, line in enumerate(lines)
            if not (number > 0 and shapes[number][place] in heads)
            and not (numbered and (place < _EDGE or place >= len(lines) - _EDGE) and _NUMBER.fullmatch(line))
        )
        for number, lines in enumerate(split)
    ]


def _edges(lines: Sequence[str]) -> Sequence[str]:
    return [*lines[:_EDGE], *lines[-_EDGE:]]


def _shape(line: str) -> str:
    """A line without what changes from page to page; nothing for one that may be part of the text."""
    if len(line) > _LONGEST or _LETTERS.match(line) is None:
        return ""
    return " ".join(re.sub(r"\d+", "#", line).casefold().split())
