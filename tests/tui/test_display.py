"""How the app is drawn: glyphs that the terminal can show, no colour, no motion, colours that can be read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.color import Color

from assistant.engine.scripted import ScriptedEngine
from assistant.events import Done
from tests.tui.setting_rows import Configurable
from tests.tui.shelves import Shelves
from tui.display import PlainGlyphs, encoding_of, has_few_glyphs
from tui.example import example_answer, example_engine, example_trace
from tui.theme import THEMES
from tui.widgets.question_box import QuestionBox

ROOT = Path(__file__).parents[2]
DRAWN_BY = ("tui", "assistant/render.py", "pipelines/trace_rows.py")
READABLE = 4.5
"""What the Web Content Accessibility Guidelines 2.2 ask of text (criterion 1.4.3)."""


@pytest.mark.parametrize(
    ("environ", "encoding"),
    [
        ({}, ""),
        ({"LANG": "en_GB.UTF-8"}, ""),
        ({"LANG": "de_DE.utf8@euro"}, ""),
        ({"LANG": "C"}, "ascii"),
        ({"LC_ALL": "POSIX", "LANG": "en_GB.UTF-8"}, "ascii"),
        ({"LC_ALL": "", "LC_CTYPE": "fr_FR.ISO-8859-1", "LANG": "en_GB.UTF-8"}, "iso8859-1"),
        ({"LANG": "ja_JP.eucJP"}, "euc_jp"),
        ({"LANG": "xx.nonsense"}, "ascii"),
    ],
)
def test_the_locale_says_what_can_be_written(environ, encoding):
    assert encoding_of(environ, "linux") == encoding
    assert encoding_of(environ, "win32") == ""


def test_the_console_of_linux_has_few_glyphs():
    assert has_few_glyphs({"TERM": "linux"})
    assert not has_few_glyphs({"TERM": "xterm-256color"})


@settings(deadline=None)
@given(st.text())
@example("Zoë · 論文 → 👩‍🔬 e\u0301")
def test_what_an_encoding_cannot_write_is_spelled_out_as_wide_as_it_was(text):
    spelled = PlainGlyphs(encoding="ascii").spelled(text)
    assert spelled.isascii()
    assert sum(map(cell_len, spelled)) == sum(map(cell_len, text))


def test_letters_that_the_encoding_has_stay():
    assert PlainGlyphs(encoding="iso8859-1").spelled("Zoë – 論") == "Zoë - ??"
    assert PlainGlyphs(encoding="ascii").spelled("Zoë") == "Zoe"
    assert PlainGlyphs().spelled("Zoë ✓ 論") == "Zoë + 論"


@pytest.mark.parametrize("path", DRAWN_BY)
def test_every_glyph_that_the_app_draws_has_a_plain_form(path):
    plain = PlainGlyphs()
    missing = {
        glyph
        for file in _files(path)
        for text in _strings(file)
        for glyph in text
        if not plain.spelled(glyph).isascii()
    }
    assert not missing


def _files(part: str) -> list[Path]:
    path = ROOT / part
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def _strings(file: Path) -> Iterator[str]:
    """Every string of the code, docstrings as well."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


async def test_ascii_is_kept_to_on_every_screen(sit_down, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    async with sit_down(Shelves(40, 3, 20, events=[Done(answer=example_answer())])) as desk:
        await desk.ask()
        await desk.answered()
        for keys, words in (
            (["f1"], "Help"),
            (["escape", "f5"], "by title"),
            (["f6"], "newest"),
        ):
            await desk.press(*keys)
            await desk.sees(words)
            assert desk.text.isascii(), desk.text


async def test_the_setting_asks_for_ascii_and_for_stillness(sit_down):
    engine = example_engine(stop="reading")
    engine._status = (await engine.status()).model_copy(update={"glyphs": "ascii", "motion": "reduced"})
    async with sit_down(engine, size=(100, 30)) as desk:
        await desk.until(lambda: desk.app.is_still)
        assert not desk.app.query_one(QuestionBox).cursor_blink
        await desk.ask()
        await desk.sees("3 papers read")
        assert "* summarise" in desk.text
        assert desk.text.isascii()
        desk.clock.now += 0.3
        assert "* summarise" in desk.text


async def test_no_color_means_no_colour_at_all(sit_down, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with sit_down(Shelves(40), size=(100, 30)) as desk:
        await desk.press("f5")
        await desk.sees("by title")
        strips = desk.app.screen._compositor.render_strips()
        styles = [segment.style for strip in strips for segment in strip if segment.style]
        assert all(style.color is None or style.color.is_default for style in styles)
        assert all(style.bgcolor is None or style.bgcolor.is_default for style in styles)
        assert any(style.reverse for style in styles), "the row with the cursor is told from the others"


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
async def test_every_text_on_every_screen_can_be_read_in_our_colours(sit_down, theme):
    answer = example_answer().model_copy(update={"trace": example_trace()})
    engine = Shelves(40, 3, 20, events=[Done(answer=answer)], found=Configurable().scripted)
    async with sit_down(engine, size=(120, 36)) as desk:
        desk.app.theme = theme.name
        await desk.ask()
        await desk.answered()
        for key, words in _VISITS:
            await desk.press(*key.split())
            await desk.sees(words)
            assert not _too_faint(desk.app), words


_VISITS = (
    ("f4", "Evidence"),
    ("escape", "o file"),
    ("1", "page 1 of 1"),
    ("escape e", "Export the answer"),
    ("escape f7", "tokens in"),
    ("escape f5", "by title"),
    ("enter", "Open page"),
    ("f6", "newest"),
    ("f1", "Anywhere"),
    ("escape f3", "A folder or a file"),
    ("escape f8", "models.small.name"),
    ("enter", "It can be"),
)
"""Keys, and what is on the screen after them."""


def _too_faint(app):
    return {
        (segment.text.strip(), str(segment.style))
        for strip in _uppermost(app)
        for segment in strip
        if segment.style is not None and _is_text(segment.text) and _contrast(segment.style) < READABLE
    }


def _uppermost(app):
    """The lines of the uppermost screen; what lies under a dialog is greyed on purpose."""
    widgets = [app.screen.query_one(".dialog")] if app.screen.query(".dialog") else []
    strips = app.screen._compositor.render_strips()
    if not widgets:
        return strips
    region = widgets[0].region
    return [strip.crop(region.x, region.right) for strip in strips[region.y : region.bottom]]


def _is_text(text: str) -> bool:
    return any(letter.isalnum() for letter in text)


def _contrast(style) -> float:
    if style.color is None or style.bgcolor is None:
        return READABLE
    light, dark = sorted(
        (_luminance(Color.from_rich_color(colour)) for colour in (style.color, style.bgcolor)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def test_a_scripted_engine_without_a_word_of_it_leaves_all_glyphs(sit_down, monkeypatch):
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    async with sit_down(ScriptedEngine()) as desk:
        await desk.sees("library: empty │ no model")
        assert not desk.text.isascii()
