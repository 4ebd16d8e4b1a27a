"""The dense index built anew from the vectors in the catalogue, without the model that made them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NoReturn

from indexes.dense import DenseIndex
from indexes.errors import EncoderMissing
from indexes.generations import POINTER, GenerationFailed, Generations
from indexes.growing import Server
from indexes.vectors import KnownEncoder, PassageVectors

__all__ = ["StandIn", "rebuild_dense", "refreshed", "usual_encoder", "without_index"]


class StandIn:
    """Has the name and the fingerprint of an encoder, and embeds nothing."""

    def __init__(self, known: KnownEncoder) -> None:
        self.name = known.name
        self.fingerprint = known.fingerprint
        self.dimensions = known.dimensions

    def encode(self, texts: Sequence[str]) -> NoReturn:
        """Raises.

        Raises:
            EncoderMissing: Always.
        """
        raise EncoderMissing(f"Only the vectors of {self.name!r} are at hand, not the model itself.")

    def count_tokens(self, texts: Sequence[str]) -> NoReturn:
        """Raises, like `encode`."""
        self.encode(texts)


@asynccontextmanager
async def without_index(folder: Path, vectors: PassageVectors, *, chroma: str = "") -> AsyncIterator[None]:
    """Takes the dense index away inside the block and builds it anew behind it, for changes that it misses.

    Stopped at any moment, there is no index or a right one; search compares every passage meanwhile.
    """
    known = await usual_encoder(folder, vectors)
    await asyncio.to_thread((folder / POINTER).unlink, missing_ok=True)
    yield
    with suppress(GenerationFailed):
        await rebuild_dense(folder, vectors, known=known, force=True, chroma=chroma)


async def refreshed(index: DenseIndex, vectors: PassageVectors, *, force: bool = False) -> bool:
    """Builds the next generation if it is due, and writes down that there is one; returns whether it did."""
    built = await index.refresh(force=force)
    if index.published:
        await vectors.note_indexed()
    return built


async def usual_encoder(folder: Path, vectors: PassageVectors) -> KnownEncoder | None:
    """Returns the encoder whose vectors a dense index in `folder` is made of; `None` if nothing is embedded.

    That of the live generation, if there is one and its vectors still are, else the one with most vectors.
    """
    known = await vectors.encoders()
    try:
        live = Generations(folder).live()
    except GenerationFailed:
        live = None
    of_live = [each for each in known if live is not None and each.fingerprint == live.fingerprint]
    return next(iter([*of_live, *known]), None)


async def rebuild_dense(
    folder: Path,
    vectors: PassageVectors,
    *,
    known: KnownEncoder | None = None,
    delta_limit: int = 2_000,
    force: bool = False,
    chroma: str = "",
) -> bool:
    """Builds the next generation if it is due; returns whether it did.

    Args:
        folder: Of the generations.
        vectors: What it is made of.
        known: Whose vectors; by default the usual encoder's.
        delta_limit: See `DenseIndex`.
        force: Build one in any case, if there is a vector.
        chroma: Address of the Chroma server that keeps it; by default `folder` does.

    Raises:
        GenerationFailed: It could not be built; search goes on as before.
    """
    known = known or await usual_encoder(folder, vectors)
    if known is None:
        return False
    server = Server(chroma, vectors.identity) if chroma else None
    index = DenseIndex(folder, vectors, StandIn(known), delta_limit=delta_limit, server=server)
    try:
        return await refreshed(index, vectors, force=force)
    finally:
        index.close()
