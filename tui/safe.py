"""What stands between a text from a paper, the web or a model and a widget."""

from __future__ import annotations

from assistant.events import clean, clean_line

__all__ = ["shown", "shown_line"]


def shown(text: str) -> str:
    """Returns `text` without anything that a terminal would act on; form feeds become line breaks."""
    return clean(text).replace("\f", "\n")


def shown_line(text: str, limit: int = 300) -> str:
    """Returns `text` on one line of at most `limit` characters."""
    return clean_line(text, limit)
