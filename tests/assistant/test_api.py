"""The Python API over a real library: blocking and awaited, whole and streamed, from anywhere."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from assistant import Answer, Assistant
from assistant.events import Added, Asked, Classified, Done, Fate, FilesFound, StepStarted
from assistant.settings import Settings
from indexes.errors import LibraryError, PathMissing, QuestionRefused
from tests.assistant.command_line import ROOT, environment
from tests.faults.script import Hang
from tests.faults.server import FaultServer

QUESTION = "What does full jitter do to the retries of many clients?"
NOTES = {
    "jitter.md": (
        "# Full jitter\n\nClients that fail together retry together. Full jitter spreads the retries of many clients:"
        " each of them waits a random time between zero and an exponentially growing bound.\n"
    ),
    "breaker.md": (
        "# Circuit breakers\n\nA circuit breaker stops calling a service after five failures in a row."
        " After thirty seconds it lets one probe through.\n"
    ),
}


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notes")
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def filled_home(notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose library holds the notes; tests use copies of it."""
    home = tmp_path_factory.mktemp("filled")
    with Assistant(home, web="never", library__encoder="hashing") as assistant:
        assistant.add(notes)
    return home


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with Assistant(web="never", library__encoder="hashing") as assistant:
        yield assistant


@pytest.fixture
def filled(assistant: Assistant, filled_home: Path, carrel_home: Path) -> Assistant:
    shutil.copytree(filled_home, carrel_home, dirs_exist_ok=True)
    return assistant


def test_what_was_added_is_answered_from(assistant: Assistant, notes: Path) -> None:
    report = assistant.add(notes)
    assert sum(report.counts.get(fate, 0) for fate in (Fate.INDEXED, Fate.EMBEDDED)) == 2
    answer = assistant.ask(QUESTION)
    assert isinstance(answer, Answer)
    assert answer.evidence[0].document.title == "Full jitter"
    assert "random" in answer.text
    assert all(citation.verified for citation in answer.citations)


def test_a_library_without_papers_answers_that_it_found_nothing(assistant: Assistant) -> None:
    answer = assistant.ask(QUESTION)
    assert not answer.found
    assert answer.text


async def test_blocking_calls_work_within_a_running_loop(filled: Assistant) -> None:
    assert filled.ask(QUESTION).found
    assert filled.search("jitter").hits


async def test_awaited_and_blocking_calls_share_one_instance(assistant: Assistant, notes: Path) -> None:
    await assistant.aadd(notes)
    awaited, blocking = await assistant.aask(QUESTION), assistant.ask(QUESTION)
    assert awaited.text == blocking.text
    assert (await assistant.asearch("jitter")).hits == assistant.search("jitter").hits
    assert await assistant.acollections() == assistant.collections()
    assert await assistant.astatus() == assistant.status()


