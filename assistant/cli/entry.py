"""The forms of the app, found by their entry points: the front door does not import what stands before it."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

__all__ = ["form_of_app"]


def form_of_app(name: str) -> Any:
    """Returns what begins the app: a screen (`default`), plain lines (`linear`) or a browser (`served`).

    Raises:
        InputError: It is not installed.
    """
    from indexes.errors import InputError

    found = entry_points(group="carrel.app", name=name)
    if not found:
        raise InputError("The app is not installed.", hint="Reinstall carrel, or use `carrel ask`.")
    return next(iter(found)).load()
