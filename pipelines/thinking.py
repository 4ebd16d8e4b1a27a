"""Takes a model's thinking aloud out of its reply."""

from __future__ import annotations

__all__ = ["ThinkingFilter"]

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkingFilter:
    """Removes a leading `<think>…</think>` from streamed text, as some open models write it.

    Only a block at the very start counts: the same characters later may be what the answer is about.
    """

    def __init__(self) -> None:
        self._held = ""
        self._state: str = "start"

    def feed(self, piece: str) -> str:
        """Returns what of the text so far can be shown."""
        if self._state == "through":
            return piece
        self._held += piece
        if self._state == "start":
            begun = self._held.lstrip()
            if _OPEN.startswith(begun[: len(_OPEN)]) and len(begun) < len(_OPEN):
                return ""
            if not begun.startswith(_OPEN):
                return self._let_through(self._held)
            self._state, self._held = "thinking", begun[len(_OPEN) :]
        _, closed, rest = self._held.partition(_CLOSE)
        if closed:
            self._state = "after"
            self._held = rest
        if self._state == "after" and self._held.strip():
            return self._let_through(self._held.lstrip())
        return ""

    def finish(self) -> str:
        """Returns what was held back when the reply has ended: nothing, if it was all thinking."""
        return self._let_through(self._held) if self._state == "start" else ""

    def _let_through(self, text: str) -> str:
        self._state, self._held = "through", ""
        return text
