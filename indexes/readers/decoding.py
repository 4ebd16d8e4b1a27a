"""Bytes become text: byte order marks, UTF-8, UTF-16 without a mark, else a Western single-byte guess."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from indexes.errors import Damaged

__all__ = ["Decoded", "decode", "looks_binary", "wide_encoding"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 8192
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b\x1a")) + b"\x7f"


class Decoded(NamedTuple):
    """Text and what a person should know about how it was obtained."""

    text: str
    notes: tuple[str, ...] = ()


def decode(data: bytes, *, name: str, declared: str | None = None) -> Decoded:
    """Returns the text in `data`.

    Args:
        data: The whole file.
        name: What to call the file in an error.
        declared: The encoding that the file names itself, believed when it fits.

    Raises:
        Damaged: The bytes are not text in any encoding looked for.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _tolerant(data[len(mark) :], encoding)
    if wide := wide_encoding(data):
        return _tolerant(data, wide)
    if looks_binary(data):
        raise Damaged(f"{name!r} is a binary file, not text.")
    for candidate in ("utf-8", declared):
        if candidate and (text := _strict(data, candidate)) is not None:
            return Decoded(text)
    return _single_byte(data)


def wide_encoding(data: bytes) -> str | None:
    """Returns UTF-16's name when every other byte of the beginning is mostly NUL and the rest is not."""
    sample = data[: _SAMPLE - _SAMPLE % 2]
    if len(sample) < 4:
        return None
    even, odd = sample[0::2], sample[1::2]
    for nuls, others, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if nuls.count(0) > 0.7 * len(nuls) and others.count(0) < 0.02 * len(others) + 1:
            return encoding
    return None


def looks_binary(data: bytes) -> bool:
    """Whether `data`, taken as single bytes, holds more NULs and controls than a text can.

    A stray NUL is forgiven: text files damaged by a crash or an old editor have a few.
    """
    sample = data[:_SAMPLE]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return controls > 0.02 * len(sample) + 1 or data.count(0) > 0.005 * len(data) + 1


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _tolerant(data: bytes, encoding: str) -> Decoded:
    text = data.decode(encoding, errors="replace")
    lost = text.count("\ufffd") - (data.decode(encoding, errors="ignore").count("\ufffd"))
    return Decoded(text, (f"{lost} characters could not be decoded as {encoding}",) if lost else ())


def _single_byte(data: bytes) -> Decoded:
    """UTF-8 with a few bad bytes stays UTF-8; the rest is Windows-1252, which has Latin-1's letters."""
    mixed = _tolerant(data, "utf-8")
    lost = mixed.text.count("\ufffd")
    multibyte = sum(character > "\x7f" for character in mixed.text) - lost
    if lost <= multibyte // 10:
        return mixed
    text = _strict(data, "cp1252")
    if text is not None:
        return Decoded(text, ("not UTF-8; read as Windows-1252 (Western European)",))
    return Decoded(data.decode("latin-1"), ("not UTF-8; read as Latin-1 (Western European)",))
