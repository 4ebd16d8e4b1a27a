"""The forms of the app, found by their entry points: the front door does not import what stands before it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

__all__ = ["form_of_app"]


def form_of_app(name: str) -> Any:
    """Returns what begins the app: a screen (`default`), plain lines (`linear`) or a browser (`served`).

    Raises:
        InputError: It is not installed.
    """
    from importlib.metadata import PackageNotFoundError, distribution

    from indexes.errors import InputError

    with suppress(PackageNotFoundError):
        # Of this distribution alone: looking through all that is installed takes 20 ms.
        for entry in distribution("carrel").entry_points.select(group="carrel.app", name=name):
            return entry.load()
    raise InputError("The app is not installed.", hint="Reinstall carrel, or use `carrel ask`.")
