"""The exit codes, row by row, through pipes and in a terminal; how Ctrl+C, SIGTERM and a closed pipe end a run."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import assistant.failures
from assistant.exit_codes import MEANINGS, ExitCode
from indexes.errors import CarrelError
from tests.assistant.command_line import (
    LIGHT,
    QUESTION,
    ROOT,
    Ran,
    carrel,
    carrel_in_terminal,
    carrel_signalled,
    command,
    environment,
    light,
    with_model,
)
from tests.faults.script import Hang, Status
from tests.faults.server import FaultServer

IN_CONTROL = (
    "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from assistant.cli import main; main()"
)
"""Makes the terminal the one whose Ctrl+C reaches the process."""


NOBODY_ASKED = {"CARREL_PERSON__FAILURE": "auto"}


def in_terminal(*arguments: str, env: dict[str, str] | None = None) -> Ran:
    return carrel_in_terminal(*arguments, env={**LIGHT, **(env or {})})


door = pytest.mark.parametrize("run", [pytest.param(light, id="piped"), in_terminal])
Run = Callable[..., Ran]


@door
@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (ExitCode.DONE, ("ask", "--web", "never", QUESTION)),
        (ExitCode.DONE, ("ask", "--web", "never", "Which zebra governs quaternion pottery?")),
        (ExitCode.DONE, ("search", "zzzqqq", "--set", "library.encoder=none")),
        (ExitCode.DONE, ("--version",)),
        (ExitCode.FAILED, ("models", "get", "no-such-model")),
        (ExitCode.USAGE, ("nonsense",)),
        (ExitCode.USAGE, ("ask", "--nonsense")),
        (ExitCode.USAGE, ("ask", " ")),
        (ExitCode.USAGE, ("add", "no such file.pdf")),
        (ExitCode.USAGE, ("help", "nonsense")),
        (ExitCode.NOTHING_FOUND, ("search", "--strict", "zzzqqq", "--set", "library.encoder=none")),
        (
            ExitCode.NOTHING_FOUND,
            ("ask", "--strict", "--web", "never", "Which zebra governs quaternion pottery?"),
        ),
        (ExitCode.SETTINGS, ("models", "--set", "web=perhaps")),
        (ExitCode.SETTINGS, ("ask", "--set", "nonsense=1", "x")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(int(value)),
)
def test_a_command_exits_as_the_table_says(
    code: ExitCode, arguments: tuple[str, ...], run: Run, filled: Path
) -> None:
    assert run(*arguments).code == code


@door
def test_a_refused_key_is_3_where_the_answer_must_be_the_best(
    run: Run, filled: Path, model_server: FaultServer
) -> None:
    model_server.script(*[Status(401)] * 8)
    assert (
        run("ask", "--strict", QUESTION, env=with_model(model_server) | NOBODY_ASKED).code
        == ExitCode.PROVIDER
    )
    assert run("ask", QUESTION, env=with_model(model_server) | NOBODY_ASKED).code == ExitCode.DONE


@door
def test_a_model_that_is_too_slow_is_124_where_the_answer_must_be_the_best(
    run: Run, filled: Path, model_server: FaultServer
) -> None:
    model_server.script(*[Hang()] * 8)
    ran = run("ask", "--strict", "--deadline", "3", QUESTION, env=with_model(model_server) | NOBODY_ASKED)
    assert ran.code == ExitCode.TIMED_OUT
    assert "random time" in ran.stdout


@door
def test_some_files_that_fail_are_3_and_only_such_files_are_1(run: Run, tmp_path: Path) -> None:
    broken = tmp_path / "empty.pdf"
    broken.write_bytes(b"")
    assert run("add", str(broken)).code == ExitCode.FAILED
    (tmp_path / "kiln.md").write_text("# Kilns\n\nA kiln is hot.\n")
    assert run("add", str(tmp_path)).code == ExitCode.PROVIDER


@door
def test_a_crash_in_a_worker_is_told_and_is_not_0(run: Run, tmp_path: Path) -> None:
    """The reader ends the process that it runs in, as native code can."""
    (tmp_path / "crashing_reader.py").write_text(
        "import os\nfrom llama_index.core.readers.base import BaseReader\n\n"
        "class Crashing(BaseReader):\n    def load_data(self, file, **more):\n        os._exit(139)\n"
    )
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "rows.rows").write_text("1, 2")
    ran = run(
        "add",
        str(papers),
        "--reader",
        "crashing_reader:Crashing=.rows",
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
    )
    assert ran.code == ExitCode.FAILED
    assert "rows.rows" in ran.stderr


def test_ctrl_c_in_a_terminal_is_130_and_says_how_to_go_on(filled: Path, model_server: FaultServer) -> None:
    model_server.script(Hang())
    ran = carrel_in_terminal(
        "ask", QUESTION, answers=[("reason: ", "\x03")], env=with_model(model_server), start=IN_CONTROL
    )
    assert ran.code == ExitCode.INTERRUPTED
    assert "carrel ask --continue" in ran.stderr


def test_a_signal_is_an_error_in_json_for_whoever_waits_for_json(
    filled: Path, model_server: FaultServer
) -> None:
    model_server.script(Hang())
    for number in (signal.SIGINT, signal.SIGTERM):
        ran = carrel_signalled("ask", "--json", QUESTION, number=number, server=model_server)
        assert ran.code == ExitCode.INTERRUPTED
        assert json.loads(ran.stdout)["error"]["kind"] == "Interrupted"


def test_the_second_ctrl_c_does_not_wait_for_what_the_first_one_waits_for() -> None:
    code = (
        "import threading; from assistant.cli.ending import stop_on_signals\n"
        "stop_on_signals()\n"
        "try:\n    print('ready', flush=True); threading.Event().wait()\n"
        "finally:\n    print('tidying', flush=True); threading.Event().wait()\n"
    )
    process = subprocess.Popen(
        command(start=code), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        for said in ("ready", "tidying"):
            assert process.stdout.readline() == f"{said}\n"
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == ExitCode.INTERRUPTED
        assert "what was kept until now is kept" in process.stderr.read()


@pytest.mark.parametrize(
    "arguments", [("help", "exit-codes"), ("--help",), ("paths", "--json")], ids=" ".join
)
def test_a_closed_pipe_is_silent(arguments: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait() == ExitCode.FAILED


def test_wrong_usage_is_json_on_stdout_where_json_was_asked_for() -> None:
    for arguments in (("ask", "--format", "json", "--nonsense"), ("papers", "list", "--json", "--year", "x")):
        ran = carrel(*arguments)
        document = json.loads(ran.stdout)
        assert ran.code == ExitCode.USAGE
        assert document["error"]["kind"] == "WrongUsage"
        assert document["error"]["stage"] == "usage"
        assert document["error"]["hint"]
        assert "Usage:" in ran.stderr


def test_every_code_has_its_meaning_and_every_error_one_of_these_codes() -> None:
    assert assistant.failures

    def tree(error: type[CarrelError]) -> set[type[CarrelError]]:
        return {error}.union(*map(tree, error.__subclasses__()))

    assert set(MEANINGS) == set(ExitCode)
    assert {error.exit_code for error in tree(CarrelError)} <= set(ExitCode)


def test_the_help_topic_is_the_table() -> None:
    said = carrel("help", "exit-codes").stdout
    assert [int(line.split()[0]) for line in said.splitlines()] == list(ExitCode)


def test_every_variable_that_is_read_is_in_the_help_topic() -> None:
    said = carrel("help", "environment").stdout
    sources = "".join(
        path.read_text()
        for package in ("assistant", "pipelines", "indexes", "tui")
        for path in (ROOT / package).rglob("*.py")
    )
    read = set(re.findall(r'environ\.get\(\s*"([A-Z_]+)"', sources))
    not_for_people = {"APPDATA", "PYTHONPATH"}
    assert {name for name in read if name not in said} == not_for_people


def test_a_command_s_help_is_the_same_both_ways() -> None:
    assert carrel("help", "papers", "list").stdout == carrel("papers", "list", "--help").stdout
