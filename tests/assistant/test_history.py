"""The history: what is kept survives, is found by what it was made from, and does not grow without end."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from assistant.history import History, QuestionJournal, Run, RunMissing, State, named, new_run, resumed
from assistant.history_file import HistoryError
from indexes.errors import InputError
from indexes.types import Document, Hit, Passage
from pipelines.journal import Kept
from pipelines.ladder import AGAIN, STOP
from pipelines.types import Answer, Evidence, Query, Question, Route, Usage

_ROUTE = Route(name="fits", steps=("retrieve", "reason"), why="The passages fit.")
_SUMMARY = Kept(
    text="Jitter spreads retries.", model="openai:small", usage=Usage(calls=1, output_tokens=5, cost_usd=0.01)
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.db"


@pytest.fixture
async def history(path: Path) -> AsyncIterator[History]:
    history = History(path)
    yield history
    await history.close()


def asked(text: str = "What is jitter?", run: str = "") -> Question:
    return named(Question(text=text), run or new_run())


async def begun(history: History, question: Question) -> QuestionJournal:
    await asyncio.wrap_future(history.begin(question))
    return history.journal(question.run, question.id)


async def ended(history: History, question: Question, state: State = State.OK, text: str = "A wait.") -> None:
    answer = Answer(query=Query(text=question.text), route=_ROUTE, text=text)
    await asyncio.wrap_future(history.end(question, state, text, answer))


async def reopened(history: History) -> History:
    await history.close()
    return History(history.path)


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


async def test_a_kept_result_is_recalled_by_another_process(history: History) -> None:
    question = asked()
    await (await begun(history, question)).keep("summarise", "abc", _SUMMARY)
    history = await reopened(history)

    assert await history.journal(question.run, question.id).recall("summarise", "abc") == _SUMMARY
    await history.close()


async def test_another_step_or_input_is_another_result(history: History) -> None:
    journal = await begun(history, asked())
    await journal.keep("summarise", "abc", _SUMMARY)

    assert await journal.recall("summarise", "abd") is None
    assert await journal.recall("reason", "abc") is None


async def test_only_a_result_that_may_be_shared_serves_another_run(history: History) -> None:
    await (await begun(history, asked())).keep("summarise", "abc", _SUMMARY)
    other = await begun(history, asked())

    assert await other.recall("summarise", "abc") is None
    assert await other.recall("summarise", "abc", shared=True) == _SUMMARY


async def test_what_is_forgotten_serves_nobody_any_more_and_can_be_kept_anew(history: History) -> None:
    first, other = await begun(history, asked()), await begun(history, asked())
    for journal in (first, other):
        await journal.keep("classify", "abc", _SUMMARY)
    await first.keep("classify", "abd", _SUMMARY)
    await other.forget("classify", "abc")

    assert await first.recall("classify", "abc", shared=True) is None
    assert await first.recall("classify", "abd") == _SUMMARY
    await first.keep("classify", "abc", Kept(text="Better."))
    assert await other.recall("classify", "abc", shared=True) == Kept(text="Better.")


async def test_a_result_that_was_used_is_not_replaced(history: History) -> None:
    journal = await begun(history, asked())
    await journal.keep("reason", "abc", _SUMMARY)
    await journal.keep("reason", "abc", Kept(text="Something else."))

    assert await journal.recall("reason", "abc") == _SUMMARY


async def test_what_is_kept_has_reached_the_file_when_keep_returns(history: History) -> None:
    await (await begun(history, asked())).keep("reason", "abc", _SUMMARY)

    with closing(sqlite3.connect(history.path)) as another:
        assert another.execute("SELECT text FROM results").fetchall() == [(_SUMMARY.text,)]


async def test_many_kept_at_once_are_all_there(history: History) -> None:
    journal = await begun(history, asked())
    async with asyncio.TaskGroup() as keeping:
        for number in range(50):
            keeping.create_task(journal.keep("summarise", str(number), _SUMMARY))

    assert rows(history.path, "results") == 50


async def test_a_caller_that_is_cancelled_loses_no_result(history: History) -> None:
    journal = await begun(history, asked())
    keeping = asyncio.create_task(journal.keep("reason", "abc", _SUMMARY))
    await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.wait([keeping])

    assert await (await _after_writes(history, journal)).recall("reason", "abc") == _SUMMARY


async def _after_writes(history: History, journal: QuestionJournal) -> QuestionJournal:
    await history.start(Run(id=new_run()))
    return journal


async def test_one_write_that_fails_does_not_take_its_neighbours_along(history: History) -> None:
    journal, unknown = await begun(history, asked()), history.journal("no-such-run", "no-such-question")

    await asyncio.gather(unknown.keep("reason", "a", _SUMMARY), journal.keep("reason", "b", _SUMMARY))

    assert "FOREIGN KEY" in unknown.trouble
    assert not journal.trouble
    assert await journal.recall("reason", "b") == _SUMMARY


async def test_an_answer_comes_back_as_it_was(history: History) -> None:
    question = named(Question(text="What is jitter?", collections=("retries",)), "run-1")
    await begun(history, question)
    await ended(history, question, State.PARTIAL, "A random wait [1].")

    [kept] = await history.questions("run-1")
    assert (kept.id, kept.text, kept.collections) == (question.id, "What is jitter?", ("retries",))
    assert (kept.state, kept.said) == (State.PARTIAL, "A random wait [1].")
    assert kept.answer == Answer(query=Query(text="What is jitter?"), route=_ROUTE, text="A random wait [1].")


async def test_the_last_question_is_the_newest_without_an_answer(history: History) -> None:
    first, second, third = asked("One?"), asked("Two?"), asked("Three?")
    for question in (first, second, third):
        await begun(history, question)
    await ended(history, second, State.CANCELLED)
    await ended(history, third)

    assert (await history.run("last")).id == second.run
    assert (await history.run(third.run)).finished


async def test_a_question_is_resumed_without_repeating_its_words(history: History) -> None:
    question = named(Question(text="What is jitter?", collections=("retries",)), new_run())
    await begun(history, question)

    assert await resumed(history, Question(text="", run=question.run)) == question
    assert await resumed(history, Question(text="", run="last")) == question


async def test_a_run_that_is_not_there_is_named(history: History) -> None:
    with pytest.raises(RunMissing, match="no run 'abc'"):
        await history.run("abc")
    with pytest.raises(RunMissing, match="no question that was stopped"):
        await history.run("last")


async def test_a_batch_is_not_resumed_as_a_question(history: History) -> None:
    await history.start(Run(id="b", kind="batch", place="answers.jsonl"))
    await begun(history, asked(run="b"))

    with pytest.raises(InputError, match="is a batch"):
        await resumed(history, Question(text="", run="b"))
    assert (await history.last_batch("answers.jsonl")) == Run(id="b", kind="batch", place="answers.jsonl")
    assert await history.last_batch("others.jsonl") is None


@pytest.mark.parametrize("choice", [AGAIN, STOP])
async def test_how_to_go_on_after_a_failure_is_decided_anew_when_a_run_is_resumed(
    history: History, choice: str
) -> None:
    question = asked()
    journal = await begun(history, question)
    await journal.keep("person", "failed", Kept(text=choice))
    await journal.keep("person", "web", Kept(text="yes"))

    journal = await begun(history, question)

    assert await journal.recall("person", "failed") is None
    assert await journal.recall("person", "web") == Kept(text="yes")


async def test_replies_of_answered_questions_go_after_their_days_and_those_of_killed_ones_stay(
    history: History,
) -> None:
    answered, killed = asked("One?"), asked("Two?")
    for question in (answered, killed):
        await (await begun(history, question)).keep("reason", "abc", _SUMMARY)
    await ended(history, answered)

    await history.prune(days=1, max_bytes=10**9)
    assert rows(history.path, "results") == 2
    await history.prune(days=-1, max_bytes=10**9)

    assert await history.journal(answered.run, answered.id).recall("reason", "abc") is None
    assert await history.journal(killed.run, killed.id).recall("reason", "abc") == _SUMMARY
    assert [kept.state for kept in await history.questions(answered.run)] == [State.OK]


async def test_beyond_its_size_the_oldest_go_first_and_the_file_shrinks(history: History) -> None:
    for number in range(100):
        question = asked(f"Question {number}?")
        journal = await begun(history, question)
        await journal.keep("reason", "abc", Kept(text=f"{number} " * 3000))
        await ended(history, question)

    await history.prune(days=30, max_bytes=300_000)

    assert history.path.stat().st_size < 400_000
    left = await history.journal(question.run, question.id).recall("reason", "abc")
    assert left is not None
    assert rows(history.path, "questions") == 100


async def test_deleted_words_are_nowhere_in_the_file(history: History) -> None:
    question = asked()
    await (await begun(history, question)).keep("reason", "abc", Kept(text="canary " * 500))
    await ended(history, question)

    await history.prune(days=-1, max_bytes=10**9)

    assert all(b"canary" not in file.read_bytes() for file in history.path.parent.iterdir())


async def test_only_its_owner_can_read_it(history: History) -> None:
    await begun(history, asked())

    assert stat.S_IMODE(history.path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in history.path.parent.iterdir()} == {0o600}


async def test_two_open_histories_see_what_the_other_keeps(history: History) -> None:
    other = History(history.path)
    question = asked()
    await (await begun(history, question)).keep("reason", "abc", _SUMMARY)

    journal = other.journal(question.run, question.id)
    assert await journal.recall("reason", "abc") == _SUMMARY
    await journal.keep("reason", "abd", _SUMMARY)
    assert await history.journal(question.run, question.id).recall("reason", "abd") == _SUMMARY
    await other.close()


@pytest.mark.parametrize("content", [b"not a database", b"SQLite format 3\x00" + b"\xff" * 200])
def test_a_file_that_is_no_history_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(HistoryError, match=r"history\.db"):
        History(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE tabs (address TEXT)")

    with pytest.raises(HistoryError, match="another program"):
        History(path)


async def test_one_made_by_a_newer_version_is_refused(history: History, path: Path) -> None:
    await history.close()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")

    with pytest.raises(HistoryError, match="newer Carrel"):
        History(path)


async def test_an_answer_over_many_passages_takes_less_than_100_kb(history: History) -> None:
    """Eight papers of four passages each, the most that is read by default, in words that hardly repeat."""
    words = [f"{number:x}" for number in range(7_000, 1_000_000, 97)]
    hits = []
    for paper in range(8):
        document = Document(id=f"doc-{paper}", source=f"/papers/{paper}.pdf", title=f"Paper {paper}")
        for place in range(4):
            start = (paper * 4 + place) * 250
            text = " ".join(words[start : start + 250])
            passage = Passage(
                id=f"p{paper}-{place}", document_id=document.id, text=text, start=0, end=len(text), page=1
            )
            hits.append(Hit(passage=passage, document=document, score=1.0, rank=1, retriever="fused"))
    evidence = tuple(
        Evidence(
            id=number,
            hits=(hit,),
            quote=hit.passage.text[:200],
            quote_start=0,
            summary=hit.passage.text[:400],
            relevance=0.5,
        )
        for number, hit in enumerate(hits, start=1)
    )
    question = asked()
    await begun(history, question)
    empty = history.path.stat().st_size
    answer = Answer(query=Query(text=question.text), route=_ROUTE, text="Long. " * 400, evidence=evidence)
    await asyncio.wrap_future(history.end(question, State.OK, answer.text, answer))
    history = await reopened(history)

    assert history.path.stat().st_size - empty < 100_000
    await history.close()
