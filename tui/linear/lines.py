"""What linear mode writes: whole lines without colour, escapes or anything that a terminal would act on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TextIO

from assistant.failures import failed_of
from tui.display import Glyphs, PlainGlyphs, encoding_of, has_few_glyphs
from tui.safe import shown, shown_line

__all__ = ["Lines"]

_LONGEST = 4000
_GAP = re.compile(r"\s{2,}")


class Lines:
    """Writes to a stream; each line goes out at once."""

    def __init__(self, out: TextIO) -> None:
        """Writes what the locale and the terminal can show.

        Args:
            out: Usually stdout.
        """
        self.out = out
        self._plain: PlainGlyphs | None = None
        self.draw_with("auto")

    def draw_with(self, glyphs: Glyphs) -> None:
        """Spells signs in ASCII where the setting, the locale or the terminal's font wants it."""
        encoding = encoding_of(os.environ)
        wanted = glyphs == "ascii" or (glyphs == "auto" and has_few_glyphs(os.environ))
        self._plain = PlainGlyphs(encoding=encoding) if wanted or encoding else None

    def say(self, line: str) -> None:
        """Says one line, whatever is in `line`."""
        self._write(f"{shown_line(line, _LONGEST)}\n")

    def say_all(self, lines: Iterable[str]) -> None:
        """Says each as a line."""
        for line in lines:
            self.say(line)

    def fields(self, text: str) -> None:
        """Says a table of names and values, whose columns are for the eye, a pair on each line."""
        for line in text.splitlines():
            name, *rest = _GAP.split(line.strip())
            if name:
                self.say(f"{name}: {', '.join(rest)}" if rest else name)

    def text(self, text: str) -> None:
        """Says a text of several lines as it is."""
        self._write(f"{shown(text).rstrip()}\n")

    def problem(self, error: BaseException) -> None:
        """Says what went wrong and what to do next."""
        failed = failed_of(error)
        self.say(f"Error: {failed.message}")
        if failed.hint:
            self.say(failed.hint)

    def prompt(self, text: str) -> None:
        """Says what is waited for; the person's own words follow on the same line."""
        self._write(f"{shown_line(text, _LONGEST)} ")

    def _write(self, text: str) -> None:
        self.out.write(self._plain.spelled(text) if self._plain is not None else text)
        self.out.flush()
