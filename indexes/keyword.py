"""Search by word: any text as a full-text query, ranked by BM25."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterable, Iterator

from indexes.clean import clean
from indexes.database import Database
from indexes.ranking import DEPTH, measured
from indexes.types import Hits
from indexes.words import STOP_WORDS

__all__ = ["KeywordRetriever", "match_expression", "rarity"]

_MOST_TERMS = 64
"""Distinct words and phrases of a question that are looked for; a longer text is cut here."""

_SILENT_PASSAGES = 100
"""Counted into every library before a word is called common."""

_TIES = 50
"""Passages as good as the last one wanted that are looked at, so that chance does not choose among them."""

_QUOTED = re.compile(r'["“”„«»]([^"“”„«»]+)["“”„«»]')
# Letters outside ASCII stay together with their combining marks, which `\w` would cut off.
_WORD = re.compile(r"[^\s!-/:-@\[-`{-~\u2010-\u2027\u3001\u3002]+")


class KeywordRetriever:
    """Finds passages that contain the question's words, in any form English endings give them."""

    def __init__(self, database: Database, *, name: str = "keyword") -> None:
        self._database = database
        self._name = name

    @property
    def name(self) -> str:
        """Stands in each hit."""
        return self._name

    async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
        """Returns at most `limit` hits, best first; the score is BM25. A text without a word finds nothing.

        Raises:
            LibraryError: The catalogue cannot be read.
        """
        expression = match_expression(text)
        if not expression:
            return Hits()

        def work(connection: sqlite3.Connection) -> Hits:
            scored = _matches(connection, expression, max(limit, DEPTH), collections)
            return measured(connection, scored, limit=limit, retriever=self._name)

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


def match_expression(text: str) -> str:
    """Returns an FTS5 expression for any text; empty when there is no word in it.

    Words in double quotes become one phrase. Stop words count only when there is nothing else. Every term
    is quoted, so nothing in the text is an operator, and terms are joined by OR: BM25 decides.
    """
    terms = [*_distinct(_terms(clean(text)))]
    telling = [term for term in terms if term not in STOP_WORDS]
    return " OR ".join(f'"{term}"' for term in (telling or terms)[:_MOST_TERMS])


def _terms(text: str) -> Iterator[str]:
    """Yields phrases and words in the order they stand, words and all in lower case."""
    position = 0
    for quoted in _QUOTED.finditer(text):
        yield from _words(text[position : quoted.start()])
        yield " ".join(_words(quoted[1]))
        position = quoted.end()
    yield from _words(text[position:])


def _words(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        if any(character.isalnum() for character in word):
            yield word.lower()


def _distinct(terms: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for term in terms:
        if term and term not in seen:
            seen.add(term)
            yield term
            if len(seen) > _MOST_TERMS + len(STOP_WORDS):
                return


def _matches(
    connection: sqlite3.Connection, expression: str, limit: int, collections: tuple[str, ...]
) -> list[tuple[int, float]]:
    """Returns the `limit` best numbers and scores, and those that are as good as the last of them."""
    if collections:
        # The plus sign keeps SQLite from running the whole match once for each passage of the collections.
        restricted = f"""AND +rowid IN (
            SELECT p.number FROM passages p JOIN documents d ON d.number = p.document
            WHERE d.collection IN ({", ".join("?" * len(collections))}))"""  # noqa: S608
    else:
        restricted = ""
    rows = connection.execute(
        f"""SELECT rowid, -rank FROM passages_fts WHERE passages_fts MATCH ? {restricted}
        ORDER BY rank, rowid LIMIT ?""",  # noqa: S608
        (expression, *collections, limit + _TIES),
    )
    ranked = [(int(number), float(score)) for number, score in rows]
    return ranked[:limit] + [each for each in ranked[limit:] if each[1] == ranked[limit - 1][1]]
