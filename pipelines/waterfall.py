"""Draws a trace as a waterfall: one line a span, its bar on a time axis that all of them share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from pipelines.trace_rows import (
    Row,
    in_dollars,
    in_milliseconds,
    in_tokens,
    last_moment,
    model_of,
    rows_of,
    status_of,
    summary_of,
)
from pipelines.types import Span, Trace
from pipelines.waterfall_html import to_html

__all__ = ["Waterfall"]

_WIDEST_STEP = 12
_FEWEST_BAR_CELLS = 8
_FEWEST_TICK_CELLS = 7
_FEWEST_MODEL_CELLS = 5


@dataclass(frozen=True, repr=False)
class Waterfall:
    """A trace as a picture: `print` it, or let a notebook show it.

    Lines stand in the order of start, except that what replaced a failed attempt stands right below it.

    Attributes:
        trace: What is drawn.
        width: Most cells in a line of the text.
        ascii: Draws with ASCII only, and writes `?` for every other character.
    """

    trace: Trace
    width: int = 80
    ascii: bool = False

    def __str__(self) -> str:
        lines = _text(rows_of(self.trace), self.width, _ASCII if self.ascii else _UNICODE)
        lines = [summary_of(self.trace), "", *lines] if lines else ["Nothing was run."]
        return "\n".join(_fitted(line, self.width, in_ascii=self.ascii).rstrip() for line in lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return to_html(self.trace)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}


@dataclass(frozen=True)
class _Signs:
    """What lines are drawn with."""

    whole: str
    left: str
    """The left half of a cell; empty where the signs have no halves."""
    right: str
    failed: str
    mark: str
    """Where a tick of the axis runs through."""
    replaces: str
    """Stands before a rung that took over."""


_UNICODE = _Signs("━", "╸", "╺", "╍", "┊", "↳ ")
_ASCII = _Signs("=", "", "", "x", ":", "-> ")


def _text(rows: Sequence[Row], width: int, signs: _Signs) -> list[str]:
    """The axis and one line a row."""
    if not rows:
        return []
    seconds = last_moment([row.span for row in rows]) or 1.0
    columns = _columns(rows, width)
    ticks = _ticks(seconds, columns.bar)
    lines = [columns.line("step", "what", _axis(ticks, columns.bar), "ms", _heading(rows))]
    for row in rows:
        lines.append(
            columns.line(
                row.step,
                _what(row, columns.what, signs),
                _bar(row, seconds, columns.bar, signs, ticks),
                in_milliseconds(row.span.seconds),
                _detail(row.span, columns.detail),
            )
        )
    return lines


@dataclass(frozen=True)
class _Columns:
    """How wide each column is, in cells."""

    step: int
    what: int
    bar: int
    milliseconds: int
    detail: int

    def line(self, step: str, what: str, bar: str, milliseconds: str, detail: str) -> str:
        """One line of the picture; only the bar is not cut."""
        left = f"{_padded(step, self.step)}  {_padded(what, self.what)}"
        return f"{left}  {bar}  {milliseconds:>{self.milliseconds}}  {_padded(detail, self.detail)}"


def _columns(rows: Sequence[Row], width: int) -> _Columns:
    """The bar gets what the words leave, and at least a quarter of the room."""
    step = min(_WIDEST_STEP, max(cell_len(row.step) for row in rows))
    milliseconds = max(2, *(len(in_milliseconds(row.span.seconds)) for row in rows))
    room = max(0, width - step - milliseconds - 8)
    bar = max(_FEWEST_BAR_CELLS, room // 4)
    widest = max(cell_len(_what(row, width, _UNICODE)) for row in rows)
    what = min(widest, max(_FEWEST_BAR_CELLS, (room - bar) * 45 // 100))
    details = max(len(_heading(rows)), *(cell_len(_detail(row.span, width)) for row in rows))
    detail = min(details, max(0, room - bar - what))
    return _Columns(step, what, max(bar, room - what - detail), milliseconds, detail)


def _what(row: Row, room: int, signs: _Signs) -> str:
    """The names in full where there is room for them, else the first of them."""
    before = signs.replaces if row.replaced else ""
    whole = before + " · ".join(row.names)
    first = before + "".join(row.names[:1])
    return whole if cell_len(whole) <= room else _padded(first, min(cell_len(first), room))


def _detail(span: Span, room: int) -> str:
    """How it ended, the model, tokens and cost; the model's name gives way first."""
    cost = in_dollars(span.usage.cost_usd) if span.usage.cost_usd else ""  # free is not worth a word
    status, model = status_of(span), model_of(span)
    taken = sum(cell_len(part) + 1 for part in (status, in_tokens(span.usage), cost) if part)
    model = _padded(model, min(cell_len(model), max(0, room - taken)))
    if cell_len(model) < min(_FEWEST_MODEL_CELLS, cell_len(model_of(span))):
        model = ""
    return " ".join(part for part in (status, model, in_tokens(span.usage), cost) if part)


