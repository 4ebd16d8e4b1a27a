"""BM25 added up from remembered words is FTS5's own, to the last bit, and never of an earlier library."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexes.database import Database
from indexes.errors import LibraryDamaged
from indexes.library import Library
from indexes.postings import Postings
from indexes.testing import library_of

_WORDS = ("owl", "owls", "hunting", "mice", "covid-19", "covid", "19", "naïve", "quantum entanglement", "the")
_TEXTS = {
    "repeated": "owl owl owl owls hunting owls",
    "hyphen": "COVID-19 and Covid 19, covid19, 19 covid, covid-19-19",
    "accents": "A naive view, naïve views; the NAÏVE.",
    "phrase": "Quantum entanglement, and again quantum entanglement entanglement.",
    "everywhere": "the owl, the mice",
    "long": "mice " + "hunting at night " * 40,
    "short": "mice",
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A library's catalogue with pages of many lengths, one word of which stands in most of them."""
    folder = tmp_path_factory.mktemp("library")

    async def fill() -> None:
        more = {f"more {number}": "the " * number + "owl hunting" for number in range(1, 9)}
        async with await library_of(_TEXTS | more, folder):
            pass

    asyncio.run(fill())
    database = Database(folder / "catalogue.sqlite")
    yield database
    database.close_now()


def _by_fts5(connection: sqlite3.Connection, terms: list[str], limit: int) -> list[tuple[int, float]]:
    expression = " OR ".join(f'"{term}"' for term in terms)
    return connection.execute(
        """SELECT rowid, -rank FROM passages_fts WHERE passages_fts MATCH ?
        ORDER BY rank, rowid LIMIT ?""",
        (expression, limit),
    ).fetchall()


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    terms=st.lists(st.sampled_from(_WORDS), min_size=1, unique=True),
    limit=st.integers(1, 20),
)
def test_scores_and_order_are_those_of_fts5(database: Database, terms: list[str], limit: int) -> None:
    ours = database.read_now(lambda connection: Postings().best(connection, terms, limit=limit))
    assert ours == database.read_now(lambda connection: _by_fts5(connection, terms, limit))


def test_what_is_remembered_gives_the_same_again(database: Database) -> None:
    postings, little = Postings(), Postings(most_remembered=3)
    for terms in (["owl", "mice"], ["mice", "hunting", "owl"], ["owl", "mice"], ["nowhere"]):
        expected = database.read_now(lambda connection, terms=terms: _by_fts5(connection, terms, 50))
        for each in (postings, little):
            assert expected == database.read_now(
                lambda connection, each=each, terms=terms: each.best(connection, terms, limit=50)
            )


def test_many_threads_may_ask_at_once(database: Database) -> None:
    postings = Postings(most_remembered=5)
    questions = [[first, second] for first in _WORDS for second in _WORDS if first != second]

    def ask(terms: list[str]) -> list[tuple[int, float]]:
        return database.read_now(lambda connection: postings.best(connection, terms, limit=50))

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, questions))
    for terms, ranked in zip(questions, found, strict=True):
        assert ranked == database.read_now(lambda connection, terms=terms: _by_fts5(connection, terms, 50))


async def test_a_library_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    async with await library_of({"One": "An owl.", "Two": "Two owls and a mouse."}, tmp_path) as library:
        (keyword,) = library.retrievers
        alone = (await keyword.search("owl", limit=5)).hits
        assert [hit.document.title for hit in alone] == ["One", "Two"]

        # By another process, as far as this library can tell.
        async with await library_of({"Three": "owl owl owl", "Four": "No bird at all."}, tmp_path) as other:
            assert len((await keyword.search("owl", limit=5)).hits) == 3
            one = next(each for each in await other.documents() if each.title == "One")
            await other.remove(one.id)
        after = (await keyword.search("owl", limit=5)).hits
        assert [hit.document.title for hit in after] == ["Three", "Two"]
        with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as connection:
            ranks = connection.execute(
                "SELECT -rank FROM passages_fts WHERE passages_fts MATCH 'owl' ORDER BY rank"
            ).fetchall()
        assert [hit.score for hit in after] == [rank for (rank,) in ranks]


async def test_an_empty_library_holds_no_word(tmp_path: Path) -> None:
    async with Library.open(tmp_path) as library:
        assert (await library.search("owl")).hits == ()


@pytest.mark.parametrize("lost", ["id = 1", "id > 1", "id > 0"])
async def test_an_index_that_has_lost_passages_is_called_damaged(tmp_path: Path, lost: str) -> None:
    texts = {"One": "An owl.", "Two": "Two owls.", "Three": "A third owl."}
    async with await library_of(texts, tmp_path) as library:
        with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as connection, connection:
            connection.execute(f"DELETE FROM passages_fts_docsize WHERE {lost}")
        with pytest.raises(LibraryDamaged) as refused:
            await library.search("owl")
    assert "carrel papers repair" in refused.value.hint
