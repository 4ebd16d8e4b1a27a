"""Metadata from a registry for papers of the library: asked one by one, written down one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from indexes.catalogue import Catalogue
from indexes.errors import WebBlocked, WebError
from indexes.lock import WriterLock
from indexes.registries import Registry
from indexes.types import Document, MetadataSource, Model

__all__ = ["EnrichReport", "Enriched", "enrich"]

_AT_ONCE = 3
"""Requests: the registries ask for few at a time."""
_REGISTRIES: tuple[MetadataSource, ...] = ("crossref", "openalex")


class Enriched(Model):
    """What became of one paper."""

    document_id: str
    title: str
    """As it was called before."""
    outcome: str
    """`described`, `as it was`, `not known there`, `asked before` or `failed`."""
    fields: tuple[str, ...] = ()
    """What the registry said that is written down now."""
    retraction: str = ""
    reason: str = ""
    """Why it failed."""


class EnrichReport(Model):
    """What a registry said of the papers it was asked about."""

    host: str
    papers: tuple[Enriched, ...]
    stopped: str = ""
    """Why not all were asked, where the registry refused to answer; the same again goes on from there."""


async def enrich(
    catalogue: Catalogue,
    lock: WriterLock,
    documents: Sequence[Document],
    registry: Registry,
    *,
    again: bool = False,
    tell: Callable[[int, int], None],
) -> EnrichReport:
    """Asks a registry about documents and writes down what it says.

    What the person's own bibliography says stays. Stopping keeps what is written down; the same again skips
    what a registry has described, unless `again` is set, which is how a later retraction is found.

    Args:
        catalogue: Of the library.
        lock: The right to write to it, taken for each paper, so that other programs are not kept waiting.
        documents: Which papers.
        registry: Whom to ask.
        again: Ask about papers too that were described by a registry before.
        tell: Told how many of how many papers are done.

    Raises:
        LibraryBusy: Another process is writing.
        LibraryError: The catalogue cannot be written; what is written down stays.
    """
    outcomes: dict[int, Enriched] = {}
    stopped: list[str] = []
    ahead = iter(enumerate(documents))

    async def one(document: Document) -> Enriched:
        details = await catalogue.details(document.id)
        if not again and any(origin in _REGISTRIES for origin in details.origins.values()):
            return _outcome(document, "asked before")
        try:
            found = await asyncio.to_thread(registry.look_up, document)
        except WebBlocked:
            raise
        except WebError as error:
            return _outcome(document, "failed", reason=error.message)
        if found is None:
            return _outcome(document, "not known there")
        own = {field for field, origin in details.origins.items() if origin == "bibliography"}
        said = {field: value for field, value in found.said.items() if field not in own}
        async with lock.held():
            news = await catalogue.describe(document.id, said, registry.name, retraction=found.retraction)
        return Enriched(
            document_id=document.id,
            title=document.title,
            outcome="described" if news else "as it was",
            fields=tuple(said) if news else (),
            retraction=found.retraction,
        )

    async def work() -> None:
        for place, document in ahead:
            if stopped:
                return
            try:
                outcomes[place] = await one(document)
            except WebBlocked as error:
                stopped.append(f"{error.message} {error.hint}".strip())
                return
            tell(len(outcomes), len(documents))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(_AT_ONCE, len(documents))):
            group.create_task(work())
    return EnrichReport(
        host=registry.host,
        papers=tuple(outcomes[place] for place in sorted(outcomes)),
        stopped=stopped[0] if stopped else "",
    )


def _outcome(document: Document, outcome: str, *, reason: str = "") -> Enriched:
    return Enriched(document_id=document.id, title=document.title, outcome=outcome, reason=reason)
