"""A list of papers as it is shown, a stretch at a time; light enough for an interface to import."""

from __future__ import annotations

from typing import Literal

from indexes.types import Document, Model

__all__ = ["Listed", "PaperOrder", "PaperPage"]

PaperOrder = Literal["title", "author", "year", "added"]
"""By what a list is ordered; `author` is the first author's family name."""


class Listed(Model):
    """One paper as a list shows it."""

    document: Document
    passages: int
    embedded: int
    """Passages that can be found by meaning."""
    trouble: str = ""
    """Why a newer version of its file was not read; empty where the file is as it was."""


class PaperPage(Model):
    """A stretch of a list, and how long the list is."""

    total: int
    """Papers that fit."""
    offset: int
    papers: tuple[Listed, ...]
