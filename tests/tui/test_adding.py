"""Adding papers: a path, a bar, the failures with their reasons, and questions meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, ProgressBar

from assistant.engine.errands import Kind, LookedOver, LookOver, Survey
from assistant.engine.protocol import Status
from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import (
    Added,
    AddReport,
    CarrelError,
    Collection,
    Embedded,
    Fate,
    FileDone,
    FilesFound,
    Token,
)
from assistant.failures import EngineDied
from tui.adding import Adding
from tui.screens.add import AddScreen, typed_path
from tui.widgets.adding import AddingLine

FAILED = FileDone(path="/papers/locked.pdf", fate=Fate.FAILED, reason="It needs a password.", done=1, total=4)
INDEXED = FileDone(path="/papers/fine.pdf", fate=Fate.INDEXED, passages=20, done=2, total=4)
REPORT = AddReport(counts={Fate.EMBEDDED: 3, Fate.FAILED: 1}, passages=60)


async def _type_path(desk, path: Path | str) -> None:
    await desk.press("f3")
    await desk.until(lambda: isinstance(desk.app.screen, AddScreen))
    desk.app.screen.query_one(Input).value = str(path)
    await desk.press("enter")
    await desk.until(lambda: "Enter shows" not in _remark(desk) and "Looking" not in _remark(desk))
    if "Enter adds it" in _remark(desk):
        await desk.press("enter")


def _remark(desk) -> str:
    return str(desk.app.screen.query_one("#path-remark").content)


async def test_a_folder_is_added_with_its_failures_listed(sit_down, tmp_path):
    gate = Gate()
    engine = ScriptedEngine(add_events=[FilesFound(total=4), FAILED, INDEXED, gate, Added(report=REPORT)])
    async with sit_down(engine, size=(100, 40)) as desk:
        await _type_path(desk, tmp_path)
        await desk.sees(
            "2 of 4 files, 1 failed", "/papers/fine.pdf", "locked.pdf: It needs a password.", "50%"
        )
        assert engine.added == [((str(tmp_path),), "papers")]
        gate.open()
        await desk.sees("Added 3 papers, 1 failed.", "It needs a password.")
        await desk.press("escape")
        await desk.sees("Added 3 papers, 1 failed.", "F3 lists what failed")


async def test_a_folder_full_of_notes_is_told_in_a_few_lines(sit_down, tmp_path):
    notes = tuple(f"paper-{number}.pdf: 3 unsafe characters removed" for number in range(40))
    report = AddReport(counts={Fate.EMBEDDED: 40}, notes=("Searchable by keyword only.", *notes))
    engine = ScriptedEngine(add_events=[FilesFound(total=40), Added(report=report)])
    async with sit_down(engine) as desk:
        await _type_path(desk, tmp_path)
        await desk.press("escape")
        await desk.sees(
            "Added 40 papers.\n", "Searchable by keyword only.", "paper-1.pdf", "and 38 more notes"
        )
        assert "paper-2.pdf" not in desk.text


async def test_questions_can_be_asked_while_papers_are_added(sit_down, tmp_path):
    engine = ScriptedEngine([Token(text="An answer."), Gate()], add_events=[FilesFound(total=4), Gate()])
    async with sit_down(engine) as desk:
        await _type_path(desk, tmp_path)
        await desk.sees("0 of 4 files")
        await desk.press("escape")
        await desk.sees("Adding papers: 0 of 4 files · F3 shows more")
        await desk.ask("Meanwhile?")
        await desk.sees("An answer.", "Adding papers")


async def test_stopping_keeps_what_was_added(sit_down, tmp_path):
    engine = ScriptedEngine(add_events=[FilesFound(total=4), INDEXED, Gate()])
    async with sit_down(engine, size=(80, 40)) as desk:
        await _type_path(desk, tmp_path)
        await desk.sees("2 of 4 files", "Stop adding")
        await desk.pilot.click("#stop")
        await desk.sees("Stopped after 2 files; what was added stays.")
        assert engine.cancelled == 1
        await desk.press("escape")
        await desk.sees("Stopped after 2 files")
        assert not desk.shows(AddingLine)


async def test_the_stop_button_can_be_reached_by_key(sit_down, tmp_path):
    engine = ScriptedEngine(add_events=[FilesFound(total=4), Gate()])
    async with sit_down(engine, size=(80, 40)) as desk:
        await _type_path(desk, tmp_path)
        await desk.sees("Stop adding")
        await desk.press("tab", "enter")
        await desk.until(lambda: engine.cancelled)


async def test_a_path_that_does_not_exist_is_named(sit_down, tmp_path):
    engine = ScriptedEngine()
    async with sit_down(engine, size=(160, 24)) as desk:
        await _type_path(desk, tmp_path / "nowhere")
        await desk.sees("No such file or folder:", "nowhere")
        assert not engine.added


async def test_a_zotero_library_can_be_asked_for_without_a_path(sit_down):
    engine = ScriptedEngine(add_events=[Added(report=REPORT)])
    async with sit_down(engine, size=(160, 24)) as desk:
        await _type_path(desk, " zotero: ")
        await desk.until(lambda: engine.added)
        assert engine.added == [(("zotero:",), "papers")]


async def test_an_empty_path_is_asked_for(sit_down):
    async with sit_down(ScriptedEngine()) as desk:
        await _type_path(desk, "  ")
        await desk.sees("Type the path of a folder or a file.")


async def test_slash_add_begins_at_once(sit_down, tmp_path):
    folder = tmp_path / "Ada's [papers]"
    folder.mkdir()
    engine = ScriptedEngine(add_events=[FilesFound(total=4), Gate()])
    async with sit_down(engine) as desk:
        await desk.ask(f"/add {folder}")
        await desk.until(lambda: engine.added)
        assert engine.added[0][0] == (str(folder),)


async def test_one_folder_at_a_time(sit_down, tmp_path):
    engine = ScriptedEngine(add_events=[FilesFound(total=4), Gate()])
    async with sit_down(engine) as desk:
        await _type_path(desk, tmp_path)
        await desk.until(lambda: engine.added)
        await desk.press("enter")
        await desk.sees("Papers are being added already")
        assert len(engine.added) == 1


async def test_a_refused_folder_is_told_with_its_hint(sit_down, tmp_path):
    refused = CarrelError("There is nothing to read in it.", hint="Carrel reads PDF files.")
    async with sit_down(ScriptedEngine(add_events=[refused]), size=(160, 24)) as desk:
        await _type_path(desk, tmp_path)
        await desk.sees("There is nothing to read in it. Carrel reads PDF files.")


async def test_an_engine_that_dies_while_adding_does_not_end_the_app(sit_down, tmp_path):
    engine = ScriptedEngine(add_events=[FilesFound(total=4), EngineDied("The engine stopped.")])
    async with sit_down(engine) as desk:
        await _type_path(desk, tmp_path)
        await desk.sees("The engine stopped.")
        await desk.press("escape")
        await desk.sees("The engine stopped.")
        assert desk.app.is_running


async def test_the_dialog_shows_the_last_adding_when_it_is_opened_again(sit_down, tmp_path):
    engine = ScriptedEngine(add_events=[FilesFound(total=4), FAILED, Added(report=REPORT)])
    async with sit_down(engine, size=(100, 40)) as desk:
        await _type_path(desk, tmp_path)
        await desk.sees("Added 3 papers")
        await desk.press("escape", "f3")
        await desk.sees("locked.pdf: It needs a password.")


async def test_the_status_follows_what_was_added(sit_down, tmp_path):
    class Growing(ScriptedEngine):
        async def status(self) -> Status:
            added = (Collection(name="papers", documents=3, passages=60, embedded=30),) if self.added else ()
            return Status(collections=added, models={}, encoder="minilm", web="never", home="/library")

    async with sit_down(Growing(add_events=[Added(report=REPORT)]), size=(120, 30)) as desk:
        await desk.sees("library: empty", "Your library is empty", "carrel demo")
        await _type_path(desk, tmp_path)
        await desk.sees("Added 3 papers")
        await desk.press("escape")
        await desk.sees("3 papers · 60 passages · search by meaning: 50%", "web: off")


async def test_the_bar_has_no_length_before_the_files_are_counted(sit_down, tmp_path):
    async with sit_down(ScriptedEngine(add_events=[Gate()])) as desk:
        await _type_path(desk, tmp_path)
        await desk.sees("Looking for papers…")
        assert desk.app.screen.query_one(ProgressBar).total is None


def test_embedding_is_a_stage_of_its_own():
    adding = Adding("/papers")
    for event in (FilesFound(total=1), INDEXED.model_copy(update={"done": 1, "total": 1})):
        adding.apply(event)
    adding.apply(Embedded(done=1_200, total=4_000))
    assert adding.sentence() == "Making it searchable by meaning: 1,200 of 4,000 passages"
    assert adding.fraction == 0.3


@pytest.mark.parametrize(
    "typed",
    ["~/my papers", "'{home}/my papers'", '"{home}/my papers"', r"{home}/my\ papers", " {home}/my papers \n"],
)
def test_a_path_is_understood_as_terminals_paste_it(typed, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "my papers").mkdir()
    assert typed_path(typed.format(home=tmp_path)) == tmp_path / "my papers"


def test_a_path_that_no_file_can_have_is_only_missing():
    path = typed_path("a\0b")
    assert path is not None


SURVEY = Survey(
    kinds=(Kind(name="PDF", files=55, size=61_000_000), Kind(name="Markdown", files=2, size=9_000)),
    skipped=(Kind(name="a kind that is not read (.png)", files=12),),
)


async def test_what_will_be_read_is_shown_before_anything_is_read(sit_down, tmp_path):
    engine = ScriptedEngine(add_events=[Gate()], found={LookOver: LookedOver(survey=SURVEY)})
    async with sit_down(engine, size=(100, 40)) as desk:
        await desk.press("f3")
        await desk.until(lambda: isinstance(desk.app.screen, AddScreen))
        desk.app.screen.query_one(Input).value = str(tmp_path)
        await desk.press("enter")
        await desk.sees("57 files will be read, 61.0 MB", "55 × PDF, 61.0 MB", "2 × Markdown, 9.0 kB")
        await desk.sees("12 files will be passed over", "12 × a kind that is not read (.png)")
        assert not engine.added
        await desk.press("enter")
        await desk.until(lambda: engine.added)
        assert "will be read" not in desk.text


async def test_another_path_has_to_be_looked_at_before_it_is_added(sit_down, tmp_path):
    engine = ScriptedEngine(add_events=[Gate()])
    async with sit_down(engine, size=(100, 40)) as desk:
        await desk.press("f3")
        await desk.until(lambda: isinstance(desk.app.screen, AddScreen))
        desk.app.screen.query_one(Input).value = str(tmp_path)
        await desk.press("enter")
        await desk.sees("4 files will be read")
        desk.app.screen.query_one(Input).value = str(tmp_path.parent)
        await desk.until(lambda: "will be read" not in desk.text)
        await desk.press("enter")
        await desk.sees("4 files will be read")
        assert not engine.added


async def test_a_folder_without_papers_is_not_added(sit_down, tmp_path):
    engine = ScriptedEngine(found={LookOver: LookedOver(survey=Survey())})
    async with sit_down(engine, size=(100, 40)) as desk:
        await _type_path(desk, tmp_path)
        await desk.sees("There is nothing to read in")
        await desk.press("enter")
        assert not engine.added


async def test_how_fast_it_goes_and_how_long_it_takes_stand_over_the_question(sit_down, tmp_path):
    gates = [Gate(), Gate()]
    more = INDEXED.model_copy(update={"done": 10, "total": 40})
    engine = ScriptedEngine(add_events=[FilesFound(total=40), gates[0], more, gates[1]])
    async with sit_down(engine, size=(100, 40)) as desk:
        await _type_path(desk, tmp_path)
        await desk.until(gates[0].reached.is_set)
        desk.clock.now += 5
        gates[0].open()
        await desk.press("escape")
        await desk.sees("Adding papers: 10 of 40 files · 2.0 a second, 15 s left")
