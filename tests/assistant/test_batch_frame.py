"""A file of answers in a notebook: a table, plots that show themselves, a comparison and a report."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from assistant.batch_frame import COLUMNS, Batch
from assistant.batch_row import Row
from assistant.envelope import to_json_line
from assistant.grading import Grade
from assistant.history import State
from indexes.errors import InputError
from pipelines.types import Usage


def row(id: str, seconds: float, **given: object) -> Row:
    values = {
        "id": id,
        "question": f"What is {id}?",
        "status": State.OK,
        "author": "openai:big",
        "support": 0.5,
        "fingerprint": "f",
        "usage": Usage(calls=2, seconds=seconds),
        **given,
    }
    return Row.model_validate(values)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = [row("a", 1.0), row("b", 3.0), row("a", 2.0, grade=Grade(exact=True)), row("c", 9.0, support=None)]
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(map(to_json_line, rows)) + '{"id": "d", "quest')
    return path


def test_a_file_is_a_table_with_a_row_for_each_question(file: Path) -> None:
    frame = Batch.read(file).to_pandas()

    assert list(frame.index) == ["b", "a", "c"], "the last row of an id counts, and a cut line does not"
    assert list(frame.columns) == [*COLUMNS, *Grade.model_fields]
    assert frame.loc["a", "seconds"] == 2.0
    assert frame["calls"].sum() == 6
    assert frame.loc["a", "exact"] is True or frame.loc["a", "exact"] == 1
    assert frame["support"].isna().sum() == 1


def test_plots_show_themselves_as_svg_and_in_words(file: Path) -> None:
    batch = Batch.read(file)

    assert batch.plot_seconds()._repr_html_().startswith("<svg")
    assert "median 3" in repr(batch.plot_seconds())
    assert "over 2 answers" in repr(batch.plot_support())
    with pytest.raises(InputError, match="nothing to plot"):
        batch.plot_cost()


def test_it_says_what_it_holds_and_is_compared_and_reported(file: Path, tmp_path: Path) -> None:
    batch = Batch.read(file)

    assert len(batch) == 3
    assert repr(batch).startswith("3 questions: 3 ok")
    assert "<p>3 questions: 3 ok</p>" in batch._repr_html_()
    assert batch.compare(batch).other_text == 0
    assert "Compared" in batch.report(tmp_path / "r.md", earlier=batch).read_text()


def test_without_pandas_the_hint_says_how_to_get_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match="needs pandas") as refused:
        Batch.read(file).to_pandas()
    assert "carrel[notebook]" in refused.value.hint
