"""An answer's question asked again: by key, by slash, with the model picked from a list."""

from __future__ import annotations

from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import Done, Token
from tui.example import QUESTION, example_answer, example_engine


def two_models() -> ScriptedEngine:
    return example_engine()


async def test_two_signs_ask_again_with_the_answer_in_view(sit_down):
    engine = two_models()
    async with sit_down(engine, size=(120, 40)) as desk:
        await desk.ask(QUESTION)
        first = (await desk.answered()).answer
        await desk.press("escape", "greater_than_sign")
        await desk.until(lambda: len(desk.turns) == 2 and desk.turns[-1].answer)
        await desk.press("at")
        await desk.until(lambda: len(desk.turns) == 3 and desk.turns[-1].answer)
        assert [how for _, how in engine.followed] == ["deeper", "web"]
        assert engine.followed[0][0] == first
        assert [text for text, _ in engine.questions] == [QUESTION] * 3
        assert [turn.again for turn in desk.turns] == ["", "deeper", "web"]


async def test_the_turn_says_how_it_was_asked_again(sit_down):
    plays = iter([[Done(answer=example_answer())], [Token(text="Deeper text"), Gate()]])
    async with sit_down(ScriptedEngine(lambda _: next(plays)), size=(120, 40)) as desk:
        await desk.ask(QUESTION)
        await desk.answered()
        await desk.type("/deeper")
        await desk.press("enter")
        await desk.sees("(again: deeper)", "Deeper text")


async def test_m_lists_the_models_and_asks_the_one_that_is_picked(sit_down):
    engine = two_models()
    async with sit_down(engine, size=(120, 40)) as desk:
        await desk.ask(QUESTION)
        await desk.answered()
        await desk.press("escape", "m")
        await desk.sees("Which model?", "ollama:qwen3:4b", "ollama:qwen3:32b")
        await desk.press("down", "enter")
        await desk.until(lambda: engine.followed)
        assert engine.followed[0][1] == "ollama:qwen3:32b"


async def test_a_model_can_be_named_by_a_part_of_its_name(sit_down):
    engine = two_models()
    async with sit_down(engine, size=(120, 40)) as desk:
        await desk.ask(QUESTION)
        await desk.answered()
        await desk.ask("/model 32b")
        await desk.until(lambda: engine.followed)
        assert engine.followed[0][1] == "ollama:qwen3:32b"


async def test_without_an_answer_or_a_model_it_says_so(sit_down):
    async with sit_down(ScriptedEngine([Done(answer=example_answer())]), size=(120, 40)) as desk:
        await desk.ask("/deeper")
        await desk.sees("There is no answer yet.")
        await desk.ask(QUESTION)
        await desk.answered()
        await desk.ask("/model")
        await desk.sees("No model is configured.")
