"""How many of what, in words."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """Returns "1 paper", "2 papers", "1,200 papers"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
