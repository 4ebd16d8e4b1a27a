"""Where the text of a PDF's page stands, and how large: what tells a title from a running head."""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from indexes.readers.people import MARK

if TYPE_CHECKING:
    from pypdfium2 import PdfTextPage

__all__ = ["Line", "lines"]

_RAISED = 0.86
"""Letters smaller than this part of their line's are taken for a footnote's mark."""
_LINES_AFTER = 12
"""So many tell how large the text is."""
_GAP = 1.6
"""Letter sizes between two pieces of text that make them two columns."""


class Line(NamedTuple):
    """Text that stands side by side, raised letters replaced by `MARK`. Points, from the lower left."""

    text: str
    size: float
    left: float
    right: float
    top: float
    bottom: float


class _Letter(NamedTuple):
    character: str
    spaced: bool
    """Whether white space stands before it."""
    size: float
    left: float
    right: float
    top: float
    bottom: float
    baseline: float


def lines(text_page: PdfTextPage, *, until: re.Pattern[str], most: int = 2_500) -> list[Line]:
    """Returns the lines of a page in the order of its text; what runs along the page's edge is left out.

    Args:
        text_page: The page.
        until: The beginning of a line after which a few more are looked at, as each letter costs four calls.
        most: How many characters are looked at.
    """
    found: list[Line] = []
    left = None
    for run in _runs(text_page, most):
        line = _line(run)
        if line is not None:
            found.append(line)
            if left is None and until.match(line.text):
                left = _LINES_AFTER
        if left is not None:
            left -= 1
            if left <= 0:
                break
    return found


def _runs(text_page: PdfTextPage, most: int) -> Iterator[list[_Letter]]:
    """Yields the letters of each line; what PDFium cuts at a raised letter is made whole."""
    run: list[_Letter] = []
    for letter in _letters(text_page, most):
        if run and not _beside(run[-1], letter):
            yield run
            run = []
        run.append(letter)
    if run:
        yield run


def _beside(before: _Letter, after: _Letter) -> bool:
    size = max(before.size, after.size)
    if abs(before.baseline - after.baseline) > 0.6 * size:
        return False
    return -size <= after.left - before.right <= _GAP * size


def _letters(text_page: PdfTextPage, most: int) -> Iterator[_Letter]:
    import pypdfium2.raw as pdfium

    unicode_of, size_of = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetFontSize
    matrix_of, box_of = pdfium.FPDFText_GetMatrix, pdfium.FPDFText_GetCharBox
    matrix = pdfium.FS_MATRIX()
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    spaced = False
    for index in range(min(text_page.count_chars(), most)):
        code = unicode_of(text_page, index)
        character = chr(code) if 0 < code < 0x110000 else " "
        if character.isspace():
            spaced = spaced or character not in "\r\n"
            continue
        if not matrix_of(text_page, index, matrix) or abs(matrix.b) > abs(matrix.a):
            continue
        box_of(text_page, index, left, right, bottom, top)
        size = round(size_of(text_page, index) * math.hypot(matrix.c, matrix.d), 1)
        yield _Letter(
            character, spaced, size, left.value, right.value, top.value, bottom.value, baseline=matrix.f
        )
        spaced = False


def _line(run: list[_Letter]) -> Line | None:
    sizes = Counter(letter.size for letter in run if letter.character.isalpha())
    if not sizes:
        return None
    size = sizes.most_common(1)[0][0]
    base = Counter(round(letter.baseline) for letter in run if letter.size == size).most_common(1)[0][0]
    parts: list[str] = []
    end = run[0].left
    for letter in run:
        if parts and (letter.spaced or letter.left - end > 0.3 * size):
            parts.append(" ")
        raised = letter.size < _RAISED * size and letter.baseline > base + 0.12 * size
        if not raised or letter.character in ",;":
            parts.append(letter.character)
        elif not parts or parts[-1] != MARK:
            parts.append(MARK)
        end = letter.right
    return Line(
        text="".join(parts).strip(),
        size=size,
        left=min(letter.left for letter in run),
        right=max(letter.right for letter in run),
        top=max(letter.top for letter in run),
        bottom=min(letter.bottom for letter in run),
    )
