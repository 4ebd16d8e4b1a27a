"""How a noun shows itself, printed or last in a notebook's cell; the front door says what it looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["Look", "Shown", "show_as"]


class Look(NamedTuple):
    """What a noun of one kind looks like."""

    text: Callable[[Any], str]
    """Complete by itself: a terminal, a screen reader and a difference between two notebooks get this one."""
    html: Callable[[Any], str]
    """Safe as a part of any page."""
    more: Mapping[str, Callable[[Any], Any]] = {}
    """Other media types, and what the noun is in each."""


_LOOKS: dict[type, Look] = {}


def show_as(kind: type, look: Look) -> None:
    """Says what every noun of this kind looks like from now on."""
    _LOOKS[kind] = look


class Shown:
    """Mixed into a noun that people look at: as text where it is printed, as one bundle in a notebook.

    Without a look it is shown as any other value.
    """

    __slots__ = ()

    def __str__(self) -> str:
        look = _LOOKS.get(type(self))
        return super().__str__() if look is None else look.text(self).rstrip()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """For IPython, which would otherwise print what is also a tuple as a tuple."""
        printer.text(str(self) if type(self) in _LOOKS else repr(self))

    def _repr_html_(self) -> str | None:
        look = _LOOKS.get(type(self))
        return None if look is None else look.html(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any] | None:
        look = _LOOKS.get(type(self))
        if look is None:
            return None
        bundle = {"text/plain": look.text(self).rstrip(), "text/html": look.html(self)}
        return bundle | {media_type: show(self) for media_type, show in look.more.items()}
