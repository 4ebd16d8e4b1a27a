"""An opened generation that several searches use, closed after the last of them."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexes.chroma import ChromaAway, ChromaFailed, ChromaFolder, load_chroma
from indexes.generations import Generation, GenerationFailed, Generations

__all__ = ["OpenIndex", "SharedFolder", "damage_of", "open_shared"]


class OpenIndex(Protocol):
    """A generation that can be asked: a folder of the library, or a collection on a server."""

    def search(
        self, vector: NDArray[np.float32], *, limit: int, collections: tuple[str, ...] = ()
    ) -> list[tuple[int, float]]:
        """Returns at most `limit` pairs of passage number and cosine, best first.

        Raises:
            ChromaFailed: It cannot be searched.
        """
        ...

    def close(self) -> None:
        """Gives back what it holds open."""
        ...


class SharedFolder:
    """An opened generation, closed after its last user once another one is in use."""

    def __init__(self, folder: OpenIndex, generation: Generation, *, scratch: Path | None = None) -> None:
        self.folder = folder
        self.generation = generation
        self.users = 0
        self.retired = False
        self._scratch = scratch

    def close_if_unused(self) -> None:
        """Gives its files back once it is retired and nobody uses it."""
        if self.retired and self.users == 0:
            with suppress(ChromaFailed):
                self.folder.close()
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)


def open_shared(generations: Generations, live: Generation) -> SharedFolder:
    """Opens the live generation, once it is found to be what it was when it was built; blocks.

    Raises:
        GenerationFailed: It is damaged.
        ChromaFailed: It cannot be opened; a `ChromaAway` where a server that holds it cannot be reached.
    """
    if live.server:
        return SharedFolder(_collection(live), live)
    scratch = _undamaged(generations, live)
    try:
        return SharedFolder(ChromaFolder(scratch), live, scratch=scratch)
    except ChromaFailed:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def damage_of(generations: Generations, live: Generation) -> str | None:
    """What is wrong with a generation, as the end of a sentence; None when nothing is. Blocks.

    Raises:
        ChromaAway: A server that holds it cannot be reached.
    """
    if not live.server:
        return generations.damage(live)
    try:
        _collection(live).close()
    except GenerationFailed as error:
        return error.message
    return None


def _undamaged(generations: Generations, live: Generation) -> Path:
    """A folder of the live generation to open, once its files are found to be what they were."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        scratch = beside.submit(generations.scratch, live)
        damage = beside.submit(generations.damage, live)
        load_chroma()  # takes about as long as both, on another core
    if reason := damage.result():
        shutil.rmtree(scratch.result(), ignore_errors=True)
        raise GenerationFailed(f"{live.name} {reason}")
    return scratch.result()


def _collection(live: Generation) -> OpenIndex:
    """The collection that holds the generation, once it is found to be that of the pointer.

    It may have grown since by an extension that was not finished: what is too much is newer, and right.
    """
    from indexes.chroma_server import ServerCollection

    try:
        collection = ServerCollection(live.server, live.collection)
        held = collection.collected()
    except ChromaAway:
        raise
    except ChromaFailed as error:
        raise GenerationFailed(f"{live.name}: {error.message}") from error
    if held.fingerprint == live.fingerprint and held.rows >= live.count:
        return collection
    with suppress(ChromaFailed):
        collection.close()
    if held.fingerprint != live.fingerprint:
        raise GenerationFailed(f"{live.name} holds another model's vectors on the Chroma server")
    raise GenerationFailed(
        f"{live.name} holds {held.rows:,} passages on the Chroma server and not {live.count:,}"
    )
