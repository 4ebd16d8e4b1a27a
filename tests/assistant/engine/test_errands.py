"""Errands over a real library and a real history, in Carrel's own worker: found, opened, rated, removed."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assistant import Assistant
from assistant.engine.errands import (
    FindFailed,
    FindPaper,
    FindPapers,
    FindQuestion,
    FindQuestions,
    Rate,
    RemovePapers,
)
from assistant.engine.process import EngineProcess
from assistant.events import Added, Done
from indexes.errors import CarrelError, DocumentMissing, FilterRefused

QUESTION = "What does full jitter do to the retries of many clients?"
NOTES = Path(__file__).parents[3] / "assistant" / "demo" / "notes"
OFFLINE = {"web": "never", "library.encoder": "none"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(autouse=True)
def filled(folder: Path, carrel_home: Path) -> None:
    (folder / "jitter.md").write_text(
        "---\nauthor: Ada Nguyen\n---\n# Full jitter\n\nFull jitter spreads the retries of many clients.\n"
    )
    (folder / "zebra.md").write_text("# Zebras\n\nThe stripes of a zebra confuse biting flies.\n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 and then nothing")
    with Assistant(carrel_home, library__encoder="none") as assistant:
        assistant.add(folder)


@pytest.fixture
async def engine() -> AsyncIterator[EngineProcess]:
    engine = EngineProcess(overrides=OFFLINE)
    yield engine
    await engine.close()


async def test_papers_are_found_opened_and_removed(engine: EngineProcess) -> None:
    found = await engine.run(FindPapers(text="type:md", order="title"))
    assert [each.document.title for each in found.page.papers] == ["Full jitter", "Zebras"]
    jitter = found.page.papers[0].document
    sheet = await engine.run(FindPaper(document_id=jitter.id))
    assert sheet.details.origins["title"] == "text"
    assert [record.path.rpartition("/")[2] for record in sheet.files] == ["jitter.md"]
    assert "spreads the retries" in sheet.passages[0].text
    assert (await engine.run(RemovePapers(document_ids=(jitter.id,)))).papers == 1
    assert (await engine.run(FindPapers())).page.total == 1
    with pytest.raises(DocumentMissing):
        await engine.run(FindPaper(document_id=jitter.id))


async def test_a_filter_that_cannot_be_one_keeps_its_type_and_its_hint(engine: EngineProcess) -> None:
    with pytest.raises(FilterRefused, match="names no year") as refused:
        await engine.run(FindPapers(text="year:soon"))
    assert "Write year:2020" in refused.value.hint


async def test_failed_files_are_listed_and_read_again(engine: EngineProcess, folder: Path) -> None:
    failed = await engine.run(FindFailed())
    assert [record.path.rpartition("/")[2] for record in failed.records] == ["broken.pdf"]
    assert failed.records[0].reason
    assert (await engine.run(FindFailed(text="nothing like it"))).total == 0
    (note,) = NOTES.glob("*.pdf")
    shutil.copy(note, folder / "broken.pdf")
    events = [event async for event in engine.retry([failed.records[0].path])]
    assert isinstance(events[-1], Added)
    assert sum(isinstance(event, Added) for event in events) == 1
    assert (await engine.run(FindFailed())).total == 0


async def test_a_question_is_found_in_the_history_with_its_answer_and_rated(engine: EngineProcess) -> None:
    events = [event async for event in engine.ask(QUESTION)]
    assert isinstance(events[-1], Done)
    page = (await engine.run(FindQuestions(text="jitt clients"))).page
    (past,) = page.questions
    assert (past.text, past.state.value, past.helped) == (QUESTION, "ok", None)
    found = (await engine.run(FindQuestion(run=past.run, question_id=past.id))).past
    assert found.answer == events[-1].answer
    assert (await engine.run(Rate(run=past.run, question_id=past.id, helped=True))).kept
    assert (await engine.run(FindQuestions())).page.questions[0].helped is True
    with pytest.raises(CarrelError, match="any more"):
        await engine.run(FindQuestion(run="none", question_id="none"))


async def test_without_a_history_its_questions_cannot_be_looked_for() -> None:
    engine = EngineProcess(overrides={**OFFLINE, "history.keep": "false"})
    try:
        with pytest.raises(CarrelError, match="Nothing is kept of your questions") as told:
            await engine.run(FindQuestions())
        assert "history.keep" in told.value.hint
    finally:
        await engine.close()
