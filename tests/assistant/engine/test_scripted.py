"""The shipped double of the engine."""

from __future__ import annotations

import asyncio

import pytest

from assistant.engine.protocol import Engine
from assistant.engine.scripted import Gate, ScriptedEngine
from assistant.events import Added, AddReport, Asked, AskEvent, FilesFound, Noted
from indexes.errors import LibraryBusy

ASKED = Asked(id="web-1", prompt="Search?", choices=("yes", "no"), default="no", timeout_seconds=60)


async def played(engine: ScriptedEngine, text: str = "?") -> list[AskEvent]:
    return [event async for event in engine.ask(text)]


async def test_it_plays_the_same_events_for_every_question() -> None:
    engine = ScriptedEngine([Noted(note="a"), Noted(note="b")])
    checked: Engine = engine
    assert checked is engine
    assert await played(engine) == await played(engine) == [Noted(note="a"), Noted(note="b")]
    assert engine.cancelled == 0


async def test_it_may_answer_each_text_differently() -> None:
    engine = ScriptedEngine(lambda text: [Noted(note=text)])
    assert await played(engine, "this") == [Noted(note="this")]
    assert engine.questions == [("this", ())]


async def test_it_waits_at_a_gate_until_the_test_opens_it() -> None:
    gate = Gate()
    engine = ScriptedEngine([Noted(note="before"), gate, Noted(note="after")])
    playing = asyncio.create_task(played(engine))
    await gate.reached.wait()
    assert not playing.done()
    gate.open()
    assert len(await playing) == 2


async def test_closing_at_a_gate_counts_as_cancelled() -> None:
    gate = Gate()
    engine = ScriptedEngine([gate])
    playing = asyncio.create_task(played(engine))
    await gate.reached.wait()
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert engine.cancelled == 1


async def test_it_waits_for_the_decision_it_asks_for() -> None:
    engine = ScriptedEngine([ASKED, Noted(note="after")])
    seen = []
    async for event in engine.ask("?"):
        seen.append(event)
        if isinstance(event, Asked):
            await engine.decide(event.id, "yes")
    assert seen == [ASKED, Noted(note="after")]
    assert engine.decisions == [("web-1", "yes")]


async def test_an_exception_in_the_script_is_raised() -> None:
    engine = ScriptedEngine(add_events=[FilesFound(total=1), LibraryBusy("Busy.")])
    with pytest.raises(LibraryBusy):
        _ = [event async for event in engine.add(["a"])]
    assert (engine.added, engine.cancelled) == ([(("a",), "papers")], 0)


async def test_adding_plays_its_own_script() -> None:
    engine = ScriptedEngine(add_events=[Added(report=AddReport())])
    assert [event async for event in engine.add(["a"])] == [Added(report=AddReport())]
    await engine.close()
    assert engine.closed
