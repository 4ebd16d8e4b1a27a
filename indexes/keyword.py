"""Search by word: any text as a full-text query, ranked by BM25."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from indexes.admit import EVERYWHERE, Admission, admit
from indexes.clean import clean
from indexes.database import Database
from indexes.like import models_named, telling_words
from indexes.postings import Postings
from indexes.query import parse_query, terms
from indexes.ranking import DEPTH, listed, measured
from indexes.types import Hits
from indexes.words import STOP_WORDS

__all__ = ["KeywordRetriever", "best_matches", "question_terms", "rarity"]

_MOST_TERMS = 64
"""Distinct words and phrases of a question that are looked for; a longer text is cut here."""

_SILENT_PASSAGES = 100
"""Counted into every library before a word is called common."""

_TIES = 50
"""Passages as good as the last one wanted that are looked at, so that chance does not choose among them."""


class KeywordRetriever:
    """Finds passages that contain the question's words, in any form English endings give them."""

    def __init__(
        self, database: Database, *, name: str = "keyword", postings: Postings | None = None
    ) -> None:
        self._database = database
        self._postings = postings or Postings()
        self._name = name

    @property
    def name(self) -> str:
        """Stands in each hit."""
        return self._name

    async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
        """Returns at most `limit` hits, best first; the score is BM25. A text without a word finds nothing.

        A text of filters alone lists the papers that fit, the newest first, each by its first passage.

        Raises:
            FilterRefused: A filter in the text cannot be one, or `like:` names no paper.
            LibraryError: The catalogue cannot be read.
        """
        wanted = parse_query(text)
        models = await models_named(self._database, wanted.filters.like)

        def work(connection: sqlite3.Connection) -> Hits:
            admission = admit(connection, wanted.filters, collections, without=models)
            sought = [wanted.text, *telling_words(connection, models)] if models else [wanted.text]
            asked = question_terms(" ".join(sought))
            if admission.is_empty or not (asked or wanted.filters.of_papers):
                return Hits(notes=admission.notes)
            if not asked:
                found = listed(connection, admission, limit=limit, retriever=self._name)
            else:
                scored = best_matches(
                    connection, self._postings, asked, limit=max(limit, DEPTH), admission=admission
                )
                found = measured(connection, scored, limit=limit, retriever=self._name)
            return found.model_copy(update={"notes": admission.notes})

        return await self._database.read(work)


async def rarity(database: Database, stems: Iterable[str]) -> dict[str, float]:
    """Returns how telling each stem is, from 0 (stands everywhere) to 1 (stands nowhere).

    It is the inverse document frequency `log((n + c) / (found + 1))` as a share of its largest value, with
    `c` further passages that hold no word at all: in a library of a few notes on one subject, what they are
    about stands in each of them and yet tells a question about it from any other.

    Args:
        database: Of the library.
        stems: Porter's (1980), as the keyword index has them.
    """
    wanted = sorted(set(stems))

    def work(connection: sqlite3.Connection) -> dict[str, float]:
        held = connection.execute("SELECT count(*) FROM passages").fetchone()[0]
        all_passages = held + _SILENT_PASSAGES
        rarities: dict[str, float] = {}
        for stem in wanted:
            row = connection.execute("SELECT doc FROM temp.words WHERE term = ?", (stem,)).fetchone()
            found = 0 if row is None else row[0]
            rarities[stem] = math.log(all_passages / (found + 1)) / math.log(all_passages)
        return rarities

    return await database.read(work)


def question_terms(text: str) -> list[str]:
    """Returns the words to look for in any text, each once; none when there is no word in it.

    Words in double quotes become one phrase. Stop words count only when there is nothing else.
    """
    every = [*_distinct(terms(clean(text)))]
    telling = [term for term in every if term not in STOP_WORDS]
    return (telling or every)[:_MOST_TERMS]


def _distinct(every: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for term in every:
        if term and term not in seen:
            seen.add(term)
            yield term
            if len(seen) > _MOST_TERMS + len(STOP_WORDS):
                return


def best_matches(
    connection: sqlite3.Connection,
    postings: Postings,
    terms: Sequence[str],
    *,
    limit: int,
    admission: Admission = EVERYWHERE,
) -> list[tuple[int, float]]:
    """Returns the `limit` best passage numbers and scores, and those that are as good as the last of them."""
    wanted = limit + _TIES
    while True:
        found = postings.best(connection, terms, limit=wanted)
        ranked = _admitted(connection, found, admission)
        if len(ranked) >= limit + _TIES or len(found) < wanted:
            break
        wanted *= 4
    edge = ranked[limit : limit + _TIES]
    return ranked[:limit] + [each for each in edge if each[1] == ranked[limit - 1][1]]


def _admitted(
    connection: sqlite3.Connection, ranked: list[tuple[int, float]], admission: Admission
) -> list[tuple[int, float]]:
    """Those that may be found; without filters, references are not among them."""
    if admission.numbers is not None:
        among = set(admission.numbers.tolist())
    else:
        among = {
            number
            for (number,) in connection.execute(
                """SELECT p.number FROM passages p JOIN documents d ON d.number = p.document
                WHERE p.number IN (SELECT value FROM json_each(?1)) AND p.part != 'references'
                AND (?2 = '[]' OR d.collection IN (SELECT value FROM json_each(?2)))""",
                (json.dumps([number for number, _ in ranked]), json.dumps(admission.collections)),
            )
        }
    return [each for each in ranked if each[0] in among]
