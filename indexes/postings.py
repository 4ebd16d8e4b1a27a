"""BM25 by adding up: what each word says of each passage, read from the keyword index and remembered."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexes.errors import LibraryDamaged
from indexes.exact import best

__all__ = ["Postings"]

_K1, _B = 1.2, 0.75
_LEAST_IDF = 1e-6
"""FTS5's three constants: https://www.sqlite.org/fts5.html#the_bm25_function."""

_MOST_REMEMBERED = 8_000_000
"""Twelve bytes each: the words of all questions to a library of 100,000 passages need half of it."""

Offsets = NDArray[np.int64]
Scores = NDArray[np.float64]
Said = tuple[NDArray[np.int32], Scores]
"""Rows among all passages, and what a term says of each."""


class Postings:
    """Ranks passages by BM25, as FTS5's own `rank` does and to the same last bit, at a sixth of its cost.

    FTS5 looks up the length of each passage that holds any of the words, and hands it to Python, one by one;
    in a library of 100,000 passages a question's words are in every third. Here SQLite hands over a word's
    whole list in one row, NumPy scores it, and the next question with that word finds it scored: BM25 is a
    sum over words. What is remembered goes as soon as anything in the keyword index has changed.
    """

    def __init__(self, *, most_remembered: int = _MOST_REMEMBERED) -> None:
        """Reads nothing yet.

        Args:
            most_remembered: Passages of all remembered words together; those asked for last are kept.
        """
        self._most_remembered = most_remembered
        self._state: _State | None = None
        self._lock = threading.Lock()

    def best(
        self, connection: sqlite3.Connection, terms: Iterable[str], *, limit: int
    ) -> list[tuple[int, float]]:
        """Returns the `limit` best passage numbers and scores; of equal scores the lower number first.

        Args:
            connection: A reader's, in a transaction.
            terms: Words and phrases, none of them twice.
            limit: Most passages to return.

        Raises:
            sqlite3.Error: The keyword index cannot be read.
            LibraryDamaged: It is not whole.
        """
        state = self._current(connection)
        scores = np.zeros(len(state.numbers))
        for term in terms:
            rows, said = self._said(connection, state, term)
            scores[rows] += said
        found = np.flatnonzero(scores)
        ranked = found[best(scores[found], limit)]
        return list(zip(state.numbers[ranked].tolist(), scores[ranked].tolist(), strict=True))

    def _current(self, connection: sqlite3.Connection) -> _State:
        """The lengths of all passages as this transaction sees them, and what is remembered for them."""
        # The index's totals and its structure, one of which any commit to it changes:
        # https://www.sqlite.org/fts5.html#the_data_table_idx_table_.
        blocks = connection.execute("SELECT block FROM passages_fts_data WHERE id IN (1, 10) ORDER BY id")
        stamp = tuple(block for (block,) in blocks)
        state = self._state
        if state is None or state.stamp != stamp:
            state = self._state = _State.read(connection, stamp)
        return state

    def _said(self, connection: sqlite3.Connection, state: _State, term: str) -> Said:
        with self._lock:
            if (known := state.said.get(term)) is not None:
                state.said.move_to_end(term)
                return known
        said = _scored(connection, state, term)
        with self._lock:
            if term not in state.said:
                state.said[term] = said
                state.remembered += len(said[0])
            while state.remembered > self._most_remembered and len(state.said) > 1:
                _, (rows, _) = state.said.popitem(last=False)
                state.remembered -= len(rows)
        return said


@dataclass
class _State:
    """The keyword index at one moment."""

    stamp: tuple[bytes, ...]
    numbers: Offsets
    """Of all passages, ascending."""
    norms: Scores
    """What stands beside the frequency of a word in BM25's denominator, for each passage."""
    said: OrderedDict[str, Said] = field(default_factory=OrderedDict)
    """For each term its rows in `numbers` and what it says there, the one last asked for at the end."""
    remembered: int = 0

    @classmethod
    def read(cls, connection: sqlite3.Connection, stamp: tuple[bytes, ...]) -> _State:
        # Lengths are integers of SQLite's: seven bits a byte, the highest first, here four bytes each.
        ids, sizes = connection.execute(
            """SELECT group_concat(id), group_concat(substr('000000' || hex(sz), -8), '')
            FROM (SELECT id, sz FROM passages_fts_docsize ORDER BY id)"""
        ).fetchone()
        numbers = _integers(ids)
        sevens = np.frombuffer(bytes.fromhex(sizes or ""), np.uint8).reshape(-1, 4) & 0x7F
        lengths = sevens @ np.array([1 << 21, 1 << 14, 1 << 7, 1])
        mean = lengths.sum() / max(1, len(lengths))
        return cls(stamp, numbers, _K1 * (1 - _B + _B * lengths / (mean or 1.0)))


def _scored(connection: sqlite3.Connection, state: _State, term: str) -> Said:
    """The rows of the passages that hold a term, and what it says of each."""
    found = _occurrences(connection, _tokens(connection, term))
    first = np.flatnonzero(np.diff(found, prepend=-1))
    frequencies = np.diff(first, append=len(found)).astype(np.float64)
    held, hits = len(state.numbers), len(first)
    rows = np.searchsorted(state.numbers, found[first]).astype(np.int32)
    if hits and (rows[-1] >= held or (state.numbers[rows] != found[first]).any()):
        raise LibraryDamaged(
            "The keyword index lacks the lengths of some passages.",
            hint="`carrel papers repair` makes it anew from the passages.",
        )
    idf = math.log((held - hits + 0.5) / (hits + 0.5))
    said = frequencies * (_K1 + 1.0) / (frequencies + state.norms[rows])
    return rows, (idf if idf > 0 else _LEAST_IDF) * said


def _tokens(connection: sqlite3.Connection, term: str) -> list[str]:
    """A term as the keyword index cuts it: one token for most, several for `covid-19`, none for a dash."""
    connection.execute("INSERT INTO temp.asked (text) VALUES (?)", (term,))
    rows = connection.execute("SELECT term FROM temp.asked_words ORDER BY offset").fetchall()
    connection.execute("DELETE FROM temp.asked")
    return [token for (token,) in rows]


def _occurrences(connection: sqlite3.Connection, tokens: list[str]) -> Offsets:
    """The passage of each place where the tokens stand one after another, ascending."""
    if not tokens:
        return np.empty(0, np.int64)
    if len(tokens) == 1:
        (passages,) = connection.execute(
            "SELECT group_concat(doc) FROM temp.places WHERE term = ?", tokens
        ).fetchone()
        return _integers(passages)
    begins: Offsets | None = None
    for ahead, token in enumerate(tokens):
        passages, offsets = connection.execute(
            "SELECT group_concat(doc), group_concat(offset) FROM temp.places WHERE term = ?", (token,)
        ).fetchone()
        places = (_integers(passages) << 32) + _integers(offsets) - ahead
        begins = places if begins is None else np.intersect1d(begins, places, assume_unique=True)
    assert begins is not None
    return begins >> 32


def _integers(listed: str | None) -> Offsets:
    return np.fromstring(listed or "", np.int64, sep=",")
