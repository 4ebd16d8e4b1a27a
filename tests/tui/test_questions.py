"""Several questions at once: side by side, in a queue with a visible place, each stopped where it is in view."""

from __future__ import annotations

from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import Asked, Classified, Done, Query, Token
from tui.example import QUESTION, example_answer
from tui.questions import AT_ONCE

WEB = {"prompt": "Search?", "choices": ("yes", "no"), "default": "no", "timeout_seconds": 60}


async def _ask_all(desk, *questions: str) -> None:
    for number, question in enumerate(questions, start=len(desk.turns) + 1):
        await desk.ask(question)
        await desk.until(lambda number=number: len(desk.turns) == number)


async def test_questions_run_side_by_side(sit_down):
    gates = {"One?": Gate(), "Two?": Gate()}
    engine = ScriptedEngine(lambda text: [gates[text], Done(answer=example_answer())])
    async with sit_down(engine) as desk:
        await _ask_all(desk, "One?", "Two?")
        await desk.until(lambda: all(gate.reached.is_set() for gate in gates.values()))
        gates["Two?"].open()
        await desk.until(lambda: desk.turns[1].answer)
        assert desk.turns[0].answer is None
        gates["One?"].open()
        await desk.until(lambda: desk.turns[0].answer)


async def test_more_than_a_few_wait_and_say_for_how_many(sit_down):
    gates = [Gate() for _ in range(AT_ONCE + 2)]
    engine = ScriptedEngine(lambda text: [gates[int(text)], Done(answer=example_answer())])
    async with sit_down(engine, size=(100, 60)) as desk:
        await _ask_all(desk, *[str(number) for number in range(AT_ONCE + 2)])
        await desk.sees(f"Waits for {AT_ONCE} questions before it", f"Waits for {AT_ONCE + 1} questions")
        assert len(engine.questions) == AT_ONCE
        gates[1].open()
        await desk.until(lambda: len(engine.questions) == AT_ONCE + 1)
        await desk.until(lambda: f"Waits for {AT_ONCE + 1}" not in desk.text)


async def test_esc_stops_the_one_in_view_and_takes_a_waiting_one_out(sit_down):
    engine = ScriptedEngine([Token(text="Text"), Gate()])
    async with sit_down(engine, size=(100, 60)) as desk:
        await _ask_all(desk, *[str(number) for number in range(AT_ONCE + 1)])
        await desk.sees("Waits for")
        await desk.press("escape")
        await desk.until(lambda: desk.turns[-1].over)
        assert engine.cancelled == 0
        assert len(engine.questions) == AT_ONCE
        await desk.press("escape")  # what is in view is over: to the answers, where keys work
        await desk.press("left_square_bracket")
        await desk.press("escape")
        await desk.until(lambda: engine.cancelled == 1)
        assert [turn.over for turn in desk.turns] == [False] * (AT_ONCE - 1) + [True, True]


async def test_what_is_asked_on_the_way_is_asked_one_after_another(sit_down):
    def script(text):
        return [Asked(id=f"web-{text}", **WEB), Done(answer=example_answer())]

    engine = ScriptedEngine(script)
    async with sit_down(engine, size=(100, 40)) as desk:
        await desk.ask("1")
        await desk.until(lambda: len(desk.app.screen_stack) == 2)
        desk.ask_screen.ask("2")
        await desk.until(lambda: len(engine.questions) == 2)
        assert len(desk.app.screen_stack) == 2
        await desk.press("enter")
        await desk.until(lambda: engine.decisions == [("web-1", "no")] and len(desk.app.screen_stack) == 2)
        await desk.press("enter")
        await desk.until(lambda: len(engine.decisions) == 2 and len(desk.app.screen_stack) == 1)
        assert engine.decisions[1] == ("web-2", "no")


async def test_a_follow_up_goes_on_from_the_answer_in_view_and_shows_what_was_asked(sit_down):
    whole = Classified(query=Query(text=f"{QUESTION} And in mice?", said="and in mice?"))

    def script(text):
        return [*([whole] if text == "and in mice?" else []), Done(answer=example_answer())]

    engine = ScriptedEngine(script)
    async with sit_down(engine, size=(120, 60)) as desk:
        await desk.ask(QUESTION)
        first = (await desk.answered()).answer
        await desk.ask("and in mice?")
        await desk.sees("❯ and in mice?", "asked as: How should a client retry a failing model")
        assert engine.followed == [(first, "")]
        await desk.until(lambda: len(desk.turns) == 2 and desk.turns[1].answer)
        await desk.ask("What is reciprocal rank fusion good for?")
        await desk.until(lambda: len(engine.questions) == 3)
        assert len(engine.followed) == 1


async def test_brackets_go_from_answer_to_answer(sit_down):
    engine = ScriptedEngine([Done(answer=example_answer())])
    async with sit_down(engine, size=(160, 40)) as desk:
        for question in ("First question?", "Second question?"):
            await desk.ask(question)
            await desk.until(lambda question=question: desk.turns and desk.turns[-1].question == question)
            await desk.answered()
        await desk.press("escape", "left_square_bracket")
        await desk.sees("❯ First question?", "of an earlier answer")
        await desk.press("left_square_bracket")
        await desk.sees("This is the first answer.")
        await desk.press("right_square_bracket")
        await desk.until(lambda: desk.ask_screen.desk.turn is desk.turns[-1])
