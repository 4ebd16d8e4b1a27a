"""Asking again over a real library, history and model server: one retrieval, and a follow-on in the history."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import Assistant
from assistant.engine.process import EngineProcess
from assistant.events import Done, Failed
from assistant.history import History
from assistant.past_question import PastQuestion
from indexes.errors import QuestionRefused
from tests.faults.script import Hang, Reply
from tests.faults.server import FaultServer

QUESTION = "What does full jitter do to the retries of many clients?"


@pytest.fixture
def models(model_server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    model_server.script(Reply("Full jitter spreads the retries of many clients [1]."), model="small")
    model_server.script(Reply("Each client waits a random time [1]."), model="big")
    model_server.script(Reply("Many clients wait at random [1]."), model="odd")
    return {
        "web": "never",
        "library.encoder": "none",
        "small": "openai:small",
        "reasoning": "openai:big",
        "models.others": "openai:odd",
        "base_url": model_server.base_url,
        "limits.cascade.kinds": '["fact", "definition", "general"]',
    }


@pytest.fixture
def assistant(models: dict[str, str], carrel_home: Path, tmp_path: Path) -> Iterator[Assistant]:
    (tmp_path / "jitter.md").write_text(
        "# Full jitter\n\nFull jitter spreads the retries of many clients: each waits a random time.\n"
    )
    overrides = {name: value for name, value in models.items() if name != "limits.cascade.kinds"}
    with Assistant(**overrides, limits__cascade__kinds=("fact", "definition", "general")) as assistant:
        assistant.add(tmp_path / "jitter.md")
        yield assistant


def past(home: Path) -> list[PastQuestion]:
    """The questions of the history, newest first, as another process finds them."""

    async def look() -> list[PastQuestion]:
        history = History(home / "state" / "history.db")
        try:
            return list((await history.past.page()).questions)
        finally:
            await history.close()

    return asyncio.run(look())


def test_deeper_and_another_model_answer_from_the_evidence_without_a_second_search(
    assistant: Assistant,
) -> None:
    first = assistant.ask(QUESTION)
    assert first.author == "openai:small"
    deeper = assistant.ask(follows=first, again="deeper")
    odd = assistant.ask(follows=first, again="openai:odd")
    assert [deeper.author, odd.author] == ["openai:big", "openai:odd"]
    for answer in (deeper, odd):
        assert answer.evidence == first.evidence
        assert answer.query == first.query
        assert not answer.trace.of("search")
        assert not answer.trace.of("retrieve")
        assert not answer.trace.of("classify")
        assert all(citation.verified for citation in answer.citations)


def test_the_history_has_each_as_a_follow_on_of_the_first(assistant: Assistant, carrel_home: Path) -> None:
    first = assistant.ask(QUESTION)
    assistant.ask(follows=first, again="deeper")
    assistant.ask(follows=first, again="openai:odd")
    odd, deeper, asked = past(carrel_home)
    assert [asked.again, deeper.again, odd.again] == ["", "deeper", "openai:odd"]
    assert asked.follows == ""
    assert deeper.follows == odd.follows == f"{asked.run} {asked.id}"
    assert {each.text for each in (asked, deeper, odd)} == {QUESTION}


def test_one_that_was_stopped_goes_on_as_it_was_asked(
    assistant: Assistant, carrel_home: Path, model_server: FaultServer
) -> None:
    first = assistant.ask(QUESTION)
    model_server.behave()
    model_server.script(Hang(), model="odd", times=1)
    asking = assistant.stream(follows=first, again="openai:odd")
    for event in asking:
        if event.type == "step_started" and event.step == "reason":
            model_server.ledger.wait_for(model="odd")
            break
    asking.close()
    stopped = past(carrel_home)[0]
    answer = assistant.ask(stopped.text, resume=stopped.run)
    assert answer.author == "openai:odd"
    assert not answer.trace.of("search")
    assert [each.state.value for each in past(carrel_home)] == ["ok", "ok"]


def test_what_cannot_be_asked_again_says_why(assistant: Assistant) -> None:
    first = assistant.ask(QUESTION)
    with pytest.raises(QuestionRefused, match="openai:odd, openai:small, openai:big"):
        assistant.ask(follows=first, again="openai:none")
    nothing = assistant.ask("Which comets were seen over Novgorod?")
    with pytest.raises(QuestionRefused, match="no evidence"):
        assistant.ask(follows=nothing, again="deeper")
    with pytest.raises(TypeError, match="follows"):
        assistant.ask(again="deeper")


async def test_the_engines_process_carries_it(
    assistant: Assistant, models: dict[str, str], model_server: FaultServer
) -> None:
    first = await assistant.aask(QUESTION)
    overrides = {name: value for name, value in models.items() if name != "limits.cascade.kinds"}
    engine = EngineProcess(overrides=overrides)
    try:
        assert (await engine.status()).others == ("openai:odd",)
        events = [event async for event in engine.ask(QUESTION, follows=first, again="openai:odd")]
        assert isinstance(events[-1], Done), events[-1]
        assert events[-1].answer.author == "openai:odd"
        assert events[-1].answer.evidence == first.evidence
        events = [event async for event in engine.ask(QUESTION, follows=first, again="openai:none")]
        assert isinstance(events[-1], Failed)
        assert events[-1].kind == "QuestionRefused"
    finally:
        await engine.close()


def test_a_follow_up_is_made_whole_and_kept_as_one(assistant: Assistant, carrel_home: Path) -> None:
    first = assistant.ask(QUESTION)
    second = assistant.ask("and of servers?", follows=first)
    assert second.query.said == "and of servers?"
    assert second.trace.of("condense")
    assert second.trace.of("search")
    later, asked = past(carrel_home)
    assert (later.text, later.again) == ("and of servers?", "")
    assert later.follows == f"{asked.run} {asked.id}"
    alone = assistant.ask("Why is jitter added to the waits of clients?", follows=first)
    assert alone.query.said == ""
    assert past(carrel_home)[0].follows == ""
