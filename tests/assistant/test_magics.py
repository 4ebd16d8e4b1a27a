"""`%%ask`, `%ask` and `%papers` in IPython: what reaches the model, what is shown, what is kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from assistant import Answer, Assistant
from tests.faults.server import FaultServer

_NOTE = "# Full jitter\n\nFull jitter spreads the retries of many clients over time. It costs little.\n"
_HARD = (
    '  Why does {jitter} cost $\\frac{a_{i}}{b}$ and not  {"jitter": {"retries": [1,  2]}}?\n'
    "\n"
    "Mind C:\\new\\table, %s, %(x)s, {{x}}, $HOME, !ls, 'one\" and\ttabs;\n"
    "    and what is   indented, or asked: what?  "
)


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose library holds the note."""
    notes, home = tmp_path_factory.mktemp("notes"), tmp_path_factory.mktemp("filled")
    (notes / "jitter.md").write_text(_NOTE)
    with Assistant(home, library__encoder="none") as assistant:
        assistant.add(notes)
    return home


@pytest.fixture
def assistant(
    filled_home: Path, carrel_home: Path, model_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Assistant]:
    """An assistant whose model is the scripted one."""
    shutil.copytree(filled_home, carrel_home, dirs_exist_ok=True)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with Assistant(
        web="never",
        reasoning="openai:big",
        base_url=model_server.base_url,
        limits__cascade__on=False,
        limits__relevant=0,  # these questions are odd on purpose
    ) as assistant:
        yield assistant


@pytest.fixture
def shell(assistant: Assistant) -> Iterator[InteractiveShell]:
    """IPython with the extension, and an `assistant` of its own."""
    shell = InteractiveShell(config=Config(HistoryManager={"enabled": False}))  # type: ignore[no-untyped-call]
    shell.push({"assistant": assistant})
    shell.extension_manager.load_extension("assistant")
    yield shell
    shell.extension_manager.unload_extension("assistant")


def given(shell: InteractiveShell, cell: str) -> Any:
    """What the cell gives; its error is raised."""
    ran = shell.run_cell(cell)
    ran.raise_error()
    return ran.result


def asked(server: FaultServer) -> str:
    """The question as the model got it last."""
    content = list(server.ledger)[-1].request.json["messages"][-1]["content"]
    return str(content).partition("</evidence>\n\nQuestion: ")[2]


def test_a_cell_reaches_the_model_byte_for_byte(shell: InteractiveShell, model_server: FaultServer) -> None:
    shell.push({"jitter": "expanded", "HOME": "expanded", "x": "expanded"})
    given(shell, f"%%ask\n{_HARD}\n")
    assert asked(model_server) == _HARD.strip()


@pytest.mark.parametrize(
    "question",
    [
        "What is {jitter}  in $x$?",
        'Is {"jitter": 1} about \\alpha\\\\?',
        "Why does jitter -f json and -c mean nothing here",
        "What is jitter?",
        "'Full jitter' costs what",
    ],
)
def test_a_line_reaches_the_model_byte_for_byte(
    question: str, shell: InteractiveShell, model_server: FaultServer
) -> None:
    shell.push({"jitter": "expanded", "x": "expanded"})
    assert isinstance(given(shell, f"%ask {question}"), Answer)
    assert asked(model_server) == question


def test_a_line_gives_its_answer_to_a_variable(shell: InteractiveShell) -> None:
    given(shell, "answer = %ask What is full jitter?")
    assert shell.user_ns["answer"].author == "openai:big"


def test_a_cell_gives_its_answer_and_keeps_it_where_it_is_told(shell: InteractiveShell) -> None:
    answer = given(shell, "%%ask -c papers -o kept\nWhat is full jitter?")
    assert answer.query.domain == ("papers",)
    assert shell.user_ns["kept"] is answer


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("text", "Full jitter"),
        ("markdown", "Full jitter"),
        ("json", '{\n  "schema_version": 1'),
    ],
)
def test_forms_that_are_text_are_printed_as_they_are(
    form: str, begins: str, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert given(shell, f"%ask -f {form} What is full jitter?") is None
    printed = capsys.readouterr().out
    assert printed.startswith(begins)
    if form == "json":
        assert json.loads(printed)["data"]["author"] == "openai:big"


def test_html_is_shown_as_html(shell: InteractiveShell) -> None:
    shown = given(shell, "%ask --format html What is full jitter?")
    assert '<div class="carrel carrel-answer">' in shown.data


def test_another_model_answers_for_one_question(shell: InteractiveShell, model_server: FaultServer) -> None:
    assert given(shell, "%ask -m openai:other What is full jitter?").author == "openai:other"
    assert given(shell, "%ask What is full jitter?").author == "openai:big"
    assert [exchange.model for exchange in model_server.ledger] == ["other", "big"]


def test_none_asks_without_a_model(shell: InteractiveShell, model_server: FaultServer) -> None:
    assert given(shell, "%ask --model none What is full jitter?").author == "extractive"
    assert model_server.ledger.count() == 0


def test_without_an_assistant_in_the_notebook_the_settings_make_one(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARREL_WEB", "never")
    del shell.user_ns["assistant"]
    assert given(shell, "%ask What is full jitter?").author == "extractive"


@pytest.mark.parametrize(
    ("cell", "error", "says"),
    [
        ("%ask", "UsageError", "There is no question"),
        ("%%ask\n\n", "UsageError", "There is no question"),
        ("%%ask What is this?\nAnd this?", "UsageError", "stands below"),
        ("%ask -f word What is it?", "UsageError", "invalid choice"),
        ("%ask -m big What is it?", "SettingsError", "provider:model"),
        ("%ask in:nowhere year:soon What is it?", "FilterRefused", "year"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_line_or_two(
    cell: str, error: str, says: str, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = shell.run_cell(cell)
    assert type(ran.error_in_exec).__name__ == error
    printed = capsys.readouterr()
    said = printed.out + printed.err
    assert says in said
    assert len(said.strip().splitlines()) <= 3, said


def test_papers_are_listed(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    given(shell, "%papers")
    given(shell, "%papers -c papers Full jitter")
    given(shell, "%papers another")
    printed = capsys.readouterr().out
    assert printed.count("Full jitter\n1 paper") == 2
    assert "No papers." in printed


def test_help_is_there(shell: InteractiveShell) -> None:
    magic = shell.find_line_magic("ask")
    assert "--collection" in (magic.__doc__ or "")


def test_unloading_takes_all_of_it_away(shell: InteractiveShell) -> None:
    before = list(shell.input_transformers_cleanup)
    shell.extension_manager.unload_extension("assistant")
    assert len(shell.input_transformers_cleanup) == len(before) - 1
    shell.extension_manager.load_extension("assistant")
    assert len(shell.input_transformers_cleanup) == len(before)
