"""Builds a generation of the Chroma index: one child process writes it, another opens and probes it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np

from indexes.chaos import point
from indexes.chroma_parent import chroma_child
from indexes.exact import Block
from indexes.generations import Generation, GenerationFailed, Generations, file_facts
from indexes.protocols import Encoder

__all__ = ["build_generation", "count_in_child", "max_file_bytes"]

_PROBED_ROWS = 20


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
    async with chroma_child("build", str(building), limit, *copied) as child:
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
        async with chroma_child("probe", str(scratch)) as child:
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


def max_file_bytes(count: int, dimensions: int) -> int:
    """Returns three times what a sound file of so many passages can need, and some for a small index."""
    return 3 * count * (dimensions * 4 + 1000) + 256_000_000
