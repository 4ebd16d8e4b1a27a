"""Workers that read, cut and embed for one library, whose process alone commits what they bring."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from indexes.clean import clean_line
from indexes.cluster import Cluster
from indexes.embed import OnnxEncoder
from indexes.errors import CarrelError, Damaged, EncoderError
from indexes.hashing import HashingEncoder
from indexes.protocols import Encoder, Vectors
from indexes.readers.archive import Member
from indexes.readers.pool import ReaderPool, read_error
from indexes.readers.zotero import Item
from indexes.split import Splitter
from indexes.types import ParsedDocument, Passage, Reference

if TYPE_CHECKING:
    from indexes.cluster_worker import EncoderRecipe
    from indexes.readers.named import NamedReader

__all__ = ["Crew", "crew_of"]

_FILES_AHEAD = 2
"""Files under way for each thread of the cluster, so that none waits for the next."""


class Crew:
    """A cluster, equipped for one library."""

    def __init__(self, cluster: Cluster, held: str, embeds: bool) -> None:
        """Use `crew_of`."""
        self.cluster = cluster
        self._held = held
        self._embeds = embeds

    @property
    def at_once(self) -> int:
        """Files on their way at the same time."""
        return self.cluster.threads * _FILES_AHEAD + 1

    def reader(self, pool: ReaderPool) -> CrewReader:
        """Reads on the workers; `pool` reads what only this process can, such as by a reader of one's own."""
        return CrewReader(self.cluster, self._held, pool)

    def splitter(self, splitter: Splitter) -> CrewSplitter:
        """Takes the passages that came with a document; `splitter` cuts those that came without."""
        return CrewSplitter(splitter)

    def encoder(self, encoder: Encoder) -> Encoder:
        """Embeds on the workers, if they have the model; a provider's is asked from here, in its limits."""
        if not self._embeds:
            return encoder
        return CrewEncoder(encoder, self.cluster, self._held, asyncio.get_running_loop())


@asynccontextmanager
async def crew_of(
    cluster: Cluster,
    *,
    encoder: Encoder | None,
    cuts: bool = True,
    named_readers: Sequence[NamedReader] = (),
    ocr: bool = False,
) -> AsyncIterator[Crew]:
    """Equips the workers to read as this library does, and takes it from them behind the block.

    Args:
        cluster: Whose workers.
        encoder: The library's.
        cuts: Whether the workers cut documents into passages, too.
        named_readers: Readers to be loaded by name, in the children that read.
        ocr: Whether pages that are pictures are read by OCR.

    Raises:
        ClusterUnfit: A worker has another version of Carrel, or not the embedding model.
    """
    from indexes.cluster_worker import Reading, Recipe, versions

    made = await asyncio.to_thread(_recipe, encoder)
    recipe = Recipe(versions=versions(), cuts=cuts, encoder=made, named=tuple(named_readers), ocr=ocr)
    async with cluster.equipped(Reading(recipe.model_dump_json()), "carrel-reading") as held:
        yield Crew(cluster, held, embeds=made is not None)


