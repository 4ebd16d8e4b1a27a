"""Reads PDF: the text of each page in order, and what the file says about itself."""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING

from indexes.clean import clean_line
from indexes.errors import Damaged, Encrypted, NoText
from indexes.readers import front
from indexes.readers.extract import Block, Extract
from indexes.readers.limits import Limits

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfTextPage

__all__ = ["read"]

_MEDIA_TYPE = "application/pdf"
_PASSWORD_ERROR, _SECURITY_ERROR = 4, 5  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY
_LIGATURES = re.compile("[\ufb00-\ufb06]")
_LINE_END_HYPHEN = re.compile(r"([^\W\d_]+)[\x02\ufffe]\n?([^\W_][^\W\d_]*)")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")
_LONGEST_TITLE = 300
_LOOKED_AT = 1500
"""How many of the first page's characters are measured for the title's size."""


def read(data: bytes, *, name: str, limits: Limits) -> Extract:
    """Returns the text of every page of a PDF.

    Text outside the page's box, which a person never sees, is left out.

    Raises:
        Encrypted: It needs a password; one that only restricts printing or copying does not stop reading.
        NoText: No page has text.
        Damaged: It is broken beyond PDFium's repair.
        TooLarge: Its text is over the limit.
    """
    with closing(_opened(data, name)) as pdf:
        pages, unreadable = _page_texts(pdf, name=name, limits=limits)
        said = {key: clean_line(pdf.get_metadata_value(key)) for key in ("Title", "Author", "CreationDate")}
        largest = () if 1 in unreadable or front.looks_like_title(said["Title"]) else _largest_lines(pdf)
    if len(unreadable) == len(pages):
        raise Damaged(f"{name!r} is broken: none of its pages can be opened.")
    if not any(page.strip() for page in pages):
        raise NoText(f"{name!r} has {_pages(len(pages))}, but no text: pictures of pages only.")
    texts = _joined_words(pages)
    created = re.match(r"D:(\d{4})", said["CreationDate"])
    return Extract(
        media_type=_MEDIA_TYPE,
        pages=tuple((Block(text),) for text in texts),
        titles=(said["Title"], *largest),
        authors=front.split_names(said["Author"]),
        year=front.publication_year(texts[0]) or front.year(created.group(1) if created else texts[0]),
        front=texts[0],
        notes=tuple(_notes(texts, unreadable)),
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


def _page_texts(pdf: PdfDocument, *, name: str, limits: Limits) -> tuple[list[str], set[int]]:
    """The raw text of each page, and the numbers, from 1, of those that cannot be opened."""
    from pypdfium2 import PdfiumError

    texts: list[str] = []
    unreadable: set[int] = set()
    characters = 0
    for number in range(1, len(pdf) + 1):
        try:
            with closing(pdf[number - 1]) as page, closing(page.get_textpage()) as text_page:
                texts.append(text_page.get_text_bounded().replace("\r\n", "\n"))
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
    words = Counter(word.lower() for page in pages for word in _WORDS.findall(page))

    def joined(divided: re.Match[str]) -> str:
        head, tail = divided.groups()
        compound = f"{head}-{tail}"
        if not tail[0].islower():
            return compound  # Metropolis-Hastings, COVID-19
        return compound if words[compound.lower()] > words[f"{head}{tail}".lower()] else f"{head}{tail}"

    return [_LINE_END_HYPHEN.sub(joined, page) for page in pages]


def _largest_lines(pdf: PdfDocument) -> tuple[str, ...]:
    """What stands on the first page in its largest letters, then in its second largest.

    Nothing where all letters are of one size: then the lines' order says more.
    """
    with closing(pdf[0]) as page, closing(page.get_textpage()) as text_page:
        measured = list(_measured(text_page))
    runs: dict[float, str] = {}
    for size, run in groupby(measured, key=lambda letter: letter[1]):
        text = "".join(character for character, _ in run)
        if sum(character.isalpha() for character in text) >= 8:
            runs.setdefault(size, text)
    largest = sorted(runs, reverse=True)[:2]
    return tuple(runs[size] for size in largest if len(runs[size]) <= _LONGEST_TITLE) if len(runs) > 1 else ()


def _measured(text_page: PdfTextPage) -> Iterator[tuple[str, float]]:
    """Each of the first characters with its size in points; blanks take the size before them."""
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    size = 0.0
    for index in range(min(text_page.count_chars(), _LOOKED_AT)):
        code = pdfium.FPDFText_GetUnicode(text_page, index)
        character = chr(code) if code < 0x110000 else " "
        if not character.isspace() and pdfium.FPDFText_GetMatrix(text_page, index, ctypes.byref(matrix)):
            size = round(pdfium.FPDFText_GetFontSize(text_page, index) * math.hypot(matrix.c, matrix.d), 1)
        yield character, size


def _notes(pages: list[str], unreadable: set[int]) -> Iterator[str]:
    if unreadable:
        yield f"{_pages(len(unreadable))} could not be opened: {_listed(sorted(unreadable))}"
    empty = [number for number, text in enumerate(pages, 1) if not text.strip() and number not in unreadable]
    if empty:
        yield f"{_pages(len(empty))} without text: {_listed(empty)}"


def _pages(count: int) -> str:
    return f"{count} {'page' if count == 1 else 'pages'}"


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (", …" if len(numbers) > 10 else "")
