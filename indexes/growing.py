"""Builds the next generation on a Chroma server: a collection that grows, or a new one beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from importlib.metadata import version
from typing import NamedTuple

from indexes.chroma import ChromaFailed
from indexes.exact import Block
from indexes.generations import Generation, GenerationFailed, Generations
from indexes.protocols import Encoder

__all__ = ["Server", "grow"]


class Server(NamedTuple):
    """Where a library's generations lie when they do not lie in its own folder."""

    address: str
    identity: Callable[[], Awaitable[str]]
    """What the library is called there, so that two never meet."""


async def grow(
    generations: Generations,
    rows: Iterator[Block],
    *,
    server: Server,
    last_position: int,
    encoder: Encoder,
    base: Generation | None,
) -> Generation:
    """Writes rows to the server and publishes what it then holds; until then all stays as it was.

    A collection cannot be copied there, and need not be: the server writes in transactions of its own, rows
    of a killed extension are newer ones that it has already, and writing them again changes nothing. So what
    is newer goes into the live collection, and the pointer moves on.

    Args:
        generations: Where it is published.
        rows: What to write, in batches; read in a thread.
        server: Where to.
        last_position: Up to where `rows`, and `base` before them, hold what is stored.
        encoder: What made the vectors.
        base: The generation to extend; `None` begins a collection.

    Raises:
        GenerationFailed: The server is away, or does not hold what was written.
    """
    from indexes.chroma_server import extended, forget, new_name

    library = await server.identity()
    name = base.collection if base else new_name(library)
    passed = _Counted(rows)
    try:
        held = await asyncio.to_thread(
            extended,
            server.address,
            name,
            passed,
            fingerprint=encoder.fingerprint,
            last_position=last_position,
            grown_from=base.last_position if base else None,
        )
        written = passed.count + (base.count if base else 0)
        if held.rows < written:
            raise ChromaFailed(f"the Chroma server holds {held.rows:,} passages and not {written:,}")
    except ChromaFailed as error:
        raise GenerationFailed(
            f"The index of meanings could not be written: {error.message}.",
            hint="Nothing is lost: the vectors are in the library, and the next `carrel add` goes on. "
            "Is the server of library.chroma running?",
        ) from error
    generation = Generation(
        name=_next_name(base.name if base else None),
        count=held.rows,
        last_position=last_position,
        fingerprint=encoder.fingerprint,
        dimensions=encoder.dimensions,
        chroma_version=version("chromadb"),
        files=(),
        server=server.address,
        collection=name,
    )
    await asyncio.to_thread(generations.point_to, generation)
    if base is None:
        with suppress(ChromaFailed):  # what is left over takes room there until the next one
            await asyncio.to_thread(forget, server.address, library, kept=frozenset({name}))
    return generation


class _Counted:
    """Rows that are counted as they pass by."""

    def __init__(self, rows: Iterator[Block]) -> None:
        self.count = 0
        self._rows = rows

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> Block:
        block = next(self._rows)
        self.count += len(block[0])
        return block


def _next_name(before: str | None) -> str:
    return f"g-{int(before.removeprefix('g-')) + 1 if before else 1:04}"
