"""A trace as HTML for a notebook: a table with a bar in each line, every foreign text escaped."""

from __future__ import annotations

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
    ("what", "text-align:left"),
    ("when", "text-align:left;min-width:20em;width:45%"),
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
    head = "".join(f'<th style="{style}">{name}</th>' for name, style in _COLUMNS)
    body = "\n".join(_html_row(row, seconds) for row in rows)
    return (
        f'<div class="carrel-trace"><p>{escape(summary_of(trace))}</p>\n'
        f'<table style="width:100%"><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'
    )


def _html_row(row: Row, seconds: float) -> str:
    span = row.span
    cells = (
        escape(row.step),
        f"<bdi>{escape(row.what)}</bdi>",
        _html_bar(row, seconds),
        in_milliseconds(span.seconds),
        escape(clean_line(span.model)),
        in_tokens(span.usage),
        "" if span.usage.cost_usd is None else escape(in_dollars(span.usage.cost_usd)),
        escape(status_of(span)),
    )
    styles = (style for _, style in _COLUMNS)
    styled = [f'<td style="{style}">{cell}</td>' for cell, style in zip(cells, styles, strict=True)]
    return f"<tr>{''.join(styled)}</tr>"


def _html_bar(row: Row, seconds: float) -> str:
    left, width = (100 * moment / seconds for moment in (row.span.started, row.span.seconds))
    colour = _FAILED if row.failed else _OK if row.span.status is Outcome.OK else _UNWELL
    place = f"margin-left:{left:.2f}%;width:{max(width, 0.4):.2f}%"
    return f'<div style="{place};height:0.7em;background:{colour}"></div>'
