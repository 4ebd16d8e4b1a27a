"""What was asked, what was paid for and what came of it: runs, questions, model results and answers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import sqlite3
import zlib
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from assistant.history_file import HistoryError, HistoryFile
from assistant.past import Past
from assistant.past_question import State
from assistant.question import asked_again, earlier
from indexes.errors import InputError
from indexes.types import Model
from pipelines.journal import Kept
from pipelines.ladder import AGAIN, STOP
from pipelines.types import Answer, Question, Usage

__all__ = [
    "History",
    "KeptQuestion",
    "QuestionJournal",
    "Run",
    "RunMissing",
    "State",
    "named",
    "new_run",
    "resumed",
]

LAST = "last"
"""In place of a run's name: the newest question that has no answer yet."""


class Run(Model):
    """One question, or a batch of them, under one name."""

    id: str
    kind: Literal["ask", "batch"] = "ask"
    place: str = ""
    """The file that a batch writes its answers to."""
    finished: bool = False


class KeptQuestion(Model):
    """A question as the history has it."""

    run: str
    id: str
    text: str
    collections: tuple[str, ...] = ()
    state: State
    said: str = ""
    """The answer's text, or why there is none."""
    answer: Answer | None = None
    """Of a question that was cancelled, as far as it had come."""
    follows: str = ""
    """Run and id, with a space between, of the question that it followed on."""
    again: str = ""
    """How that one was asked again: `deeper`, `web`, or a model's name."""


class RunMissing(InputError):
    """The history has no such run."""


def new_run() -> str:
    """A name that no other run has."""
    return secrets.token_hex(6)


def named(question: Question, run: str, *, id: str = "") -> Question:
    """The question as one of a run; its own name, unless one is given, follows from what is asked."""
    asked = "\x00".join((question.text, *question.collections))
    own = hashlib.sha256(asked.encode("utf-8", "replace")).hexdigest()[:16]
    return question.model_copy(update={"run": run, "id": id or own})


async def resumed(history: History, question: Question) -> Question:
    """Returns `question` as one of the run that it names; without words of its own it is the run's question.

    Raises:
        RunMissing: There is no such run.
        InputError: The run is a batch, and which of its questions is meant is not said.
    """
    run = await history.run(question.run)
    if run.kind == "batch":
        if question.text:
            return named(question, run.id)
        raise InputError(
            f"The run {run.id} is a batch of questions.", hint="`carrel batch --resume` goes on with it."
        )
    kept = (await history.questions(run.id))[-1]
    if question.text:
        wanted = named(question, run.id)
        return await _as_it_followed(history, wanted, kept) if wanted.id == kept.id else wanted
    same = question.model_copy(update={"text": kept.text, "collections": kept.collections})
    return await _as_it_followed(history, named(same, run.id, id=kept.id), kept)


async def _as_it_followed(history: History, question: Question, kept: KeptQuestion) -> Question:
    """The question with what it followed on; one that was asked again needs that answer's evidence.

    Raises:
        InputError: It needs that answer, and the history has it no more.
    """
    if not kept.follows:
        return question
    run, _, id = kept.follows.partition(" ")
    past = await history.past.answer(run, id)
    if past.answer is None:
        raise InputError("The answer that this question followed on is not in the history any more.")
    if not kept.again:
        return question.model_copy(update={"follows": earlier(past.answer)})
    again = asked_again(past.answer, kept.again, budget=question.budget)
    return question.model_copy(update={"follows": again.follows, "again": again.again})


