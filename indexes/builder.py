"""Builds a generation of the Chroma index: one child process writes it, another opens and probes it.

Both are children of one that is spoken to; see `indexes.chroma_child`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np

from indexes.chaos import point
from indexes.chroma_child import frame
from indexes.exact import Block
from indexes.generations import Generation, GenerationFailed, Generations, file_facts
from indexes.protocols import Encoder

__all__ = ["build_generation", "count_in_child", "max_file_bytes"]

_PROBED_ROWS = 20
_CHILD_SECONDS = 300.0
"""Longest a child may take to accept one batch of rows, or to end after the last."""


async def build_generation(
    generations: Generations,
    building: Path,
    rows: Iterator[Block],
    *,
    expected: int,
    last_position: int,
    encoder: Encoder,
    base: Generation | None = None,
) -> Generation:
    """Writes, probes and publishes a generation; until then the live one stays as it was.

    Args:
        generations: Where it is published.
        building: The folder to write in; emptied first.
        rows: What to write, in batches; read in a thread.
        expected: About how many rows the generation will hold, which bounds the size of its files.
        last_position: Up to where `rows`, and `base` before them, hold what is stored.
        encoder: What made the vectors.
        base: A generation to copy first; it must be undamaged.

    Raises:
        GenerationFailed: A child process failed, a file is far too large, or the probe was not passed.
    """
    point("generation.write.before")
    await asyncio.to_thread(_make_empty, building)
    sample = _Sample(encoder.dimensions)
    limit = str(max_file_bytes(expected, encoder.dimensions))
    copied = [str(generations.path(base))] if base else []
    async with _child("build", str(building), limit, *copied) as child:
        count = await child.result(sample.watch(rows), encoder.dimensions)
        point("generation.write.after")
        held = sample.seen + (base.count if base else 0)
        await asyncio.to_thread(_require_modest, building, held, encoder.dimensions)
        probed = await child.result(iter([sample.rows()]), encoder.dimensions)
    point("generation.probe.after")
    if not count == probed == held:
        raise GenerationFailed(f"The index of meanings holds {probed:,} passages and not {held:,}.")
    generation = Generation(
        name=building.name.removesuffix(".building"),
        count=count,
        last_position=last_position,
        fingerprint=encoder.fingerprint,
        dimensions=encoder.dimensions,
        chroma_version=version("chromadb"),
        files=await asyncio.to_thread(file_facts, building),
    )
    await asyncio.to_thread(generations.publish, building, generation)
    return generation


async def count_in_child(generations: Generations, generation: Generation) -> int:
    """Returns how many passages a generation says it holds; a child process asks, in a scratch copy.

    Raises:
        GenerationFailed: It cannot be opened; if that ended the child process, the message says so.
    """
    scratch = await asyncio.to_thread(generations.scratch, generation)
    try:
        async with _child("probe", str(scratch)) as child:
            return await child.result(iter([]), generation.dimensions)
    finally:
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)


class _Sample:
    """A few of the rows that pass by, for the probe."""

    def __init__(self, dimensions: int) -> None:
        self.seen = 0
        self._numbers: list[int] = []
        self._collections: list[str] = []
        self._matrix = np.empty((0, dimensions), np.float32)

    def watch(self, batches: Iterator[Block]) -> Iterator[Block]:
        for numbers, collections, matrix in batches:
            self.seen += len(numbers)
            # One from the first batches each, so that the sample spans more than the beginning.
            room = _PROBED_ROWS - len(self._numbers)
            for row in range(0, len(numbers), max(1, len(numbers) // 5))[:room]:
                self._numbers.append(int(numbers[row]))
                self._collections.append(collections[row])
                self._matrix = np.concatenate([self._matrix, matrix[row : row + 1]])
            yield numbers, collections, matrix

    def rows(self) -> Block:
        return np.asarray(self._numbers, np.int64), self._collections, self._matrix


@asynccontextmanager
async def _child(task: str, *arguments: str) -> AsyncIterator[_Child]:
    """A process with a task of `indexes.chroma_child`; behind the block it is gone, with what it has made."""
    process = await asyncio.create_subprocess_exec(
        # -P: the current folder may hold a `numpy.py` of its own.
        *(sys.executable, "-P", "-m", "indexes.chroma_child", task, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # No vectors are computed with there, and a process without threads can be made two.
        env={**os.environ, "PYTHONPATH": _python_path(), "OPENBLAS_NUM_THREADS": "1"},
        # Control-C is for us to handle; a child whose parent is gone ends by itself.
        start_new_session=True,
    )
    child = _Child(process)
    try:
        yield child
        async with asyncio.timeout(_CHILD_SECONDS):
            await child.end()
    except TimeoutError as error:
        raise GenerationFailed("Building the index of meanings took too long.") from error
    finally:
        await child.kill()


class _Child:
    """The process, spoken to: rows go in, the count of all passages comes out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._stdin, self._stdout = process.stdin, process.stdout
        self._errors = asyncio.create_task(process.stderr.read())

    async def result(self, batches: Iterator[Block], dimensions: int) -> int:
        """Sends the rows and returns what is said to them.

        Raises:
            GenerationFailed: The process ended without a result.
            TimeoutError: It takes too long.
        """
        # The child may end early; what it says about that is worth more than a broken pipe.
        with suppress(BrokenPipeError, ConnectionResetError):
            await self._feed(batches, dimensions)
        async with asyncio.timeout(_CHILD_SECONDS):
            line = await self._stdout.readline()
            if not line:
                raise GenerationFailed(_failure(await self._process.wait(), await self._errors))
        return int(json.loads(line)["count"])

    async def end(self) -> None:
        """Waits for the end of a process that has said all its results.

        Raises:
            GenerationFailed: It went wrong after all.
        """
        if code := await self._process.wait():
            raise GenerationFailed(_failure(code, await self._errors))

    async def kill(self) -> None:
        """Ends the process and those that it has made; returns when all are gone."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                if hasattr(os, "killpg"):
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
        # What a process made that was killed by others ends when it has read this to its end.
        self._stdin.close()
        # Each of them holds the other ends of these until it is gone.
        await asyncio.gather(self._stdout.read(), self._errors, self._process.wait())

    async def _feed(self, batches: Iterator[Block], dimensions: int) -> None:
        last: Block = (np.empty(0, np.int64), [], np.empty((0, dimensions), np.float32))
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            await self._send(batch)
        await self._send(last)

    async def _send(self, batch: Block) -> None:
        async with asyncio.timeout(_CHILD_SECONDS):
            self._stdin.write(frame(*batch))
            await self._stdin.drain()


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)


def _require_modest(building: Path, count: int, dimensions: int) -> None:
    """Refuses what has grown without end; the child that writes is stopped by the system at the same size."""
    largest = max_file_bytes(count, dimensions)
    for path in building.rglob("*"):
        if path.is_file() and (size := path.stat().st_size) > largest:
            raise GenerationFailed(
                f"The index of meanings was thrown away: its file {path.name} has {size:,} bytes, "
                f"far more than {count:,} passages need."
            )


def _failure(code: int, errors: bytes) -> str:
    if code < 0:
        return f"The process that builds the index of meanings was ended by signal {-code}."
    said = errors.decode("utf-8", "replace").strip().splitlines()
    why = said[-1][:200] if said else f"code {code}"
    return f"The process that builds the index of meanings failed: {why}."


def _python_path() -> str:
    """Where this package was imported from, first."""
    ours = str(Path(__file__).resolve().parents[1])
    inherited = os.environ.get("PYTHONPATH")
    return os.pathsep.join([ours, inherited]) if inherited else ours


def max_file_bytes(count: int, dimensions: int) -> int:
    """Returns three times what a sound file of so many passages can need, and some for a small index."""
    return 3 * count * (dimensions * 4 + 1000) + 256_000_000
