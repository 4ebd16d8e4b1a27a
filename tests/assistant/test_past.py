"""Past questions: newest first, found by their words, rated, and there after an older Carrel wrote them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from assistant import history_file
from assistant.history import History, named, new_run
from assistant.past_question import PastPage, State
from indexes.errors import InputError
from pipelines.types import Answer, Query, Question, Route


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[History]:
    history = History(tmp_path / "history.db")
    yield history
    await history.close()


async def ask(history: History, text: str, said: str = "", state: State = State.OK) -> Question:
    question = named(Question(text=text), new_run())
    await asyncio.wrap_future(history.begin(question))
    if said:
        answer = Answer(query=Query(text=text), route=Route(name="r", steps=(), why="w"), text=said)
        await asyncio.wrap_future(history.end(question, state, said, answer))
    return question


def texts(page: PastPage) -> list[str]:
    return [past.text for past in page.questions]


async def test_questions_come_newest_first_and_some_at_a_time(history: History) -> None:
    for number in range(5):
        await ask(history, f"Question {number}?", "An answer.")
    page = await history.past.page(offset=1, limit=2)
    assert (texts(page), page.total) == (["Question 3?", "Question 2?"], 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jitter", ["What is jitter?"]),
        ("JITT", ["What is jitter?"]),
        ("random wait", ["What is jitter?"]),
        ("cafe", ["Who wrote it?"]),
        ("breaker jitter", []),
        ('"; DROP TABLE questions --', []),
        ("?!", ["Who wrote it?", "What is jitter?"]),
    ],
)
async def test_a_question_is_found_by_words_of_it_and_of_its_answer(
    history: History, text: str, expected: list[str]
) -> None:
    await ask(history, "What is jitter?", "A wait that is random.")
    await ask(history, "Who wrote it?", "Somebody at the café.")
    assert texts(await history.past.page(text)) == expected


async def test_a_question_that_is_asked_again_is_found_by_its_new_answer_only(history: History) -> None:
    question = await ask(history, "What is jitter?", "An old tale.")
    await asyncio.wrap_future(history.begin(question))
    await asyncio.wrap_future(history.end(question, State.OK, "A new one."))
    assert texts(await history.past.page("tale")) == []
    assert texts(await history.past.page("new")) == ["What is jitter?"]


async def test_what_the_person_said_of_an_answer_is_kept_and_can_be_taken_back(history: History) -> None:
    question = await ask(history, "What is jitter?", "A wait.")
    for helped in (True, False, None):
        assert await history.past.rate(question.run, question.id, helped)
        assert (await history.past.page()).questions[0].helped is helped
    assert not await history.past.rate("nowhere", "nothing", helped=True)


async def test_an_unanswered_question_opens_with_its_state(history: History) -> None:
    question = await ask(history, "What is jitter?")
    past = await history.past.answer(question.run, question.id)
    assert (past.question.state, past.answer, past.said) == (State.RUNNING, None, "")
    with pytest.raises(InputError, match="any more"):
        await history.past.answer(question.run, "another")


async def test_dropped_questions_are_not_found(history: History) -> None:
    await ask(history, "What is jitter?", "A wait.")
    await history.prune(days=0, max_bytes=0)
    assert (await history.past.page("jitter")).total == 0


async def test_a_history_of_an_older_carrel_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute(f"PRAGMA application_id = {history_file._OURS}")
        for table in history_file._TABLES:
            old.execute(table)
        old.execute(
            "INSERT INTO runs (id, kind, place, started) VALUES ('r', 'ask', '', '2026-01-01T00:00:00+00:00')"
        )
        old.execute(
            "INSERT INTO questions (run, id, text, collections, state, said) VALUES ('r', 'q', 'What is jitter?', '[]', 'ok', 'A wait.')"
        )
        old.execute("PRAGMA user_version = 1")
    history = History(path)
    try:
        assert texts(await history.past.page("jitter wait")) == ["What is jitter?"]
        assert await history.past.rate("r", "q", helped=True)
    finally:
        await history.close()
