"""What a format found in a file, and how that becomes a sanitised document with offsets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from indexes.clean import clean, clean_line, count_unsafe
from indexes.errors import NoText
from indexes.readers import front
from indexes.readers.limits import Limits
from indexes.types import PAGE_BREAK, ParsedDocument, Section

__all__ = ["Block", "Extract", "document"]

_BETWEEN_BLOCKS = "\n\n"
_BLANK_LINES = re.compile(r"\n{3,}")


class Block(NamedTuple):
    """A heading, a paragraph, a listing: what stands between two blank lines."""

    text: str
    heading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A file's content as its format gives it: hostile, without offsets."""

    media_type: str
    pages: tuple[tuple[Block, ...], ...]
    titles: tuple[str, ...] = ()
    """What may be the title, most trusted first; the first plausible one wins."""
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str | None = None
    front: str = ""
    """Where to look for a year and a DOI that are still missing: the first page, or nothing."""
    notes: tuple[str, ...] = field(default=())


def document(extract: Extract, *, path: Path, limits: Limits) -> ParsedDocument:
    """Returns the document: sanitised first, then measured, so that every offset fits its text.

    Raises:
        NoText: No page has a visible character.
        TooLarge: The text is over the limit.
    """
    name = clean_line(path.name)
    limits.check_text(sum(len(block.text) for page in extract.pages for block in page), name=name)
    pages, sections, removed = _laid_out(extract.pages)
    if not any(pages):
        raise NoText(f"{name!r} holds no text.")
    opening = clean(extract.front)
    headings = (section.title for section in sections)
    return ParsedDocument(
        media_type=extract.media_type,
        pages=tuple(pages),
        title=front.best_title(
            [*extract.titles, *headings, *_first_lines(pages)], stem=clean_line(path.stem)
        ),
        authors=front.names(extract.authors),
        year=extract.year or front.publication_year(opening),
        doi=front.doi(extract.doi or "") or front.doi(opening),
        sections=tuple(sections),
        notes=(*(clean_line(note) for note in extract.notes), *_removed(removed)),
    )


def _laid_out(raw_pages: Iterable[Iterable[Block]]) -> tuple[list[str], list[Section], int]:
    """The pages' final text, where each heading stands in the whole, and how many characters were unsafe."""
    pages: list[str] = []
    sections: list[Section] = []
    page_start = removed = 0
    for raw_page in raw_pages:
        blocks: list[str] = []
        start = page_start
        for raw in raw_page:
            cleaned = clean(raw.text)
            removed += (
                count_unsafe(raw.text) if cleaned != raw.text else 0
            )  # counting costs as much as cleaning
            text = _tidy(cleaned, one_line=raw.heading)
            if not text:
                continue
            if raw.heading:
                sections.append(Section(title=clean_line(text), start=start))
            blocks.append(text)
            start += len(text) + len(_BETWEEN_BLOCKS)
        pages.append(_BETWEEN_BLOCKS.join(blocks))
        page_start += len(pages[-1]) + len(PAGE_BREAK)
    return pages, sections, removed


def _tidy(text: str, *, one_line: bool) -> str:
    """`text` without form feeds, which only stand between pages, trailing blanks and runs of empty lines."""
    if one_line:
        return " ".join(text.split())
    lines = (line.rstrip() for line in text.replace("\f", "\n").split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def _first_lines(pages: list[str]) -> Iterator[str]:
    first = next(page for page in pages if page)
    return (line for line in first[:4000].split("\n")[:40] if line.strip())


def _removed(count: int) -> Iterator[str]:
    if count:
        yield f"{count} invisible or unsafe {'character' if count == 1 else 'characters'} removed"
