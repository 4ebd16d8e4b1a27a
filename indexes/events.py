"""What happens while papers are added: one typed event for each change a person may want to see."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from indexes.types import AddReport, Fate, Model

__all__ = ["AddEvent", "Added", "Embedded", "FileDone", "FilesFound"]


class FilesFound(Model):
    """The walk is over; reading begins."""

    type: Literal["files_found"] = "files_found"
    total: int


class FileDone(Model):
    """One file has met its fate."""

    type: Literal["file_done"] = "file_done"
    path: str
    fate: Fate
    reason: str = ""
    """Why it failed or was skipped; empty otherwise."""
    title: str = ""
    pages: int = 0
    passages: int = 0
    done: int = 0
    """Files finished so far, this one included."""
    total: int = 0


class Embedded(Model):
    """More passages can be found by meaning."""

    type: Literal["embedded"] = "embedded"
    done: int
    total: int
    """Passages that had no vector when embedding began."""


class Added(Model):
    """Adding is over."""

    type: Literal["added"] = "added"
    report: AddReport


AddEvent = Annotated[FilesFound | FileDone | Embedded | Added, Field(discriminator="type")]
