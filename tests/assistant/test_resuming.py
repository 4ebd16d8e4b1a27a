"""A question that was stopped: what there is of it is kept, and going on with it pays for nothing twice."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from assistant import Assistant
from assistant.events import Asked, AskEvent, Decided, Done, Failed, StepStarted, Token
from assistant.history import History, KeptQuestion, RunMissing, State
from assistant.history_file import HistoryError
from tests.faults.script import Hang, Reply, Status
from tests.faults.server import FaultServer

_QUESTION = "How do services cope with neighbours that fail?"
_NOTES = {
    "jitter": "Services cope with neighbours that fail by waiting a random time before they call again.",
    "breaker": "Services cope with neighbours that fail by refusing calls to them after five failures in a row.",
    "budget": "Services cope with neighbours that fail by passing what is left of the time on to every call.",
}
_LONG = " ".join(f"word{number}" for number in range(400))

Open = Callable[..., Assistant]


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose library holds the notes, each too long for two of them to fit the models' context."""
    notes, home = tmp_path_factory.mktemp("notes"), tmp_path_factory.mktemp("filled")
    for name, text in _NOTES.items():
        trials = " ".join(
            f"In trial {n} of the {name}, {97 - n} of 100 calls were answered." for n in range(40)
        )
        (notes / f"{name}.md").write_text(f"# The {name}\n\n{text}\n\n{trials}\n")
    with Assistant(home, library__encoder="none", history__keep=False) as assistant:
        assistant.add(notes)
    return home


@pytest.fixture
def open_assistant(filled_home: Path, carrel_home: Path, model_server: FaultServer) -> Iterator[Open]:
    """Opens one assistant after another over the notes, as one process after another does."""
    shutil.copytree(filled_home, carrel_home, dirs_exist_ok=True)
    opened: list[Assistant] = []

    def open_one(**settings: Any) -> Assistant:
        defaults: dict[str, Any] = {
            "small": "openai:small",
            "reasoning": "openai:big",
            "base_url": model_server.base_url,
            "web": "never",
            "library__encoder": "none",
            "limits__cascade__on": False,
            "limits__attempts": 1,
            "models__reasoning__context_tokens": 1_600,
            "models__small__context_tokens": 2_400,
        }
        opened.append(Assistant(**{**defaults, **settings}))
        return opened[-1]

    yield open_one
    for assistant in opened:
        assistant.close()


def kept(home: Path, run: str) -> KeptQuestion:
    """The question of a run, as another process finds it."""

    async def look() -> KeptQuestion:
        history = History(home / "state" / "history.db")
        try:
            return (await history.questions((await history.run(run)).id))[-1]
        finally:
            await history.close()

    return asyncio.run(look())


def test_an_answer_is_kept_whole_under_its_run(open_assistant: Open, carrel_home: Path) -> None:
    answer = open_assistant().ask(_QUESTION)

    question = kept(carrel_home, answer.run)
    assert (question.id, question.text, question.state) == (answer.question_id, _QUESTION, State.OK)
    assert question.answer == answer


def test_each_question_has_a_run_of_its_own(open_assistant: Open) -> None:
    assistant = open_assistant()
    first, second = assistant.ask(_QUESTION), assistant.ask(_QUESTION)

    assert first.run != second.run
    assert first.question_id == second.question_id


def test_summaries_serve_the_next_question_like_it_and_answers_do_not(
    open_assistant: Open, model_server: FaultServer
) -> None:
    assistant = open_assistant()
    assistant.ask(_QUESTION)
    assert model_server.ledger.count(model="small") == len(_NOTES)
    again = assistant.ask(_QUESTION)

    assert model_server.ledger.count(model="small") == len(_NOTES)
    assert model_server.ledger.count(model="big") == 2
    assert again.usage.recalled == len(_NOTES)


def test_an_answered_question_asked_again_in_its_run_costs_nothing(
    open_assistant: Open, model_server: FaultServer
) -> None:
    first = open_assistant().ask(_QUESTION)
    before = len(model_server.ledger)
    again = open_assistant().ask(_QUESTION, resume=first.run)

    assert len(model_server.ledger) == before
    assert (again.text, again.run, again.usage.calls) == (first.text, first.run, 0)
    assert again.usage.recalled == before


def test_a_question_cancelled_while_it_is_written_keeps_its_text_and_is_gone_on_with(
    open_assistant: Open, model_server: FaultServer, carrel_home: Path
) -> None:
    model_server.script(Reply(_LONG, gap=0.02), model="big", times=1)
    assistant = open_assistant()
    written = ""
    for event in assistant.stream(_QUESTION):
        if isinstance(event, Token):
            written += event.text
            if len(written.split()) >= 5:
                break
    left = time.monotonic()
    [cut] = model_server.ledger.wait_for(model="big", end="client left")
    assert cut.ended is not None
    assert cut.ended - left < 1
    assistant.close()

    stopped = kept(carrel_home, "last")
    assert stopped.state is State.CANCELLED
    assert stopped.answer is not None
    assert stopped.answer.text.startswith(written)
    assert stopped.answer.evidence
    assert "cancelled" in stopped.answer.notes[0]

    answer = open_assistant().ask(resume="last")
    assert answer.run == stopped.run
    assert answer.query.text == _QUESTION
    assert model_server.ledger.count(model="small") == len(_NOTES)
    assert kept(carrel_home, answer.run).state is State.OK


