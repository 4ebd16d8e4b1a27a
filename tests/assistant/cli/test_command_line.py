"""The command line without a library: help, wrong usage, settings, and what goes to which stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.cli.root import COMMANDS
from tests.assistant.command_line import ROOT, carrel, carrel_in_terminal, command, environment

HEAVY = (
    "textual",
    "pydantic",
    "httpx",
    "langchain",
    "langchain_core",
    "langgraph",
    "llama_index",
    "chromadb",
    "numpy",
    "onnxruntime",
    "rich",
)
TELL_IMPORTS = """
import sys
from assistant.cli import main
try:
    main()
finally:
    sys.stderr.write("\\n" + " ".join({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["-h"],
        *[[name, "--help"] for name in COMMANDS],
        ["models", "get", "--help"],
    ],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-c", TELL_IMPORTS, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert run.returncode == 0
    assert run.stdout
    assert set(run.stderr.rpartition("\n")[2].split()) & set(HEAVY) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_own_help_says_what_the_summary_says(name: str) -> None:
    """Static summaries may not drift from the commands."""
    assert COMMANDS[name].split()[0].rstrip(":,") in carrel(name, "--help").stdout


def test_help_fits_a_screen() -> None:
    for name in COMMANDS:
        assert len(carrel(name, "--help").stdout.splitlines()) <= 40


def test_importing_the_package_is_light() -> None:
    code = "import sys, assistant; print(set(sys.modules) & {'pydantic', 'click', 'assistant.api'})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.strip() == "set()"


def test_the_public_names_of_the_package_are_all_there() -> None:
    import assistant

    assert [name for name in assistant.__all__ if getattr(assistant, name, None) is None] == []
    assert assistant.__all__ == sorted(assistant.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = assistant.nonsense


def test_without_a_terminal_a_bare_command_points_to_help_and_exits_2() -> None:
    ran = carrel()
    assert (ran.code, ran.stdout) == (2, "")
    assert "Usage: carrel" in ran.stderr
    assert "--help" in ran.stderr


@pytest.fixture
def installed_app(tmp_path: Path) -> dict[str, str]:
    """An app that is found as the installed one is, by its entry point."""
    (tmp_path / "an_app.py").write_text("def run():\n    print('the app runs')\n    return 5\n")
    metadata = tmp_path / "carrel-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: carrel\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[carrel.app]\ndefault = an_app:run\n")
    # Before the source tree, where an editable install leaves Carrel's own.
    return {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}


def test_in_a_terminal_a_bare_command_opens_the_app(installed_app: dict[str, str]) -> None:
    ran = carrel_in_terminal(env=installed_app)
    assert "the app runs" in ran.stdout
    assert ran.code == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command"),
        (["ask", "--nonsense"], "No such option"),
        (["add"], "Name the files or folders to add"),
        (["search"], "Missing argument"),
        (["search", "--limit", "0", "x"], "not in the range"),
        (["ask", "--web", "perhaps", "x"], "'perhaps' is not one of"),
        (["ask", "--set", "nonsense", "x"], "KEY=VALUE"),
        (["ask", ""], "question is empty"),
        (["ask"], "question is empty"),
        (["search", "  "], "question is empty"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_exits_2_and_says_so_on_stderr(arguments: list[str], said: str) -> None:
    ran = carrel(*arguments)
    assert (ran.code, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_question_of_200_kb_is_refused_with_its_length_the_limit_and_the_way_out() -> None:
    ran = carrel("ask", "-", stdin=b"why? " * 40_000)
    assert (ran.code, ran.stdout) == (2, "")
    assert "200,000 characters" in ran.stderr
    assert "20,000" in ran.stderr
    assert "carrel add" in ran.stderr


def test_an_error_is_json_on_stdout_when_json_is_asked_for() -> None:
    ran = carrel("ask", "--format", "json", " ")
    document = json.loads(ran.stdout)
    assert ran.code == 2
    assert (document["schema_version"], document["command"]) == (1, "ask")
    assert document["error"]["kind"] == "QuestionRefused"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask", "--small", "gpt-5-mini", "x"], "provider:model"),
        (["ask", "--set", "limits.hit=3", "x"], "limits.hits"),
        (["ask", "--base-url", "localhost", "x"], "web address"),
        (["models", "--set", "web=perhaps"], "'ask', 'auto' or 'never'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_setting_exits_78_and_is_named(arguments: list[str], said: str) -> None:
    ran = carrel(*arguments)
    assert (ran.code, ran.stdout) == (78, "")
    assert said in ran.stderr


def test_a_broken_settings_file_exits_78_with_file_line_and_what_to_do(carrel_home: Path) -> None:
    path = carrel_home / "config" / "config.toml"
    path.parent.mkdir()
    path.write_text('web = "ask"\n[models\n')
    ran = carrel("models")
    assert (ran.code, ran.stdout) == (78, "")
    assert str(path) in ran.stderr
    assert "line 2" in ran.stderr
    assert "Correct that line" in ran.stderr


def test_a_projects_file_is_read_from_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "carrel.toml").write_text('web = "never"\n')
    assert (
        "never\n           project settings carrel.toml, line 1" in carrel("models", folder=tmp_path).stdout
    )


def test_files_in_the_current_folder_are_never_imported_in_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "assistant.py").write_text("raise SystemExit('imported')")
    (tmp_path / "click.py").write_text("raise SystemExit('imported')")
    assert carrel("paths", folder=tmp_path).code == 0


def test_paths_are_printed_and_home_moves_them(tmp_path: Path) -> None:
    ran = carrel("--home", str(tmp_path / "other"), "paths", "--format", "json")
    places = json.loads(ran.stdout)["data"]
    assert ran.code == 0
    assert set(places) == {"settings", "library", "history", "logs", "models"}
    assert all(place.startswith(str(tmp_path / "other")) for place in places.values())
    assert not (tmp_path / "other").exists()


def test_models_are_listed_with_where_each_comes_from(shipped_encoder: str) -> None:
    ran = carrel("models", env={"CARREL_SMALL": "openai:tiny", "CARREL_WEB": "never"})
    assert "small      openai:tiny\n           environment CARREL_SMALL" in ran.stdout
    assert "reasoning  none" in ran.stdout
    assert f"embedding  {shipped_encoder}\n           comes with Carrel (default)" in ran.stdout
    assert "web        never\n           environment CARREL_WEB" in ran.stdout


def test_an_embedding_model_that_is_not_there_is_told_with_both_ways_on() -> None:
    ran = carrel("models", env={"CARREL_LIBRARY__ENCODER": "all-MiniLM-L6-v2"})
    assert "not on this machine: search is by keyword" in ran.stdout
    assert "carrel models get" in ran.stdout
    assert "the model that comes with Carrel" in ran.stdout


def test_a_key_is_never_printed() -> None:
    env = {
        "MY_KEY": "sk-very-secret",
        "CARREL_SMALL": "openai:x",
        "CARREL_MODELS__SMALL__API_KEY_ENV": "MY_KEY",
    }
    for ran in (carrel("models", env=env), carrel("models", "--format", "json", env=env)):
        assert "MY_KEY (set)" in ran.stdout
        assert "secret" not in ran.stdout + ran.stderr


def test_getting_a_model_that_is_there_says_where(models_folder: Path) -> None:
    ran = carrel("models", "get")
    assert (ran.code, ran.stdout.strip()) == (0, str(models_folder / "all-MiniLM-L6-v2" / "onnx"))


def test_getting_an_unknown_model_is_a_sentence_and_exit_1() -> None:
    ran = carrel("models", "get", "no-such-model")
    assert (ran.code, ran.stdout) == (1, "")
    assert "'no-such-model'" in ran.stderr


def test_a_reader_that_goes_away_is_no_error_message() -> None:
    process = subprocess.Popen(
        command("models", "--format", "json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    process.wait()


def test_output_is_utf8_whatever_the_console_says() -> None:
    ran = carrel("ask", " ", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"})
    assert ran.code == 2


def test_something_unforeseen_is_a_sentence_and_its_traceback_a_file(carrel_home: Path) -> None:
    code = "from assistant.cli.outlet import Command; Command('x', callback=lambda: 1 / 0)([])"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment(), check=False
    )
    log = carrel_home / "state" / "carrel.log"
    assert "ZeroDivisionError" in run.stderr
    assert "Traceback" not in run.stderr
    assert str(log) in run.stderr
    assert "Traceback" in log.read_text()


def test_a_home_that_cannot_be_used_is_a_sentence(carrel_home: Path) -> None:
    (carrel_home / "data").write_text("a file where a folder belongs")
    ran = carrel("search", "anything")
    assert (ran.code, ran.stdout) == (1, "")
    assert "Traceback" not in ran.stderr
    assert f"The folder {carrel_home / 'data'} cannot be made" in ran.stderr
    assert "--home" in ran.stderr
