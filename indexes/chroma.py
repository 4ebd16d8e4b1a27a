"""Speaks Chroma to a folder that holds one generation; `indexes.chroma_child` writes and probes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.errors import SearchError

__all__ = [
    "COLLECTION",
    "PROBE_COSINE",
    "SETTINGS",
    "ChromaAway",
    "ChromaFailed",
    "ChromaFolder",
    "load_chroma",
    "open_folder",
    "published_model",
]

COLLECTION = "passages"
"""The one in a folder."""
SETTINGS = {"hnsw": {"space": "cosine", "max_neighbors": 24, "ef_construction": 100, "ef_search": 500}}
"""Measured against exact search on 100,000 passages: the nearest 10 are all found, of the nearest 250, which
every search asks for, 0.993; with 400 candidates 0.988. A query computes for 6 ms. Building with twice the
candidates and 32 neighbours takes more than twice as long; 250 candidates then find 0.989 in that time."""
PROBE_COSINE = 0.999
"""What a passage has at least with its own vector, when it is looked for by that."""


class ChromaFailed(SearchError):
    """Chroma could not do what was asked of it; the folder may be damaged."""


class ChromaAway(ChromaFailed):
    """A server cannot be reached, or takes too long; what it holds is in the catalogue too."""

    retryable = True


class ChromaFolder:
    """One generation, opened for asking."""

    def __init__(self, folder: Path) -> None:
        """Opens the folder; blocking, and about two seconds for the first in a process.

        Raises:
            ChromaFailed: The folder cannot be opened.
        """
        with _translated(folder):
            self._client = open_folder(folder)
            try:
                self._passages = self._client.get_collection(COLLECTION, embedding_function=None)
            except BaseException:
                self._client.close()
                raise
        self._folder = folder

    def count(self) -> int:
        """Passages in the folder."""
        with _translated(self._folder):
            return int(self._passages.count())

    def search(
        self, vector: NDArray[np.float32], *, limit: int, collections: tuple[str, ...] = ()
    ) -> list[tuple[int, float]]:
        """Returns at most `limit` pairs of passage number and cosine, best first.

        Raises:
            ChromaFailed: The folder cannot be searched.
        """
        where: Any = {"collection": {"$in": list(collections)}} if collections else None
        with _translated(self._folder):
            found = self._passages.query(
                query_embeddings=[vector], n_results=limit, where=where, include=["distances"]
            )
            distances = found["distances"] or [[]]
            pairs = zip(found["ids"][0], distances[0], strict=True)
            return [(int(number), 1.0 - float(distance)) for number, distance in pairs]

    def close(self) -> None:
        """Gives back the folder's files."""
        with _translated(self._folder):
            self._client.close()


def load_chroma() -> None:
    """Imports Chroma, which the first folder opened would wait for: most of a second."""
    import chromadb  # noqa: F401


def published_model() -> tuple[str, str]:
    """Address and SHA-256 of the archive with `all-MiniLM-L6-v2` that Chroma publishes."""
    from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2 as Published

    return Published.MODEL_DOWNLOAD_URL, Published._MODEL_SHA256


def open_folder(folder: Path) -> Any:
    """Returns Chroma's client for a folder; blocking, raises whatever Chroma does."""
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Makes whatever Chroma raises a `ChromaFailed`."""
    try:
        yield
    except BaseException as error:
        # A panic in Chroma's native code arrives as a BaseException of a class that cannot be imported.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = " ".join(str(error).split())[:200]
        raise ChromaFailed(f"Chroma failed on {folder.name!r}: {type(error).__name__}: {reason}") from error
