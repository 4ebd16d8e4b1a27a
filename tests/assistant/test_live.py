"""What a notebook shows while a call is waited for: how often, in what words, and what stays in the end."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from assistant import Assistant
from assistant.live import EVERY_SECONDS, Live
from assistant.progress import AddProgress, AskProgress
from indexes.events import Added, Embedded, FileDone, FilesFound
from indexes.types import AddReport, Fate
from pipelines.events import (
    AskEvent,
    Done,
    Drafted,
    Failed,
    FellBack,
    HitsFound,
    Retrying,
    StepEnded,
    StepStarted,
    Token,
)
from pipelines.types import Answer, Draft, Outcome, Query, Route, Span, Usage

ROUTE = Route(name="full", steps=("retrieve",), why="There are papers.")


class Watched:
    """A clock to turn by hand, and every drawing with the second it was made in."""

    def __init__(self) -> None:
        self.now = 0.0
        self.drawn: list[tuple[float, dict[str, str]]] = []

    def clock(self) -> float:
        return self.now

    def publish(self, bundle: dict[str, str]) -> None:
        self.drawn.append((self.now, bundle))

    @property
    def last(self) -> str:
        return self.drawn[-1][1]["text/plain"]


def started(step: str, *, branch: str = "", model: str = "") -> StepStarted:
    return StepStarted(span_id=1, step=step, rung="a rung", branch=branch, model=model)


def ended(step: str, *, branch: str = "") -> StepEnded:
    return StepEnded(span=Span(id=1, name=step, rung="a rung", branch=branch, started=0, ended=1))


def told(*events: AskEvent) -> AskProgress:
    progress = AskProgress()
    for event in events:
        progress.see(event)
    return progress


def test_a_thousand_words_a_second_are_drawn_five_times_in_it() -> None:
    watched = Watched()
    live = Live(AskProgress(), watched.publish, clock=watched.clock)
    for number in range(1_000):
        watched.now = number / 1_000
        live.see(Token(text="word "))
    assert len(watched.drawn) == 5
    gaps = [b[0] - a[0] for a, b in zip(watched.drawn, watched.drawn[1:], strict=False)]
    assert min(gaps) >= EVERY_SECONDS


def test_what_was_held_back_is_drawn_when_nothing_more_comes() -> None:
    watched = Watched()
    live = Live(AskProgress(), watched.publish, clock=watched.clock)
    live.see(started("retrieve"))
    live.see(Token(text="The text so far."))
    assert "The text so far" not in watched.last
    watched.now += EVERY_SECONDS
    assert live.idle is not None
    live.idle()
    assert "The text so far." in watched.last


def test_where_nobody_looks_nothing_is_drawn() -> None:
    live = Live(AskProgress(), None)
    live.see(Token(text="word"))
    live.end()
    assert live.idle is None


def test_a_drawing_is_text_whatever_the_model_writes() -> None:
    watched = Watched()
    live = Live(AskProgress(), watched.publish, clock=watched.clock)
    live.see(Token(text="<script>alert(1)</script>\x1b[2J"))
    assert "<script" not in watched.drawn[-1][1]["text/html"]
    assert "\x1b" not in watched.last


@pytest.mark.parametrize("running", [True, False])
def test_in_marimo_progress_is_the_output_of_its_cell(
    running: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the three names that marimo is known by here; `tests/journeys/test_marimo.py` has the real one."""
    shown: list[str] = []
    stand_in = ModuleType("marimo")
    stand_in.running_in_notebook = lambda: running  # type: ignore[attr-defined]
    stand_in.Html = str  # type: ignore[attr-defined]
    stand_in.output = SimpleNamespace(replace=shown.append)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "marimo", stand_in)
    with Assistant(tmp_path, web="never", library__encoder="none") as assistant:
        assistant.ask("What is jitter?")
    assert bool(shown) == running
    assert not running or "Nothing was found" in shown[-1]


def test_steps_are_told_in_their_order_with_what_came_of_them() -> None:
    progress = told(
        started("classify"),
        ended("classify"),
        HitsFound(retriever="keyword", count=12),
        HitsFound(retriever="dense", count=9),
        started("summarise", branch="One paper"),
        started("summarise", branch="Another"),
        ended("summarise", branch="Another"),
        started("reason", model="openai:big"),
    )
    assert progress.line(1.25) == (
        "classify › retrieve: 12 by keyword, 9 by dense › summarise: 1 of 2 › reason: openai:big … 1.2 s"
    )


@pytest.mark.parametrize(
    "failed",
    [
        FellBack(
            step="reason",
            from_rung="by big",
            to_rung="by small",
            outcome=Outcome.TIMED_OUT,
            why="It took longer.",
        ),
        Retrying(
            step="reason", rung="by big", attempt=1, wait_seconds=1, outcome=Outcome.LIMITED, why="Busy."
        ),
    ],
)
def test_the_text_of_an_attempt_that_failed_is_taken_back(failed: AskEvent) -> None:
    progress = told(Token(text="Half a"), failed)
    assert progress.text == ""


def test_in_the_end_one_line_stays_with_time_author_and_cost() -> None:
    answer = Answer.model_validate(
        {"query": Query(text="?"), "route": ROUTE, "text": "So.", "author": "openai:big"}
        | {"usage": Usage(calls=3, cost_usd=0.0123)}
    )
    found = answer.model_copy(update={"evidence": ("one",)})
    progress = told(Token(text="So."), Drafted(draft=Draft(text="So.", author="reasoning")))
    progress.see(Done.model_construct(answer=found))
    assert (progress.line(4.04), progress.text) == (
        "Answered in 4.0 s by openai:big, 3 model calls, $0.0123.",
        "",
    )


def test_a_question_that_failed_says_so_where_it_was() -> None:
    progress = told(Token(text="Half"), Failed(kind="X", message="The key {} was refused."))
    assert progress.line(1) == "No answer after 1.0 s. The key {} was refused."


def test_a_stopped_question_keeps_its_text_and_says_how_to_go_on() -> None:
    progress = told(Token(text="Half a sentence"))
    progress.stop()
    assert progress.text == "Half a sentence"
    assert progress.line(2) == (
        "Stopped after 2.0 s. This is the text so far, unverified. "
        'To go on, and pay for nothing twice: assistant.ask(resume="last")'
    )


def test_where_nothing_is_kept_nothing_is_promised() -> None:
    progress = AskProgress(resumable=False)
    progress.stop()
    assert progress.line(2) == "Stopped after 2.0 s."


def test_adding_tells_files_failures_and_passages() -> None:
    progress = AddProgress()
    lines = []
    for event in (
        FilesFound(total=3),
        FileDone(path="a.pdf", fate=Fate.INDEXED, done=1, total=3),
        FileDone(path="b.pdf", fate=Fate.FAILED, done=2, total=3),
        Embedded(done=5, total=40),
        Added(report=AddReport()),
    ):
        progress.see(event)
        lines.append(progress.line(1))
    assert lines == [
        "reading: 0 of 3 files … 1.0 s",
        "reading: 1 of 3 files … 1.0 s",
        "reading: 2 of 3 files, 1 failed … 1.0 s",
        "embedding: 5 of 40 passages … 1.0 s",
        "Added in 1.0 s.",
    ]
