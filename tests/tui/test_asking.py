"""Asking: the question goes up, the answer comes down, and Esc stops it."""

from __future__ import annotations

import asyncio

import pytest

from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import (
    Done,
    Draft,
    Drafted,
    Failed,
    FellBack,
    Noted,
    Outcome,
    Retrying,
    StepStarted,
    Token,
)
from assistant.failures import EngineDied
from tui.example import QUESTION, example_answer, example_engine
from tui.widgets.answer import AnswerText
from tui.widgets.question_box import QuestionBox
from tui.widgets.steps import Steps
from tui.widgets.transcript import Transcript, Welcome


async def test_a_question_is_answered_with_its_citations_fallbacks_and_notes(sit_down):
    async with sit_down(example_engine(), size=(160, 60)) as desk:
        await desk.ask(QUESTION)
        await desk.answered()
        await desk.sees(QUESTION, "Back off with full jitter", "[1]", "Evidence · 4 papers")
        await desk.sees("recommend this today. (unsupported)")
        await desk.sees("Fallback in summarise: “verbatim” in place of “by small model”")
        await desk.sees("Note: 1 sentence is not supported", "5 model calls")


async def test_the_steps_fold_to_one_line_when_the_answer_is_there(sit_down):
    async with sit_down(example_engine(), size=(160, 60)) as desk:
        await desk.ask()
        await desk.answered()
        await desk.sees("classified as method · 16 hits · 4 papers · 1 fallback · 5.6 s")
        assert "keyword" not in desk.text


async def test_f4_shows_the_steps_again(sit_down):
    async with sit_down(example_engine(), size=(160, 60)) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("f4")
        await desk.sees("keyword", "7 hits", "verbatim instead: It took longer than 1.8 seconds.")


async def test_text_stands_in_the_answer_while_it_is_written(sit_down):
    gate = Gate()
    engine = ScriptedEngine([Token(text="Half a "), Token(text="sentence"), gate, Token(text=" more.")])
    async with sit_down(engine) as desk:
        await desk.ask()
        await desk.sees("Half a sentence")
        assert "more" not in desk.text


async def test_a_code_block_that_ends_the_answer_is_still_there_when_it_is_done(sit_down):
    text = "Run this:\n\n```python\nretry(times=3)\n```\n"
    answer = example_answer().model_copy(update={"text": text, "claims": (), "citations": ()})
    tokens = [Token(text=text[start : start + 3]) for start in range(0, len(text), 3)]
    async with sit_down(ScriptedEngine([*tokens, Done(answer=answer)])) as desk:
        await desk.ask()
        await desk.answered()
        await desk.sees("retry(times=3)")


@pytest.mark.parametrize(
    "void",
    [
        FellBack(step="reason", from_rung="big", to_rung="small", outcome=Outcome.TIMED_OUT, why="Too slow."),
        Retrying(
            step="reason", rung="big", attempt=1, wait_seconds=0.1, outcome=Outcome.UNREACHABLE, why="Cut."
        ),
    ],
    ids=["by another rung", "by another attempt"],
)
async def test_what_a_failed_author_wrote_is_taken_back(sit_down, void):
    gate = Gate()
    engine = ScriptedEngine([Token(text="A wrong start"), gate, void, Token(text="A better one"), Gate()])
    async with sit_down(engine) as desk:
        await desk.ask()
        await desk.sees("A wrong start")
        gate.open()
        await desk.sees("A better one")
        assert "A wrong start" not in desk.text


async def test_a_fallback_of_the_checker_does_not_take_the_draft_back(sit_down):
    fallback = FellBack(
        step="verify", from_rung="model", to_rung="words", outcome=Outcome.TIMED_OUT, why="It took too long."
    )
    draft = Drafted(draft=Draft(text="The whole draft.", author="small"))
    async with sit_down(ScriptedEngine([draft, fallback, Gate()])) as desk:
        await desk.ask()
        await desk.sees("The whole draft.")


async def test_esc_stops_the_question_and_keeps_what_was_written(sit_down):
    engine = ScriptedEngine([Token(text="As far as it went"), Gate()])
    async with sit_down(engine) as desk:
        await desk.ask()
        await desk.sees("As far as it went")
        await desk.press("escape")
        await desk.sees("cancelled", "As far as it went", "Cancelled. What was written before is kept")
        assert engine.cancelled == 1
        assert desk.app.is_running