class History:
    """Runs, questions, results and answers in one file. Safe to use from several processes at once.

    Opening blocks; everything else is off the event loop.

    Args:
        path: The file; it is made if it is not there.

    Raises:
        HistoryError: The file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._file = HistoryFile(path)

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._file.path

    @property
    def past(self) -> Past:
        """Its questions as their owner looks for them."""
        return Past(self._file)

    def journal(self, run: str, question: str) -> QuestionJournal:
        """The part of it that belongs to one question of one run."""
        return QuestionJournal(self._file, run, question)

    async def start(self, run: Run) -> None:
        """Enters a run; one that is there already goes on."""
        await self._file.write(lambda connection: _enter(connection, run))

    async def finish(self, run: str) -> None:
        """Marks a run as done: nothing of it is left to be resumed."""
        await self._file.write(
            lambda connection: connection.execute("UPDATE runs SET finished = ? WHERE id = ?", (_now(), run))
        )

    def begin(self, question: Question) -> Future[None]:
        """Enters a question, or begins it again; need not be waited for, since writes keep their order.

        A decision on how to go on after a failure does not outlive the try it was made in: it would end
        every later one in the same way.
        """
        run, key = Run(id=question.run), (question.run, question.id)
        earlier = question.follows
        follows = f"{earlier.run} {earlier.id}" if earlier is not None and earlier.run else ""
        again = question.again.name if question.again is not None else ""

        def work(connection: sqlite3.Connection) -> None:
            _enter(connection, run)
            connection.execute(
                "INSERT INTO questions (run, id, text, collections, follows, again, state)"
                " VALUES (?, ?, ?, ?, ?, ?, 'running')"
                " ON CONFLICT (run, id) DO UPDATE"
                " SET state = 'running', said = '', answer = NULL, ended = NULL",
                (*key, question.text, json.dumps(question.collections), follows, again),
            )
            connection.execute(
                "DELETE FROM results WHERE run = ? AND question = ? AND step = 'person' AND text IN (?, ?)",
                (*key, AGAIN, STOP),
            )

        return self._file.submit(work)

    def end(self, question: Question, state: State, said: str, answer: Answer | None = None) -> Future[None]:
        """Keeps what came of a question; an `ask` that was answered is finished with it."""

        def work(connection: sqlite3.Connection) -> None:
            packed = zlib.compress(answer.model_dump_json().encode()) if answer is not None else None
            connection.execute(
                "UPDATE questions SET state = ?, said = ?, answer = ?, ended = ? WHERE run = ? AND id = ?",
                (state, said, packed, _now(), question.run, question.id),
            )
            if state in (State.OK, State.PARTIAL):
                connection.execute(
                    "UPDATE runs SET finished = ? WHERE id = ? AND kind = 'ask'", (_now(), question.run)
                )

        return self._file.submit(work)

    async def run(self, name: str) -> Run:
        """Returns a run by name; `last` is the newest question that has no answer yet.

        Raises:
            RunMissing: There is no such run.
        """
        of_last = "kind = 'ask' AND finished IS NULL ORDER BY sequence DESC LIMIT 1"
        found = await self._runs(of_last) if name == LAST else await self._runs("id = ?", name)
        if found:
            return found[0]
        if name == LAST:
            raise RunMissing("There is no question that was stopped before it was answered.")
        raise RunMissing(
            f"The history has no run {name!r}.",
            hint="`carrel ask --resume last` goes on with the newest question that was stopped.",
        )

    async def last_batch(self, place: str) -> Run | None:
        """Returns the newest batch that writes its answers to `place`."""
        found = await self._runs("kind = 'batch' AND place = ? ORDER BY sequence DESC LIMIT 1", place)
        return found[0] if found else None

    async def questions(self, run: str) -> tuple[KeptQuestion, ...]:
        """Returns a run's questions in the order they were begun."""
        rows = await self._file.read(
            lambda connection: connection.execute(
                "SELECT run, id, text, collections, state, said, answer, follows, again"
                " FROM questions WHERE run = ?"
                " ORDER BY sequence",
                (run,),
            ).fetchall()
        )
        return await asyncio.to_thread(lambda: tuple(map(_kept_question, rows)))

    async def results(self, run: str) -> int:
        """Returns how many replies and decisions are kept for a run."""
        row = await self._file.read(
            lambda connection: connection.execute(
                "SELECT count(*) FROM results WHERE run = ?", (run,)
            ).fetchone()
        )
        return int(row[0])

    async def prune(self, *, days: int, max_bytes: int) -> None:
        """Drops replies of questions that ended more than `days` ago, then the oldest until it fits.

        A question that was killed keeps its replies until there is no room: it may yet be resumed.
        """
        before = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        dropped = await self._file.write(lambda connection: _drop(connection, before, max_bytes))
        if dropped:
            await self._file.compact()

    async def close(self) -> None:
        """Writes what is still to be written and closes the file."""
        await self._file.close()

    async def _runs(self, condition: str, *values: str) -> list[Run]:
        rows = await self._file.read(
            lambda connection: connection.execute(
                f"SELECT id, kind, place, finished FROM runs WHERE {condition}",  # noqa: S608 - ours
                values,
            ).fetchall()
        )
        return [
            Run(id=id, kind=kind, place=place, finished=finished is not None)
            for id, kind, place, finished in rows
        ]


