"""The engine in its own process: many requests, cancelling, decisions, and what happens when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from assistant.engine.process import EngineDied, EngineProcess
from assistant.engine.protocol import Engine
from assistant.events import Added, Asked, AskEvent, Done, Failed, FilesFound, Noted, Token
from assistant.paths import find_paths
from indexes.errors import PathMissing

ROOT = Path(__file__).parents[3]
WORKER = Path(__file__).with_name("scripted_worker.py")
MakeEngine = Callable[..., EngineProcess]


@pytest.fixture
async def make_engine(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeEngine]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made: list[EngineProcess] = []

    def make(*options: str) -> EngineProcess:
        made.append(EngineProcess(command=[sys.executable, str(WORKER), *options]))
        return made[-1]

    yield make
    for engine in made:
        await engine.close()


@pytest.fixture
def engine(make_engine: MakeEngine) -> EngineProcess:
    return make_engine()


async def answered(engine: EngineProcess, text: str) -> str:
    events = [event async for event in engine.ask(text)]
    assert isinstance(events[-1], Done), events
    return events[-1].answer.text


async def becomes_true(condition: Callable[[], bool], *, within_seconds: float = 10) -> None:
    async with asyncio.timeout(within_seconds):
        while not condition():  # noqa: ASYNC110 - the other side is a process
            await asyncio.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def log() -> str:
    return (find_paths().state / "engine.log").read_text()


async def started_hanging(engine: EngineProcess) -> tuple[AsyncIterator[AskEvent], asyncio.Task[AskEvent]]:
    """A question that hangs in the worker, and the task that waits for its next event."""
    events = engine.ask("hang")
    assert isinstance(await anext(events), Noted)
    return events, asyncio.ensure_future(_next(events))


async def _next(events: AsyncIterator[AskEvent]) -> AskEvent:
    return await anext(events)


def test_it_is_an_engine(engine: EngineProcess) -> None:
    checked: Engine = engine
    assert checked is engine


async def test_nothing_starts_before_the_first_request(engine: EngineProcess) -> None:
    assert engine.pid is None
    await engine.start()
    assert engine.pid is not None


async def test_events_arrive_in_order_up_to_the_answer(engine: EngineProcess) -> None:
    events = [event async for event in engine.ask("hello", collections=["a", "b"])]
    assert events[0] == Noted(note="heard hello in a,b")
    assert isinstance(events[-1], Done)


async def test_a_failure_is_the_last_event_of_a_question(engine: EngineProcess) -> None:
    events = [event async for event in engine.ask("fail")]
    assert events[-1] == Failed(kind="ModelAuth", message="No key.", hint="Set one.", exit_code=3)


@pytest.mark.parametrize(
    ("text", "kind", "said"), [("refuse", "QuestionRefused", "no question"), ("break", "Internal", "Zero")]
)
async def test_an_error_in_the_worker_fails_one_question_only(
    text: str, kind: str, said: str, engine: EngineProcess
) -> None:
    events = [event async for event in engine.ask(text)]
    assert isinstance(events[-1], Failed)
    assert events[-1].kind == kind
    assert said in events[-1].message
    assert await answered(engine, "hello") == "hello"


async def test_an_assistant_that_cannot_be_made_is_a_failure_with_its_reason(make_engine: MakeEngine) -> None:
    engine = make_engine("--shut")
    events = [event async for event in engine.ask("hello")]
    assert isinstance(events[-1], Failed)
    assert (events[-1].kind, events[-1].exit_code) == ("SettingsError", 78)


async def test_several_questions_run_at_the_same_time(engine: EngineProcess) -> None:
    _, waiting = await started_hanging(engine)
    texts = [f"question {number}" for number in range(5)]
    assert await asyncio.gather(*(answered(engine, text) for text in texts)) == texts
    assert not waiting.done()
    waiting.cancel()


async def test_what_native_code_prints_does_not_reach_the_replies(engine: EngineProcess) -> None:
    assert await answered(engine, "print") == "print"
    assert "native code prints" in log()
    assert "and writes" in log()


async def test_a_very_long_event_arrives_whole(engine: EngineProcess) -> None:
    events = [event async for event in engine.ask("long 3000000")]
    assert isinstance(events[1], Token)
    assert len(events[1].text) == 3_000_000


async def test_closing_the_iterator_cancels_the_question(engine: EngineProcess) -> None:
    async with aclosing(engine.ask("hang")) as events:  # type: ignore[type-var]
        await anext(events)
    await becomes_true(lambda: "the hanging question was cancelled" in log())
    assert await answered(engine, "hello") == "hello"


async def test_a_decision_reaches_the_question_that_asked(engine: EngineProcess) -> None:
    texts = []
    async for event in engine.ask("web 60"):
        if isinstance(event, Asked):
            await engine.decide(event.id, "yes")
        if isinstance(event, Done):
            texts.append(event.answer.text)
    assert texts == ["yes"]


async def test_without_a_decision_in_time_the_default_is_taken(engine: EngineProcess) -> None:
    assert await answered(engine, "web 0.05") == "no"


async def test_a_decision_that_nobody_asked_for_is_left_alone(engine: EngineProcess) -> None:
    await engine.decide("web-1", "yes")
    assert await answered(engine, "hello") == "hello"


async def test_adding_yields_events_up_to_the_report(engine: EngineProcess) -> None:
    events = [event async for event in engine.add(["a", "b"], collection="c")]
    assert events[0] == FilesFound(total=2)
    assert isinstance(events[-1], Added)
    assert events[-1].report.notes == ("c",)


async def test_an_error_of_adding_is_raised_as_what_it_was(engine: EngineProcess) -> None:
    with pytest.raises(PathMissing, match="no 'missing'"):
        _ = [event async for event in engine.add(["missing"])]


async def test_surroundings_and_status_are_returned(engine: EngineProcess) -> None:
    assert (await engine.surroundings("d", start=1, end=2)).text == "d"
    assert (await engine.status()).home == str(engine.pid)


async def test_a_killed_worker_is_an_error_and_the_next_request_starts_another(engine: EngineProcess) -> None:
    _, waiting = await started_hanging(engine)
    first = engine.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    with pytest.raises(EngineDied, match="SIGKILL") as caught:
        await waiting
    assert caught.value.retryable
    assert str(find_paths().state) in caught.value.hint
    assert await answered(engine, "hello") == "hello"
    assert engine.pid != first


async def test_every_pending_request_hears_of_the_death(engine: EngineProcess) -> None:
    hanging = [(await started_hanging(engine))[1] for _ in range(3)]
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    outcomes = await asyncio.gather(*hanging, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [EngineDied] * 3


async def test_a_worker_that_cannot_start_is_an_error(make_engine: MakeEngine) -> None:
    engine = EngineProcess(command=[sys.executable, "-c", "raise SystemExit(7)"])
    with pytest.raises(EngineDied, match="exit code 7"):
        await engine.status()


async def test_a_worker_that_talks_nonsense_is_an_error() -> None:
    engine = EngineProcess(
        command=[sys.executable, "-c", "import sys; sys.stdin.readline(); print('nonsense', flush=True)"]
    )
    with pytest.raises(EngineDied, match="not a reply"):
        await engine.status()
    await engine.close()


async def test_closing_ends_the_worker_in_good_order(engine: EngineProcess) -> None:
    assert await answered(engine, "hello") == "hello"
    pid = engine.pid
    assert pid is not None
    await engine.close()
    assert not is_running(pid)
    assert "closed in good order" in log()


async def test_closing_takes_less_than_three_seconds_whatever_the_worker_does(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine("--stubborn")
    _, waiting = await started_hanging(engine)
    pid = engine.pid
    assert pid is not None
    began = time.monotonic()
    await engine.close()
    assert time.monotonic() - began < 3
    assert not is_running(pid)
    with pytest.raises(EngineDied, match="closed"):
        await waiting


async def test_closing_kills_what_the_worker_has_started(engine: EngineProcess) -> None:
    events = engine.ask("children")
    await anext(events)
    told = await anext(events)
    assert isinstance(told, Noted)
    assert is_running(int(told.note))
    await engine.close()
    await becomes_true(lambda: not is_running(int(told.note)))


async def test_a_killed_worker_leaves_no_children(engine: EngineProcess) -> None:
    events = engine.ask("children")
    await anext(events)
    told = await anext(events)
    assert isinstance(told, Noted)
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(EngineDied):
        await anext(events)
    await becomes_true(lambda: not is_running(int(told.note)))


async def test_the_worker_ends_when_the_app_is_gone(engine: EngineProcess) -> None:
    """A killed app cannot close anything; its end of the pipe closes by itself."""
    code = (
        "import asyncio, sys, os, signal\n"
        "from assistant.engine.process import EngineProcess\n"
        "async def main():\n"
        f"    engine = EngineProcess(command=[sys.executable, {str(WORKER)!r}])\n"
        "    async for event in engine.ask('hang'):\n"
        "        print(engine.pid, flush=True)\n"
        "asyncio.run(main())\n"
    )
    app = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert app.stdout is not None
    worker = int(await app.stdout.readline())
    app.kill()
    await app.wait()
    await becomes_true(lambda: not is_running(worker))


async def test_importing_the_engine_is_light() -> None:
    code = (
        "import sys, assistant.engine.process, assistant.engine.scripted\n"
        "heavy = {'textual', 'httpx', 'langchain', 'langgraph', 'llama_index', 'chromadb', 'numpy', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    output, _ = await run.communicate()
    assert output.strip() == b"[]"
