"""Says what must hold of a batch after any number of kills, and what does not: a list of violations."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from assistant.batch_row import Row
from assistant.history import State

if TYPE_CHECKING:
    from tests.faults.kill import BatchUnderFire

__all__ = ["paid", "paid_twice", "violations"]


def violations(batch: BatchUnderFire) -> list[str]:
    """What is wrong with a batch that has been worked at until it was done; nothing, if all is well."""
    return [*_of_the_file(batch), *_of_the_history(batch), *_of_the_calls(batch), *paid_twice(batch)]


def paid(out: Path, history: Path) -> frozenset[str]:
    """Ids of the questions that have a row, or a reply in the history: no request may come for them again."""
    rows, _ = _rows(out)
    good = {row.id for row in rows if row.status is State.OK}
    if not history.exists():
        return frozenset(good)
    with closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True)) as connection:
        kept = connection.execute("SELECT question FROM results WHERE step = 'reason'").fetchall()
    return frozenset(good | {question for (question,) in kept})


def paid_twice(batch: BatchUnderFire) -> Iterator[str]:
    """Requests for questions that were paid for before the process that made them had begun."""
    exchanges = list(batch.server.ledger)
    starts = [*(attempt.first_request for attempt in batch.attempts), len(exchanges)]
    for attempt, (start, end) in zip(batch.attempts, pairwise(starts), strict=True):
        for exchange in exchanges[start:end]:
            for id in attempt.paid:
                if batch.questions[id] in exchange.request.text:
                    yield f"request {exchange.number} asked {id!r} again, which was paid for"


def _rows(out: Path) -> tuple[list[Row], int]:
    """The rows of the file, and how many of its lines are none."""
    rows: list[Row] = []
    torn = 0
    for line in out.read_bytes().split(b"\n") if out.exists() else ():
        try:
            rows += [Row.model_validate_json(line)] if line else []
        except ValidationError:
            torn += 1
    return rows, torn


def _of_the_file(batch: BatchUnderFire) -> Iterator[str]:
    rows, torn = _rows(batch.out)
    if torn:
        yield f"{torn} lines are torn"
    counted = Counter(row.id for row in rows)
    yield from (f"{id!r} has {count} rows" for id, count in counted.items() if count > 1)
    yield from (f"{id!r} is missing" for id in batch.questions if id not in counted)
    yield from (f"{id!r} was never asked" for id in counted if id not in batch.questions)
    yield from (f"{row.id!r} ended as {row.status}" for row in rows if row.status is not State.OK)
    yield from (
        f"{row.id!r} answers another question" for row in rows if row.question != batch.questions[row.id]
    )


def _of_the_history(batch: BatchUnderFire) -> Iterator[str]:
    texts = {row.id: row.text for row in _rows(batch.out)[0]}
    with closing(sqlite3.connect(f"file:{batch.history}?mode=ro", uri=True)) as connection:
        kept = connection.execute("SELECT id, state, said FROM questions").fetchall()
        runs = connection.execute("SELECT kind, finished IS NOT NULL FROM runs").fetchall()
        intact = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if intact != "ok":
        yield f"the history is damaged: {intact}"
    if runs != [("batch", 1)]:
        yield f"there should be one finished batch, but there are {runs}"
    for id, state, said in kept:
        if state != State.OK:
            yield f"{id!r} is {state} in the history"
        if texts.get(id) != said:
            yield f"{id!r} has another text in the history"
    yield from (
        f"{id!r} is not in the history" for id in batch.questions if id not in {row[0] for row in kept}
    )


def _of_the_calls(batch: BatchUnderFire) -> Iterator[str]:
    most = len(batch.questions) + batch.kills * batch.concurrency + batch.failed_calls
    if len(batch.server.ledger) > most:
        yield f"{len(batch.server.ledger)} calls were made; at most {most} can be explained"
