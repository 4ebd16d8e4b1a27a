"""When the next generation of the dense index is due, what it begins with, and how it is built."""

from __future__ import annotations

import asyncio
from pathlib import Path

from indexes.builder import build_generation
from indexes.chroma import ChromaAway
from indexes.generations import Generation, GenerationFailed, Generations
from indexes.growing import Server, grow
from indexes.protocols import Encoder
from indexes.shared_folder import damage_of
from indexes.stored import VectorSource, in_blocks

__all__ = ["NextGeneration"]

_GROWTH = 4
"""A generation is due when what is newer exceeds a quarter of it: building stays linear in the passages."""


class NextGeneration:
    """Builds generations of one library's vectors, in its folder or on a server."""

    def __init__(
        self,
        generations: Generations,
        source: VectorSource,
        encoder: Encoder,
        *,
        delta_limit: int,
        server: Server | None,
    ) -> None:
        """See `DenseIndex`."""
        self._generations = generations
        self._source = source
        self._encoder = encoder
        self._delta_limit = delta_limit
        self._server = server
        self._address = server.address if server else ""

    def is_due(self, *, force: bool = False, distrusted: str = "", damaged: bool = False) -> bool:
        """Whether one should be built now; blocks.

        Args:
            force: If there is a vector at all.
            distrusted: The name of a generation that failed when it was opened or asked.
            damaged: Whether something is wrong with the live one.
        """
        fingerprint = self._encoder.fingerprint
        total = self._source.vector_count(fingerprint)
        if force or total == 0:
            return total > 0
        try:
            live = self._trusted(distrusted)
        except ChromaAway:
            return False
        if live is None:
            return total > self._delta_limit or damaged
        if live.server:
            # It grows where it is, so that there is no reason to wait; what was removed makes a new one due.
            newer = total - self._source.vector_count(fingerprint, up_to=live.last_position)
            return newer > self._delta_limit or not self._grows(live)
        held = self._source.vector_count(fingerprint, up_to=live.last_position)
        return max(total - held, live.count - held) > max(self._delta_limit, live.count // _GROWTH)

    async def build(self, building: Path, *, distrusted: str = "") -> None:
        """Copies the live generation and adds what is newer; starts from nothing if anything was removed.

        Args:
            building: The folder to write in.
            distrusted: The name of a generation not to build on.

        Raises:
            GenerationFailed: It could not be built.
        """
        try:
            base = await asyncio.to_thread(self._base, distrusted)
        except ChromaAway as error:
            raise GenerationFailed(f"The index of meanings could not be written: {error.message}.") from error
        if base is not None:
            try:
                return await self._build_on(base, building)
            except GenerationFailed as error:
                if isinstance(error.__cause__, ChromaAway):
                    raise
                # A base that cannot be built on is no reason to have no index.
        return await self._build_on(None, building)

    def _trusted(self, distrusted: str) -> Generation | None:
        """The live generation, if it is this encoder's and undamaged as far as is known."""
        try:
            live = self._generations.live()
        except GenerationFailed:
            return None
        if live is None or live.fingerprint != self._encoder.fingerprint or live.name == distrusted:
            return None
        if live.server != self._address:
            return None
        return None if damage_of(self._generations, live) else live

    async def _build_on(self, base: Generation | None, building: Path) -> None:
        fingerprint = self._encoder.fingerprint
        last = await asyncio.to_thread(self._source.last_position, fingerprint)
        after = base.last_position if base else 0
        blocks = in_blocks(self._source, fingerprint, after=after, up_to=last)
        rows = ((block.numbers, block.collections, block.matrix) for block in blocks)
        if self._server is not None:
            generations, server = self._generations, self._server
            await grow(generations, rows, server=server, last_position=last, encoder=self._encoder, base=base)
            return
        await build_generation(
            self._generations,
            building,
            rows,
            expected=await asyncio.to_thread(self._source.vector_count, fingerprint, up_to=last),
            last_position=last,
            encoder=self._encoder,
            base=base,
        )

    def _base(self, distrusted: str) -> Generation | None:
        live = self._trusted(distrusted)
        if live is None:
            return None
        fingerprint = self._encoder.fingerprint
        newer = self._source.last_position(fingerprint) > live.last_position
        return live if newer and self._grows(live) else None

    def _grows(self, live: Generation) -> bool:
        """Whether the next generation may begin with this one: not with what was removed, or a quarter of it.

        On a server a new one costs writing everything; what was removed is not found there in any case.
        """
        gone = live.count - self._source.vector_count(self._encoder.fingerprint, up_to=live.last_position)
        return gone <= max(self._delta_limit, live.count // _GROWTH) if live.server else gone == 0