async def test_the_task_of_a_cancelled_caller_ends_the_call(
    open_assistant: Open, model_server: FaultServer
) -> None:
    model_server.script(Hang(), model="big")
    asking = asyncio.create_task(open_assistant().aask(_QUESTION))
    await model_server.ledger.until(model="big")
    asking.cancel()
    left = time.monotonic()
    await asyncio.wait([asking])

    [cut] = await model_server.ledger.until(model="big", end="client left")
    assert cut.ended is not None
    assert cut.ended - left < 1


async def test_cancelled_questions_leave_no_task_or_thread_and_the_next_one_works(
    open_assistant: Open, model_server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    assistant = open_assistant()
    await assistant.aask(_QUESTION)
    threads, tasks = threading.active_count(), len(asyncio.all_tasks())
    model_server.script(Reply(_LONG, gap=0.01), model="big")
    for _ in range(8):
        async with aclosing(assistant.astream(_QUESTION)) as events:
            async for event in events:
                if isinstance(event, Token):
                    break
    model_server.behave()

    assert (await assistant.aask(_QUESTION)).found
    assert len(asyncio.all_tasks()) == tasks
    assert caplog.messages == []
    assert threading.active_count() <= threads + 2


def test_a_question_that_failed_for_want_of_a_model_tries_only_that_again(
    open_assistant: Open, model_server: FaultServer, carrel_home: Path
) -> None:
    model_server.script(Status(500), model="big")
    model_server.script(Status(500), model="small", contains="[1]")
    answer = open_assistant().ask(_QUESTION)
    assert kept(carrel_home, answer.run).state is State.PARTIAL
    model_server.behave()
    before = model_server.ledger.count(model="small")
    again = open_assistant().ask(resume=answer.run)

    assert again.author == "openai:big"
    assert model_server.ledger.count(model="small") == before
    assert kept(carrel_home, answer.run).state is State.OK


def test_what_a_person_decided_is_not_asked_again(
    open_assistant: Open, model_server: FaultServer, web_server: FaultServer
) -> None:
    asked: list[str] = []
    nowhere = "Which comets were seen over Novgorod?"
    settings = {"web": "ask", "searxng_url": web_server.url}
    model_server.script(Hang(), model="big", times=1)

    def allow(question: Asked) -> str:
        asked.append(question.id)
        return "yes"

    assistant = open_assistant(**settings)
    for event in assistant.stream(nowhere, decide=allow):
        if isinstance(event, StepStarted) and event.step == "reason":
            model_server.ledger.wait_for(model="big")
            break
    assistant.close()
    events = list(open_assistant(**settings).stream(resume="last", decide=allow))

    assert len(asked) == 1
    assert [event.by for event in events if isinstance(event, Decided)] == ["journal"]
    assert isinstance(events[-1], Done)


def test_a_run_that_is_not_there_is_an_error(open_assistant: Open) -> None:
    with pytest.raises(RunMissing, match="abc"):
        open_assistant().ask(_QUESTION, resume="abc")


def test_where_nothing_is_kept_there_is_nothing_to_resume(open_assistant: Open, carrel_home: Path) -> None:
    assistant = open_assistant(history__keep=False)

    assert assistant.ask(_QUESTION).run == ""
    assert not (carrel_home / "state" / "history.db").exists()
    with pytest.raises(HistoryError, match="Nothing is kept"):
        assistant.ask(resume="last")


def test_a_history_that_cannot_be_used_costs_no_answer(open_assistant: Open, carrel_home: Path) -> None:
    (carrel_home / "state").mkdir(exist_ok=True)
    (carrel_home / "state" / "history.db").write_bytes(b"not a database")
    answer = open_assistant().ask(_QUESTION)

    assert answer.found
    assert any("history" in note for note in answer.notes)


def test_a_failure_is_kept_with_its_reason(
    open_assistant: Open, model_server: FaultServer, carrel_home: Path
) -> None:
    """A person stops a question that no model answers: it can be gone on with, and then asks again."""
    model_server.script(Status(500))
    events: list[AskEvent] = list(open_assistant().stream(_QUESTION, decide=lambda asked: "stop"))
    assert isinstance(events[-1], Failed)
    stopped = kept(carrel_home, "last")
    assert (stopped.state, stopped.said) == (State.CANCELLED, events[-1].message)
    model_server.behave()

    assert open_assistant().ask(resume="last").author == "openai:big"
