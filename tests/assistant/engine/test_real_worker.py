"""Carrel's own worker over a real library, from the outside: answers, pages, decisions and death."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assistant import Assistant
from assistant.engine.errands import LookOver
from assistant.engine.process import EngineDied, EngineProcess
from assistant.engine.protocol import AskRequest, DecideRequest, Finished, Reply
from assistant.engine.worker import Server
from assistant.events import Added, Asked, Decided, Done, Failed, StepStarted
from indexes.errors import CarrelError
from tests.faults.script import Hang
from tests.faults.server import FaultServer

QUESTION = "What does full jitter do to the retries of many clients?"
OFFLINE = {"web": "never", "library.encoder": "none"}


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, home = tmp_path_factory.mktemp("notes"), tmp_path_factory.mktemp("filled")
    (folder / "jitter.md").write_text(
        "# Full jitter\n\nFull jitter spreads the retries of many clients: each waits a random time.\n"
    )
    with Assistant(home, library__encoder="none") as assistant:
        assistant.add(folder)
    return home


@pytest.fixture(autouse=True)
def filled(filled_home: Path, carrel_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(filled_home, carrel_home, dirs_exist_ok=True)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


@pytest.fixture
async def engine() -> AsyncIterator[EngineProcess]:
    engine = EngineProcess(overrides=OFFLINE)
    yield engine
    await engine.close()


async def test_a_question_is_answered_and_its_passage_shown(engine: EngineProcess) -> None:
    events = [event async for event in engine.ask(QUESTION)]
    assert isinstance(events[-1], Done), events[-1]
    passage = events[-1].answer.evidence[0].hits[0].passage
    page = await engine.surroundings(passage.document_id, start=passage.start, end=passage.end)
    assert page.text[page.start : page.end] == passage.text
    status = await engine.status()
    assert [(collection.name, collection.documents) for collection in status.collections] == [("papers", 1)]
    assert status.web == "never"


async def test_what_the_model_that_ships_has_not_embedded_it_embeds_while_the_app_is_open(
    shipped_encoder: str,
) -> None:
    engine = EngineProcess(overrides={"web": "never"})
    for _ in range(600):
        (papers,) = (await engine.status()).collections
        if papers.embedded == papers.passages:
            break
        await asyncio.sleep(0.1)
    await engine.close()
    assert papers.embedded == papers.passages > 0


async def test_papers_are_added_and_asked_about(engine: EngineProcess, tmp_path: Path) -> None:
    (tmp_path / "zebra.md").write_text("# Zebras\n\nThe stripes of a zebra confuse biting flies.\n")
    added = [event async for event in engine.add([str(tmp_path)])]
    assert isinstance(added[-1], Added)
    events = [event async for event in engine.ask("What confuses biting flies?")]
    assert isinstance(events[-1], Done)
    assert events[-1].answer.evidence[0].document.title == "Zebras"


async def test_what_lies_in_a_folder_is_told_before_it_is_read(engine: EngineProcess, tmp_path: Path) -> None:
    (tmp_path / "zebra.md").write_text("# Zebras\n")
    (tmp_path / "zebra.png").write_bytes(b"\x89PNG")
    survey = (await engine.run(LookOver(path=str(tmp_path)))).survey
    assert [(kind.name, kind.files) for kind in survey.kinds] == [("Markdown", 1)]
    assert [kind.files for kind in survey.skipped] == [1]
    assert sum(each.documents for each in (await engine.status()).collections) == 1


async def test_only_an_empty_library_without_a_history_is_new(engine: EngineProcess, tmp_path: Path) -> None:
    assert not (await engine.status()).is_new
    for asks, is_new in ((True, True), (False, False)):
        first = EngineProcess(tmp_path / "home", overrides=OFFLINE)
        assert (await first.status()).is_new == is_new
        if asks:
            _ = [event async for event in first.ask(QUESTION)]
        await first.close()


async def test_what_cannot_be_is_told_as_an_error_of_ours(engine: EngineProcess) -> None:
    events = [event async for event in engine.ask("")]
    assert isinstance(events[-1], Failed)
    assert (events[-1].kind, events[-1].exit_code) == ("QuestionRefused", 2)
    with pytest.raises(CarrelError, match="nowhere"):
        _ = [event async for event in engine.add(["/nowhere"])]
    with pytest.raises(CarrelError, match="no document"):
        await engine.surroundings("unknown", start=0, end=1)


async def test_a_wrong_setting_fails_the_question_and_not_the_engine() -> None:
    engine = EngineProcess(overrides={"web": "perhaps"})
    events = [event async for event in engine.ask(QUESTION)]
    assert isinstance(events[-1], Failed)
    assert (events[-1].kind, events[-1].exit_code) == ("SettingsError", 78)
    await engine.close()


async def test_killed_while_a_model_writes_it_is_an_error_and_the_next_question_is_answered(
    model_server: FaultServer,
) -> None:
    model_server.script(Hang(), times=1)
    engine = EngineProcess(
        overrides={**OFFLINE, "reasoning": "openai:big", "base_url": model_server.base_url}
    )

    async def ask_and_kill() -> None:
        async for event in engine.ask(QUESTION):
            if isinstance(event, StepStarted) and event.step == "reason":
                await model_server.ledger.until(1)
                assert engine.pid is not None
                os.kill(engine.pid, signal.SIGKILL)

    try:
        with pytest.raises(EngineDied):
            await ask_and_kill()
        events = [event async for event in engine.ask(QUESTION)]
        assert isinstance(events[-1], Done)
        assert events[-1].answer.author == "openai:big"
    finally:
        await engine.close()


async def test_a_persons_yes_reaches_the_web_search_in_the_worker(
    web_server: FaultServer, tmp_path: Path
) -> None:
    engine = EngineProcess(
        tmp_path / "empty", overrides={"library.encoder": "none", "searxng_url": web_server.url}
    )
    events = []
    async for event in engine.ask(QUESTION):
        events.append(event)
        if isinstance(event, Asked):
            await engine.decide(event.id, "yes")
    await engine.close()
    assert isinstance(events[-1], Done)
    assert {evidence.document.origin for evidence in events[-1].answer.evidence} == {"web"}


async def test_a_person_may_choose_before_the_worker_waits_for_it(
    web_server: FaultServer, tmp_path: Path
) -> None:
    ended = asyncio.Event()
    seen: list[object] = []

    def send(reply: Reply) -> None:
        seen.append(reply.event)
        if isinstance(reply.event, Asked):  # at once: the one who asks has not come to waiting yet
            server.receive(DecideRequest(id=reply.id, asked_id=reply.event.id, choice="yes"))
        if isinstance(reply.event, Finished):
            ended.set()

    with Assistant(
        tmp_path / "empty", library__encoder="none", searxng_url=web_server.url, person__timeout_seconds=5
    ) as assistant:
        server = Server(lambda: assistant, send)
        server.receive(AskRequest(id=1, text=QUESTION))
        await ended.wait()
    assert [event.by for event in seen if isinstance(event, Decided)] == ["person"]
    assert [event.choice for event in seen if isinstance(event, Decided)] == ["yes"]
    (done,) = [event for event in seen if isinstance(event, Done)]
    assert {evidence.document.origin for evidence in done.answer.evidence} == {"web"}


async def test_a_folder_with_names_like_ours_is_not_imported_from(
    engine: EngineProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assistant.py").write_text("raise SystemExit(9)")
    (tmp_path / "pydantic.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert (await engine.status()).encoder == ""


async def test_questions_at_the_same_time_are_told_apart(engine: EngineProcess) -> None:
    async def last(question: str) -> str:
        event = [event async for event in engine.ask(question)][-1]
        assert isinstance(event, Done)
        return event.answer.query.text

    questions = [f"{QUESTION} ({number})" for number in range(4)]
    assert await asyncio.gather(*(last(question) for question in questions)) == questions
