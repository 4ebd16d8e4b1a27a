"""Keeps passages and finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexes.lazy import lazily

if TYPE_CHECKING:
    from indexes.errors import CarrelError
    from indexes.library import Library
    from indexes.offer import as_langchain, as_llama_index
    from indexes.protocols import Encoder, Retriever
    from indexes.types import Document, Hit, Hits, Passage

__all__ = [
    "CarrelError",
    "Document",
    "Encoder",
    "Hit",
    "Hits",
    "Library",
    "Passage",
    "Retriever",
    "as_langchain",
    "as_llama_index",
]

__getattr__ = lazily(
    __name__,
    {
        "CarrelError": "indexes.errors",
        "Library": "indexes.library",
        **dict.fromkeys(("as_langchain", "as_llama_index"), "indexes.offer"),
        **dict.fromkeys(("Encoder", "Retriever"), "indexes.protocols"),
        **dict.fromkeys(("Document", "Hit", "Hits", "Passage"), "indexes.types"),
    },
)
