"""The settings' screen: found, explained, checked as they are typed, written, taken back; models tried out."""

from __future__ import annotations

from assistant.engine.errands import ChangeSetting, CheckSetting
from assistant.engine.protocol import Status
from assistant.engine.scripted import Gate, ScriptedEngine
from tests.tui.setting_rows import FILE, Configurable
from tui.screens.library import LibraryScreen
from tui.screens.settings import SettingsScreen
from tui.screens.value import ValueScreen

MEDIUM = (110, 30)


async def _open(desk):
    await desk.press("f8")
    await desk.until(lambda: isinstance(desk.app.screen, SettingsScreen))
    await desk.sees("models.small.name")


async def test_f8_lists_the_settings_with_their_origins_and_explains_one(sit_down):
    async with sit_down(Configurable(), size=MEDIUM) as desk:
        await _open(desk)
        await desk.sees("ollama:qwen3:4b", "user settings", "environment CARREL_L", f"written to {FILE}")
        await desk.press("down", "down")
        await desk.sees("Whether the web is searched", "One of: ask, auto, never.")


async def test_a_setting_is_found_by_its_name_or_its_meaning(sit_down):
    async with sit_down(Configurable(), size=MEDIUM) as desk:
        await desk.ask("/settings colours")
        await desk.sees("app.theme")
        assert "limits.papers" not in desk.text


async def test_a_value_is_checked_while_it_is_typed_and_written_with_enter(sit_down):
    engine = Configurable()
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("down", "down", "down", "enter")
        await desk.until(lambda: isinstance(desk.app.screen, ValueScreen))
        await desk.press("x")
        await desk.sees("✗ limits.papers is wrong: it is no number.")
        await desk.press("enter")
        await desk.until(lambda: any(isinstance(errand, ChangeSetting) for errand in engine.errands))
        assert isinstance(desk.app.screen, ValueScreen), "what is wrong is not written"
        await desk.press("backspace", "2")
        await desk.sees("✓ It can be that.")
        await desk.press("enter")
        await desk.sees(f"Written to {FILE}. It holds from now on.")
        assert engine.rows["limits.papers"].value == "2"
        assert engine.closed, "the engine is started anew, for it reads the settings then"
        assert any(isinstance(errand, CheckSetting) for errand in engine.errands)


async def test_a_choice_is_chosen_and_esc_keeps_what_was(sit_down):
    engine = Configurable()
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("down", "down", "enter")
        await desk.until(lambda: isinstance(desk.app.screen, ValueScreen))
        await desk.press("escape")
        assert engine.rows["web"].value == "ask"
        await desk.press("enter")
        await desk.until(lambda: isinstance(desk.app.screen, ValueScreen))
        await desk.press("down", "down", "enter")
        await desk.until(lambda: engine.rows["web"].value == "never")
        await desk.sees("Written to")


async def test_an_own_setting_is_taken_back(sit_down):
    engine = Configurable()
    async with sit_down(engine, size=MEDIUM) as desk:
        await _open(desk)
        await desk.sees("x Default")
        await desk.press("x")
        await desk.until(lambda: engine.rows["models.small.name"].origin == "default")
        await desk.until(lambda: "x Default" not in desk.text)


async def test_a_roles_model_is_tried_out(sit_down):
    async with sit_down(Configurable(), size=MEDIUM) as desk:
        await _open(desk)
        await desk.press("t")
        await desk.sees("ollama:qwen3:4b answered “ready” in 0.8 s.")
        await desk.press("down", "t")
        await desk.sees("The role 'reasoning' has no model. Set models.reasoning.name first.")
        await desk.press("down")
        await desk.until(lambda: "Try model" not in desk.text)


async def test_a_running_question_is_not_ended_by_a_setting(sit_down):
    engine = Configurable(events=[Gate()])
    async with sit_down(engine, size=MEDIUM) as desk:
        await desk.ask()
        await desk.until(lambda: engine.questions)
        await _open(desk)
        await desk.press("x")
        await desk.sees("It holds from the next start: something is running.")
        assert not engine.closed


async def test_the_settings_give_the_app_its_keys_its_colours_and_its_viewer(sit_down):
    status = Status(
        collections=(),
        models={},
        encoder="",
        web="ask",
        home="/library",
        theme="carrel-light",
        pdf_viewer="zathura -P {page} {file}",
        keys={"library": "f9", "copy": "Y", "nonsense": "f10"},
    )
    async with sit_down(ScriptedEngine(status=status), size=MEDIUM) as desk:
        await desk.sees("F9 Library", "app.keys names no command")
        assert desk.app.theme == "carrel-light"
        assert desk.app.pdf_viewer == "zathura -P {page} {file}"
        await desk.press("f5")
        assert desk.app.screen is desk.ask_screen
        await desk.press("f9")
        await desk.until(lambda: isinstance(desk.app.screen, LibraryScreen))
