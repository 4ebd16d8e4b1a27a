"""A catalogue that was lost, told apart from a library that is new."""

from __future__ import annotations

from pathlib import Path

from indexes.errors import LibraryDamaged
from indexes.generations import GenerationFailed, Generations

__all__ = ["missing_catalogue", "require_catalogue"]


def missing_catalogue(folder: Path) -> str | None:
    """Returns a sentence if the catalogue is missing or empty beside an index that was made from one."""
    path = folder / "catalogue.sqlite"
    if path.exists() and path.stat().st_size > 0:
        return None
    try:
        live = Generations(folder / "dense").live()
    except GenerationFailed:
        live = None
    if live is None:
        return None
    state = "empty" if path.exists() else "missing"
    return (
        f"The catalogue {path.name} is {state}, although the index beside it was made from "
        f"{live.count:,} passages."
    )


def require_catalogue(folder: Path) -> None:
    """Does nothing if the catalogue is there, or there never was one.

    Raises:
        LibraryDamaged: It was lost: an empty library in its place would look like a loss of every paper.
    """
    if (lost := missing_catalogue(folder)) is not None:
        raise LibraryDamaged(
            f"{lost} The library is {str(folder)!r}.",
            hint="Restore the catalogue from a backup, or let `carrel papers repair` begin an empty library.",
        )
