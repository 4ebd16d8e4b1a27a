"""A trace as HTML for a notebook: a table with a bar in each line, every foreign text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from indexes.clean import clean_line
from pipelines.trace_rows import (
    Row,
    in_dollars,
    in_milliseconds,
    in_tokens,
    last_moment,
    rows_of,
    status_of,
    summary_of,
)
from pipelines.types import Outcome, Trace

__all__ = ["to_html"]

_OK, _UNWELL, _FAILED = "#4c78a8", "#d98c2b", "#c44e52"
_CELL, _NUMBER = "text-align:left;white-space:nowrap", "text-align:right;white-space:nowrap"
_COLUMNS = (
    ("step", _CELL),
    ("what", "text-align:left;min-width:14em"),
    ("when", "text-align:left;min-width:10em;width:40%"),
    ("ms", _NUMBER),
    ("model", _CELL),
    ("tokens", _NUMBER),
    ("cost", _NUMBER),
    ("how it ended", _CELL),
)


def to_html(trace: Trace) -> str:
    """The trace as a table. Its tags and attributes are fixed, two numbers apart; all else is escaped."""
    rows = rows_of(trace)
    if not rows:
        return "<p>Nothing was run.</p>"
    seconds = last_moment(trace.spans) or 1.0
    cells = [_cells(row, seconds) for row in rows]
    told = [number for number in range(len(_COLUMNS)) if any(row[number] for row in cells)]
    head = "".join(
        f'<th style="{style}">{name}</th>' for name, style in (_COLUMNS[number] for number in told)
    )
    body = "\n".join(_html_row(row, told) for row in cells)
    # Jupyter gives tables columns of one width, in which the words of one run over the next.
    table = f'<table style="width:100%;table-layout:auto"><thead><tr>{head}</tr></thead><tbody>\n{body}\n'
    return f'<div class="carrel-trace"><p>{escape(summary_of(trace))}</p>\n{table}</tbody></table></div>'


def _html_row(cells: tuple[str, ...], told: Sequence[int]) -> str:
    """The cells of the columns in which something is told."""
    styled = [f'<td style="{_COLUMNS[number][1]}">{cells[number]}</td>' for number in told]
    return f"<tr>{''.join(styled)}</tr>"


def _cells(row: Row, seconds: float) -> tuple[str, ...]:
    span = row.span
    return (
        escape(row.step),
        f"<bdi>{escape(row.what)}</bdi>",
        _html_bar(row, seconds),
        in_milliseconds(span.seconds),
        escape(clean_line(span.model)),
        in_tokens(span.usage),
        "" if span.usage.cost_usd is None else escape(in_dollars(span.usage.cost_usd)),
        escape(status_of(span)),
    )


def _html_bar(row: Row, seconds: float) -> str:
    left, width = (100 * moment / seconds for moment in (row.span.started, row.span.seconds))
    colour = _FAILED if row.failed else _OK if row.span.status is Outcome.OK else _UNWELL
    place = f"margin-left:{left:.2f}%;width:{max(width, 0.4):.2f}%"
    return f'<div style="{place};height:0.7em;background:{colour}"></div>'