def _heading(rows: Sequence[Row]) -> str:
    """What the details are, as far as there are any."""
    spans = [row.span for row in rows]
    present = {
        "model": any(span.model for span in spans),
        "tokens": any(in_tokens(span.usage) for span in spans),
        "cost": any(span.usage.cost_usd for span in spans),
    }
    return ", ".join(name for name, there in present.items() if there)


def _bar(row: Row, seconds: float, cells: int, signs: _Signs, ticks: Sequence[tuple[int, str]]) -> str:
    """The span between its start and its end, to half a cell; at least half a cell."""
    halves = 2 * cells
    first = min(halves - 1, math.floor(row.span.started / seconds * halves))
    last = min(halves, max(first + 1, math.ceil(row.span.ended / seconds * halves)))
    marks = {cell for cell, _ in ticks}
    return "".join(
        _cell(
            first <= 2 * cell < last,
            first <= 2 * cell + 1 < last,
            signs,
            whole=signs.failed if row.failed else signs.whole,
            empty=signs.mark if cell in marks else " ",
        )
        for cell in range(cells)
    )


def _cell(left: bool, right: bool, signs: _Signs, *, whole: str, empty: str) -> str:
    match left, right:
        case True, True:
            return whole
        case True, False:
            return signs.left or whole
        case False, True:
            return signs.right or whole
        case _:
            return empty


def _ticks(seconds: float, cells: int) -> list[tuple[int, str]]:
    """The axis: cell and label of each round moment, with room between them."""
    step = _round_up(seconds * _FEWEST_TICK_CELLS / cells)
    unit, factor = ("s", 1.0) if step >= 0.1 else ("ms", 1000.0)
    moments = [number * step for number in range(int(seconds / step) + 1)]
    return [(int(moment / seconds * cells), f"{moment * factor:g} {unit}") for moment in moments]


def _round_up(seconds: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(seconds, 1e-6)))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= seconds * 0.999)


def _axis(ticks: Sequence[tuple[int, str]], cells: int) -> str:
    axis = ""
    for cell, label in ticks:
        if cell + len(label) <= cells:
            axis = axis.ljust(cell) + label
    return axis.ljust(cells)


def _padded(text: str, cells: int) -> str:
    """`text` in exactly `cells` cells, cut with an ellipsis or filled with spaces."""
    if cell_len(text) > cells > 0:
        return set_cell_size(set_cell_size(text, cells - 1).rstrip() + "…", cells)
    return set_cell_size(text, max(0, cells))


def _fitted(line: str, width: int, *, in_ascii: bool) -> str:
    if in_ascii:
        line = line.translate(_IN_ASCII).encode("ascii", "replace").decode("ascii")
    return set_cell_size(line, min(width, cell_len(line)))


_IN_ASCII = str.maketrans({"·": "-", "→": ">", "…": "~"})
