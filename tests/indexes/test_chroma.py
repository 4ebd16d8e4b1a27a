"""The children that write and probe a Chroma folder, spoken to as the parent speaks to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from indexes.chroma import ChromaFailed, ChromaFolder
from indexes.chroma_child import frame
from indexes.protocols import Vectors

DIMENSIONS = 32


def vectors(count: int, seed: int = 0) -> Vectors:
    matrix = np.random.default_rng(seed).standard_normal((count, DIMENSIONS)).astype(np.float32)
    return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), np.float32)


def rows(matrix: Vectors, first: int = 1, collection: str = "papers") -> bytes:
    return frame(np.arange(first, first + len(matrix)), [collection] * len(matrix), matrix)


LAST = rows(vectors(0))


COMMAND = [sys.executable, "-P", "-m", "indexes.chroma_child"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def child(*arguments: str, sent: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments], input=sent, capture_output=True, env=ENVIRONMENT, check=False, timeout=60
    )


@contextmanager
def builder(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]]:
    """A child that writes and probes, and its standard input and output."""
    folder.mkdir()
    process = subprocess.Popen(
        [*COMMAND, "build", str(folder), "1000000000"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process, process.stdin, process.stdout


def said_to(rows: bytes, to: IO[bytes], out: IO[bytes]) -> object:
    to.write(rows)
    to.flush()
    return json.loads(out.readline())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two collections; fewer rows than Chroma keeps in its log before it writes the graph."""
    folder = tmp_path_factory.mktemp("chroma") / "g"
    folder.mkdir()
    matrix = vectors(60)
    result = child(
        "write", str(folder), "1000000000", sent=rows(matrix[:40]) + rows(matrix[40:], 41, "notes") + LAST
    )
    assert json.loads(result.stdout) == {"count": 60}, result.stderr
    return folder


def test_what_a_child_wrote_is_found(written: Path) -> None:
    folder = ChromaFolder(written)
    matrix = vectors(60)
    assert folder.count() == 60
    [(number, score)] = folder.search(matrix[45], limit=1)
    assert (number, score) == (46, pytest.approx(1.0, abs=1e-5))
    by_number = dict(folder.search(matrix[45], limit=60))
    assert by_number[1] == pytest.approx(float(matrix[45] @ matrix[0]), abs=1e-5)
    assert all(number > 40 for number, _ in folder.search(matrix[0], limit=60, collections=("notes",)))
    folder.close()


def test_a_probe_passes_only_over_the_vectors_it_was_given(written: Path) -> None:
    matrix = vectors(60)
    assert json.loads(child("probe", str(written), sent=rows(matrix[:5]) + LAST).stdout) == {"count": 60}
    other = child("probe", str(written), sent=rows(vectors(5, seed=9)) + LAST)
    assert other.returncode != 0
    assert b"another vector" in other.stderr


def test_one_child_writes_and_then_probes_in_processes_of_their_own(tmp_path: Path) -> None:
    matrix = vectors(60)
    with builder(tmp_path / "g") as (process, to, out):
        assert said_to(rows(matrix) + LAST, to, out) == {"count": 60}
        assert said_to(rows(matrix[:5]) + LAST, to, out) == {"count": 60}
    assert process.returncode == 0


def test_a_probe_that_fails_ends_the_child_that_began_it(tmp_path: Path) -> None:
    with builder(tmp_path / "g") as (process, to, out):
        assert said_to(rows(vectors(60)) + LAST, to, out) == {"count": 60}
        to.write(rows(vectors(5, seed=9)) + LAST)
        to.close()
        assert out.read() == b""
        assert process.stderr is not None
        assert b"another vector" in process.stderr.read()
    assert process.returncode == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the process that writes is looked for in /proc")
def test_a_writer_that_the_system_kills_takes_the_child_that_began_it_along(tmp_path: Path) -> None:
    with builder(tmp_path / "g") as (process, _, _):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + 60
        while not (writers := children.read_text().split()) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(int(writers[0]), signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_rows_that_break_off_are_not_a_finished_index(tmp_path: Path) -> None:
    whole = rows(vectors(10))
    for sent in (whole, whole[:-7]):
        (folder := tmp_path / str(len(sent))).mkdir()
        result = child("write", str(folder), "1000000000", sent=sent)
        assert result.returncode != 0
        assert b"broke off" in result.stderr
        assert result.stdout == b""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file size there")
def test_a_file_that_grows_without_end_is_stopped(tmp_path: Path) -> None:
    (folder := tmp_path / "g").mkdir()
    result = child("write", str(folder), "300000", sent=rows(vectors(2_000)) + LAST)
    assert result.returncode != 0
    assert max(path.stat().st_size for path in folder.rglob("*")) <= 300_000


def test_a_folder_that_cannot_be_opened_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ChromaFailed, match="empty"):
        ChromaFolder(tmp_path / "empty")
