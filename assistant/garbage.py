"""How often Python looks for garbage: seldom in a program that is started anew each time."""

from __future__ import annotations

import gc

__all__ = ["collect_seldom"]

_YOUNG = 10_000
"""Objects that are new between two looks, in place of Python's 700."""


def collect_seldom() -> None:
    """Makes Python look for garbage less often, in this whole process.

    A start makes hundreds of thousands of objects and drops hardly any, and a look through all of them, which
    100 more of these looks bring about, holds up a frame of the app for many times what drawing it takes.
    """
    gc.set_threshold(_YOUNG, 10, 10)
