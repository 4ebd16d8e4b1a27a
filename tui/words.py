"""How the app says counts, durations and states, always in words beside any glyph."""

from __future__ import annotations

__all__ = [
    "DONE",
    "FAILED",
    "FELL_BACK",
    "RUNNING",
    "SKIPPED",
    "count_of",
    "duration",
    "in_dollars",
    "shorten",
    "size_of",
    "spinner",
]

DONE = "✓"
FAILED = "✗"
SKIPPED = "–"
FELL_BACK = "↳"
RUNNING = "•"
"""Where the spinner is to stand still."""
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TURNS_PER_SECOND = 10


def duration(seconds: float) -> str:
    """Returns `0.3 s`, `12 s` or `2 min 5 s`."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def count_of(number: int, noun: str, plural: str | None = None) -> str:
    """Returns `1 paper`, `4 papers`, `1,204 passages`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size_of(size: int) -> str:
    """Returns `812 B`, `4.2 MB`: decimal units, as file managers have them."""
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:,.0f} {unit}" if unit == "B" or amount >= 99.5 else f"{amount:.1f} {unit}"


def in_dollars(dollars: float) -> str:
    """Returns a cost to a hundredth of a cent: `$0.0012`, `$1.20`."""
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"


def shorten(text: str, width: int) -> str:
    """Returns `text` in at most `width` characters, the last one an ellipsis where some are missing."""
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def spinner(seconds: float) -> str:
    """The frame of the spinner at this time on the clock."""
    return _SPINNER[int(seconds * _TURNS_PER_SECOND) % len(_SPINNER)]
