"""Starting: the first frame needs neither the engine nor its vocabulary, and typing is kept."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from textual.color import Color

from assistant.engine.protocol import Status
from assistant.engine.scripted import ScriptedEngine
from assistant.events import CarrelError, Collection, Done
from assistant.failures import EngineDied
from tui.app import CarrelApp
from tui.example import example_answer
from tui.theme import THEMES, wanted_theme
from tui.widgets.question_box import QuestionBox
from tui.widgets.status_line import library_sentence, models_sentence

HEAVY = ("pydantic", "numpy", "httpx", "langchain", "langgraph", "llama_index", "chromadb", "click")
ROOT = Path(__file__).parents[2]


def test_the_app_is_imported_without_anything_heavy():
    code = f"import sys, tui.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    assert found.stdout.strip() == "[]"


async def test_the_engine_is_opened_after_the_first_frame():
    order: list[str] = []

    class Watched(CarrelApp):
        def _display(self, *arguments, **options) -> None:
            order.append("frame")
            super()._display(*arguments, **options)

    def open_engine() -> ScriptedEngine:
        order.append("engine")
        return ScriptedEngine()

    app = Watched(open_engine)
    async with app.run_test():
        async with asyncio.timeout(10):
            await app.ready()
    assert "frame" in order[: order.index("engine")]


async def test_what_is_typed_and_sent_before_the_engine_is_there_is_answered():
    engine = ScriptedEngine([Done(answer=example_answer())])
    app = CarrelApp(lambda: engine)
    async with app.run_test() as pilot:
        app.screen.query_one(QuestionBox).insert("Early?")
        await pilot.press("enter", "l", "a", "t", "e", "r")
        await app.ready()
        while not engine.questions:
            await pilot.pause(0.01)
        assert app.screen_stack[0].query_one(QuestionBox).text == "later"
        assert engine.questions[0][0] == "Early?"


async def test_an_empty_library_says_how_to_begin(sit_down):
    async with sit_down(ScriptedEngine()) as desk:
        await desk.sees("Your library is empty", "/add ~/papers", "carrel demo", "no model: extractive")


async def test_a_library_that_cannot_be_opened_is_told_in_the_status_line(sit_down):
    async with sit_down(ScriptedEngine(status=EngineDied("The engine stopped."))) as desk:
        await desk.sees("The engine stopped. Ask again")


async def test_every_theme_is_used_and_kept_readable(sit_down):
    async with sit_down(ScriptedEngine()) as desk:
        assert desk.app.theme == "carrel-dark"
        desk.app.theme = "carrel-light"
        await desk.sees("Your library is empty")


def _luminance(colour: str) -> float:
    """As the Web Content Accessibility Guidelines 2.2 define relative luminance."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in Color.parse(colour).normalized
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def test_an_engine_that_cannot_be_opened_ends_the_app_with_a_sentence():
    def open_engine() -> ScriptedEngine:
        raise CarrelError("The home folder cannot be written.", hint="Choose another.")

    app = CarrelApp(open_engine)
    async with app.run_test() as pilot:
        while app.is_running:
            await pilot.pause(0.01)
    assert app.return_code == 1


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize(
    "role", ["foreground", "primary", "secondary", "accent", "warning", "error", "success"]
)
@pytest.mark.parametrize("ground", ["background", "surface"])
def test_text_in_every_colour_can_be_read(theme, role, ground):
    lighter, darker = sorted(
        (_luminance(getattr(theme, role)), _luminance(getattr(theme, ground))), reverse=True
    )
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_the_status_says_how_much_can_be_found_by_meaning():
    def status(embedded: int, encoder: str = "minilm") -> Status:
        papers = Collection(name="papers", documents=55, passages=4_120, embedded=embedded)
        return Status(collections=(papers,), models={}, encoder=encoder, web="ask", home="/home")

    assert library_sentence(status(4_120)) == "55 papers · 4,120 passages · search by meaning: all"
    assert library_sentence(status(1_030)) == "55 papers · 4,120 passages · search by meaning: 25%"
    assert library_sentence(status(0, "")) == "55 papers · 4,120 passages · search by keyword only"
    assert library_sentence(status(4_120), full=False) == "55 papers · by meaning: all"


def test_the_status_names_each_collection_and_each_model_once():
    collections = tuple(Collection(name=name, documents=2, passages=3, embedded=3) for name in ("a", "b"))
    models = {"small": "ollama:qwen3", "reasoning": "ollama:qwen3"}
    status = Status(collections=collections, models=models, encoder="minilm", web="ask", home="/home")
    assert library_sentence(status) == "4 papers (a 2, b 2) · 6 passages · search by meaning: all"
    assert models_sentence(status) == "ollama:qwen3"
    assert models_sentence(status, full=False) == "qwen3"


@pytest.mark.parametrize(
    ("written", "environ", "theme"),
    [
        ("", "", ""),
        ('[app]\ntheme = "carrel-light"\n', "", "carrel-light"),
        ('app.theme = "ansi-dark"\n', "", "ansi-dark"),
        ('[app]\ntheme = "carrel-light"\n', "nord", "nord"),
        ("[app]\nglyphs = 'ascii' # no theme\n", "", ""),
        ("[app\ntheme = ", "", ""),
        ("app = 'theme'\n", "", ""),
        ("[app]\ntheme = 3\n", "", ""),
    ],
)
def test_the_colours_of_the_settings_are_there_from_the_first_frame(
    carrel_home, monkeypatch, written, environ, theme
):
    if written:
        file = carrel_home / "config" / "config.toml"
        file.parent.mkdir()
        file.write_text(written)
    if environ:
        monkeypatch.setenv("CARREL_APP__THEME", environ)
    assert wanted_theme() == theme
