"""The same calls wherever Python runs: a Jupyter kernel, IPython in a terminal, uvloop, a thread, a script."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Awaitable
from pathlib import Path

import pytest

from assistant import Assistant
from assistant.history import History, State
from tests.assistant.command_line import environment
from tests.assistant.inert import read_inert
from tests.faults.script import Ending, Hang, Reply
from tests.faults.server import FaultServer
from tests.journeys.cells import kernel_environment, run_cells

_NOTE = (
    "# Full jitter\n\nClients that fail together retry together. Full jitter spreads the retries of many clients:"
    " each of them waits a random time between zero and an exponentially growing bound.\n"
)
_OPEN = (
    "from assistant import Assistant, Answer\n"
    "assistant = Assistant(web='never', library__encoder='none', history__keep=True)\n"
)
_QUESTION = "'What does full jitter do to the retries of many clients?'"


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose library holds the note."""
    notes, home = tmp_path_factory.mktemp("notes"), tmp_path_factory.mktemp("filled")
    (notes / "jitter.md").write_text(_NOTE)
    with Assistant(home, library__encoder="none") as assistant:
        assistant.add(notes)
    return home


@pytest.fixture(autouse=True)
def _at_home(filled_home: Path, carrel_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(filled_home, carrel_home, dirs_exist_ok=True)
    kernel_environment(monkeypatch, tmp_path)


def with_models(server: FaultServer) -> str:
    """The cell that opens an assistant whose model is the scripted one."""
    return (
        "import os; os.environ['OPENAI_API_KEY'] = 'sk-test'\n"
        "from assistant import Assistant\n"
        "assistant = Assistant(web='never', library__encoder='none', reasoning='openai:big',"
        f" base_url={server.base_url!r}, limits__cascade__on=False)"
    )


def test_in_a_kernel_each_call_gives_the_same_kind_of_thing_blocking_or_awaited(tmp_path: Path) -> None:
    *_, blocking, awaited, streamed, widgets = run_cells(
        _OPEN,
        f"answer = assistant.ask({_QUESTION}); print(type(answer).__name__, answer.found)",
        f"answer = await assistant.aask({_QUESTION}); print(type(answer).__name__, answer.found)",
        f"print([e.type for e in assistant.stream({_QUESTION})][-1],"
        f" [e.type async for e in assistant.astream({_QUESTION})][-1])",
        "import sys; print('ipywidgets' in sys.modules, 'nest_asyncio' in sys.modules)",
        folder=tmp_path,
    )
    assert blocking.texts[-1] == awaited.texts[-1] == "Answer True\n"
    assert streamed.texts == ["done done\n"]
    assert widgets.texts == ["False False\n"]


def test_in_a_kernel_one_display_tells_how_it_goes_and_an_answer_shows_itself(
    tmp_path: Path, model_server: FaultServer
) -> None:
    _, asked = run_cells(with_models(model_server), f"assistant.ask({_QUESTION})", folder=tmp_path)
    told, answer = asked.texts
    assert told.startswith("Answered in ")
    assert told.endswith(" s by openai:big, 1 model call.")
    assert "[1] Full jitter, p. 1 (jitter.md)" in answer
    page = read_inert(asked.pages[-1])
    assert page.links[0].removeprefix("#") in page.anchors


def test_in_a_kernel_stopping_cancels_the_call_keeps_the_text_and_the_next_question_works(
    tmp_path: Path, carrel_home: Path, model_server: FaultServer
) -> None:
    model_server.script(Reply("Full jitter spreads the retries [1]. And so", then=Ending.HANG), times=1)

    def stopping(number: int) -> Awaitable[None] | None:
        return model_server.ledger.until(1) if number == 1 else None

    _, stopped, text, again = run_cells(
        with_models(model_server),
        "try:\n"
        f"    assistant.ask({_QUESTION})\n"
        "except KeyboardInterrupt as interrupt:\n"
        "    partial = interrupt.answer",
        "print(partial.run, bool(partial.evidence), partial.notes[0])",
        f"assistant.ask({_QUESTION}).author",
        folder=tmp_path,
        interrupting=stopping,
    )
    assert stopped.texts[0].startswith("Stopped after ")
    assert 'assistant.ask(resume="last")' in stopped.texts[0]
    run, has_evidence, note = text.texts[0].split(maxsplit=2)
    assert (has_evidence, note[:16]) == ("True", "It was cancelled")
    assert again.texts[-1] == "'openai:big'"
    assert _state(carrel_home, run) is State.CANCELLED


def test_in_a_kernel_stopping_an_awaited_question_hangs_up_on_the_model(
    tmp_path: Path, model_server: FaultServer
) -> None:
    model_server.script(Hang())

    def stopping(number: int) -> Awaitable[None] | None:
        return model_server.ledger.until(1) if number == 1 else None

    _, stopped = run_cells(
        with_models(model_server),
        f"await assistant.aask({_QUESTION})",
        folder=tmp_path,
        interrupting=stopping,
    )
    assert stopped.texts[0].startswith("Stopped after ")
    assert [exchange.end for exchange in model_server.ledger] == ["client left"]


def test_in_a_kernel_adding_tells_how_many_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "note.md").write_text("# A note\n\nSomething else altogether.\n")
    _, added = run_cells(_OPEN, "assistant.add('more')", folder=tmp_path)
    assert added.texts[0].startswith("Added in ")
    assert added.texts[1].startswith("Added 1 document to the library")


def test_in_ipythons_terminal_an_answer_is_its_whole_text_once() -> None:
    code = f"{_OPEN.replace(chr(10), ';')}assistant.ask({_QUESTION})"
    ran = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=nocolor"],
        input=code,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=True,
    )
    assert ran.stdout.count("Sources\n[1] Full jitter, p. 1 (jitter.md)") == 1, ran.stdout
    assert "Answered in" not in ran.stdout


def test_uvloop_runs_blocking_and_awaited_calls() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def both() -> tuple[str, str]:
        assert "uvloop" in type(asyncio.get_running_loop()).__module__
        async with Assistant(web="never", library__encoder="none") as assistant:
            return assistant.ask("What does full jitter do?").text, (
                await assistant.aask("What does full jitter do?")
            ).text

    blocking, awaited = uvloop.run(both())
    assert blocking == awaited
    assert "[1]" in blocking


def test_a_script_prints_an_answer_with_its_sources() -> None:
    code = f"{_OPEN}print(assistant.ask({_QUESTION}))"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=True,
    )
    assert "Sources\n[1] Full jitter, p. 1 (jitter.md)" in ran.stdout
    assert ran.stderr == ""


def _state(home: Path, run: str) -> State:
    """How the question of a run ended, as the history has it."""

    async def look() -> State:
        history = History(home / "state" / "history.db")
        try:
            return (await history.questions(run))[-1].state
        finally:
            await history.close()

    return asyncio.run(look())
