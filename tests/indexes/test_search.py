"""Searching in several ways at once: what one cannot do is a note, what nobody can do is an error."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from indexes.errors import EncoderError, LibraryDamaged, SearchError
from indexes.library import Library
from indexes.search import search_all
from indexes.testing import ScriptedRetriever, library_of
from indexes.types import Hit

_TEXTS = {
    "Owls": "Owls hunt mice at night.",
    "Bees": "Bees dance to tell where flowers are.",
}


@pytest.fixture
async def hits(tmp_path: Path) -> AsyncIterator[tuple[Hit, ...]]:
    async with await library_of(_TEXTS, tmp_path / "library") as library:
        yield (await library.search("owls at night")).hits


async def test_a_retriever_that_cannot_answer_leaves_a_note_that_names_those_that_could(
    hits: tuple[Hit, ...],
) -> None:
    well = ScriptedRetriever("keyword", hits)
    ill = ScriptedRetriever("dense", error=EncoderError("The model is gone.", hint="Get it back."))
    found = await search_all((ill, well), "owls", limit=3)
    assert [hit.document.title for hit in found.hits] == ["Owls"]
    assert found.notes == ("Search was by keyword only: The model is gone. Get it back.",)


async def test_the_note_does_not_blame_the_retriever_that_answered(hits: tuple[Hit, ...]) -> None:
    ill = ScriptedRetriever("keyword", error=SearchError("No index of words."))
    found = await search_all((ScriptedRetriever("dense", hits), ill), "owls", limit=3)
    assert found.notes == ("Search was by dense only: No index of words.",)


async def test_when_no_retriever_can_answer_the_reason_is_raised() -> None:
    ill = ScriptedRetriever("dense", error=EncoderError("The model is gone."))
    with pytest.raises(EncoderError, match="model is gone"):
        await search_all((ill,), "owls", limit=3)


async def test_an_error_of_the_library_is_raised_as_itself_and_ends_the_other_searches(
    hits: tuple[Hit, ...],
) -> None:
    broken = ScriptedRetriever("keyword", error=LibraryDamaged("The catalogue is damaged."))
    slow = ScriptedRetriever("dense", hits, delay_seconds=60)
    with pytest.raises(LibraryDamaged, match="catalogue is damaged"):
        await search_all((slow, broken), "owls", limit=3)


async def test_a_damaged_catalogue_is_the_librarys_own_error_in_a_search(tmp_path: Path) -> None:
    async with await library_of(_TEXTS, tmp_path / "library") as library:
        pass
    with closing(sqlite3.connect(library.folder / "catalogue.sqlite")) as catalogue, catalogue:
        catalogue.execute("DELETE FROM passages_fts_data")
    async with Library.open(library.folder) as damaged:
        with pytest.raises(LibraryDamaged):
            await damaged.search("owls")


async def test_cancelling_a_search_cancels_what_it_waits_for(hits: tuple[Hit, ...]) -> None:
    search = asyncio.create_task(
        search_all((ScriptedRetriever("dense", hits, delay_seconds=60),), "owls", limit=3)
    )
    await asyncio.sleep(0)
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
