"""`carrel --linear` as its user runs it: through a pipe and in a terminal, over the real engine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.assistant.command_line import LIGHT, QUESTION, carrel, carrel_in_terminal, with_model
from tests.faults.script import Hang
from tests.faults.server import FaultServer

CTRL_C, CTRL_D = "\x03", "\x04"
OWNS_ITS_TERMINAL = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from assistant.cli import main
main()
"""
"""As a shell starts it: only then is Ctrl+C a signal."""


def test_through_a_pipe_a_question_is_asked_read_cited_and_found_again(filled: Path) -> None:
    typed = f"{QUESTION}\n1\n/cite\n/back\n/library breakers\n1\n/history\n/quit\nnever asked\n"
    ran = carrel("--linear", stdin=typed.encode(), env=LIGHT)
    assert ran.code == 0
    assert ran.stderr == ""
    assert f"1> {QUESTION}\n" in ran.stdout
    assert "retrieve: " in ran.stdout
    assert "Answer 1:\n" in ran.stdout
    assert "2> 1\n[1] " in ran.stdout
    assert "The quote:\n" in ran.stdout
    assert "The citation was written to " in ran.stdout
    assert "library 6> 1\nTitle: Breakers, from the paper's text\n" in ran.stdout
    assert "1 question, newest first\n" in ran.stdout
    assert "never asked" not in ran.stdout
    assert "\x1b" not in ran.stdout


def test_papers_are_added_and_asked_about_without_a_terminal(carrel_home: Path, tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text("# Kilns\n\nA kiln fires clay at 1200 degrees for many hours.\n")
    typed = f"/add {tmp_path}\nAt what heat does a kiln fire clay?\n"
    ran = carrel("--linear", stdin=typed.encode(), env=LIGHT)
    assert ran.code == 0
    assert "Your library is empty: /add ~/papers adds a folder of papers.\n" in ran.stdout
    assert "Added 1 paper.\n" in ran.stdout
    assert "1200 degrees" in ran.stdout.partition("Answer 1:")[2]


def test_a_session_goes_on_with_the_last_question(filled: Path) -> None:
    carrel("--linear", stdin=f"{QUESTION}\n".encode(), env=LIGHT)
    ran = carrel("--linear", "--continue", stdin=b"/evidence\n", env=LIGHT)
    assert f"Question 1: {QUESTION}\n" in ran.stdout
    assert "1> /evidence\n[1] " in ran.stdout


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_in_a_terminal_nothing_is_drawn_over_or_coloured(filled: Path, env: dict[str, str]) -> None:
    ran = carrel_in_terminal(
        "--linear", answers=[("1> ", f"{QUESTION}\n"), ("2> ", CTRL_D)], env={**LIGHT, **env}
    )
    assert ran.code == 0
    assert "Answer 1:" in ran.stdout
    assert "\x1b" not in ran.stdout
    assert "\r" not in ran.stdout.replace("\r\n", "\n")


def test_ctrl_c_stops_the_question_and_the_session_stays(filled: Path, model_server: FaultServer) -> None:
    model_server.script(Hang())
    ran = carrel_in_terminal(
        "--linear",
        answers=[
            ("1> ", f"{QUESTION}\n"),
            ("evidence:", CTRL_C),
            ("Cancelled.", "/theme\n"),
            ("3> ", "/quit\n"),
        ],
        env=with_model(model_server),
        start=OWNS_ITS_TERMINAL,
    )
    assert ran.code == 0
    assert "Plain lines have no colours." in ran.stdout
    assert "Traceback" not in ran.stdout


def test_ctrl_c_twice_leaves_with_the_code_of_an_interrupt(filled: Path) -> None:
    ran = carrel_in_terminal(
        "--linear",
        answers=[("1> ", CTRL_C), ("Ctrl+C again leaves.", CTRL_C)],
        env=LIGHT,
        start=OWNS_ITS_TERMINAL,
    )
    assert ran.code == 130
    assert "Traceback" not in ran.stdout


def test_an_editor_has_the_terminal_for_itself(filled: Path, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nread line\nprintf "%s" "$line" > "$1"\n')
    editor.chmod(0o755)
    ran = carrel_in_terminal(
        "--linear",
        answers=[("1> ", "/editor\n"), ("/editor", f"{QUESTION}\n"), ("2> ", "/quit\n")],
        env={**LIGHT, "VISUAL": str(editor)},
    )
    assert ran.code == 0
    assert "Answer 1:" in ran.stdout


def test_linear_mode_is_the_app_and_no_option_of_a_command() -> None:
    ran = carrel("--linear", "paths")
    assert ran.code == 2
    assert "`carrel paths` comes without them" in ran.stderr


def test_without_a_terminal_the_app_says_which_form_needs_none() -> None:
    assert "carrel --linear" in carrel(env={"PATH": os.environ["PATH"]}).stderr
