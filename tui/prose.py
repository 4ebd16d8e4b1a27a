"""Text laid out in rows: wrapped under its bullet, in the columns of a table, or in a block of code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content
from textual.geometry import Offset
from textual.visual import RenderOptions, Visual

if TYPE_CHECKING:
    from textual.css.styles import RulesMap
    from textual.strip import Strip
    from textual.style import Style

__all__ = ["NOTHING", "Columns", "Line", "Prose"]

NOTHING = Content("")
_BETWEEN_CELLS = Content.styled(" │ ", "$panel")
_NARROWEST_CELL = 4
"""Cells. A table of more columns than have room for that is wrapped as text is."""


@dataclass(frozen=True)
class Columns:
    """The columns of one table, which its rows share."""

    natural: tuple[int, ...]
    """How wide the widest cell of each is."""

    def widths(self, room: int) -> tuple[int, ...]:
        """Returns how wide each is where there are `room` cells for all; none where that is too little.

        What is narrower than its equal share keeps its width, and the others share what it leaves.
        """
        room -= (len(self.natural) - 1) * len(_BETWEEN_CELLS)
        if room < _NARROWEST_CELL * len(self.natural):
            return ()
        widths = list(self.natural)
        wide = sorted(range(len(widths)), key=lambda column: widths[column])
        for done, column in enumerate(wide):
            widths[column] = min(widths[column], room // (len(wide) - done))
            room -= widths[column]
        return tuple(widths)


@dataclass(frozen=True)
class Line:
    """A paragraph, an item of a list, a row of a table, a line of code: text without a line break."""

    content: Content
    first: Content = NOTHING
    """Stands before its first row: a bullet, or what it is indented by."""
    hanging: Content = NOTHING
    """Stands before the rows that it is wrapped into."""
    style: str = ""
    """Of its rows from the text to the right edge."""
    filling: str = ""
    """A character that fills the row, where there is no text: of a rule."""
    columns: Columns | None = None
    cells: tuple[tuple[int, int], ...] = ()
    """Where the cells of a row of a table stand in `content`."""


class _Piece(NamedTuple):
    """A stretch of a line's text in a row."""

    column: int
    """Where it begins in the row; characters, as all numbers here."""
    start: int
    """Where it begins in the line."""
    content: Content


class _Row(NamedTuple):
    line: int
    pieces: Sequence[_Piece]


class _Page(NamedTuple):
    content: Content
    """A row a line."""
    rows: Sequence[_Row]


class Prose(Visual):
    """Lines, and how they are shown at some width."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self._page: tuple[int, _Page] | None = None
        """The width that was last asked for, and the rows."""

    @cached_property
    def content(self) -> Content:
        """The lines as they were before they are wrapped."""
        return Content("\n").join([line.content for line in self.lines])

    @property
    def text(self) -> str:
        """The lines as they are copied, with their bullets."""
        return "\n".join(f"{line.first.plain}{line.content.plain}" for line in self.lines)

    def with_content(self, content: Content) -> Prose:
        """Returns the same lines with their text in other styles."""
        texts = content.split("\n", allow_blank=True)
        return Prose([replace(line, content=text) for line, text in zip(self.lines, texts, strict=True)])

    def row_of(self, place: int, width: int) -> int:
        """Returns in which row, from 0, a place of `content` is shown."""
        before = self.content.plain[:place]
        line, start = before.count("\n"), place - (before.rfind("\n") + 1)
        rows = enumerate(self._laid_out(width).rows)
        found = [
            number
            for number, row in rows
            if row.line == line and any(piece.start <= start for piece in row.pieces)
        ]
        return found[-1] if found else 0

    def place_of(self, offset: Offset, width: int) -> Offset:
        """Returns where in `text` is what is shown at a place of a row."""
        rows = self._laid_out(width).rows
        if offset.y >= len(rows):
            return Offset(0, len(self.lines))
        row = rows[offset.y]
        piece = next((piece for piece in reversed(row.pieces) if piece.column <= offset.x), row.pieces[0])
        within = min(offset.x - piece.column, len(piece.content))
        if piece.start:
            within = max(within, 0)
        return Offset(len(self.lines[row.line].first) + piece.start + within, row.line)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """As wide as there is room: a width of its own is never asked for."""
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Returns the number of rows."""
        return len(self._laid_out(width).rows) if self.lines else 0

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        """Returns the rows; the widget does not wrap them again (`text-wrap: nowrap`)."""
        return self._laid_out(width).content.render_strips(width, height, style, options)

    def _laid_out(self, width: int) -> _Page:
        if self._page is None or self._page[0] != width:
            self._page = (width, _lay_out(self.lines, max(width, 1)))
        return self._page[1]


def _lay_out(lines: Sequence[Line], width: int) -> _Page:
    contents: list[Content] = []
    rows: list[_Row] = []
    for number, line in enumerate(lines):
        for margin, pieces in _rows(line, width):
            rows.append(_Row(number, pieces))
            contents.append(_assembled(line, margin, pieces, width))
    return _Page(Content("\n").join(contents), rows)


def _rows(line: Line, width: int) -> Iterator[tuple[Content, list[_Piece]]]:
    """What stands before each row of a line, and what is in it."""
    indent = len(line.first)
    room = max(width - line.first.cell_length, _NARROWEST_CELL)
    widths = line.columns.widths(room) if line.columns is not None else ()
    if not widths:
        for number, (start, text) in enumerate(_wrapped(line.content, room)):
            yield (line.hanging if number else line.first), [_Piece(indent, start, text)]
        return
    wrapped = [
        [(start + at, text) for at, text in _wrapped(line.content[start:end], width)]
        for (start, end), width in zip(line.cells, widths, strict=True)
    ]
    for number in range(max(map(len, wrapped))):
        pieces: list[_Piece] = []
        column = indent
        for cell, width_of_cell in zip(wrapped, widths, strict=True):
            start, text = cell[number] if number < len(cell) else (cell[-1][0] + len(cell[-1][1]), NOTHING)
            pieces.append(_Piece(column, start, text))
            column += len(text) + width_of_cell - text.cell_length + len(_BETWEEN_CELLS)
        yield (line.hanging if number else line.first), pieces


def _wrapped(content: Content, width: int) -> list[tuple[int, Content]]:
    """The rows that a text is wrapped into, each with where it begins; blanks between them are left out."""
    if content.cell_length <= width:
        return [(0, content)]
    rows: list[tuple[int, Content]] = []
    end = 0
    for row in content.wrap(width):
        start = max(content.plain.find(row.plain, end), end)
        rows.append((start, row))
        end = start + len(row)
    return rows


def _assembled(line: Line, margin: Content, pieces: Sequence[_Piece], width: int) -> Content:
    if line.filling:
        return Content.assemble(margin, (line.filling * (width - margin.cell_length), line.style))
    parts: list[Content] = [margin]
    column = len(margin)
    for number, piece in enumerate(pieces):
        if number:
            parts.append(Content(" " * (piece.column - column - len(_BETWEEN_CELLS))))
            parts.append(_BETWEEN_CELLS)
        parts.append(piece.content.stylize_before(line.style) if line.style else piece.content)
        column = piece.column + len(piece.content)
    row = NOTHING.join(parts)
    if line.style and len(pieces) == 1:
        row = row.append(Content.styled(" " * max(width - row.cell_length, 0), line.style))
    return row
