"""Permission: the person is asked before the web is searched, with a default and a countdown."""

from __future__ import annotations

from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import Asked, Decided, Token
from tui.screens.confirm import ConfirmScreen

ASKED = Asked(
    id="web", prompt="Search the web for “why”?", choices=("yes", "no"), default="no", timeout_seconds=30
)


async def test_the_person_is_asked_and_the_choice_reaches_the_engine(sit_down):
    engine = ScriptedEngine([ASKED, Token(text="From the web."), Gate()])
    async with sit_down(engine) as desk:
        await desk.ask()
        await desk.sees("Search the web for “why”?", "yes", "“no” is taken in 30 s, or with Esc.")
        await desk.press("left", "enter")
        await desk.sees("From the web.")
        assert engine.decisions == [("web", "yes")]


async def test_the_default_has_the_keyboard(sit_down):
    engine = ScriptedEngine([ASKED, Gate()])
    async with sit_down(engine) as desk:
        await desk.ask()
        await desk.sees("Search the web")
        await desk.press("enter")
        await desk.until(lambda: engine.decisions)
        assert engine.decisions == [("web", "no")]


async def test_esc_takes_the_default_and_stops_nothing(sit_down):
    engine = ScriptedEngine([ASKED, Token(text="Without the web."), Gate()])
    async with sit_down(engine) as desk:
        await desk.ask()
        await desk.sees("Search the web")
        await desk.press("escape")
        await desk.sees("Without the web.")
        assert engine.decisions == [("web", "no")]
        assert not engine.cancelled


async def test_the_countdown_counts_and_leaves_the_decision_to_the_engine(sit_down):
    engine = ScriptedEngine([ASKED])
    async with sit_down(engine) as desk:
        await desk.ask()
        await desk.sees("in 30 s")
        desk.clock.now += 18
        await desk.sees("in 12 s")
        desk.clock.now += 12
        await desk.until(lambda: desk.app.screen is desk.ask_screen)
        assert not engine.decisions


async def test_a_decision_made_elsewhere_takes_the_question_away(sit_down):
    class Impatient(ScriptedEngine):
        """Decides by itself as soon as the app shows the question."""

        async def ask(self, text, **how):
            yield ASKED
            await gate.wait()
            yield Decided(id="web", choice="no", by="timeout")
            yield Token(text="It went on.")
            await Gate().wait()

    gate = Gate()
    async with sit_down(Impatient()) as desk:
        await desk.ask()
        await desk.until(lambda: isinstance(desk.app.screen, ConfirmScreen))
        gate.open()
        await desk.sees("It went on.")
