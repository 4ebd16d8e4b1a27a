"""The first start: from an empty home to papers that are being read and asked about, by keys alone."""

from __future__ import annotations

from textual.widgets import Input, OptionList

from assistant.engine.errands import FindPlaces, Place, PlacesFound
from assistant.engine.protocol import Status
from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import FilesFound, Token
from tui.screens.add import AddScreen
from tui.widgets.question_box import QuestionBox

NEW = Status(collections=(), models={}, encoder="", web="ask", home="/library", is_new=True)


def first_start(*paths: str) -> ScriptedEngine:
    places = tuple(Place(path=path, files=55) for path in paths)
    return ScriptedEngine(
        [Token(text="An answer."), Gate()],
        add_events=[FilesFound(total=55), Gate()],
        status=NEW,
        found={FindPlaces: PlacesFound(places=places)},
    )


async def test_the_first_start_shows_where_papers_are_and_reads_what_is_picked(sit_down, tmp_path):
    engine = first_start(str(tmp_path), "/elsewhere")
    async with sit_down(engine, size=(100, 40)) as desk:
        await desk.sees("Welcome to Carrel", "55 files that can be read")
        await desk.until(lambda: isinstance(desk.app.focused, OptionList))
        await desk.press("enter")
        await desk.sees("4 files will be read")
        assert not engine.added
        await desk.press("enter")
        await desk.until(lambda: engine.added)
        assert engine.added == [((str(tmp_path),), "papers")]
        await desk.sees("Adding papers: 0 of 55 files")
        assert isinstance(desk.app.focused, QuestionBox)
        await desk.press(*"Why", "question_mark", "enter")
        await desk.sees("An answer.", "Adding papers")


async def test_without_a_known_place_the_path_is_typed(sit_down):
    async with sit_down(first_start(), size=(100, 40)) as desk:
        await desk.sees("Welcome to Carrel")
        await desk.until(lambda: isinstance(desk.app.focused, Input))


async def test_esc_closes_it_and_it_does_not_come_back(sit_down):
    async with sit_down(first_start("/papers"), size=(100, 40)) as desk:
        await desk.sees("Welcome to Carrel")
        await desk.press("escape")
        desk.app.refresh_status()
        await desk.sees("Your library is empty")
        await desk.pilot.pause(0.1)
        assert not isinstance(desk.app.screen, AddScreen)


async def test_who_has_papers_is_not_welcomed(sit_down):
    async with sit_down(ScriptedEngine(status=NEW.model_copy(update={"is_new": False}))) as desk:
        await desk.sees("Your library is empty")
        assert not isinstance(desk.app.screen, AddScreen)
