"""Reads PDF: the text of each page in order, and what the file says about itself."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from indexes.clean import clean_line
from indexes.errors import Damaged, Encrypted, NoText
from indexes.readers import front, layout
from indexes.readers.extract import Extract
from indexes.readers.headings import with_headings
from indexes.readers.limits import Limits
from indexes.readers.people import is_name
from indexes.readers.running import without_running_heads
from indexes.readers.titlepage import TITLE_PAGE_ENDS, read_title_page
from indexes.types import MetadataSource

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

__all__ = ["NO_TEXT_LAYER", "OCR_FINDS_NONE", "WITHOUT_TEXT", "read"]

NO_TEXT_LAYER, OCR_FINDS_NONE = "no text layer", "OCR finds no text on them."
WITHOUT_TEXT = "without text"
"""What errors and notes say of pages that OCR may read, or has tried to."""

_MEDIA_TYPE = "application/pdf"
_PASSWORD_ERROR, _SECURITY_ERROR = 4, 5  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY
_LIGATURES = re.compile("[\ufb00-\ufb06]")
_LINE_END_HYPHEN = re.compile(r"([^\W\d_]+)[\x02\ufffe]\n?([^\W_][^\W\d_]*)")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")
_ET_AL = re.compile(r"\bet\b\W{0,2}al\b", re.IGNORECASE)


def read(data: bytes, *, name: str, limits: Limits, by_ocr: Mapping[int, str] | None = None) -> Extract:
    """Returns the text of every page of a PDF; `by_ocr` has that of pages that are pictures, by number.

    Text outside the page's box, which a person never sees, is left out.

    Raises:
        Encrypted: It needs a password; one that only restricts printing or copying does not stop reading.
        NoText: No page has text.
        Damaged: It is broken beyond PDFium's repair.
        TooLarge: Its text is over the limit.
    """
    with closing(_opened(data, name)) as pdf:
        lines: list[layout.Line] = []
        pages, unreadable = _page_texts(pdf, lines, name=name, limits=limits)
        said = {key: clean_line(pdf.get_metadata_value(key)) for key in ("Title", "Author", "CreationDate")}
    page = read_title_page(lines)
    if len(unreadable) == len(pages):
        raise Damaged(f"{name!r} is broken: none of its pages can be opened.")
    read_by_ocr = sorted(number for number, text in (by_ocr or {}).items() if text.strip())
    for number in read_by_ocr:
        pages[number - 1] = (by_ocr or {})[number]
    if not any(page.strip() for page in pages):
        tried = "" if by_ocr is None else f" {OCR_FINDS_NONE}"
        raise NoText(
            f"{name!r} has {NO_TEXT_LAYER}: {_pages(len(pages))}, pictures only.{tried}",
            hint="" if tried else "OCR reads them: pip install 'carrel[ocr]', then add it with --ocr.",
        )
    texts = _joined_words(pages)
    first_page = texts[0]
    created = re.match(r"D:(\d{4})", said["CreationDate"])
    authors = _authors(said["Author"], page.authors, first_page)
    year = front.publication_year(first_page)
    return Extract(
        media_type=_MEDIA_TYPE,
        pages=with_headings(without_running_heads(texts)),
        titles=tuple(_titles(said["Title"], page.titles, first_page)),
        authors=authors,
        year=year or front.year(created.group(1) if created else first_page),
        front=first_page,
        origins=_origins(said, authors=authors, seen=page.authors, year_printed=year is not None),
        notes=tuple(_notes(texts, unreadable, read_by_ocr)),
    )


def _opened(data: bytes, name: str) -> PdfDocument:
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        return PdfDocument(data)
    except PdfiumError as error:
        if error.err_code == _PASSWORD_ERROR:
            raise Encrypted(f"{name!r} needs a password.") from error
        if error.err_code == _SECURITY_ERROR:
            raise Encrypted(f"{name!r} is encrypted in a way that is not known.") from error
        raise Damaged(f"{name!r} is not a PDF that can be opened: it is broken.") from error


def _page_texts(
    pdf: PdfDocument, lines: list[layout.Line], *, name: str, limits: Limits
) -> tuple[list[str], set[int]]:
    """The raw text of each page, and the numbers, from 1, of those that cannot be opened.

    The first page's lines go into `lines`: a page is not opened twice, which costs as much as reading it.
    """
    from pypdfium2 import PdfiumError

    texts: list[str] = []
    unreadable: set[int] = set()
    characters = 0
    for number in range(1, len(pdf) + 1):
        try:
            with closing(pdf[number - 1]) as page, closing(page.get_textpage()) as text_page:
                texts.append(text_page.get_text_bounded().replace("\r\n", "\n"))
                if number == 1:
                    lines += layout.lines(text_page, until=TITLE_PAGE_ENDS)
        except PdfiumError:
            unreadable.add(number)
            texts.append("")
        characters += len(texts[-1])
        limits.check_text(characters, name=name)
    return texts, unreadable


def _joined_words(pages: list[str]) -> list[str]:
    """The pages with ligatures written out and words that were divided at a line's end made whole."""
    pages = [
        _LIGATURES.sub(lambda found: unicodedata.normalize("NFKC", found.group()), page) for page in pages
    ]
    # PDFium marks a hyphen that ends a line, but not one that typesetters write as U+2010.
    pages = [page.replace("\u2010\n", "\x02\n").replace("\u2010", "-") for page in pages]
    words = Counter(word.lower() for page in pages for word in _WORDS.findall(page))

    def joined(divided: re.Match[str]) -> str:
        head, tail = divided.groups()
        compound = f"{head}-{tail}"
        if not tail[0].islower():
            return compound  # Metropolis-Hastings, COVID-19
        return compound if words[compound.lower()] > words[f"{head}{tail}".lower()] else f"{head}{tail}"

    return [_LINE_END_HYPHEN.sub(joined, page) for page in pages]


