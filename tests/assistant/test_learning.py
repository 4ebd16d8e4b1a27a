"""What a person says of answers is kept in a real history, changes a route, explains itself and is forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import Assistant
from assistant.engine.errands import ForgetMarks, Forgotten, Rate
from assistant.engine.running import run_errand
from assistant.events import Answer
from tests.faults.script import Reply
from tests.faults.server import FaultServer

QUESTION = "When does full jitter spread the retries of many clients?"


@pytest.fixture
def assistant(
    carrel_home: Path, model_server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Assistant]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    model_server.script(Reply("Full jitter spreads the retries of many clients [1]."), model="small")
    model_server.script(Reply("Full jitter spreads the retries of many clients [1]."), model="big")
    (tmp_path / "jitter.md").write_text(
        "# Full jitter\n\nFull jitter spreads the retries of many clients: each waits a random time.\n"
    )
    with Assistant(
        small="openai:small",
        reasoning="openai:big",
        base_url=model_server.base_url,
        web="never",
        library__encoder="none",
        limits__learning__marks=3,
    ) as assistant:
        assistant.add(tmp_path / "jitter.md")
        yield assistant


async def rate(assistant: Assistant, answer: Answer, helped: bool | None) -> None:
    errand = Rate(run=answer.run, question_id=answer.question_id, helped=helped)
    await assistant.awith(lambda workbench: run_errand(workbench, errand))


async def forget(assistant: Assistant) -> int:
    forgotten = await assistant.awith(lambda workbench: run_errand(workbench, ForgetMarks()))
    assert isinstance(forgotten, Forgotten)
    return forgotten.marks


async def test_marks_change_the_route_and_are_forgotten_without_the_history_losing_them(
    assistant: Assistant, carrel_home: Path
) -> None:
    for number in range(3):
        first = await assistant.aask(f"{QUESTION} ({number})")
        assert (first.route.name, first.author) == ("cascade", "openai:small")
        await rate(assistant, first, False)
        deeper = await assistant.aask(follows=first, again="deeper")
        assert deeper.author == "openai:big"
        await rate(assistant, deeper, True)

    learnt = await assistant.aask(QUESTION)
    assert (learnt.route.name, learnt.author) == ("full", "openai:big")
    assert "0 of 3 answers by openai:small helped, 3 of 3 answers by openai:big helped" in learnt.route.why

    assert await forget(assistant) == 6
    assert (await assistant.aask(QUESTION)).route.name == "cascade"
    with sqlite3.connect(carrel_home / "state" / "history.db") as history:
        said = history.execute("SELECT count(*) FROM questions WHERE helped IS NOT NULL").fetchone()
    history.close()
    assert said == (6,)


async def test_a_mark_that_is_taken_back_or_changed_counts_as_it_is_now(assistant: Assistant) -> None:
    answer = await assistant.aask(QUESTION)
    await rate(assistant, answer, True)
    await rate(assistant, answer, False)
    assert await forget(assistant) == 1
    await rate(assistant, answer, True)
    await rate(assistant, answer, None)
    assert await forget(assistant) == 0
