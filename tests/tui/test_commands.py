"""Commands: one list feeds the keys, the palette, the slash commands and the help."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from assistant.engine.scripted import Gate, ScriptedEngine
from indexes.query import parse_query
from tui.app import CarrelApp
from tui.commands import COMMANDS, PLACES, Command, find_command, parse_slash
from tui.example import example_engine
from tui.filters import FILTERS
from tui.manual import with_manual
from tui.screens.add import AddScreen
from tui.screens.ask import AskScreen
from tui.screens.choose import ChooseScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.export import ExportScreen
from tui.screens.help import HelpScreen
from tui.screens.history import HistoryScreen
from tui.screens.library import LibraryScreen
from tui.screens.paper import PaperScreen
from tui.screens.passage import PassageScreen
from tui.screens.pick import PickScreen
from tui.screens.settings import SettingsScreen
from tui.screens.trace import TraceScreen
from tui.screens.value import ValueScreen
from tui.widgets.paged_list import PagedList
from tui.widgets.question_box import QuestionBox

SCREENS = {
    "asking": AskScreen,
    "reading": AskScreen,
    "document": AskScreen,
    "library": LibraryScreen,
    "paper": PaperScreen,
    "history": HistoryScreen,
    "trace": TraceScreen,
    "settings": SettingsScreen,
    "page": PassageScreen,
}
DIALOGS = (AddScreen, ChooseScreen, ConfirmScreen, ExportScreen, HelpScreen, PickScreen, ValueScreen)
OURS = (CarrelApp, *dict.fromkeys(SCREENS.values()), *DIALOGS, PagedList, QuestionBox)
README = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
TAKEN_BY_TERMINALS = {"ctrl+b", "ctrl+a", "ctrl+s", "ctrl+q", "ctrl+z"}


def _own_bindings() -> list[Binding]:
    return [binding for owner in OURS for binding in owner.__dict__.get("BINDINGS", [])]


def _owner(command: Command) -> type:
    return CarrelApp if command.action.startswith("app.") else SCREENS[command.place]


def test_every_place_has_a_screen():
    assert set(PLACES) == {"anywhere", *SCREENS}
    assert {command.place for command in COMMANDS} <= set(PLACES)


def test_every_command_of_a_screen_is_in_its_palette():
    app = CarrelApp(ScriptedEngine)
    offered = {command.title for command in app.get_system_commands(app.get_default_screen())}
    here = {command.label for command in COMMANDS if _owner(command) in (CarrelApp, AskScreen)}
    waiting = {command.label for command in COMMANDS if command.place in ("reading", "document")}
    assert offered == here - {"Cancel"} - waiting  # what needs a question, or an answer


def test_every_command_leads_to_an_action():
    for command in COMMANDS:
        action = command.action.removeprefix("app.").partition("(")[0]
        assert hasattr(_owner(command), f"action_{action}"), command


def test_every_key_of_the_list_is_bound_on_the_screens_it_works_on():
    for place, screen in SCREENS.items():
        bound = {binding.id: (binding.key, binding.action) for binding in screen.__dict__["BINDINGS"]}
        for command in COMMANDS:
            if command.key and command.place in ("anywhere", place):
                assert bound[command.name] == (command.key, command.action)


def test_the_readme_has_every_command_as_it_is_now():
    assert with_manual(README) == README, "`python -m tui.manual README.md` writes them"


def test_every_command_has_a_name_of_its_own():
    names = [command.name for command in COMMANDS]
    assert len(set(names)) == len(names)


def test_every_binding_can_be_remapped():
    bound = {}
    for binding in _own_bindings():
        assert binding.id, binding
        same = (binding.key, binding.action)
        assert bound.setdefault(binding.id, same) == same, "one name, one thing"


def test_no_key_is_one_that_terminals_and_multiplexers_take():
    keys = {key.strip() for binding in _own_bindings() for key in binding.key.split(",")}
    assert not keys & TAKEN_BY_TERMINALS
    assert not any(key.startswith("alt+") for key in keys)


async def test_every_command_and_every_filter_is_in_the_help(sit_down):
    async with sit_down(ScriptedEngine(), size=(100, 140)) as desk:
        await desk.press("f1")
        await desk.sees("like:paper.pdf")
        said = re.sub(r"[│\s]+", " ", desk.text)
        for command in COMMANDS:
            assert command.summary in said
            assert (command.usage or command.label) in said
        assert all(f"{written} {what}" in said for written, what in FILTERS)
        await desk.press("escape")
        assert desk.app.screen is desk.ask_screen


def test_the_filters_of_the_help_are_those_of_the_readme_and_can_be_asked_with():
    table = README.split("| write | to look only in |")[1].split("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert len(rows) == len(FILTERS)
    for row, (written, _) in zip(rows, FILTERS, strict=True):
        name = written.partition(":")[0]
        assert name in row
        assert parse_query(f"{written} words").filters


async def test_the_help_fits_a_small_screen_by_scrolling(sit_down):
    async with sit_down(ScriptedEngine(), size=(60, 20)) as desk:
        await desk.ask("/help")
        await desk.sees("/history")
        await desk.until(lambda: desk.app.screen.query_one(VerticalScroll).max_scroll_y)
        await desk.press("end")
        await desk.sees("like:paper.pdf")


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
        await desk.press(*"Add", "enter")
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
    assert [path.name for path, text in sources.items() if re.search(r"\.notify\(", text)] == ["copying.py"]
