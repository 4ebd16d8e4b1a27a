"""`carrel show`: a question that was asked, with its answer; the same as `carrel history show`."""

from __future__ import annotations

from assistant.cli.history import show

__all__ = ["command"]

command = show