async def test_the_next_question_works_after_a_cancelled_one(sit_down):
    gate = Gate()
    engine = ScriptedEngine([Token(text="Text"), gate, Done(answer=example_answer())])
    async with sit_down(engine) as desk:
        await desk.ask("First?")
        await asyncio.wait_for(gate.reached.wait(), 5)
        await desk.press("escape")
        await desk.until(lambda: engine.cancelled)
        gate.open()
        await desk.ask("Second?")
        await desk.answered()
        assert [text for text, _ in engine.questions] == ["First?", "Second?"]


async def test_several_questions_make_a_transcript(sit_down):
    async with sit_down(example_engine(), size=(120, 40)) as desk:
        for number in (1, 2):
            await desk.ask(f"Question {number}?")
            await desk.until(lambda number=number: len(desk.turns) == number and desk.turns[-1].answer)
        assert [turn.question for turn in desk.turns] == ["Question 1?", "Question 2?"]


async def test_the_transcript_follows_the_text_until_the_person_scrolls_up(sit_down):
    gate, more = Gate(), "\n\n".join(f"Paragraph {number}." for number in range(60))
    engine = ScriptedEngine([Token(text=more), gate, Token(text="\n\nThe very end."), Gate()])
    async with sit_down(engine) as desk:
        await desk.ask()
        await desk.sees("Paragraph 59")
        await desk.press("pageup", "pageup")
        await desk.until(lambda: "Paragraph 59" not in desk.text)
        gate.open()
        await desk.until(lambda: "very end" in desk.turns[0].query_one(AnswerText).source)
        assert "The very end." not in desk.text
        transcript = desk.app.screen.query_one(Transcript)
        transcript.scroll_end(animate=False)
        await desk.sees("The very end.")


async def test_an_answer_that_comes_at_once_is_shown_from_its_question_on(sit_down):
    text = "\n\n".join(f"Paragraph {number}." for number in range(60))
    answer = example_answer().model_copy(update={"text": text, "claims": (), "citations": ()})
    async with sit_down(ScriptedEngine([Done(answer=answer)])) as desk:
        for question in ("Where does it begin?", "And where now?"):
            await desk.ask(question)
            await desk.sees(f"❯ {question}", "Paragraph 0.")


async def test_an_answer_that_was_read_along_stays_where_it_is(sit_down):
    text = "\n\n".join(f"Paragraph {number}." for number in range(60))
    answer = example_answer().model_copy(update={"text": text, "claims": (), "citations": ()})
    async with sit_down(ScriptedEngine([Token(text=text), Done(answer=answer)])) as desk:
        await desk.ask("Where does it begin?")
        await desk.answered()
        await desk.sees("Paragraph 59.")
        assert "Where does it begin?" not in desk.text


async def test_f4_goes_to_the_steps_of_a_long_answer(sit_down):
    async with sit_down(example_engine(), size=(80, 24)) as desk:
        await desk.ask()
        await desk.answered()
        await desk.press("f4")
        await desk.sees("✓ classified as method", "✓ classify")


async def test_the_answers_scroll_from_wherever_the_keyboard_is(sit_down):
    async with sit_down(example_engine(), size=(80, 24)) as desk:
        await desk.ask(QUESTION)
        await desk.answered()
        await desk.until(lambda: "❯ How should" not in desk.text)
        await desk.press("escape", "pageup", "pageup")
        await desk.sees("❯ How should")


async def test_a_short_transcript_begins_at_the_top(sit_down):
    async with sit_down(ScriptedEngine([Token(text="Short."), Gate()]), size=(80, 40)) as desk:
        await desk.ask("Where?")
        await desk.sees("Short.")
        assert "Where?" in "\n".join(desk.text.splitlines()[:3])


async def test_a_failure_is_a_message_and_a_hint_in_the_transcript(sit_down):
    failed = Failed(kind="LibraryDamaged", message="The catalogue is broken.", hint="Run carrel repair.")
    async with sit_down(ScriptedEngine([failed])) as desk:
        await desk.ask()
        await desk.sees("failed", "Error: The catalogue is broken.", "Run carrel repair.")


async def test_a_dead_engine_is_told_and_the_next_question_is_asked_again(sit_down):
    plays = iter([[Token(text="Almost"), EngineDied("The engine stopped.")], [Done(answer=example_answer())]])
    async with sit_down(ScriptedEngine(lambda _: next(plays))) as desk:
        await desk.ask("First?")
        await desk.sees("Error: The engine stopped.", "the engine starts anew")
        await desk.ask("Second?")
        await desk.answered()


async def test_an_error_that_nobody_expected_does_not_end_the_app(sit_down):
    async with sit_down(ScriptedEngine([ZeroDivisionError("[/] oops")])) as desk:
        await desk.ask()
        await desk.sees("Error: Something inside Carrel failed (ZeroDivisionError: [/] oops)")
        assert desk.app.is_running


