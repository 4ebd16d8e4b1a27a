"""What a format found in a file, and how that becomes a sanitised document with offsets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from indexes.clean import clean, clean_line, count_unsafe
from indexes.errors import NoText
from indexes.readers import front
from indexes.readers.block import Block
from indexes.readers.cited import cited
from indexes.readers.limits import Limits
from indexes.readers.parts import parts_of
from indexes.types import DESCRIBED, PAGE_BREAK, MetadataSource, ParsedDocument, Reference, Section

__all__ = ["Block", "Extract", "document"]

_BETWEEN_BLOCKS = "\n\n"
_LONGEST_ABSTRACT = 6_000
_BLANK_LINES = re.compile(r"\n{3,}")


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
    arxiv_id: str | None = None
    venue: str = ""
    abstract: str = ""
    references: tuple[Reference, ...] = ()
    """The works it cites, where the format has them as such; by default they are read from its text."""
    front: str = ""
    """The first page, or nothing: where what is still missing is looked for, and what may be front matter."""
    origins: dict[str, MetadataSource] = field(default_factory=dict)
    """Where what stands above comes from, by field; by default from the text."""
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
    stem = clean_line(path.stem)
    parts = parts_of(PAGE_BREAK.join(pages), sections, has_front=bool(opening))
    title = front.best_title([*extract.titles, *headings, *_first_lines(pages)], stem=stem)
    parsed = ParsedDocument(
        media_type=extract.media_type,
        pages=tuple(pages),
        title=title,
        authors=front.names(extract.authors),
        year=extract.year or front.publication_year(opening),
        doi=front.doi(extract.doi or "") or front.doi(opening),
        arxiv_id=extract.arxiv_id or front.arxiv_id(opening),
        venue=clean_line(extract.venue) or front.venue(opening),
        abstract=clean_line(extract.abstract, limit=_LONGEST_ABSTRACT) or parts.abstract,
        sections=tuple(sections),
        references=extract.references or cited(parts.references),
        marked=parts.marked,
        notes=(*(clean_line(note) for note in extract.notes), *_removed(removed)),
    )
    said: dict[str, MetadataSource] = {
        field: extract.origins.get(field, "text") for field in DESCRIBED if getattr(parsed, field)
    }
    if title == stem:
        said["title"] = "name"
    return parsed.model_copy(update={"origins": said})


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
