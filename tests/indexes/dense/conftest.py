"""A library of 1,500 vectors with one generation in a real Chroma folder."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexes.dense import DenseIndex
from indexes.hashing import HashingEncoder
from tests.indexes.dense.vectors_in_memory import DIMENSIONS, ROWS, Library, MemorySource, texts


@pytest.fixture(scope="module")
def encoder() -> HashingEncoder:
    return HashingEncoder(DIMENSIONS)


@pytest.fixture(scope="module")
def built(encoder: HashingEncoder, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MemorySource]:
    """A library with one generation, built once; tests work on copies."""
    folder = tmp_path_factory.mktemp("library") / "generations"
    source = MemorySource()
    source.add(encoder, encoder.encode(texts(1_200)))
    source.add(encoder, encoder.encode(texts(ROWS - 1_200, start=1_200)), collection="notes", first=1_201)
    index = DenseIndex(folder, source, encoder, delta_limit=1_000)
    assert asyncio.run(index.refresh())
    return folder, source


@pytest.fixture
def library(built: tuple[Path, MemorySource], encoder: HashingEncoder, tmp_path: Path) -> Iterator[Library]:
    """A copy of it for this test alone."""
    shutil.copytree(built[0], tmp_path / "generations")
    source = built[1].copy()
    index = DenseIndex(tmp_path / "generations", source, encoder, delta_limit=1_000)
    yield Library(tmp_path / "generations", source, index)
    index.close()
