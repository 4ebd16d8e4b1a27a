"""A batch: every question has its row, whatever becomes of the others, and going on asks only what is missing."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant import Assistant
from assistant.batch import Progress, fingerprint_of
from assistant.batch_files import AnswerFile, AnswersBusy, AnswersError
from assistant.batch_row import Row
from assistant.history import State
from assistant.settings import Settings
from indexes.errors import InputError
from tests.faults.dialects.openai_chat import OpenAIChat
from tests.faults.script import Hang, Reply, Status
from tests.faults.server import FaultServer

_NOTES = {
    "jitter": "Full jitter waits a random time before each retry, so that clients do not return together.",
    "breaker": "A circuit breaker refuses calls after five failures in a row, until one probe succeeds.",
    "ladder": "A fallback ladder takes a simpler way when the better one fails, and says which was taken.",
}
_QUESTIONS = [
    "What does full jitter do?",
    "When does a circuit breaker refuse calls?",
    "What does a fallback ladder say?",
]

Open = Callable[..., Assistant]


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    notes, home = tmp_path_factory.mktemp("notes"), tmp_path_factory.mktemp("filled")
    for name, text in _NOTES.items():
        (notes / f"{name}.md").write_text(f"# The {name}\n\n{text}\n")
    with Assistant(home, library__encoder="none", history__keep=False) as assistant:
        assistant.add(notes)
    return home


@pytest.fixture
def open_assistant(filled_home: Path, carrel_home: Path, model_server: FaultServer) -> Iterator[Open]:
    """Opens one assistant after another over the notes, as one process after another does."""
    shutil.copytree(filled_home, carrel_home, dirs_exist_ok=True)
    opened: list[Assistant] = []

    def open_one(**settings: Any) -> Assistant:
        defaults: dict[str, Any] = {
            "reasoning": "openai:big",
            "base_url": model_server.base_url,
            "web": "never",
            "library__encoder": "none",
            "limits__attempts": 1,
        }
        opened.append(Assistant(**{**defaults, **settings}))
        return opened[-1]

    yield open_one
    for assistant in opened:
        assistant.close()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def rows(out: Path) -> list[Row]:
    return [Row.model_validate_json(line) for line in out.read_text().splitlines()]


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def test_every_question_has_a_row_with_its_text_and_checked_sources(open_assistant: Open, out: Path) -> None:
    report = open_assistant().batch(_QUESTIONS, out=out)

    assert report.counts == {State.OK: 3}
    assert report.exit_code == 0
    assert sorted(row.question for row in rows(out)) == sorted(_QUESTIONS)
    for row in rows(out):
        assert "[1]" in row.text
        assert row.sources[0].verified
        assert row.author == "openai:big"
        assert row.usage.calls == 1
        assert row.run == report.run


async def test_it_can_be_awaited_and_watched(open_assistant: Open, out: Path) -> None:
    seen: list[Progress] = []
    report = await open_assistant().abatch(_QUESTIONS, out=out, emit=seen.append)

    assert [(progress.done, progress.total) for progress in seen] == [(1, 3), (2, 3), (3, 3)]
    assert report.usage.calls == 3


def test_no_more_questions_than_allowed_are_asked_at_once(
    open_assistant: Open, model_server: FaultServer, out: Path
) -> None:
    model_server.script(Reply(gap=0.02))
    open_assistant().batch(_QUESTIONS * 2, out=out, concurrency=2)

    assert model_server.ledger.concurrent_peak() == 2
    assert len({row.id for row in rows(out)}) == 6


def test_going_on_asks_only_what_has_no_good_answer(
    open_assistant: Open, model_server: FaultServer, out: Path
) -> None:
    model_server.script(Status(500), contains="breaker")
    first = open_assistant().batch(_QUESTIONS, out=out)
    assert first.counts == {State.OK: 2, State.PARTIAL: 1}
    model_server.behave()
    before = len(model_server.ledger)
    second = open_assistant().batch(_QUESTIONS, out=out, resume=True)

    assert (second.run, second.skipped, second.counts) == (first.run, 2, {State.OK: 1})
    assert len(model_server.ledger) == before + 1
    assert sorted(row.question for row in rows(out)) == sorted(_QUESTIONS), (
        "the row that is out of date is gone"
    )
    assert {row.status for row in rows(out)} == {State.OK}


def test_other_settings_make_other_answers_and_other_limits_of_cost_do_not(
    open_assistant: Open, out: Path
) -> None:
    open_assistant().batch(_QUESTIONS, out=out)

    assert open_assistant(max_calls=9).batch(_QUESTIONS, out=out, resume=True).skipped == 3
    again = open_assistant(reasoning="openai:bigger").batch(_QUESTIONS, out=out, resume=True)
    assert (again.skipped, again.outdated) == (0, 3)
    assert {row.author for row in rows(out)} == {"openai:bigger"}
    assert len(rows(out)) == 3


def test_the_fingerprint_depends_on_what_an_answer_depends_on() -> None:
    plain = Settings()
    dearer = Settings.model_validate({"models": {"small": {"input_price_usd": 1, "api_key_env": "A_KEY"}}})
    other = Settings.model_validate({"models": {"small": {"name": "openai:other"}}})

    assert fingerprint_of(plain) == fingerprint_of(dearer) != fingerprint_of(other)


def test_answers_are_not_written_over_or_mixed_with_something_else(
    open_assistant: Open, tmp_path: Path, out: Path
) -> None:
    assistant = open_assistant()
    assistant.batch(_QUESTIONS[:1], out=out)
    before = out.read_bytes()
    with pytest.raises(AnswersError, match="already"):
        assistant.batch(_QUESTIONS, out=out)
    notes = written(tmp_path / "notes.txt", "My own notes.")
    with pytest.raises(AnswersError, match=r"Line 1 of .* is not an answer"):
        assistant.batch(_QUESTIONS, out=notes, resume=True)
    with pytest.raises(InputError, match="one file"):
        assistant.batch(notes, out=notes, resume=True)
    with pytest.raises(AnswersError, match="cannot be written"):
        assistant.batch(_QUESTIONS, out=tmp_path / "no such folder" / "answers.jsonl")

    assert out.read_bytes() == before
    assert notes.read_text() == "My own notes.\n"


def test_a_line_that_was_cut_off_is_taken_away_and_its_question_asked_again(
    open_assistant: Open, model_server: FaultServer, out: Path
) -> None:
    open_assistant().batch(_QUESTIONS, out=out)
    whole = out.read_bytes()
    out.write_bytes(whole[:-200])
    before = len(model_server.ledger)
    report = open_assistant().batch(_QUESTIONS, out=out, resume=True)

    assert (report.skipped, report.counts) == (2, {State.OK: 1})
    assert len(rows(out)) == 3
    assert len(model_server.ledger) == before, "its reply is in the history"


def test_somebodys_text_without_a_line_end_is_not_taken_for_a_row_that_was_cut_off(
    open_assistant: Open, out: Path
) -> None:
    async def go_on() -> None:
        async with AnswerFile(out).held(resume=True):
            pass

    open_assistant().batch(_QUESTIONS[:1], out=out)
    row = out.read_bytes()
    for rest in (b"My own notes.", b'{"name": "mine"}', b"[1]", b'{"id":7}'):
        for before in (b"", row):
            out.write_bytes(before + rest)
            with pytest.raises(AnswersError, match=f"Line {1 + bool(before)} of .* is not an answer"):
                asyncio.run(go_on())
            assert out.read_bytes() == before + rest
    for length in (*range(12), len(row) - 1):
        out.write_bytes(row + row[:length])
        asyncio.run(go_on())
        assert out.read_bytes() == row


def test_a_link_to_the_answers_stays_one_when_they_are_written_anew(
    open_assistant: Open, tmp_path: Path, out: Path
) -> None:
    link = tmp_path / "latest.jsonl"
    link.symlink_to(out)
    open_assistant().batch(_QUESTIONS, out=link, ordered=True)
    assert link.is_symlink()
    assert [row.question for row in rows(out)] == list(_QUESTIONS)


async def test_a_second_writer_is_told_who_the_first_is(out: Path) -> None:
    first, second = AnswerFile(out), AnswerFile(out)
    async with first.held(resume=False):
        with pytest.raises(
            AnswersBusy, match=r"Process \d+ has been writing to the answers .*answers\.jsonl"
        ):
            async with second.held(resume=True):
                pass
    async with second.held(resume=True):
        pass


def test_one_bad_question_does_not_stop_the_others(open_assistant: Open, tmp_path: Path, out: Path) -> None:
    questions = written(
        tmp_path / "questions.jsonl",
        {"id": "good", "question": _QUESTIONS[0]},
        {"id": "empty", "question": "  "},
        {"id": "long", "question": "why " * 50_000},
        "{not JSON",
        {"question": 5},
        {"id": "hostile", "question": "\x1b]0;title\x07What does full jitter do?\x00"},
        {"id": "deep", "question": _QUESTIONS[1], "note": [[[]]]},
    )
    report = open_assistant().batch(questions, out=out)

    assert report.counts == {State.OK: 3, State.ERROR: 4}
    assert report.exit_code == 1
    by_id = {row.id: row for row in rows(out)}
    assert len(by_id) == 7
    failures = [row.error for row in by_id.values() if row.error]
    assert {failure.kind for failure in failures} == {"QuestionRefused"}
    assert {"Line 4", "Line 5"} <= {failure.message[:6] for failure in failures}
    assert b"\x1b" not in out.read_bytes()


@pytest.mark.parametrize("models", [["small"], []], ids=["no such model", "a refused key"])
def test_what_would_fail_for_every_question_stops_the_batch_at_once(
    open_assistant: Open, out: Path, models: list[str]
) -> None:
    dialect = OpenAIChat(models=models, api_key="" if models else "sk-right")
    with FaultServer(dialect, prefix="/v1") as strict:
        report = open_assistant(base_url=strict.base_url).batch(_QUESTIONS * 5, out=out, concurrency=2)
        assert report.not_run == 15
        assert report.exit_code == 3
        assert "openai:big" in report.stopped
        assert len(strict.ledger) <= 2
        dialect.models, dialect.api_key = [], ""
        again = open_assistant(base_url=strict.base_url).batch(_QUESTIONS * 5, out=out, resume=True)
    assert again.counts == {State.OK: 15}


def test_a_batch_that_is_told_to_stop_finishes_what_is_begun(open_assistant: Open, out: Path) -> None:
    written_rows: list[Progress] = []
    report = open_assistant().batch(
        _QUESTIONS, out=out, concurrency=1, emit=written_rows.append, stopping=lambda: len(written_rows) > 0
    )
    assert (report.counts, report.not_run, report.exit_code) == ({State.OK: 1}, 2, 130)

    again = open_assistant().batch(_QUESTIONS, out=out, resume=True)
    assert (again.run, again.skipped, again.counts) == (report.run, 1, {State.OK: 2})


async def test_a_cancelled_batch_leaves_whole_rows_and_goes_on(
    open_assistant: Open, model_server: FaultServer, out: Path
) -> None:
    model_server.script(Hang(), contains="breaker")
    answering = asyncio.create_task(open_assistant().abatch(_QUESTIONS, out=out, concurrency=1))
    await model_server.ledger.until(contains="breaker")
    answering.cancel()
    await asyncio.wait([answering])
    model_server.behave()

    assert [row.question for row in rows(out)] == _QUESTIONS[:1]
    again = await open_assistant().abatch(_QUESTIONS, out=out, resume=True)
    assert again.counts == {State.OK: 2}


def test_without_a_history_answers_are_found_again_by_their_file(
    open_assistant: Open, model_server: FaultServer, out: Path
) -> None:
    open_assistant(history__keep=False).batch(_QUESTIONS[:2], out=out)
    report = open_assistant(history__keep=False).batch(_QUESTIONS, out=out, resume=True)

    assert (report.skipped, report.counts) == (2, {State.OK: 1})
    assert len(model_server.ledger) == 3


def test_answers_are_graded_where_the_questions_say_what_is_right(
    open_assistant: Open, tmp_path: Path, out: Path
) -> None:
    plain = written(tmp_path / "plain.jsonl", {"id": "a", "question": _QUESTIONS[1]})
    open_assistant(reasoning="").batch(plain, out=out)
    assert rows(out)[0].grade is None
    questions = written(
        tmp_path / "graded.jsonl",
        {
            "id": "a",
            "question": _QUESTIONS[1],
            "gold_answers": "five failures",
            "gold_documents": "breaker.md",
        },
        {"id": "b", "question": _QUESTIONS[0], "gold_answers": ["no such words"]},
        {"id": "c", "question": _QUESTIONS[2]},
    )
    report = open_assistant(reasoning="").batch(questions, out=out, resume=True)

    assert report.skipped == 1, "the grade of a row that is there already needs no new answer"
    grades = {row.id: row.grade for row in rows(out)}
    assert grades["a"] is not None
    assert (grades["a"].span_cited, grades["a"].documents_cited) == (True, 1.0)
    assert grades["b"] is not None
    assert grades["b"].span_cited is False
    assert grades["c"] is None
    assert {each.measure: each.questions for each in report.grades}["span_cited"] == 2
