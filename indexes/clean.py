"""The one sanitiser: text from papers, the web and models made safe to store, show and send."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["clean", "clean_line", "count_unsafe"]

_UNSAFE = re.compile(
    "["
    "\x00-\x08\x0b\x0e-\x1f\x7f-\x9f"  # C0 (but not tab, newline, form feed, return), DEL, C1
    "\u00ad"  # soft hyphen
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero-width, bidi overrides and isolates, separators
    "\ufeff\ufff9-\ufffb"  # byte order mark, interlinear annotation
    "\U000e0000-\U000e0fff"  # tag characters and variation selectors supplement
    "\ud800-\udfff"  # lone surrogates
    "]"
)
_ESCAPES = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC: titles, clipboard, links
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor, screen
    r"|\x1b[ -/]*[0-~]?"  # any other escape
)
_RETURNS = re.compile(r"\r\n?")


def clean(text: str) -> str:
    """Returns `text` in NFC with no escape sequence, control, bidi, zero-width or surrogate character.

    Tabs, newlines and form feeds stay; carriage returns become newlines. Applying it twice changes nothing.
    """
    text = _ESCAPES.sub("", text)
    text = _RETURNS.sub("\n", text)
    text = _UNSAFE.sub("", text)
    return unicodedata.normalize("NFC", text)


def clean_line(text: str, limit: int = 300) -> str:
    """Returns `clean(text)` on one line of at most `limit` characters, for titles, names and messages."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def count_unsafe(text: str) -> int:
    """How many characters `clean` would take out of `text` as unsafe."""
    return sum(len(found) for found in _ESCAPES.findall(text)) + len(_UNSAFE.findall(_ESCAPES.sub("", text)))
