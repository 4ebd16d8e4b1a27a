"""Finding words in the transcript: literally, with their number, to the next and back."""

from __future__ import annotations

from assistant.engine.scripted import ScriptedEngine
from assistant.events import Done
from tui.example import QUESTION, example_answer
from tui.widgets.answer import AnswerPart
from tui.widgets.find_bar import FindBar
from tui.widgets.turn import Turn


async def _answers(desk, *questions):
    for question in questions:
        await desk.ask(question)
        await desk.until(lambda question=question: desk.turns and desk.turns[-1].question == question)
        await desk.answered()


def engine(*texts: str) -> ScriptedEngine:
    plays = iter(texts)

    def script(_):
        return [
            Done(
                answer=example_answer().model_copy(
                    update={"text": next(plays), "claims": (), "citations": ()}
                )
            )
        ]

    return ScriptedEngine(script)


def count(desk) -> str:
    return str(desk.app.screen.query_one("#find-count").content)


async def test_words_are_found_as_they_stand_and_counted(sit_down):
    async with sit_down(engine("A *star* and a.star. Stars shine.", "No st.r here."), size=(100, 60)) as desk:
        await _answers(desk, "One star?", "Two?")
        await desk.press("escape", "slash", *"star")
        await desk.until(lambda: count(desk).startswith("4 of 4"))
        await desk.press("backspace", "backspace", "full_stop", "r")
        await desk.until(lambda: count(desk).startswith("1 of 1"))
        await desk.press("x")
        await desk.until(lambda: count(desk) == "nothing found")


async def test_n_and_capital_n_go_on_and_back_around(sit_down):
    long = "\n\n".join(f"Paragraph {number} of comets." for number in range(40))
    async with sit_down(engine(long), size=(100, 30)) as desk:
        await _answers(desk, "Comets?")
        await desk.press("escape", "slash", *"comets", "enter")
        await desk.until(lambda: count(desk).startswith("41 of 41"))
        await desk.sees("Paragraph 39 of comets")
        await desk.press("n")
        await desk.until(lambda: count(desk).startswith("1 of 41"))
        await desk.sees("❯ Comets?")
        await desk.press("N")
        await desk.until(lambda: count(desk).startswith("41 of 41"))


async def test_esc_closes_and_leaves_the_answers_as_they_were(sit_down):
    async with sit_down(engine("Comets have tails [1]."), size=(100, 40)) as desk:
        await _answers(desk, QUESTION)
        before = [str(part.content) for part in desk.ask_screen.query(AnswerPart)]
        spans = desk.ask_screen.query_one(AnswerPart).content.spans
        await desk.press("escape", "slash", *"tails")
        await desk.until(lambda: count(desk).startswith("1 of 1"))
        await desk.press("escape")
        await desk.until(lambda: not desk.app.screen.query(FindBar))
        assert [str(part.content) for part in desk.ask_screen.query(AnswerPart)] == before
        assert desk.ask_screen.query_one(AnswerPart).content.spans == spans


async def test_find_can_be_typed_with_its_words(sit_down):
    async with sit_down(engine("Comets have tails."), size=(100, 40)) as desk:
        await _answers(desk, QUESTION)
        await desk.ask("/find tails")
        await desk.until(lambda: desk.app.screen.query(FindBar) and count(desk).startswith("1 of 1"))


async def test_an_answer_that_comes_while_something_is_found_is_shown(sit_down):
    async with sit_down(engine("Comets.", "Comets again."), size=(100, 60)) as desk:
        await _answers(desk, "One?")
        await desk.ask("/find comets")
        await desk.until(lambda: count(desk).startswith("1 of 1"))
        desk.ask_screen.ask("Two?")
        await desk.until(lambda: len(desk.turns) == 2 and desk.turns[1].answer)
        await desk.sees("Comets again.")
        assert isinstance(desk.turns[1], Turn)
