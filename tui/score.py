"""Stretches of time as strokes on a line: what ran side by side stands one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Stretch", "drawn", "whole"]

_RAN = "━"
_FAILED = "╍"
_SPANNED = "─"


@dataclass(frozen=True)
class Stretch:
    """From when to when something ran, in seconds since the question was asked."""

    started: float
    ended: float
    failed: bool = False
    spans: bool = False
    """Whether it only holds others together: a step with parallel branches."""

    @property
    def glyph(self) -> str:
        """What it is drawn with; a failed one is broken up."""
        if self.failed:
            return _FAILED
        return _SPANNED if self.spans else _RAN


def drawn(stretches: Sequence[Stretch], *, until: float, columns: int) -> str:
    """Returns a line of `columns` characters, each stretch at least one of them; later ones lie on top.

    Args:
        stretches: In the order they are drawn.
        until: The second at the line's end; what lies beyond it is drawn at the end.
        columns: How long the line is.
    """
    cells = [" "] * columns
    for stretch in stretches:
        first = min(_column(stretch.started, until, columns), max(columns - 1, 0))
        last = min(max(_column(stretch.ended, until, columns), first + 1), columns)
        cells[first:last] = [stretch.glyph] * (last - first)
    return "".join(cells)


def whole(seconds: float) -> float:
    """The end of a line that is still being drawn: 1, 2, 5, 10, ... so that strokes do not creep."""
    end = 1.0
    for factor in (2, 2.5, 2) * 4:
        if seconds <= end:
            break
        end *= factor
    return max(end, seconds)


def _column(seconds: float, until: float, columns: int) -> int:
    return round(min(max(seconds / until, 0.0), 1.0) * columns) if until > 0 else 0