def test_one_instance_serves_several_threads_and_loops(filled: Assistant) -> None:
    found: list[bool] = []

    def in_a_loop_of_its_own() -> None:
        found.append(asyncio.run(filled.aask(QUESTION)).found)

    threads = [threading.Thread(target=in_a_loop_of_its_own) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 3


async def test_questions_asked_at_the_same_time_open_the_library_once(filled: Assistant) -> None:
    answers = await asyncio.gather(*(filled.aask(QUESTION) for _ in range(3)))
    assert [answer.found for answer in answers] == [True] * 3


def test_a_stream_tells_each_step_and_ends_with_the_answer(filled: Assistant) -> None:
    events = list(filled.stream(QUESTION))
    assert any(isinstance(event, Classified) for event in events)
    assert {event.step for event in events if isinstance(event, StepStarted)} >= {
        "classify",
        "retrieve",
        "verify",
    }
    assert isinstance(events[-1], Done)


async def test_an_async_stream_tells_the_same(filled: Assistant) -> None:
    events = [event async for event in filled.astream(QUESTION)]
    assert isinstance(events[-1], Done)


def test_adding_can_be_watched(assistant: Assistant, notes: Path) -> None:
    events = list(assistant.stream_add([notes]))
    assert events[0] == FilesFound(total=2)
    assert isinstance(events[-1], Added)


async def test_adding_can_be_watched_in_a_loop(assistant: Assistant, notes: Path) -> None:
    events = [event async for event in assistant.astream_add(str(notes))]
    assert isinstance(events[-1], Added)


def test_adding_twice_changes_nothing(filled: Assistant, notes: Path) -> None:
    assert filled.add(notes).counts == {Fate.UNCHANGED: 2}


def test_a_path_that_is_missing_is_named(assistant: Assistant, tmp_path: Path) -> None:
    with pytest.raises(PathMissing, match="no-such-folder"):
        assistant.add(tmp_path / "no-such-folder")
    with pytest.raises(PathMissing, match="no-such-folder"):
        list(assistant.stream_add(tmp_path / "no-such-folder"))


@pytest.mark.parametrize("text", ["", "  \n", "\x1b[2J\u200b"])
def test_an_empty_question_is_refused_at_once(text: str, assistant: Assistant) -> None:
    with pytest.raises(QuestionRefused, match="empty"):
        assistant.ask(text)
    with pytest.raises(QuestionRefused):
        assistant.stream(text)  # at the call, not at the first event


async def test_an_oversized_question_names_its_length_and_the_limit(assistant: Assistant) -> None:
    with pytest.raises(QuestionRefused, match="20,001") as caught:
        await assistant.aask("x" * 20_001)
    assert "20,000" in caught.value.message
    assert "carrel add" in caught.value.hint


def test_a_citation_leads_to_its_page(filled: Assistant) -> None:
    evidence = filled.ask(QUESTION).evidence[0]
    passage = evidence.hits[0].passage
    page = filled.surroundings(passage.document_id, start=passage.start, end=passage.end)
    assert page.text[page.start : page.end] == passage.text
    assert (page.page, page.page_count) == (1, 1)


def test_a_document_that_is_gone_is_a_clear_error(filled: Assistant) -> None:
    with pytest.raises(Exception, match="library") as caught:
        filled.surroundings("gone", start=0, end=1)
    assert type(caught.value).__module__.startswith("indexes")


def test_status_says_what_there_is(filled: Assistant) -> None:
    status = filled.status()
    assert [(collection.name, collection.documents) for collection in status.collections] == [("papers", 2)]
    assert (status.models, status.web) == ({}, "never")
    assert "hashing" in status.encoder.lower()


def test_without_an_encoder_search_is_by_keyword_and_says_so(notes: Path) -> None:
    with Assistant(web="never", library__encoder="none") as assistant:
        assistant.add(notes)
        answer = assistant.ask(QUESTION)
        assert answer.found
        assert assistant.status().encoder == ""


def test_closing_twice_is_fine_and_a_closed_assistant_opens_again(filled: Assistant) -> None:
    filled.close()
    filled.close()
    assert filled.ask(QUESTION).found


async def test_it_is_an_async_context_manager_too(filled_home: Path) -> None:
    async with Assistant(filled_home, web="never", library__encoder="hashing") as assistant:
        assert (await assistant.aask(QUESTION)).found


def test_a_library_that_cannot_be_opened_is_an_error_each_time(carrel_home: Path) -> None:
    broken = carrel_home / "data" / "library"
    broken.parent.mkdir(parents=True)
    broken.write_text("not a folder")
    with Assistant(library__encoder="none") as assistant:
        for _ in range(2):
            with pytest.raises((LibraryError, OSError)):
                assistant.search("anything")


def test_settings_and_single_overrides_do_not_mix() -> None:
    with pytest.raises(TypeError, match="web"):
        Assistant(settings=Settings(), web="never")


async def test_closing_a_stream_hangs_up_on_the_model(
    filled: Assistant, model_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    model_server.script(Hang())
    options = {"web": "never", "library__encoder": "hashing", "base_url": model_server.base_url}
    async with Assistant(reasoning="openai:big", **options) as assistant:
        async with aclosing(assistant.astream(QUESTION)) as events:
            async for event in events:
                if isinstance(event, StepStarted) and event.step == "reason":
                    await model_server.ledger.until(1)
                    break
        await model_server.ledger.until(1, end="client left")
        assert (await assistant.asearch("jitter")).hits


def test_ctrl_c_cancels_a_blocking_question_within_seconds(
    filled: Assistant, model_server: FaultServer
) -> None:
    code = (
        "import sys, signal, os, time\n"
        "from assistant import Assistant\n"
        "assistant = Assistant(web='never', library__encoder='hashing', reasoning='openai:big', base_url=sys.argv[1])\n"
        "try:\n"
        "    for event in assistant.stream('What does full jitter do?'):\n"
        "        if event.type == 'step_started' and event.step == 'reason':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "except KeyboardInterrupt:\n"
        "    print('cancelled')\n"
        "assistant.close()\n"
    )
    model_server.script(Hang())
    run = subprocess.run(
        [sys.executable, "-c", code, model_server.base_url],
        capture_output=True,
        text=True,
        env=environment({"OPENAI_API_KEY": "x"}),
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert run.stdout == "cancelled\n", run.stderr


def asks_the_web(server: FaultServer, **more: object) -> Assistant:
    return Assistant(library__encoder="hashing", searxng_url=server.url, **{"web": "ask", **more})


def test_the_person_is_asked_before_the_web_is_searched(web_server: FaultServer) -> None:
    asked: list[Asked] = []

    def allow(question: Asked) -> str:
        asked.append(question)
        return "yes"

    with asks_the_web(web_server) as assistant:
        answer = assistant.ask(QUESTION, decide=allow)
    assert QUESTION in asked[0].prompt
    assert {evidence.document.origin for evidence in answer.evidence} == {"web"}


async def test_the_person_may_say_no(web_server: FaultServer) -> None:
    async def refuse(question: Asked) -> str:
        return "no"

    async with asks_the_web(web_server) as assistant:
        answer = await assistant.aask(QUESTION, decide=refuse)
    assert not answer.found
    assert web_server.ledger.count() == 0


def test_where_nobody_can_be_asked_the_web_is_left_alone(web_server: FaultServer) -> None:
    with asks_the_web(web_server) as assistant:
        assert not assistant.ask(QUESTION).found
    assert web_server.ledger.count() == 0


def test_auto_searches_the_web_without_asking(web_server: FaultServer) -> None:
    with asks_the_web(web_server, web="auto") as assistant:
        assert assistant.ask(QUESTION).found
