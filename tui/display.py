"""How an app is drawn: which glyphs the terminal can show, with or without colour, moving or still."""

from __future__ import annotations

import codecs
import locale
import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

from rich.cells import cell_len
from rich.segment import Segment
from textual import constants
from textual.color import Color
from textual.events import DescendantFocus
from textual.filter import LineFilter, Monochrome, NoColor
from textual.types import AnimationLevel
from textual.widget import Widget
from textual.widgets import Input, TextArea

from tui.sturdy import SturdyApp

__all__ = ["DrawnApp", "Glyphs", "PlainGlyphs", "encoding_of", "has_few_glyphs"]

Glyphs = Literal["auto", "unicode", "ascii"]
"""As the setting `app.glyphs` has them."""

_FEW_GLYPHS = frozenset({"linux", "vt100", "vt102", "vt220"})
"""Terminals (TERM) whose fonts lack braille, ticks and arrows."""
_SPELLED = {
    "❯▶▸→": ">",
    "←◀◂": "<",
    "↑▲▴": "^",
    "↓▼▾": "v",
    "✓✔": "+",
    "✗✘×": "x",
    "↳": ">",
    "·–—‐‑−": "-",
    "…": ".",
    "•▪‣◦●◉◆■": "*",
    "○◌◇□": "o",
    "“”„«»": '"',
    "‘’‚‹›": "'",
    "\u00a0\u202f": " ",
    # Lines and corners of borders.
    "─━┄┅┈┉╌╍═╴╶╸╺╼╾": "-",
    "│┃┆┇┊┋╎╏║╵╷╹╻╽╿": "|",
    # Blocks: bars, scroll bars, thick borders.
    "█▇▆▅▓▒": "#",
    "▄▃▂▁": "_",
    "▀▔": "-",
    "▏▎▍▌▋▊▉▐▕": "|",
    "░": ".",
}


class DrawnApp(SturdyApp, inherit_bindings=False):
    """An app that keeps to what the person and the terminal say of glyphs, colour and motion."""

    _plain: PlainGlyphs | None = None

    def __init__(self) -> None:
        super().__init__()
        self._drawn_with: tuple[Glyphs, AnimationLevel] = ("auto", constants.TEXTUAL_ANIMATIONS)
        self._use_glyphs("auto")

    @property
    def is_still(self) -> bool:
        """Whether nothing is to move by itself: `app.motion`, or TEXTUAL_ANIMATIONS=none."""
        return self.animation_level == "none"

    def draw_with(self, glyphs: Glyphs, *, still: bool) -> None:
        """Draws everything anew, as the settings want it; nothing where it is drawn so already.

        Args:
            glyphs: ASCII alone, all glyphs, or what the terminal can show; what the locale's encoding has no
                way to write is spelled out in any case.
            still: Nothing moves by itself.
        """
        level = "none" if still else constants.TEXTUAL_ANIMATIONS
        if (glyphs, level) == self._drawn_with:
            return
        self._drawn_with = (glyphs, level)
        self._use_glyphs(glyphs)
        self.animation_level = level
        if self.focused is not None:
            self._keep_still(self.focused)
        self.refresh_css(animate=False)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line goes through last.

        With `NO_COLOR` there is no colour at all, where Textual would make greys of its own.
        """
        filters = list(super().get_line_filters())
        if self.no_color:
            filters = [each for each in filters if not isinstance(each, Monochrome | NoColor)] + [NoColor()]
        return [*filters, self._plain] if self._plain is not None else filters

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The cursor does not blink where nothing is to move."""
        self._keep_still(event.widget)

    def _use_glyphs(self, glyphs: Glyphs) -> None:
        encoding = encoding_of(os.environ)
        wanted = glyphs == "ascii" or (glyphs == "auto" and has_few_glyphs(os.environ))
        self._plain = PlainGlyphs(encoding=encoding) if wanted or encoding else None

    def _keep_still(self, widget: Widget) -> None:
        if self.is_still and isinstance(widget, TextArea | Input):
            widget.cursor_blink = False


def _table() -> dict[int, str]:
    """Each glyph that the app or Textual draws with, and a letter in its place; all are one column wide."""
    table = dict.fromkeys(range(0x2500, 0x2580), "+")
    table |= {code: "|/-\\"[code % 4] for code in range(0x2800, 0x2900)}
    for glyphs, letter in _SPELLED.items():
        table |= {ord(glyph): letter for glyph in glyphs}
    return table


_TABLE = _table()


def encoding_of(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Returns the encoding that the locale names; empty where it can show everything.

    Python makes UTF-8 of the plain C locale where nothing is said, and so do we.
    """
    if platform == "win32":
        return ""
    named = next((value for key in ("LC_ALL", "LC_CTYPE", "LANG") if (value := environ.get(key))), "")
    if not named:
        return ""
    if named in ("C", "POSIX"):
        return "ascii"
    codeset = _codeset(named) or _codeset(locale.normalize(named))
    try:
        name = codecs.lookup(codeset).name if codeset else ""
    except LookupError:
        return "ascii"
    return "" if name.startswith("utf") else name


def has_few_glyphs(environ: Mapping[str, str]) -> bool:
    """Whether the terminal's font is one with few glyphs, whatever the locale says."""
    return environ.get("TERM", "") in _FEW_GLYPHS


class PlainGlyphs(LineFilter):
    """Puts ASCII in place of every glyph that the app draws with, as wide as it was.

    It stands behind all widgets, Textual's own as well: borders, scroll bars, notifications.
    """

    def __init__(self, *, encoding: str = "") -> None:
        """Prepares.

        Args:
            encoding: Whatever this cannot write is spelled out too, letters of papers among it; empty for
                the glyphs of the app alone.
        """
        super().__init__()
        self._encoding = encoding

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Returns the segments of a line as the terminal can show them."""
        return [
            segment if segment.text.isascii() else Segment(self.spelled(segment.text), segment.style)
            for segment in segments
        ]

    def spelled(self, text: str) -> str:
        """Returns `text` as wide as it was."""
        plain = text.translate(_TABLE)
        if not self._encoding or plain.isascii():
            return plain
        return "".join(_in_encoding(letter, self._encoding) for letter in plain)


@lru_cache(4096)
def _in_encoding(letter: str, encoding: str) -> str:
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        pass
    else:
        return letter
    width = cell_len(letter)
    without_accent = unicodedata.normalize("NFKD", letter)[:1]
    if width == 1 and without_accent.isascii():
        return without_accent
    return "?" * width


def _codeset(name: str) -> str:
    return name.partition("@")[0].partition(".")[2]
