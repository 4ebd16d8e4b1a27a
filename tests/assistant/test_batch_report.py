"""A batch's report says what there is to say, is safe to open, and two runs are compared question by question."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from assistant.batch_compare import compared, comparison_lines, mcnemar
from assistant.batch_report import report_html, report_markdown, require_report_path, write_report
from assistant.batch_row import Row
from assistant.batch_summary import Spread, summary_of
from assistant.grading import Grade
from assistant.history import State
from indexes.errors import InputError
from pipelines.events import Failed
from pipelines.types import Degradation, Outcome, Usage

HOSTILE = '<script>alert("x")</script> | [click](javascript:x) \x1b]0;t\x07 \u202eevil'


def row(id: str, *, seconds: float = 1.0, cost: float | None = None, **given: Any) -> Row:
    values = {
        "id": id,
        "question": f"What is {id}?",
        "status": State.OK,
        "text": "So.",
        "route": "full",
        "author": "openai:big",
        "support": 1.0,
        "fingerprint": "f",
        "usage": Usage(calls=1, seconds=seconds, cost_usd=cost),
        **given,
    }
    return Row.model_validate(values)


ROWS = [
    row("a", seconds=1, cost=0.01),
    row("b", seconds=9, cost=0.05, support=0.25),
    row(
        "c",
        seconds=2,
        status=State.PARTIAL,
        author="extractive",
        degraded=(
            Degradation(
                step="reason",
                rung="the best sentences",
                instead_of="the model",
                outcome=Outcome.TIMED_OUT,
                why="Late.",
            ),
        ),
    ),
    row(
        "d",
        status=State.ERROR,
        route="",
        author="",
        error=Failed(kind="QuestionRefused", message="It is empty."),
    ),
]


def test_the_summary_counts_and_names_what_to_look_at() -> None:
    summary = summary_of(ROWS)

    assert summary.outcomes == {"ok": 2, "partial": 1, "error": 1}
    assert summary.rungs == {"openai:big": 2, "extractive": 1}
    assert summary.fallbacks == {"reason: the best sentences": 1}
    assert summary.failures == {"QuestionRefused": 1}
    assert [brief.id for brief in summary.slowest] == ["b", "c", "a"]
    assert [brief.id for brief in summary.least_supported] == ["b"]
    assert [brief.why for brief in summary.failed] == ["It is empty."]
    assert summary.seconds == Spread(values=(1, 9, 2))
    assert summary.seconds.at(0.5) == 2
    assert summary.cost_usd is not None
    assert summary.cost_usd.total == pytest.approx(0.06)


def test_both_forms_say_the_same_things() -> None:
    summary = summary_of(ROWS)
    for text in (report_markdown(summary), report_html(summary)):
        for said in (
            "4 questions",
            "$0.0600",
            "Outcomes",
            "partial",
            "Slowest",
            "Least supported",
            "It is empty.",
            "median 2, 90 % ",
        ):
            assert said in text


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes.update(name for name, _ in attrs)


def test_nothing_hostile_in_a_question_or_a_model_gets_out_of_a_report() -> None:
    rows = [row(HOSTILE, question=HOSTILE, author=HOSTILE, route=HOSTILE, support=0.0)]
    page = report_html(summary_of(rows))
    tags = _Tags()
    tags.feed(page)

    assert "script" not in tags.seen
    assert not {"a", "img", "iframe", "link"} & tags.seen
    assert not {name for name in tags.attributes if name.startswith("on") or name in ("href", "src")}
    assert "default-src 'none'" in page
    text = report_markdown(summary_of(rows))
    assert "<script" not in text.replace("\\<", "")
    assert not re.search(r"(?<!\\)\[click", text)
    for written in (page, text):
        assert not re.search("[\x1b\x07\u202e]", written)


def test_a_report_is_written_over_an_earlier_one_and_over_nothing_else(tmp_path: Path) -> None:
    summary = summary_of(ROWS)
    notes = tmp_path / "notes.md"
    notes.write_text("My own.")
    place = write_report(tmp_path / "report.html", summary)
    assert write_report(place, summary) == place

    for wrong in (notes, tmp_path / "report.pdf", tmp_path / "nowhere" / "report.md"):
        with pytest.raises(InputError):
            require_report_path(wrong)
    assert notes.read_text() == "My own."


def test_a_batch_without_one_answer_has_a_report_too() -> None:
    assert "1 questions" in report_markdown(summary_of(ROWS[3:]))
    assert "<svg" not in report_html(summary_of([]))


def test_two_runs_are_compared_question_by_question() -> None:
    old = [row(f"q{n}", seconds=2, grade=Grade(span_cited=n < 2, f1=0.5)) for n in range(8)]
    new = [row(f"q{n}", seconds=1, text="Other.", grade=Grade(span_cited=n > 0, f1=0.75)) for n in range(8)]
    new[7] = new[7].model_copy(update={"question": "What else is q7?"})
    old.append(row("gone"))
    comparison = compared({each.id: each for each in old}, {each.id: each for each in new})

    assert (comparison.both, comparison.only_before, comparison.reworded, comparison.other_text) == (
        8,
        1,
        1,
        7,
    )
    spans, seconds = (
        next(each for each in comparison.paired if words in each.measure)
        for words in ("sentences that cite", "seconds")
    )
    assert (spans.questions, spans.better, spans.worse) == (7, 5, 1)
    assert spans.p == pytest.approx(mcnemar(5, 1))
    assert (seconds.better, seconds.worse, seconds.p) == (7, 0, None)
    assert seconds.difference.value == -1
    assert comparison.became_worse == ("q0",)
    assert any("5 better, 1 worse, McNemar p = 0.219" in line for line in comparison_lines(comparison))


def test_outcomes_that_changed_are_counted() -> None:
    failed = row("a", status=State.ERROR)
    comparison = compared({"a": row("a"), "b": row("b")}, {"a": failed, "b": row("b")})

    assert comparison.moved == {"ok to error": 1}
    assert comparison.became_worse == ("a",)


def test_mcnemars_test_is_exact() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 5) == 1.0
    # 2 * (C(10, 0) + C(10, 1)) / 2**10
    assert mcnemar(9, 1) == pytest.approx(22 / 1024)
    assert 0 < mcnemar(3_000, 2_500) < 1e-9