class CrewReader:
    """Reads files on the workers; see `indexes.ingest.FileReader`."""

    def __init__(self, cluster: Cluster, held: str, pool: ReaderPool) -> None:
        self._cluster = cluster
        self._held = held
        self._pool = pool

    async def read(self, path: Path) -> ParsedDocument:
        """Returns the document at `path` with its passages; raises as `ReaderPool.read` does."""
        if self._pool.reads_here(path):
            return await self._pool.read(path)
        return await self._read(path, None)

    async def read_member(self, path: Path, member: str) -> ParsedDocument:
        """Returns the document in a member of the archive at `path`, like `read`."""
        return await self._read(path, member)

    def worth_another_try(self, path: Path, reason: str) -> bool:
        """See `ReaderPool.worth_another_try`."""
        return self._pool.worth_another_try(path, reason)

    async def read_bibliography(self, path: Path) -> tuple[Reference, ...]:
        """Returns the entries of a bibliography; it is read here."""
        return await self._pool.read_bibliography(path)

    async def read_members(self, path: Path, *, collection: str) -> tuple[Member, ...]:
        """Returns what is in an archive; it is looked into here."""
        return await self._pool.read_members(path, collection=collection)

    async def read_zotero(self, database: Path) -> tuple[Item, ...]:
        """Returns the items of a copied Zotero database; it lies here."""
        return await self._pool.read_zotero(database)

    async def _read(self, path: Path, member: str | None) -> ParsedDocument:
        from distributed import KilledWorker

        from indexes.cluster_worker import ReadReply, read

        place = await asyncio.to_thread(path.absolute)  # workers have folders of their own
        try:
            reply = await self._cluster.run(read, self._held, os.fspath(place), member)
        except KilledWorker as error:
            raise Damaged(f"{clean_line(path.name)!r} ended every worker that read it.") from error
        told = await asyncio.to_thread(ReadReply.model_validate_json, reply)
        if told.document is None:
            raise read_error(told.failure)
        return told.document


class CrewSplitter(Splitter):
    """Gives the passages that a worker has cut to their document."""

    def __init__(self, plain: Splitter) -> None:
        super().__init__()
        self._plain = plain

    def prepare(self) -> None:
        """Nothing: the workers import what splitting needs."""

    def split(self, parsed: ParsedDocument, document_id: str) -> tuple[Passage, ...]:
        """Returns the passages in reading order, as `Splitter.split` would."""
        from indexes.cluster_worker import CutDocument

        if not isinstance(parsed, CutDocument) or parsed.cut is None:
            return self._plain.split(parsed, document_id)
        return tuple(
            passage.model_copy(update={"id": f"{document_id}:{number}", "document_id": document_id})
            for number, passage in enumerate(parsed.cut)
        )


class CrewEncoder:
    """An encoder whose texts are embedded by the workers; `encode` is for threads, not for the loop's own."""

    def __init__(
        self, encoder: Encoder, cluster: Cluster, held: str, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._encoder = encoder
        self._cluster = cluster
        self._held = held
        self._loop = loop
        self.name = encoder.name
        self.dimensions = encoder.dimensions
        self.fingerprint = encoder.fingerprint

    @property
    def batches_at_once(self) -> int:
        """One for each thread, and one on its way."""
        return self._cluster.threads + 1

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Returns one unit-length row per text, in order; blocking. Raises as `encode_elsewhere` does."""
        return asyncio.run_coroutine_threadsafe(self.encode_elsewhere(texts), self._loop).result()

    async def encode_elsewhere(self, texts: Sequence[str]) -> Vectors:
        """Returns one unit-length row per text, in order.

        Raises:
            EncoderError: The workers' model failed, or what they sent is no such row.
            ClusterLost: There is no worker left.
        """
        from indexes.cluster_worker import embed

        try:
            sent = await self._cluster.run(embed, self._held, list(texts))
        except CarrelError:
            raise
        except Exception as error:  # whatever a worker raises arrives as it is
            raise EncoderError(f"Embedding on the cluster failed: {clean_line(str(error), 200)}") from error
        if len(sent) != len(texts) * self.dimensions * 4:
            raise EncoderError(f"A worker sent {len(sent):,} bytes for {len(texts)} vectors.")
        matrix = np.frombuffer(sent, "<f4").reshape(len(texts), self.dimensions)
        return matrix.astype(np.float32, copy=False)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, counted here."""
        return self._encoder.count_tokens(texts)


def _recipe(encoder: Encoder | None) -> EncoderRecipe | None:
    """How workers come by the encoder; `None` for one that they cannot have, such as a provider's."""
    from indexes.cluster_worker import EncoderRecipe

    if isinstance(encoder, OnnxEncoder):
        folder = os.fspath(encoder.folder.absolute())
    elif type(encoder) is HashingEncoder:
        folder = ""
    else:
        return None
    return EncoderRecipe(
        name=encoder.name, folder=folder, dimensions=encoder.dimensions, fingerprint=encoder.fingerprint
    )
