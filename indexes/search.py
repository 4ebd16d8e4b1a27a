"""Searching in several ways at once: what each retriever finds is fused, what one cannot do is a note."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from indexes.clean import clean_line
from indexes.errors import EncoderError, EncoderMismatch, SearchError
from indexes.fuse import fuse
from indexes.neighbours import PageText, at_most, joined
from indexes.protocols import Retriever
from indexes.query import parse_query
from indexes.types import Hit, Hits

__all__ = ["BY_KEYWORD_ONLY", "search_all"]

BY_KEYWORD_ONLY = (
    "Search was by keyword only: no embedding model is in use. `carrel models` says why; "
    "without the setting library.encoder the model that comes with Carrel is used."
)

_CANDIDATES = 50
"""How many hits of each retriever are fused, however few are wanted."""


async def search_all(
    retrievers: Sequence[Retriever],
    text: str,
    *,
    limit: int,
    collections: tuple[str, ...] = (),
    per_document: int | None = None,
    page_text: PageText | None = None,
) -> Hits:
    """Asks all retrievers at the same time and fuses what they find.

    One that cannot answer leaves a note as long as another can; the notes of all come along, each once.

    Args:
        retrievers: The ways to search, at least one.
        text: What to look for; any characters.
        limit: Most hits.
        collections: Where to look; empty means everywhere.
        per_document: Most hits on one document before all others have had their turn; `None` for any number.
            With `like:` in the text it is one: papers are looked for.
        page_text: Reads a page, to make hits that touch there one; without it they stay apart.

    Raises:
        SearchError: The last retriever that was left could not answer; an `EncoderError` likewise.
        LibraryError: The catalogue cannot be read.
    """
    asked_for = max(limit, _CANDIDATES)
    answers = await _side_by_side(retrievers, text, limit=asked_for, collections=collections)
    failed = {
        retriever.name: answer
        for retriever, answer in zip(retrievers, answers, strict=True)
        if not isinstance(answer, Hits)
    }
    found = [answer for answer in answers if isinstance(answer, Hits)]
    if not found:
        raise next(iter(failed.values()))
    left = " and ".join(retriever.name for retriever in retrievers if retriever.name not in failed)
    notes = [note for answer in found for note in answer.notes]
    notes += [
        f"Search was by {left} only: {error.message} {error.hint}".rstrip() for error in failed.values()
    ]
    each = 1 if parse_query(text).filters.like else per_document
    hits = at_most(fuse(found), each)[:limit]
    if page_text is not None:
        hits = await joined(hits, page_text)
    notes += _retracted(hits)
    ranked = (hit.model_copy(update={"rank": rank}) for rank, hit in enumerate(hits, 1))
    return Hits(hits=tuple(ranked), notes=tuple(dict.fromkeys(notes)))


def _retracted(hits: Sequence[Hit]) -> list[str]:
    """A note on each paper among the hits that a registry calls retracted."""
    retracted = {hit.document.id: hit.document for hit in hits if hit.document.retraction}
    return [f"{clean_line(each.title, 100)}: {each.retraction}" for each in retracted.values()]


_Unable = SearchError | EncoderError | EncoderMismatch


async def _side_by_side(
    retrievers: Sequence[Retriever], text: str, *, limit: int, collections: tuple[str, ...]
) -> list[Hits | _Unable]:
    """What each retriever says, or why it cannot; any other error ends all searches and is raised itself."""
    try:
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(_answer(retriever, text, limit=limit, collections=collections))
                for retriever in retrievers
            ]
    except BaseExceptionGroup as failures:
        # Callers catch the library's errors, not groups of them: the first one speaks for all.
        raise failures.exceptions[0] from failures.exceptions[0].__cause__
    return [task.result() for task in asked]


async def _answer(
    retriever: Retriever, text: str, *, limit: int, collections: tuple[str, ...]
) -> Hits | _Unable:
    try:
        return await retriever.search(text, limit=limit, collections=collections)
    except (SearchError, EncoderError, EncoderMismatch) as error:
        return error
