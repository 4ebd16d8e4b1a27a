"""How library and models stand, and the page around a stretch; light enough for a question."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from indexes.types import Collection, Model

__all__ = ["Status", "Surroundings"]


class Surroundings(Model):
    """A page, with the stretch that was asked for."""

    type: Literal["surroundings"] = "surroundings"
    page: int
    """From 1."""
    page_count: int
    text: str
    """The whole page's text."""
    start: int
    """Where the stretch begins in `text`, from 0."""
    end: int


class Status(Model):
    """The library and the models as they stand."""

    type: Literal["status"] = "status"
    collections: tuple[Collection, ...]
    models: dict[str, str]
    """Role (`small`, `reasoning`) to model name; empty without models."""
    others: tuple[str, ...] = ()
    """Further models that can be asked again."""
    encoder: str
    """Name of the embedding model; empty when search is by keyword only."""
    web: Literal["ask", "auto", "never"]
    home: str
    """Where the library lies."""
    is_new: bool = False
    """Whether nothing is here yet: no paper, and no question in the history."""
    theme: str = ""
    """The colours that the person wants; empty for the usual ones."""
    glyphs: Literal["auto", "unicode", "ascii"] = "auto"
    """What the app draws with."""
    motion: Literal["full", "reduced"] = "full"
    """Whether anything may move by itself."""
    pdf_viewer: str = ""
    """The person's own viewer, a command with `{file}` and `{page}`; empty for whichever is there."""
    keeps_history: bool = True
    """Whether questions are kept, so that one can be gone on with."""
    keys: dict[str, str] = Field(default_factory=dict)
    """Name of a command to the key, or keys, that the person wants for it."""
