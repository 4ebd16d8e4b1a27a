"""`carrel batch`: rows in a file, narration on stderr, an exit code, and two kinds of Ctrl+C."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from assistant import Assistant
from tests.assistant.command_line import Ran, carrel, command, environment
from tests.faults.script import Delay, Hang
from tests.faults.server import FaultServer

QUESTIONS = ["What does full jitter do?", "What else does full jitter do?"]


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, home = tmp_path_factory.mktemp("notes"), tmp_path_factory.mktemp("filled")
    (folder / "jitter.md").write_text(
        "# Jitter\n\nFull jitter waits a random time, so that clients do not return.\n"
    )
    with Assistant(home, library__encoder="none", history__keep=False) as assistant:
        assistant.add(folder)
    return home


@pytest.fixture
def questions(filled_home: Path, carrel_home: Path) -> Path:
    """Their file, beside which the answers are written."""
    shutil.copytree(filled_home, carrel_home, dirs_exist_ok=True)
    file = carrel_home / "questions.txt"
    file.write_text("\n".join(QUESTIONS) + "\n")
    return file


def with_model(server: FaultServer) -> dict[str, str]:
    return {
        "CARREL_LIBRARY__ENCODER": "none",
        "CARREL_WEB": "never",
        "CARREL_REASONING": "openai:big",
        "CARREL_BASE_URL": server.base_url,
    }


def batch(*arguments: str, server: FaultServer) -> Ran:
    return carrel("batch", "questions.txt", "-o", "answers.jsonl", *arguments, env=with_model(server))


def test_answers_are_rows_of_a_file_and_stdout_stays_empty(
    questions: Path, model_server: FaultServer
) -> None:
    ran = batch(server=model_server)
    rows = [json.loads(line) for line in questions.with_name("answers.jsonl").read_text().splitlines()]

    assert (ran.code, ran.stdout) == (0, "")
    assert "done: 2 ok" in ran.stderr
    assert sorted(row["question"] for row in rows) == sorted(QUESTIONS)
    again = batch(server=model_server)
    assert again.code == 2
    assert "--resume" in again.stderr
    assert "2 answered before" in batch("--resume", server=model_server).stderr


def test_ctrl_c_finishes_what_is_begun_and_the_rest_is_for_later(
    questions: Path, model_server: FaultServer
) -> None:
    model_server.script(Delay(1.0), times=1)
    process = start(model_server)
    model_server.ledger.wait_for()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert b"1 ok, 1 not run" in said
    assert b"--resume" in said
    assert len(model_server.ledger) == 1
    assert batch("--resume", server=model_server).code == 0
    assert len(model_server.ledger) == 2


def test_a_second_ctrl_c_ends_it_at_once(questions: Path, model_server: FaultServer) -> None:
    model_server.script(Hang(), times=1)
    process = start(model_server)
    model_server.ledger.wait_for()
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    while b"finishing" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    _, said = process.communicate(timeout=30)

    assert time.monotonic() - asked < 5
    assert process.returncode == 130
    assert b"Traceback" not in said
    assert batch("--resume", server=model_server).code == 0


def start(server: FaultServer) -> subprocess.Popen[bytes]:
    arguments = ("batch", "questions.txt", "-o", "answers.jsonl", "--concurrency", "1", "-v")
    return subprocess.Popen(
        command(*arguments),
        stderr=subprocess.PIPE,
        env=environment(with_model(server)),
        cwd=environment()["CARREL_HOME"],
    )
