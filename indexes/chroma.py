"""Speaks Chroma to a folder that holds one generation: writes, probes and asks it.

Writing and probing run in child processes (`python -m indexes.chroma write|probe FOLDER`), because a torn
segment ends the process that opens it and no exception can be caught. Rows reach a child as frames on its
standard input, so that it needs no catalogue; a parent that dies is an end of input without the last frame.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from indexes.errors import SearchError
from indexes.protocols import Vectors

__all__ = [
    "PROBE_COSINE",
    "SETTINGS",
    "ChromaAway",
    "ChromaFailed",
    "ChromaFolder",
    "frame",
    "load_chroma",
    "published_model",
]

_COLLECTION = "passages"
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
            self._client = _open(folder)
            try:
                self._passages = self._client.get_collection(_COLLECTION, embedding_function=None)
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


def frame(numbers: NDArray[np.int64], collections: Sequence[str], matrix: Vectors) -> bytes:
    """One message to a child: a line of JSON and the vectors' bytes; without rows it is the last one."""
    head = {"numbers": numbers.tolist(), "collections": list(collections), "dimensions": matrix.shape[1]}
    return json.dumps(head).encode() + b"\n" + np.ascontiguousarray(matrix, "<f4").tobytes()


def published_model() -> tuple[str, str]:
    """Address and SHA-256 of the archive with `all-MiniLM-L6-v2` that Chroma publishes."""
    from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2 as Published

    return Published.MODEL_DOWNLOAD_URL, Published._MODEL_SHA256


def _open(folder: Path) -> Any:
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


# What follows runs in a child process.


def _main(arguments: list[str]) -> int:
    """Does `write FOLDER MAX_FILE_BYTES [OLD_FOLDER]`, or `probe FOLDER`; the result is one line of JSON."""
    match arguments:
        case ["write", folder, max_file_bytes, *old]:
            _be_nice()
            _limit_file_size(int(max_file_bytes))
            result = _write(Path(folder), _frames(sys.stdin.buffer), old=Path(old[0]) if old else None)
        case ["probe", folder]:
            result = _probe(Path(folder), _frames(sys.stdin.buffer))
        case _:
            raise SystemExit(f"unknown arguments: {arguments}")
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


def _be_nice() -> None:
    """Building waits for those who ask, not the other way round."""
    if hasattr(os, "nice"):
        os.nice(5)


def _limit_file_size(max_bytes: int) -> None:
    """A damaged graph can write link lists without end; the system stops the process first."""
    with suppress(ImportError, ValueError):  # not on Windows; not above an existing limit
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))


def _frames(stream: IO[bytes]) -> Iterator[tuple[list[str], list[str], Vectors]]:
    """Rows of each frame up to the last, empty one."""
    while line := stream.readline():
        head = json.loads(line)
        numbers, dimensions = head["numbers"], head["dimensions"]
        if not numbers:
            return
        content = stream.read(len(numbers) * dimensions * 4)
        if len(content) < len(numbers) * dimensions * 4:
            break
        matrix = np.frombuffer(content, "<f4").reshape(len(numbers), dimensions)
        yield [str(number) for number in numbers], head["collections"], matrix
    raise SystemExit("the rows broke off before their end")


def _write(folder: Path, frames: Iterator[tuple[list[str], list[str], Vectors]], *, old: Path | None) -> Any:
    if old is not None:
        shutil.copytree(old, folder, dirs_exist_ok=True)
    with closing(_open(folder)) as client:
        passages = client.get_or_create_collection(
            _COLLECTION, embedding_function=None, configuration=SETTINGS if old is None else None
        )
        most = client.get_max_batch_size()
        for ids, collections, matrix in frames:
            for start in range(0, len(ids), most):
                part = slice(start, start + most)
                passages.upsert(
                    ids=ids[part],
                    embeddings=matrix[part],
                    metadatas=[{"collection": name} for name in collections[part]],
                )
        return {"count": passages.count()}


def _probe(folder: Path, frames: Iterator[tuple[list[str], list[str], Vectors]]) -> Any:
    """Counts, gets and finds passages whose vectors the parent knows."""
    with closing(_open(folder)) as client:
        passages = client.get_collection(_COLLECTION, embedding_function=None)
        count = passages.count()
        for ids, _, matrix in frames:
            _compare(passages, ids, matrix)
            for vector in matrix:
                found = passages.query(
                    query_embeddings=[vector], n_results=min(count, 100), include=["distances"]
                )
                if not found["ids"][0] or 1.0 - found["distances"][0][0] < PROBE_COSINE:
                    raise SystemExit("a passage is not found by its own vector")
        return {"count": count}


def _compare(passages: Any, ids: list[str], matrix: Vectors) -> None:
    stored = passages.get(ids=ids, include=["embeddings"])
    vector_of = dict(zip(stored["ids"], stored["embeddings"], strict=True))
    for number, vector in zip(ids, matrix, strict=True):
        if number not in vector_of or float(np.dot(vector_of[number], vector)) < PROBE_COSINE:
            raise SystemExit(f"passage {number} is missing or has another vector")


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
