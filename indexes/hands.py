"""Who reads, cuts and embeds while papers are added: this process with its children, or a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexes.ingest import FileReader
from indexes.protocols import Encoder
from indexes.split import Splitter

if TYPE_CHECKING:
    from indexes.cluster import Cluster
    from indexes.readers.named import NamedReader
    from indexes.readers.pool import PluggedReader

__all__ = ["Hands", "hands"]


@dataclass(frozen=True, slots=True)
class Hands:
    """What adding works with; whoever commits what they bring is one process."""

    reader: FileReader
    splitter: Splitter
    encoder: Encoder | None
    at_once: int | None = None
    """Files on their way at the same time; `None` lets the cores decide."""


@asynccontextmanager
async def hands(
    *,
    splitter: Splitter,
    encoder: Encoder | None,
    reader: PluggedReader | None = None,
    named_readers: Sequence[NamedReader] = (),
    ocr: bool = False,
    cluster: Cluster | None = None,
) -> AsyncIterator[Hands]:
    """Has them ready inside the block.

    Raises:
        ClusterUnfit: A worker of the cluster cannot read as this process does.
    """
    from indexes.readers.pool import ReaderPool

    plugged = () if reader is None else (reader,)
    async with ReaderPool(plugged=plugged, named=named_readers, ocr=ocr) as pool:
        if cluster is None:
            yield Hands(pool, splitter, encoder)
            return
        from indexes.crew import crew_of

        equipped = crew_of(
            cluster, encoder=encoder, cuts=splitter.is_ours, named_readers=named_readers, ocr=ocr
        )
        async with equipped as crew:
            yield Hands(
                crew.reader(pool),
                crew.splitter(splitter),
                crew.encoder(encoder) if encoder is not None else None,
                crew.at_once,
            )
