"""Reads plain text in any common encoding."""

from __future__ import annotations

from indexes.readers.block import Block
from indexes.readers.decoding import decode
from indexes.readers.extract import Extract
from indexes.readers.limits import Limits

__all__ = ["read"]

_FRONT = 600


def read(data: bytes, *, name: str, limits: Limits) -> Extract:
    """Returns the text as one page.

    Raises:
        Damaged: It is a binary file.
        TooLarge: Its text is over the limit.
    """
    limits.check_text(len(data) // 4, name=name)  # no encoding spends more than 4 bytes on a character
    text, notes = decode(data, name=name)
    return Extract(media_type="text/plain", pages=((Block(text),),), front=text[:_FRONT], notes=notes)
