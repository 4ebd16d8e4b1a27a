"""What lies where papers are to be added from, as an interface shows it; light enough for one to import."""

from __future__ import annotations

from indexes.types import Model

__all__ = ["Kind", "Place", "Survey"]


class Kind(Model):
    """Files of one kind."""

    name: str
    """As people call it: PDF, archives (zip, tar)."""
    files: int
    size: int = 0
    """Bytes of all of them."""


class Survey(Model):
    """What adding a path would read, and what it would not."""

    kinds: tuple[Kind, ...] = ()
    """Most files first."""
    skipped: tuple[Kind, ...] = ()
    """By reason, which stands in the name; most files first."""

    @property
    def files(self) -> int:
        """All that would be read."""
        return sum(kind.files for kind in self.kinds)

    @property
    def size(self) -> int:
        """Bytes of all that would be read."""
        return sum(kind.size for kind in self.kinds)


class Place(Model):
    """A folder where papers may be."""

    path: str
    files: int
    """Of the kinds that are read, here and one folder down; counted to a limit."""
