"""A question with real model clients over real sockets: the answer comes, whatever the models do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant import Assistant
from assistant.events import Answer, AskEvent, Degradation, Done, Fate, FellBack, Outcome, Token
from tests.faults.script import Delay, Ending, Hang, Reply, Status
from tests.faults.server import FaultServer

_QUESTION = "How do orchestration systems handle failing services?"

_NOTES = {
    "Jittered retries": "waiting a random time before a new call, so that clients do not return together",
    "Circuit breakers": "refusing calls at once after five failures in a row, until one probe succeeds",
    "Deadline budgets": "passing what is left of the time on to every call, and giving up when it is spent",
    "Bulkhead pools": "keeping one pool of workers per neighbour, so that a slow one cannot take them all",
    "Fallback ladders": "taking a simpler way when the better one fails, and saying which one was taken",
    "Hedged requests": "sending a second copy of a request that is slow, and using whichever reply is first",
    "Durable journals": "writing down each result before it is used, so that no call is paid for twice",
    "Load shedding": "turning away the least important work first, while the rest is still served in time",
}

Ask = Callable[..., tuple[Answer, list[AskEvent]]]


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose library holds eight notes on the question and a long one on something else."""
    notes, home = tmp_path_factory.mktemp("notes"), tmp_path_factory.mktemp("filled")
    for title, way in _NOTES.items():
        (notes / f"{title.lower().replace(' ', '-')}.md").write_text(_note(title, way))
    (notes / "a-garden.md").write_text(_garden())
    with Assistant(home, library__encoder="none") as assistant:
        report = assistant.add(notes)
    assert report.counts == {Fate.INDEXED: len(_NOTES) + 1}
    return home


@pytest.fixture
def ask(filled_home: Path, carrel_home: Path, model_server: FaultServer) -> Ask:
    """Asks the question of both models on the server; returns the answer and every event before it."""
    shutil.copytree(filled_home, carrel_home, dirs_exist_ok=True)

    def asked(question: str = _QUESTION, **settings: Any) -> tuple[Answer, list[AskEvent]]:
        with Assistant(**{**_settings(model_server), **settings}) as assistant:
            events = list(assistant.stream(question))
        assert isinstance(events[-1], Done), events[-1]
        return events[-1].answer, events

    return asked


def _note(title: str, way: str) -> str:
    """A note long enough that eight of them do not fit the context that the tests allow."""
    trials = (
        f"In trial {number} of {title.lower()}, {97 - 3 * number} of 100 calls were answered."
        for number in range(1, 9)
    )
    opening = f"Some orchestration systems handle failing services by {way}."
    return f"# {title}\n\n{opening} We tried this for a year.\n\n{' '.join(trials)}\n"


def _garden() -> str:
    beds = (
        f"## Bed {number}\n\nBeans grew here to {number + 20} centimetres, and slugs ate {number} of them."
        for number in range(1, 41)
    )
    return "# A garden\n\n" + "\n\n".join(beds) + "\n"


def _settings(server: FaultServer) -> dict[str, Any]:
    return {
        "small": "openai:small",
        "reasoning": "openai:big",
        "base_url": server.base_url,
        "web": "never",
        "library__encoder": "none",
        # So little that the passages of eight papers do not fit, and have to be summarised.
        "models__reasoning__context_tokens": 2_400,
        "models__small__context_tokens": 2_400,
    }


def _degraded(answer: Answer, step: str) -> list[Degradation]:
    return [each for each in answer.degraded if each.step == step]


def _text_after_last_fallback(events: list[AskEvent]) -> str:
    text = ""
    for event in events:
        if isinstance(event, FellBack) and event.step == "reason":
            text = ""
        if isinstance(event, Token):
            text += event.text
    return text


def _check_that_it_can_be_trusted(answer: Answer) -> None:
    """Whoever wrote it: cited, every citation verified, every sentence carried by what it cites."""
    assert answer.citations
    assert all(citation.verified for citation in answer.citations)
    assert all(claim.supported for claim in answer.claims)


def test_all_goes_well(ask: Ask, model_server: FaultServer) -> None:
    model_server.script(Delay(0.3), model="small")

    answer, events = ask()

    ledger = model_server.ledger
    assert answer.degraded == ()
    assert answer.author == "openai:big"
    assert (ledger.count(model="small"), ledger.count(model="big")) == (8, 1)
    assert ledger.concurrent_peak(model="small") > 1
    assert [each.read_by for each in answer.evidence] == ["openai:small"] * 8
    assert sum(isinstance(event, Token) for event in events) > 5
    assert _text_after_last_fallback(events) == answer.text
    assert {citation.evidence_id for citation in answer.citations} == {1, 2}
    _check_that_it_can_be_trusted(answer)
    assert answer.usage.calls == 9
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0


def test_passages_that_fit_are_not_summarised(ask: Ask, model_server: FaultServer) -> None:
    answer, _ = ask(models__reasoning__context_tokens=32_000)

    assert model_server.ledger.count(model="small") == 0
    assert model_server.ledger.count(model="big") == 1
    assert answer.degraded == ()
    _check_that_it_can_be_trusted(answer)


