"""Named points at which a test can kill the process; they do nothing unless `CHAOS_KILL` names one."""

from __future__ import annotations

import itertools
import os
import signal
from functools import cache

__all__ = ["VARIABLE", "point"]

VARIABLE = "CHAOS_KILL"
"""`name:n` kills the process, without any tidying up, as it passes the point `name` for the nth time."""


def point(name: str) -> None:
    """Marks a moment at which losing the process does no harm; `name` is a literal: a test finds it."""
    armed = _armed()
    if armed is not None and armed[0] == name and next(armed[1]) == armed[2]:
        # What Windows has in its place ends a process just as abruptly.
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


@cache
def _armed() -> tuple[str, itertools.count[int], int] | None:
    """The point that kills, its passings so far (counted atomically), and the one that does it."""
    name, _, nth = os.environ.get(VARIABLE, "").rpartition(":")
    return (name, itertools.count(1), int(nth)) if name else None