class QuestionJournal:
    """A `Journal` of one question. A history that fails makes it forgetful, never the question fail."""

    def __init__(self, file: HistoryFile, run: str, question: str) -> None:
        self._file = file
        self._key = (run, question)
        self.trouble = ""
        """Why something could not be kept or read, as a sentence; empty when all went well."""

    async def recall(self, step: str, input_hash: str, *, shared: bool = False) -> Kept | None:
        """See `Journal.recall`; of several that will do, the newest."""
        own = "" if shared else " AND run = ? AND question = ?"
        values = (step, input_hash) if shared else (step, input_hash, *self._key)
        try:
            row = await self._file.read(
                lambda connection: connection.execute(
                    "SELECT text, model, usage FROM results"  # noqa: S608 - ours
                    f" WHERE step = ? AND input_hash = ?{own} ORDER BY sequence DESC LIMIT 1",
                    values,
                ).fetchone()
            )
        except HistoryError as error:
            self.trouble = error.message
            return None
        if row is None:
            return None
        text, model, usage = row
        return Kept(text=text, model=model, usage=Usage.model_validate_json(usage))

    async def keep(self, step: str, input_hash: str, kept: Kept) -> None:
        """See `Journal.keep`. What is there already stays: it may have been used."""
        values = (*self._key, step, input_hash, kept.text, kept.model, kept.usage.model_dump_json())
        try:
            await self._file.write(
                lambda connection: connection.execute(
                    "INSERT OR IGNORE INTO results (run, question, step, input_hash, text, model, usage)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    values,
                )
            )
        except HistoryError as error:
            self.trouble = error.message

    async def forget(self, step: str, input_hash: str) -> None:
        """See `Journal.forget`."""
        try:
            await self._file.write(
                lambda connection: connection.execute(
                    "DELETE FROM results WHERE step = ? AND input_hash = ?", (step, input_hash)
                )
            )
        except HistoryError as error:
            self.trouble = error.message


def _enter(connection: sqlite3.Connection, run: Run) -> None:
    connection.execute(
        "INSERT INTO runs (id, kind, place, started) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET finished = NULL",
        (run.id, run.kind, run.place, _now()),
    )


def _drop(connection: sqlite3.Connection, before: str, max_bytes: int) -> bool:
    """Whether anything was dropped."""
    start = connection.total_changes
    connection.execute(
        "DELETE FROM results WHERE (run, question) IN"
        " (SELECT run, id FROM questions WHERE state != 'running' AND ended < ?)",
        (before,),
    )
    for table in ("results", "questions"):
        while _bytes(connection) > max_bytes and _drop_oldest_tenth(connection, table):
            pass
    connection.execute(
        "DELETE FROM runs WHERE finished < ? AND id NOT IN (SELECT run FROM questions)", (before,)
    )
    dropped = connection.total_changes > start
    if dropped:
        # The index of words keeps deleted ones beside a mark until its segments are merged.
        connection.execute("INSERT INTO questions_fts (questions_fts) VALUES ('optimize')")
    return dropped


def _drop_oldest_tenth(connection: sqlite3.Connection, table: str) -> int:
    oldest = f"SELECT sequence FROM {table} ORDER BY sequence"  # noqa: S608 - ours
    tenth = f"(SELECT 1 + count(*) / 10 FROM {table})"  # noqa: S608 - ours
    return connection.execute(f"DELETE FROM {table} WHERE sequence IN ({oldest} LIMIT {tenth})").rowcount  # noqa: S608


def _bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _kept_question(row: tuple[str, str, str, str, str, str, bytes | None, str, str]) -> KeptQuestion:
    run, id, text, collections, state, said, packed, follows, again = row
    return KeptQuestion(
        run=run,
        id=id,
        text=text,
        collections=tuple(json.loads(collections)),
        state=State(state),
        said=said,
        answer=Answer.model_validate_json(zlib.decompress(packed)) if packed else None,
        follows=follows,
        again=again,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
