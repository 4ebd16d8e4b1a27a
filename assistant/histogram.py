"""How a quantity is spread over answers, drawn: as inline SVG for a page, as rows of signs for plain text."""

from __future__ import annotations

from html import escape

import numpy as np

from assistant.batch_summary import Spread

__all__ = ["histogram_signs", "histogram_svg", "quantile_words"]

_BINS = 24
_WIDTH, _HEIGHT, _FLOOR = 640, 160, 130
"""Of a plot, and where its axis lies, in its own units."""
_QUANTILES = {"median": 0.5, "90 %": 0.9, "99 %": 0.99, "most": 1.0}


def quantile_words(spread: Spread, unit: str) -> str:
    """What half, nine tenths and nearly all of the answers stay below, and the most, in words."""
    said = [f"{name} {_figure(spread.at(share))}" for name, share in _QUANTILES.items()]
    return f"{', '.join(said)} {unit}, over {len(spread.values):,} answers."


def _figure(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _binned(spread: Spread, bins: int) -> tuple[list[int], list[float]]:
    """Answers in each of equally wide bins, and the bins' edges: one more than there are bins."""
    counts, edges = np.histogram(spread.values, bins=bins)
    return counts.tolist(), edges.tolist()


def histogram_signs(spread: Spread) -> str:
    """The histogram as rows of signs, for Markdown and a terminal."""
    counts, edges = _binned(spread, _BINS // 2)
    most = max(counts)
    lines = [
        f"{_figure(low):>9} to {_figure(high):>9} {'#' * round(40 * count / most)} {count:,}".rstrip()
        for count, low, high in zip(counts, edges, edges[1:], strict=False)
    ]
    return "\n".join(lines)


def histogram_svg(title: str, unit: str, spread: Spread) -> str:
    """A histogram as inline SVG, with its median and 90 % marked. No script, and nothing is fetched."""
    counts, edges = _binned(spread, _BINS)
    low, high = edges[0], edges[-1]
    most, wide = max(counts), _WIDTH / _BINS
    bars = [
        f'<rect x="{place * wide + 1:.1f}" y="{_FLOOR - _FLOOR * count / most:.1f}" width="{wide - 2:.1f}" '
        f'height="{_FLOOR * count / most:.1f}" fill="#4c78a8"/>'
        for place, count in enumerate(counts)
    ]

    def across(value: float) -> float:
        return _WIDTH * (value - low) / (high - low)

    marks = [
        f'<line x1="{across(at):.1f}" x2="{across(at):.1f}" y1="0" y2="{_FLOOR}" stroke="#c44e52" '
        f'stroke-dasharray="4 3"/><text x="{across(at):.1f}" y="{_FLOOR + 26}" text-anchor="middle" '
        f'font-size="11" fill="#c44e52">{name}</text>'
        for name, at in (("median", spread.at(0.5)), ("90 %", spread.at(0.9)))
    ]
    below = f'y="{_FLOOR + 14}" font-size="11"'
    ends = (
        f'<line x1="0" x2="{_WIDTH}" y1="{_FLOOR}" y2="{_FLOOR}" stroke="#333"/>'
        f'<text x="0" {below}>{_figure(low)} {unit}</text>'
        f'<text x="{_WIDTH}" {below} text-anchor="end">{_figure(high)} {unit}</text>'
    )
    said = f"{title}: {quantile_words(spread, unit)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'font-family="sans-serif"><title>{escape(said)}</title>{"".join(bars)}{"".join(marks)}{ends}</svg>'
    )
