"""Two answers of the history beside each other, and one of them written to a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.engine.errands import ExportAnswer, Exported
from tests.tui.shelves import Shelves
from tui.comparison import compared
from tui.example import example_answer
from tui.screens.compare import CompareScreen
from tui.screens.export import ExportScreen
from tui.screens.history import HistoryScreen


async def _open(desk):
    await desk.press("f6")
    await desk.until(lambda: isinstance(desk.app.screen, HistoryScreen))
    await desk.sees("newest first")


def test_sentences_are_the_same_whatever_their_numbers_and_marks():
    first = example_answer().model_copy(update={"text": "**Wait** at random [1]. Give up after three."})
    second = example_answer().model_copy(update={"text": "Wait at random [2][3].\nNever give up [1]."})
    found = compared(first, second)
    assert [(each.text, each.in_both) for each in found.first] == [
        ("**Wait** at random [1].", True),
        ("Give up after three.", False),
    ]
    assert [each.in_both for each in found.second] == [True, False]


def test_papers_are_told_by_who_cites_them():
    first = example_answer()
    second = first.model_copy(update={"citations": first.citations[:1]})
    found = compared(first, second)
    assert found.both_cite
    assert found.only_first_cites
    assert found.only_second_cites == ()


@pytest.mark.parametrize("size", [(140, 40), (80, 30)])
async def test_two_answers_are_picked_and_shown_beside_each_other(sit_down, size):
    async with sit_down(Shelves(), size=size) as desk:
        await _open(desk)
        await desk.press("c")
        await desk.sees("Picked: ")
        await desk.press("down", "c")
        await desk.until(lambda: isinstance(desk.app.screen, CompareScreen))
        await desk.sees("Two answers", "in the same words", "both cite 3 papers")
        await desk.press("tab", "escape")
        await desk.until(lambda: isinstance(desk.app.screen, HistoryScreen))


async def test_what_was_not_answered_cannot_be_compared(sit_down):
    async with sit_down(Shelves(), size=(140, 40)) as desk:
        await _open(desk)
        await desk.press("down", "down", "c")
        await desk.sees("There is no answer to compare.")


async def test_an_answer_of_the_history_is_written_to_a_file(sit_down, tmp_path):
    found = {ExportAnswer: lambda errand: Exported(path=errand.path)}
    engine = Shelves(found=found)
    async with sit_down(engine, size=(140, 40)) as desk:
        await _open(desk)
        await desk.press("e")
        await desk.until(lambda: isinstance(desk.app.screen, ExportScreen))
        await desk.sees("Notebook: the answer")
        await desk.press("down", "down", "down", "enter", "enter")
        await desk.until(lambda: [each for each in engine.errands if isinstance(each, ExportAnswer)])
        written = next(each for each in engine.errands if isinstance(each, ExportAnswer))
        assert (written.form, Path(written.path).suffix) == ("notebook", ".ipynb")