def _titles(said: str, seen: Sequence[str], first_page: str) -> Iterator[str]:
    """What may be the title: what the file says where the page agrees, else what the page shows."""
    agreed = bool(said) and _letters(said) in _letters(first_page)
    yield from (said, *seen) if agreed else (*seen, said)


def _authors(said: str, seen: Sequence[str], first_page: str) -> tuple[str, ...]:
    """The people the page shows, or those the file names, if the page knows them and they are not fewer."""
    letters = _letters(first_page)
    named = [name for name in front.names(front.split_names(said)) if len(_letters(name)) > 2]
    known = [name for name in named if _letters(name.split()[-1]) in letters]
    if known and len(known) >= len(seen) and not _ET_AL.search(said):
        return tuple(known)
    return tuple(seen or known or filter(is_name, named))


def _origins(
    said: Mapping[str, str], *, authors: Sequence[str], seen: Sequence[str], year_printed: bool
) -> dict[str, MetadataSource]:
    """What only the file's own description says; the rest stands in its text."""
    origins: dict[str, MetadataSource] = {}
    if authors and tuple(authors) != tuple(seen):
        origins["authors"] = "file"
    if not year_printed and said["CreationDate"]:
        origins["year"] = "file"
    return origins


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _notes(pages: list[str], unreadable: set[int], read_by_ocr: list[int]) -> Iterator[str]:
    if read_by_ocr:
        yield f"{_pages(len(read_by_ocr))} read by OCR, which misreads: {_listed(read_by_ocr)}"
    if unreadable:
        yield f"{_pages(len(unreadable))} could not be opened: {_listed(sorted(unreadable))}"
    empty = [number for number, text in enumerate(pages, 1) if not text.strip() and number not in unreadable]
    if empty:
        yield f"{_pages(len(empty))} {WITHOUT_TEXT}: {_listed(empty)}"


def _pages(count: int) -> str:
    return f"{count} {'page' if count == 1 else 'pages'}"


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (", …" if len(numbers) > 10 else "")
