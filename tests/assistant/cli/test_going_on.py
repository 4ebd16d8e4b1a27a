"""The app opened with a past question: `carrel --continue` and `carrel --resume RUN`."""

from __future__ import annotations

import re

import pytest

from assistant.exit_codes import ExitCode
from tests.assistant.command_line import LIGHT, QUESTION, carrel, carrel_in_terminal
from tests.tui.test_crash import LEAVES_THE_SCREEN

pytestmark = pytest.mark.timeout(180)

CRASHES_ONCE_ASKED = """
import sys
from assistant.engine.scripted import ScriptedEngine
from tui.app import CarrelApp

class Crashing(CarrelApp):
    async def action_help(self):
        raise RuntimeError("no help")

app = Crashing(ScriptedEngine)
app.run()
sys.exit(app.return_code)
"""
QUIT = "\x03\x03"


def test_continue_opens_the_app_with_the_newest_question_and_its_answer(filled):
    asked = carrel("ask", "--web", "never", QUESTION, env=LIGHT)
    assert asked.code == 0
    ran = carrel_in_terminal("--continue", answers=[("Evidence · ", QUIT)], env=LIGHT)
    assert ran.code == 0
    assert QUESTION in _plain(ran.stdout)


def test_a_question_that_nobody_asked_is_a_sentence_in_an_open_app(filled):
    ran = carrel_in_terminal("--resume", "nosuchrun", answers=[("no question", QUIT)], env=LIGHT)
    assert ran.code == 0
    assert "The history has no question 'nosuchrun'." in _plain(ran.stdout)


def test_a_command_does_not_take_the_question_that_the_app_would_open_with(carrel_home):
    ran = carrel("--continue", "paths")
    assert ran.code == ExitCode.USAGE
    assert "`carrel paths` comes without them" in ran.stderr


def test_a_crash_after_a_question_says_how_to_go_on(carrel_home):
    answers = [("library: empty", "Why?\r"), ("demo", "\x1bOP")]
    ran = carrel_in_terminal(answers=answers, start=CRASHES_ONCE_ASKED)
    assert ran.code == 1
    after = ran.stdout.rpartition(LEAVES_THE_SCREEN)[2]
    assert "`carrel --continue` opens it with your last question" in after


def _plain(screen: str) -> str:
    """What a terminal showed, without its colours and moves, as one line."""
    return re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", " ", screen))
