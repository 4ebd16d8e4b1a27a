"""The history's screen: past questions found by their words, opened, gone on with, said to have helped."""

from __future__ import annotations

from assistant.engine.errands import FindQuestions, Rate
from assistant.engine.scripted import Gate
from assistant.events import Token
from indexes.errors import LibraryBusy
from tests.tui.shelves import Shelves
from tui.example import QUESTION
from tui.screens.history import HistoryScreen
from tui.screens.passage import PassageScreen

WIDE, MEDIUM = (160, 48), (100, 30)


async def _open(desk):
    await desk.press("f6")
    await desk.until(lambda: isinstance(desk.app.screen, HistoryScreen))
    await desk.sees("newest first")


async def test_f6_lists_what_was_asked_with_when_and_what_came_of_it(sit_down):
    async with sit_down(Shelves(), size=WIDE) as desk:
        await _open(desk)
        await desk.sees(
            "12 questions, newest first", QUESTION[:50], "2026-11-28 ", "✓ answered", "↳ fell back", "– stopped",
            "✗ failed", "… unfinished", "yes", "Begin with the kind of the error",
        )  # fmt: skip


async def test_a_question_is_found_by_its_words(sit_down):
    async with sit_down(Shelves(), size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("slash", *"circuit", "enter")
        await desk.sees(" 2 questions, newest first", "circuit breakers")
        assert "retry a failing model" not in desk.text


async def test_an_old_answer_opens_with_its_evidence_and_its_steps(sit_down):
    engine = Shelves()
    async with sit_down(engine, size=WIDE) as desk:
        await _open(desk)
        await desk.press("enter")
        turn = await desk.answered()
        await desk.sees(
            f"❯ {QUESTION}", "Back off with full jitter", "Evidence · 4 papers", "quote verified ✓"
        )
        assert turn.answer.run == "run-0"
        assert not engine.questions
        await desk.press("1")
        await desk.until(lambda: isinstance(desk.app.screen, PassageScreen))


async def test_a_question_without_an_answer_says_why(sit_down):
    async with sit_down(Shelves(), size=WIDE) as desk:
        await _open(desk)
        await desk.press("down", "down", "down", "enter")
        await desk.sees("not answered", "The model refused the key.", "F6 goes on with it.")


async def test_a_question_that_was_stopped_goes_on(sit_down):
    engine = Shelves(events=[Token(text="Where it was left."), Gate()])
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        assert "Go on" not in desk.text
        await desk.press("down", "down")
        await desk.sees("r Go on")
        await desk.press("r")
        await desk.sees("Where it was left.")
        assert engine.resumed == ["run-2"]
        assert engine.questions[0][0] == engine.questions_asked[2].text


async def test_an_answer_is_said_to_have_helped_and_that_is_taken_back(sit_down):
    engine = Shelves()
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("down", "plus")
        await desk.until(lambda: engine.questions_asked[1].helped is True)
        await desk.press("minus")
        await desk.until(lambda: engine.questions_asked[1].helped is False)
        await desk.until(lambda: desk.app.screen.query_one("#questions").row.value.helped is False)
        await desk.press("minus")
        await desk.until(lambda: engine.questions_asked[1].helped is None)
        assert [errand.run for errand in engine.errands if isinstance(errand, Rate)] == ["run-1"] * 3


async def test_a_history_of_any_length_is_fetched_as_it_comes_into_view(sit_down):
    engine = Shelves(questions=5_000)
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("end")
        await desk.until(lambda: desk.app.screen.query_one("#questions").row)
        assert len([errand for errand in engine.errands if isinstance(errand, FindQuestions)]) < 5


async def test_an_empty_history_and_one_that_is_not_kept_say_so(sit_down):
    async with sit_down(Shelves(questions=0), size=MEDIUM) as desk:
        await desk.press("f6")
        await desk.sees("Nothing has been asked yet.")
        await desk.press("enter", "r", "plus", "escape")
        assert desk.app.screen is desk.ask_screen
    nothing = LibraryBusy("Nothing is kept of your questions.", hint="The setting history.keep says so.")
    async with sit_down(Shelves(found={FindQuestions: nothing}), size=MEDIUM) as desk:
        await desk.press("f6")
        await desk.sees("Nothing is kept of your questions. The setting history.keep says so.")
