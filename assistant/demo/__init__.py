"""A small library of notes and a first question, to see the whole path without a key or a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.api import Assistant

__all__ = ["COLLECTION", "NOTES", "QUESTION", "open_demo"]

NOTES = Path(__file__).parent / "notes"
"""Short research notes about orchestration, routing, retries and retrieval, in five formats."""
COLLECTION = "notes"
QUESTION = "Why should retries use exponential backoff with jitter?"


def open_demo() -> Assistant:
    """Returns an assistant over a library of its own, without models and without the web.

    The library lies beside the person's own and is used again. There is one for each embedding model, because
    a library belongs to the model that made its vectors.
    """
    from assistant.api import Assistant
    from assistant.paths import find_paths
    from assistant.settings import LibrarySettings, Settings

    paths = find_paths()
    library = LibrarySettings(delta_limit=0)  # 0: the vector index is built at once
    return Assistant(
        replace(paths, data=paths.data / "demo" / library.encoder),
        settings=Settings(web="never", library=library),
    )
