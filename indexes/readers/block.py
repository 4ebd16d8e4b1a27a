"""A heading, a paragraph, a listing."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Block"]


class Block(NamedTuple):
    """What stands between two blank lines."""

    text: str
    heading: bool = False