async def test_an_engine_that_falls_silent_is_a_failure(sit_down):
    async with sit_down(ScriptedEngine([Noted(note="So far so good.")])) as desk:
        await desk.ask()
        await desk.sees("Error: The engine ended without an answer.")


async def test_clicking_and_resizing_while_the_answer_streams_does_no_harm(sit_down):
    tokens = [Token(text=f"Word {number} [1]. ") for number in range(300)]
    gates = [Gate() for _ in range(3)]
    script = [*tokens[:100], gates[0], *tokens[100:200], gates[1], *tokens[200:], gates[2]]
    async with sit_down(ScriptedEngine([*script, Done(answer=example_answer())])) as desk:
        await desk.ask()
        for gate, size in zip(gates, ((60, 20), (200, 50), (80, 24)), strict=True):
            await desk.until(gate.reached.is_set)
            await desk.pilot.click(Transcript, offset=(8, 6))
            await desk.pilot.resize_terminal(*size)
            gate.open()
        await desk.answered()


async def test_the_clock_ticks_beside_the_step_that_runs(sit_down):
    started = StepStarted(span_id=1, step="search", rung="dense", started=0.0)
    async with sit_down(ScriptedEngine([started, Gate()])) as desk:
        await desk.ask()
        await desk.sees("search · 0.0 s")
        desk.clock.now += 7
        await desk.sees("search · 7.0 s")


async def test_a_click_on_the_steps_shows_and_hides_them(sit_down):
    async with sit_down(example_engine(), size=(120, 60)) as desk:
        await desk.ask()
        await desk.answered()
        await desk.pilot.click(Steps)
        await desk.sees("keyword")
        await desk.pilot.click(Steps)
        await desk.until(lambda: "keyword" not in desk.text)


async def test_ctrl_j_breaks_the_line_and_enter_sends(sit_down):
    engine = ScriptedEngine([Gate()])
    async with sit_down(engine) as desk:
        await desk.press("o", "n", "e", "ctrl+j", "t", "w", "o", "enter")
        await desk.until(lambda: engine.questions)
        assert engine.questions[0][0] == "one\ntwo"


async def test_an_empty_box_sends_nothing(sit_down):
    engine = ScriptedEngine()
    async with sit_down(engine) as desk:
        await desk.press("space", "enter", "enter")
        assert not engine.questions


async def test_up_brings_back_what_was_asked(sit_down):
    async with sit_down(example_engine()) as desk:
        await desk.ask("The first one?")
        await desk.answered()
        await desk.press("up")
        assert desk.app.screen.query_one(QuestionBox).text == "The first one?"
        await desk.press("down")
        assert desk.app.screen.query_one(QuestionBox).text == ""


async def test_a_very_long_paste_stays_a_question(sit_down):
    from textual.events import Paste

    engine = ScriptedEngine([Gate()])
    async with sit_down(engine) as desk:
        desk.app.screen.query_one(QuestionBox).post_message(Paste("why \x1b]52;c;AAAA\x07 " * 2_000))
        await desk.until(lambda: desk.app.screen.query_one(QuestionBox).text)
        await desk.press("enter")
        await desk.until(lambda: engine.questions)
        assert "\x1b" not in engine.questions[0][0]


async def test_the_welcome_goes_when_the_first_question_comes(sit_down):
    async with sit_down(example_engine()) as desk:
        assert desk.shows(Welcome)
        await desk.ask()
        await desk.answered()
        assert not desk.shows(Welcome)


async def test_copying_says_that_it_was_sent_and_not_that_it_arrived(sit_down):
    async with sit_down(example_engine()) as desk:
        await desk.ask()
        await desk.answered()
        await desk.ask("/copy")
        await desk.sees("The answer was sent to")
        assert "[1] Retries, back-off and jitter, p. 1" in desk.app.clipboard


async def test_enter_does_not_overtake_the_letters_before_it(sit_down):
    engine = ScriptedEngine([Gate()])
    async with sit_down(engine) as desk:
        for key in [*"Whyisthat", "enter"]:
            desk.app.simulate_key(key)
        await desk.until(lambda: engine.questions)
        assert engine.questions[0][0] == "Whyisthat"


async def test_letters_are_only_letters_before_there_is_an_answer(sit_down):
    async with sit_down(ScriptedEngine()) as desk:
        await desk.press("escape", *"decoy")
        assert desk.app.screen.query_one(QuestionBox).text == "decoy"
