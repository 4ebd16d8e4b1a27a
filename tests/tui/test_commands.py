"""Commands: one list feeds the keys, the palette, the slash commands and the help."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from assistant.engine.scripted import Gate, ScriptedEngine
from tui.app import CarrelApp
from tui.commands import COMMANDS, bindings, find_command, parse_slash
from tui.example import example_engine
from tui.screens.add import AddScreen
from tui.screens.ask import AskScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.help import HelpScreen
from tui.screens.passage import PassageScreen
from tui.widgets.question_box import QuestionBox

OURS = (CarrelApp, AskScreen, AddScreen, ConfirmScreen, HelpScreen, PassageScreen, QuestionBox)
TAKEN_BY_TERMINALS = {"ctrl+b", "ctrl+a", "ctrl+s", "ctrl+q", "ctrl+z"}


def _own_bindings() -> list[Binding]:
    return [binding for owner in OURS for binding in owner.__dict__.get("BINDINGS", [])]


def test_every_command_is_in_the_palette(sit_down):
    app = CarrelApp(ScriptedEngine)
    offered = {command.title for command in app.get_system_commands(app.get_default_screen())}
    assert offered == {command.label for command in COMMANDS}


def test_every_command_leads_to_an_action():
    for command in COMMANDS:
        owner = CarrelApp if command.action.startswith("app.") else AskScreen
        assert hasattr(owner, f"action_{command.action.removeprefix('app.')}"), command


def test_every_key_of_the_list_is_bound_under_the_commands_name():
    bound = {binding.id: (binding.key, binding.action) for binding in bindings()}
    assert bound == {command.name: (command.key, command.action) for command in COMMANDS if command.key}


def test_every_binding_can_be_remapped():
    identities = [binding.id for binding in _own_bindings()]
    assert all(identities)
    assert len(set(identities)) == len(identities)


def test_no_key_is_one_that_terminals_and_multiplexers_take():
    keys = {key.strip() for binding in _own_bindings() for key in binding.key.split(",")}
    assert not keys & TAKEN_BY_TERMINALS
    assert not any(key.startswith("alt+") for key in keys)


async def test_every_command_is_in_the_help(sit_down):
    async with sit_down(ScriptedEngine(), size=(100, 40)) as desk:
        await desk.press("f1")
        await desk.sees(*(command.usage for command in COMMANDS), *(command.summary for command in COMMANDS))
        await desk.press("escape")
        assert desk.app.screen is desk.ask_screen


async def test_the_help_fits_a_small_screen_by_scrolling(sit_down):
    async with sit_down(ScriptedEngine(), size=(60, 20)) as desk:
        await desk.ask("/help")
        await desk.sees("/evidence")
        await desk.press("end")
        await desk.sees("Ctrl+C twice")


async def test_a_remapped_key_works(sit_down):
    async with sit_down(ScriptedEngine()) as desk:
        desk.app.set_keymap({"add": "f9"})
        await desk.press("f9")
        await desk.until(lambda: isinstance(desk.app.screen, AddScreen))


async def test_an_unknown_command_is_named(sit_down):
    engine = ScriptedEngine([Gate()])
    async with sit_down(engine, size=(160, 24)) as desk:
        await desk.ask("/frobnicate now")
        await desk.sees("There is no command /frobnicate; /help lists them.")
        assert not engine.questions


async def test_a_path_in_a_question_is_not_a_command(sit_down):
    engine = ScriptedEngine([Gate()])
    async with sit_down(engine) as desk:
        await desk.ask("/usr/lib: what is it for?")
        await desk.until(lambda: engine.questions)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 48)])
async def test_the_footer_stays_small_and_whole(sit_down, size):
    async with sit_down(ScriptedEngine([Gate()]), size=size) as desk:
        await desk.ask()
        await desk.sees("Esc Cancel")
        shown = [key for key in desk.app.screen.query_one(Footer).query(FooterKey) if key.display]
        assert len(shown) <= 6
        assert all(key.region.right <= size[0] for key in shown)


async def test_the_palette_runs_a_command(sit_down):
    async with sit_down(example_engine()) as desk:
        await desk.press("ctrl+p")
        await desk.until(lambda: desk.app.screen is not desk.ask_screen)
        await desk.press(*"Add papers", "enter")
        await desk.until(lambda: isinstance(desk.app.screen, AddScreen))


async def test_ctrl_c_twice_quits_and_once_only_says_so(sit_down):
    engine = ScriptedEngine()
    async with sit_down(engine) as desk:
        await desk.press("ctrl+c")
        await desk.sees("Press Ctrl+C again to quit.")
        assert desk.app.is_running
        await desk.press("ctrl+c")
        await desk.until(lambda: not desk.app.is_running)
    assert engine.closed


async def test_two_ctrl_c_far_apart_do_not_quit(sit_down):
    async with sit_down(ScriptedEngine()) as desk:
        await desk.press("ctrl+c")
        desk.clock.now += 5
        await desk.press("ctrl+c")
        assert desk.app.is_running


async def test_ctrl_c_copies_what_is_selected_in_the_question(sit_down):
    async with sit_down(ScriptedEngine()) as desk:
        await desk.type("some words")
        desk.app.screen.query_one(QuestionBox).select_all()
        await desk.press("ctrl+c", "ctrl+c")
        assert desk.app.clipboard == "some words"
        assert desk.app.is_running


async def test_ctrl_c_twice_quits_from_a_dialog(sit_down):
    async with sit_down(ScriptedEngine()) as desk:
        await desk.press("f3")
        await desk.until(lambda: isinstance(desk.app.screen, AddScreen))
        await desk.press("ctrl+c", "ctrl+c")
        await desk.until(lambda: not desk.app.is_running)


async def test_slash_quit_quits_while_a_question_runs(sit_down):
    engine = ScriptedEngine([Gate()])
    async with sit_down(engine) as desk:
        await desk.ask()
        await desk.until(lambda: engine.questions)
        await desk.ask("/quit")
        await desk.until(lambda: not desk.app.is_running)
    assert engine.closed


async def test_esc_never_quits(sit_down):
    async with sit_down(ScriptedEngine()) as desk:
        await desk.press(*["escape"] * 6)
        assert desk.app.is_running


def test_a_slash_command_is_told_from_a_question():
    assert parse_slash("/add ~/my papers") == ("add", "~/my papers")
    assert parse_slash("  /help  ") == ("help", "")
    assert parse_slash("Why /add?") is None
    assert parse_slash("/usr/bin") is None
    assert find_command("nothing") is None


def test_no_notification_goes_around_the_toast():
    sources = {path: path.read_text() for path in Path(__file__).parents[2].joinpath("tui").rglob("*.py")}
    assert [path.name for path, text in sources.items() if re.search(r"\.notify\(", text)] == ["app.py"]
