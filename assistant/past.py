"""Past questions for their owner: listed newest first, found by their words, opened, said to have helped."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence

from assistant.history_file import HistoryFile
from assistant.past_question import PastAnswer, PastPage, PastQuestion
from indexes.clean import clean_line
from indexes.errors import InputError, NameAmbiguous
from indexes.query import words
from pipelines.types import Answer, Kind, Tally

__all__ = ["Past"]

LAST = "last"
"""In place of a name: the newest question, answered or not."""

_SHOWN_OF_ANSWER = 400
"""Characters of an answer that a list carries."""
_COLUMNS = f"""q.run, q.id, q.text, substr(q.said, 1, {_SHOWN_OF_ANSWER}), q.state, r.started, r.kind,
q.helped, q.follows, q.again FROM questions q JOIN runs r ON r.id = q.run"""


class Past:
    """The questions in a history's file."""

    def __init__(self, file: HistoryFile) -> None:
        """Use `History.past`."""
        self._file = file

    async def page(self, text: str = "", *, offset: int = 0, limit: int = 100) -> PastPage:
        """Returns at most `limit` questions from the `offset`-th on, newest first.

        Args:
            text: Words that all stand in the question or its answer, the last letters of each may be missing;
                empty for all questions.
            offset: How many come before.
            limit: Most questions.
        """
        expression = " ".join(f'"{word}"*' for word in words(text))
        found = "q.sequence IN (SELECT rowid FROM questions_fts WHERE questions_fts MATCH ?)"
        chosen, values = (f" WHERE {found}", (expression,)) if expression else ("", ())

        def work(connection: sqlite3.Connection) -> PastPage:
            (total,) = connection.execute(
                f"SELECT count(*) FROM questions q{chosen}",  # noqa: S608 - ours
                values,
            ).fetchone()
            rows = connection.execute(
                f"SELECT {_COLUMNS}{chosen} ORDER BY q.sequence DESC LIMIT ? OFFSET ?",
                (*values, limit, offset),
            ).fetchall()
            return PastPage(total=total, offset=offset, questions=tuple(map(_question, rows)))

        return await self._file.read(work)

    async def answer(self, run: str, question_id: str) -> PastAnswer:
        """Returns one question with its answer.

        Raises:
            InputError: The history does not have it any more.
        """

        def work(connection: sqlite3.Connection) -> tuple[PastQuestion, str, bytes | None]:
            key = (run, question_id)
            row = connection.execute(
                f"SELECT {_COLUMNS} WHERE q.run = ? AND q.id = ?",
                key,
            ).fetchone()
            if row is None:
                raise InputError("The history does not have this question any more.")
            said, packed = connection.execute(
                "SELECT said, answer FROM questions WHERE run = ? AND id = ?", key
            ).fetchone()
            return _question(row), said, packed

        question, said, packed = await self._file.read(work)
        answer = Answer.model_validate_json(zlib.decompress(packed)) if packed else None
        return PastAnswer(question=question, said=said, answer=answer)

    async def named(self, name: str) -> PastAnswer:
        """Returns the question that a person names, with its answer.

        Args:
            name: `last`, or a run's id or its beginning; with `/` and the question's id for one of a batch.

        Raises:
            InputError: No question goes by that name.
            NameAmbiguous: Several do.
        """
        run, _, id = name.partition("/")
        chosen = "q.run = (SELECT run FROM questions ORDER BY sequence DESC LIMIT 1)"
        values: tuple[str, ...] = ()
        if run != LAST:
            chosen, values = "substr(q.run, 1, length(?)) = ?", (run, run)
        if id:
            chosen, values = f"{chosen} AND q.id = ?", (*values, id)

        def work(connection: sqlite3.Connection) -> list[tuple[str, str]]:
            return connection.execute(
                f"SELECT q.run, q.id FROM questions q WHERE {chosen}"  # noqa: S608 - ours
                f" ORDER BY q.sequence DESC LIMIT {2 if run != LAST or id else 1}",
                values,
            ).fetchall()

        found = await self._file.read(work) if run else []
        if not found:
            raise InputError(
                f"The history has no question {clean_line(name, 60)!r}.",
                hint="`carrel history list` has the names.",
            )
        if len(found) > 1:
            raise NameAmbiguous(
                f"Several questions go by {clean_line(name, 60)!r}.",
                hint="Write more of the name; one of a batch is RUN/ID, as `carrel history list` has it.",
            )
        return await self.answer(*found[0])

    async def rate(self, run: str, question_id: str, helped: bool | None) -> bool:
        """Notes whether an answer helped, or takes it back with `None`; returns whether it is there."""

        def work(connection: sqlite3.Connection) -> int:
            key = (run, question_id)
            connection.execute("DELETE FROM marks WHERE run = ? AND question = ?", key)
            if helped is not None:
                _mark(connection, key, helped=helped)
            return connection.execute(
                "UPDATE questions SET helped = ? WHERE run = ? AND id = ?", (helped, *key)
            ).rowcount

        return await self._file.write(work) > 0

    async def tallies(self) -> tuple[Tally, ...]:
        """Returns how often answers helped, for each kind of question and each model that wrote them."""
        rows = await self._file.read(
            lambda connection: connection.execute(
                "SELECT kind, author, sum(helped), count(*) - sum(helped) FROM marks"
                " GROUP BY kind, author ORDER BY kind, author"
            ).fetchall()
        )
        known = {kind.value for kind in Kind}
        return tuple(
            Tally(kind=Kind(kind), author=author, helped=helped, not_helped=others)
            for kind, author, helped, others in rows
            if kind in known
        )

    async def forget_marks(self) -> int:
        """Forgets what could be learnt from, and returns how many marks that were; the history keeps them."""
        return await self._file.write(lambda connection: connection.execute("DELETE FROM marks").rowcount)


def _mark(connection: sqlite3.Connection, key: tuple[str, str], *, helped: bool) -> None:
    """Notes a mark to learn from, if a model has written the answer."""
    row = connection.execute("SELECT answer FROM questions WHERE run = ? AND id = ?", key).fetchone()
    if row is None or row[0] is None:
        return
    answer = Answer.model_validate_json(zlib.decompress(row[0]))
    if ":" in answer.author:  # a model's name; the papers' own sentences are nobody's
        connection.execute(
            "INSERT INTO marks (run, question, kind, author, helped) VALUES (?, ?, ?, ?, ?)",
            (*key, answer.query.kind.value, answer.author, helped),
        )


def _question(row: Sequence[object]) -> PastQuestion:
    run, id, text, said, state, asked, kind, helped, follows, again = row
    return PastQuestion.model_validate(
        {
            "run": run,
            "id": id,
            "text": text,
            "said": said,
            "state": state,
            "asked": asked,
            "in_batch": kind == "batch",
            "helped": None if helped is None else bool(helped),
            "follows": follows,
            "again": again,
        }
    )
