"""Writes and probes a folder of Chroma's in processes of their own.

    python -m indexes.chroma_child write FOLDER MAX_FILE_BYTES [OLD_FOLDER]
    python -m indexes.chroma_child probe FOLDER
    python -m indexes.chroma_child build FOLDER MAX_FILE_BYTES [OLD_FOLDER]

A torn segment ends the process that opens it, and no exception can be caught. The writer has a limit on the
size of files, and still holds in memory what should be read from the disk: another process probes. `build` is
both, one after the other, and imports Chroma once for them, which takes most of a second.

Rows reach a child as frames on its standard input, so that it needs no catalogue; a parent that dies is an
end of input without the last frame. The rows to probe with are sent when the writer has said its result: it
may read further than its own last frame.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from indexes.chroma import COLLECTION, PROBE_COSINE, SETTINGS, load_chroma, open_folder
from indexes.protocols import Vectors

__all__ = ["frame", "main"]


def frame(numbers: NDArray[np.int64], collections: Sequence[str], matrix: Vectors) -> bytes:
    """One message to a child: a line of JSON and the vectors' bytes; without rows it is the last one."""
    head = {"numbers": numbers.tolist(), "collections": list(collections), "dimensions": matrix.shape[1]}
    return json.dumps(head).encode() + b"\n" + np.ascontiguousarray(matrix, "<f4").tobytes()


def main(arguments: list[str]) -> int:
    """Does as told; each result is one line of JSON."""
    match arguments:
        case ["build", folder, max_file_bytes, *old]:
            load_chroma()  # once: both processes that follow have it
            _apart(["write", folder, max_file_bytes, *old])
            _apart(["probe", folder])
            return 0
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


def _apart(task: list[str]) -> None:
    """Does a task in a process of its own; unless that went well, ends as it did.

    On Linux it is this process once more, with all that it has imported. Elsewhere that is not safe.
    """
    if sys.platform == "linux":
        process = os.fork()
        if process == 0:
            raise SystemExit(main(task))
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    else:
        command = [sys.executable, "-P", "-m", "indexes.chroma_child", *task]
        code = subprocess.run(command, check=False).returncode
    if code < 0:
        with suppress(OSError):  # nobody handles SIGKILL
            signal.signal(-code, signal.SIG_DFL)
        signal.raise_signal(-code)
    if code != 0:
        raise SystemExit(code)


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
    with closing(open_folder(folder)) as client:
        passages = client.get_or_create_collection(
            COLLECTION, embedding_function=None, configuration=SETTINGS if old is None else None
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
    with closing(open_folder(folder)) as client:
        passages = client.get_collection(COLLECTION, embedding_function=None)
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
    raise SystemExit(main(sys.argv[1:]))
