"""One picture of each screen at four sizes, with the clock standing still."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from assistant.engine.errands import FindPlaces, Kind, LookedOver, LookOver, Place, PlacesFound, Survey
from assistant.engine.protocol import Status
from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import Done, Fate, FileDone, FilesFound
from tests.tui.setting_rows import Configurable
from tests.tui.shelves import Shelves
from tui.app import CarrelApp
from tui.example import QUESTION, example_answer, example_engine, example_trace
from tui.screenshot import draw
from tui.widgets.question_box import QuestionBox
from tui.widgets.status_line import StatusLine
from tui.widgets.turn import Turn

SIZES = [(60, 20), (80, 24), (120, 36), (160, 48)]
LOOKS = ["light", "ansi-dark", "ansi-light", "ascii"]
"""Beside the dark one, in which each screen has its picture."""
Steps = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def looks_right(request: pytest.FixtureRequest, snap_compare: Any) -> Callable[[ScriptedEngine, Steps], bool]:
    def compare(engine: ScriptedEngine, steps: Steps) -> bool:
        app = CarrelApp(lambda: engine, clock=lambda: 0.0)

        async def prepare(pilot: Pilot[None]) -> None:
            await app.ready()
            _at_the_bottom(pilot, QuestionBox).cursor_blink = False
            await _until(pilot, lambda: "Starting" not in str(_at_the_bottom(pilot, StatusLine).content))
            await steps(pilot)
            await _settled(pilot)

        return bool(snap_compare(app, terminal_size=request.param, run_before=prepare))

    return compare


def _at_the_bottom(pilot: Pilot[None], kind: type[Any]) -> Any:
    return pilot.app.screen_stack[0].query_one(kind)


async def _until(pilot: Pilot[None], happened: Callable[[], Any]) -> None:
    for _ in range(1_000):
        if happened():
            break
        await pilot.pause(0.01)
    else:
        raise AssertionError("It never happened.")
    await pilot.pause()


async def _settled(pilot: Pilot[None]) -> None:
    """Waits for what is laid out, fetched or scrolled a moment after the last key."""
    await pilot.pause(0.25)
    await pilot.pause()


async def _ask(pilot: Pilot[None]) -> None:
    pilot.app.screen.query_one(QuestionBox).insert(QUESTION)
    await pilot.press("enter")


async def _answered(pilot: Pilot[None]) -> None:
    await _ask(pilot)
    await _until(pilot, lambda: [turn for turn in pilot.app.screen.query(Turn) if turn.answer])


def test_asking_while_papers_are_read(looks_right):
    async def steps(pilot: Pilot[None]) -> None:
        await _ask(pilot)
        await _until(pilot, lambda: [t for t in pilot.app.screen.query(Turn) if len(t.evidence) == 3])

    assert looks_right(example_engine(stop="reading"), steps)


def test_asking_when_it_is_answered(looks_right):
    assert looks_right(example_engine(), _answered)


def test_a_passage(looks_right):
    async def steps(pilot: Pilot[None]) -> None:
        await _answered(pilot)
        await pilot.press("escape", "1")
        await _until(pilot, lambda: pilot.app.screen.query("#page-text"))

    assert looks_right(example_engine(), steps)


def test_adding(looks_right):
    # Half of the files: Textual rounds the share to the bar's width if it has one already, and half is exact.
    reasons = {4: "It needs a password.", 9: "Its pages hold no text."}
    files = [
        FileDone(
            path=f"/home/ada/papers/paper-{number}.pdf",
            fate=Fate.FAILED if number in reasons else Fate.INDEXED,
            reason=reasons.get(number, ""),
            passages=20,
            done=number,
            total=74,
        )
        for number in range(1, 38)
    ]

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("f3")
        await _until(pilot, lambda: pilot.app.screen.query("#path"))
        pilot.app.screen.query_one("#path").cursor_blink = False
        pilot.app.screen.query_one("#path").value = "/"
        await pilot.press("enter")
        await _until(
            pilot, lambda: "Enter adds it" in str(pilot.app.screen.query_one("#path-remark").content)
        )
        await pilot.press("enter")
        await _until(
            pilot, lambda: "37 of 74 files" in str(pilot.app.screen.query_one("#adding-sentence").content)
        )

    assert looks_right(ScriptedEngine(add_events=[FilesFound(total=74), *files, Gate()]), steps)


@pytest.mark.parametrize("look", [*LOOKS, "no colour"])
@pytest.mark.parametrize("screen", ["reading an answer", "the library", "changing a setting"])
def test_another_look(snap_compare, monkeypatch, look, screen):
    if look == "no colour":
        monkeypatch.setenv("NO_COLOR", "1")
    assert _looks(snap_compare, look, screen, (80, 24))


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    "size", [size for size in SIZES if size != (80, 24)], ids=lambda size: f"{size[0]}x{size[1]}"
)
def test_an_answer_in_another_look_at_another_size(snap_compare, look, size):
    assert _looks(snap_compare, look, "reading an answer", size)


@pytest.mark.parametrize(
    ("look", "size"),
    [*zip(LOOKS, [(60, 20), (120, 36), (160, 48), (120, 36)], strict=True)],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]}x{value[1]}",
)
def test_the_library_in_another_look_at_another_size(snap_compare, look, size):
    assert _looks(snap_compare, look, "the library", size)


def _looks(snap_compare: Any, look: str, screen: str, size: tuple[int, int]) -> bool:
    steps: Steps
    engine, steps = {
        "reading an answer": (example_engine(), _reading),
        "the library": (Shelves(1_200), _library),
        "changing a setting": (Configurable(), _changing),
    }[screen]
    app = CarrelApp(lambda: engine, clock=lambda: 0.0)

    async def prepare(pilot: Pilot[None]) -> None:
        await app.ready()
        _at_the_bottom(pilot, QuestionBox).cursor_blink = False
        await _until(pilot, lambda: "Starting" not in str(_at_the_bottom(pilot, StatusLine).content))
        if look not in ("ascii", "no colour"):
            app.theme = "carrel-light" if look == "light" else look
        await steps(pilot)
        if look == "ascii":  # last, for whenever a question ends the app asks what the settings want
            app.draw_with("ascii", still=True)
        await _settled(pilot)

    return bool(snap_compare(app, terminal_size=size, run_before=prepare))


async def _reading(pilot: Pilot[None]) -> None:
    await _answered(pilot)
    await pilot.press("escape")


async def _library(pilot: Pilot[None]) -> None:
    await pilot.press("f5")
    await _until(pilot, lambda: "by title" in _remark(pilot))


async def _changing(pilot: Pilot[None]) -> None:
    await pilot.press("f8")
    await _until(pilot, lambda: str(pilot.app.screen.query_one("#meaning").content))
    await pilot.press("enter")
    await _until(pilot, lambda: pilot.app.screen.query("#value"))
    pilot.app.screen.query_one("#value").cursor_blink = False
    await _until(pilot, lambda: "It can be" in str(pilot.app.screen.query_one("#export-remark").content))


def test_the_first_start(looks_right):
    places = (Place(path="/home/ada/papers", files=55), Place(path="/home/ada/Documents", files=3))
    survey = Survey(
        kinds=(Kind(name="PDF", files=55, size=36_400_000), Kind(name="Markdown", files=2, size=9_000)),
        skipped=(Kind(name="a kind that is not read (.png)", files=12),),
    )
    status = Status(collections=(), models={}, encoder="", web="ask", home="/library", is_new=True)
    found = {FindPlaces: PlacesFound(places=places), LookOver: LookedOver(survey=survey)}

    async def steps(pilot: Pilot[None]) -> None:
        await _until(pilot, lambda: pilot.app.screen.query("#places") and pilot.app.screen.focused)
        await _until(pilot, lambda: pilot.app.screen.focused.id == "places")
        pilot.app.screen.query_one("#path").cursor_blink = False
        await pilot.press("enter")
        await _until(pilot, lambda: pilot.app.screen.query_one("#preview").display)

    assert looks_right(ScriptedEngine(status=status, found=found), steps)


def test_an_empty_library(looks_right):
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.pause()

    assert looks_right(ScriptedEngine(), steps)


def test_the_library(looks_right):
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("f5")
        await _until(pilot, lambda: "by title" in _remark(pilot))

    assert looks_right(Shelves(1_200), steps)


def test_what_failed(looks_right):
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("f5")
        await _until(pilot, lambda: "by title" in _remark(pilot))
        await _until(pilot, lambda: "failed" in str(pilot.app.screen.query_one("#collections").content))
        await pilot.press("left")
        await _until(pilot, lambda: "could not be read" in _remark(pilot))

    assert looks_right(Shelves(1_200, 14), steps)


def test_a_paper(looks_right):
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("f5")
        await _until(pilot, lambda: "by title" in _remark(pilot))
        await pilot.press("enter")
        await _until(pilot, lambda: pilot.app.screen.query("#passages"))
        await _until(pilot, lambda: pilot.app.screen.query_one("#passages").total)

    assert looks_right(Shelves(12), steps)


def test_the_history(looks_right):
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("f6")
        await _until(pilot, lambda: "newest" in str(pilot.app.screen.query_one(".list-remark").content))

    assert looks_right(Shelves(questions=120), steps)


def test_a_trace(looks_right):
    answer = example_answer().model_copy(update={"trace": example_trace()})

    async def steps(pilot: Pilot[None]) -> None:
        await _answered(pilot)
        await pilot.press("f7")
        await _until(pilot, lambda: str(pilot.app.screen.query_one("#span").content))

    assert looks_right(ScriptedEngine([Done(answer=answer)]), steps)


def test_reading_with_the_keys_at_hand(looks_right):
    async def steps(pilot: Pilot[None]) -> None:
        await _answered(pilot)
        await pilot.press("escape")

    assert looks_right(example_engine(), steps)


def test_exporting(looks_right):
    async def steps(pilot: Pilot[None]) -> None:
        await _answered(pilot)
        await pilot.press("escape", "e")
        await _until(pilot, lambda: pilot.app.screen.query("#export-path"))

    assert looks_right(example_engine(), steps)


def test_the_settings(looks_right):
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("f8")
        await _until(pilot, lambda: str(pilot.app.screen.query_one("#meaning").content))

    assert looks_right(Configurable(), steps)


def test_a_value_of_a_setting(looks_right):
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("f8")
        await _until(pilot, lambda: str(pilot.app.screen.query_one("#meaning").content))
        await pilot.press("enter")
        await _until(pilot, lambda: pilot.app.screen.query("#value"))
        pilot.app.screen.query_one("#value").cursor_blink = False
        await _until(pilot, lambda: "It can be" in str(pilot.app.screen.query_one("#export-remark").content))

    assert looks_right(Configurable(), steps)


def test_the_help(looks_right):
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("f1")
        await _until(pilot, lambda: str(pilot.app.screen.query_one("#help-text").content))

    assert looks_right(ScriptedEngine(), steps)


def _remark(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one(".list-remark").content)


async def test_the_readme_picture_is_the_same_each_time_and_needs_no_server():
    picture = await draw((100, 30))
    assert picture == await draw((100, 30))
    assert "http" not in picture.replace("http://www.w3.org", "")