@pytest.mark.parametrize("hang", [Hang(), Reply(then=Ending.HANG)], ids=["from the start", "midway"])
def test_a_hanging_reasoning_model_gives_way_to_the_simpler_summary(
    ask: Ask, model_server: FaultServer, hang: Hang | Reply
) -> None:
    model_server.script(hang, model="big")
    started = time.monotonic()

    answer, events = ask(limits__reason_seconds=1.0)

    assert time.monotonic() - started < 30
    assert answer.author == "openai:small"
    (fallback,) = answer.degraded
    assert (fallback.step, fallback.outcome) == ("reason", Outcome.TIMED_OUT)
    assert "simpler summary" in fallback.rung
    assert "1 second" in fallback.why
    assert len(answer.evidence) == 8
    assert _text_after_last_fallback(events) == answer.text
    _check_that_it_can_be_trusted(answer)
    assert model_server.ledger.wait_for(model="big", end="client left")


def test_half_an_answer_is_not_an_answer(ask: Ask, model_server: FaultServer) -> None:
    model_server.script(Reply(then=Ending.TRUNCATE), model="big")

    answer, events = ask()

    assert answer.author == "openai:small"
    assert [each.outcome for each in _degraded(answer, "reason")] == [Outcome.UNREACHABLE]
    assert _text_after_last_fallback(events) == answer.text


def test_one_of_eight_summaries_fails_and_the_paper_speaks_for_itself(
    ask: Ask, model_server: FaultServer
) -> None:
    model_server.script(Status(500), model="small", contains="Circuit breakers")

    answer, _ = ask()

    (fallback,) = answer.degraded
    assert fallback.step == "summarise"
    assert len(answer.evidence) == 8
    unread = [each for each in answer.evidence if not each.read_by]
    assert [each.document.title for each in unread] == ["Circuit breakers"]
    assert unread[0].quote in _note("Circuit breakers", _NOTES["Circuit breakers"])
    assert answer.author == "openai:big"
    _check_that_it_can_be_trusted(answer)


def test_a_failure_that_passes_is_tried_again_and_leaves_no_mark(ask: Ask, model_server: FaultServer) -> None:
    model_server.script(Status(503), model="small", contains="Load shedding", times=1)

    answer, _ = ask()

    assert answer.degraded == ()
    assert model_server.ledger.count(model="small") == 9


def test_when_every_model_call_fails_the_papers_own_sentences_answer(
    ask: Ask, model_server: FaultServer
) -> None:
    model_server.script(Status(500))

    answer, events = ask()

    assert answer.author == "extractive"
    assert len(_degraded(answer, "reason")) == 2
    assert len(_degraded(answer, "summarise")) == 8
    assert _text_after_last_fallback(events) == answer.text
    stored = " ".join(_note(title, way) for title, way in _NOTES.items())
    for line in answer.text.splitlines():
        assert line.removeprefix("- ").rpartition(" [")[0] in stored
    _check_that_it_can_be_trusted(answer)


def test_a_refused_key_is_said_and_not_tried_again(ask: Ask, model_server: FaultServer) -> None:
    model_server.script(Status(401))

    answer, _ = ask()

    assert answer.author == "extractive"
    assert {each.outcome for each in answer.degraded} == {Outcome.AUTH}
    assert all("key was refused" in each.why for each in answer.degraded)
    # The eight summaries are under way when the first refusal comes; the key is not shown again after that.
    assert model_server.ledger.count() <= 8


def test_a_wrong_model_name_is_said_with_the_name(ask: Ask, model_server: FaultServer) -> None:
    model_server.script(Status(404), model="bgi")

    answer, _ = ask(reasoning="openai:bgi")

    (fallback,) = answer.degraded
    assert fallback.step == "reason"
    assert "openai:bgi" in fallback.why
    assert "no such model" in fallback.why
    assert answer.author == "openai:small"
    assert model_server.ledger.count(model="bgi") == 1


def test_both_models_gone_is_an_extractive_answer_that_says_so(ask: Ask) -> None:
    answer, _ = ask(base_url="http://127.0.0.1:9/v1")

    assert answer.author == "extractive"
    assert {each.outcome for each in answer.degraded} == {Outcome.UNREACHABLE}
    _check_that_it_can_be_trusted(answer)


def test_a_hanging_classifier_costs_its_time_limit_and_no_more(ask: Ask, model_server: FaultServer) -> None:
    model_server.script(Hang(), contains="one of these words")

    answer, _ = ask("orchestration systems failing services", limits__classify_seconds=0.5)

    assert [each.step for each in answer.degraded] == ["classify"]
    assert answer.author == "openai:big"


@pytest.fixture
def command(filled_home: Path, carrel_home: Path, model_server: FaultServer) -> Callable[..., Any]:
    """Runs `carrel ask` in a process of its own with both models on the server."""
    shutil.copytree(filled_home, carrel_home, dirs_exist_ok=True)
    root = Path(__file__).resolve().parents[2]
    flags = ["--small", "openai:small", "--reasoning", "openai:big", "--base-url", model_server.base_url]
    program = [sys.executable, "-c", "from assistant.cli import main; main()"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*program, "ask", *flags, "--set", "library.encoder=none", *arguments],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(root)},
        )

    return run


def test_the_command_prints_a_degraded_answer_and_says_what_was_done_instead(
    command: Callable[..., Any], model_server: FaultServer
) -> None:
    model_server.script(Hang(), model="big")

    ended = command(_QUESTION, "--set", "limits.reason_seconds=1")

    assert ended.returncode == 0
    assert "[1]" in ended.stdout
    assert "longer than 1 second" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_command_answers_without_any_working_model(
    command: Callable[..., Any], model_server: FaultServer
) -> None:
    model_server.script(Status(401))

    ended = command(_QUESTION)

    assert ended.returncode == 0
    assert "[1]" in ended.stdout
    assert "key was refused" in ended.stdout + ended.stderr
