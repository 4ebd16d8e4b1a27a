"""`carrel history` and `carrel show`: what was asked, listed, found, shown and exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.history import History, Run, named
from assistant.past_question import State
from pipelines.types import Answer, Question
from tests.assistant.command_line import QUESTION, light

HOSTILE = "\x1b]52;c;cm0gLXJm\x07\x1b[2J"


@pytest.fixture
def asked(filled: Path) -> str:
    """A question that was asked and answered: the name of its run."""
    answer = json.loads(light("ask", "--json", "--web", "never", QUESTION).stdout)["data"]
    return str(answer["run"])


@pytest.fixture
async def batch(carrel_home: Path) -> None:
    """A batch of two questions in the history, one of them without an answer."""
    history = History(carrel_home / "state" / "history.db")
    await history.start(Run(id="abc123batch", kind="batch", place="/answers.jsonl"))
    for id, text in (("one", f"Where is {HOSTILE} the kiln?"), ("two", "Why is the sky blue?")):
        question = named(Question(text=text), "abc123batch", id=id)
        history.begin(question)
        if id == "one":
            history.end(question, State.OK, "In the shed.", Answer.model_validate_json(ANSWER))
        else:
            history.end(question, State.ERROR, "The key was refused.")
    await history.close()


ANSWER = (
    '{"query": {"text": "Where?"}, "route": {"name": "none", "steps": [], "why": ""}, "text": "In the shed."}'
)


def test_without_a_history_there_is_nothing_to_list_and_no_file_is_made(carrel_home: Path) -> None:
    assert light("history").stdout == "No questions.\n"
    assert light("show", "last").code == 2
    assert not (carrel_home / "state").exists()


def test_a_question_is_listed_found_shown_and_exported(asked: str, tmp_path: Path) -> None:
    assert f"{asked}  20" in light("history").stdout
    assert QUESTION in light("history", "search", "exponent", "rand").stdout
    assert light("history", "search", "zebra").stdout == "No questions.\n"
    for name in ("last", asked, asked[:6]):
        shown = light("show", name)
        assert "random time" in shown.stdout
        assert QUESTION in shown.stderr
    assert light("history", "show", asked, "--format", "text").stdout.startswith("- Full jitter")
    assert "@misc" in light("history", "export", "--format", "bibtex", asked).stdout
    page = tmp_path / "answer.html"
    assert light("history", "export", "-o", str(page), asked).code == 0
    assert page.read_text().startswith("<!DOCTYPE html>")
    refused = light("history", "export", "-o", str(page), asked)
    assert (refused.code, "--force" in refused.stderr) == (2, True)
    assert light("history", "export", "--force", "-o", str(page), asked).code == 0


def test_a_listing_that_is_cut_short_says_so(batch: None) -> None:
    cut = light("history", "list", "--limit", "1")
    assert "1 question of 2; --limit and --offset show others." in cut.stdout
    assert "abc123batch/two" in cut.stdout
    assert "kiln" in light("history", "list", "--limit", "1", "--offset", "1").stdout


def test_a_question_of_a_batch_is_named_with_its_run(batch: None) -> None:
    assert light("show", "abc123batch/one").stdout == "In the shed.\n"
    several = light("show", "abc123batch")
    assert (several.code, "Several questions" in several.stderr) == (2, True)
    missing = light("show", "--json", "abc123batch/three")
    assert json.loads(missing.stdout)["error"]["kind"] == "InputError"


def test_a_question_without_an_answer_says_why_and_how_to_go_on(batch: None) -> None:
    ran = light("show", "abc123batch/two")
    assert (ran.code, ran.stdout) == (1, "")
    assert "The key was refused." in ran.stderr
    assert "carrel ask --resume abc123batch" in ran.stderr
    assert json.loads(light("show", "--json", "last").stdout)["data"]["answer"] is None


def test_no_escape_sequence_of_a_question_gets_out(batch: None) -> None:
    for arguments in (("history",), ("show", "abc123batch/one"), ("history", "list", "--json")):
        ran = light(*arguments)
        assert "\x1b" not in ran.stdout + ran.stderr
        assert "\x07" not in ran.stdout + ran.stderr
