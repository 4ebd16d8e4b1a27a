"""A crash: the terminal as it was, one sentence, an exit code, and a log without keys or texts."""

from __future__ import annotations

import stat

from tests.assistant.command_line import carrel_in_terminal

KEY = "sk-proj-4f9a8b7c6d5e4f3a2b1c"
CRASHES = """
import sys
from assistant.engine.protocol import Status
from assistant.engine.scripted import ScriptedEngine
from tui.app import CarrelApp

KEEPS = True
NOTHING = dict(collections=(), models={}, encoder="", web="ask", home="/library")

class Crashing(CarrelApp):
    async def action_help(self):
        passage = "The text of a paper."
        key = sys.argv[1]
        raise RuntimeError(f"refused: {key}, and so was [/{key[:3]}] from the environment: correct horse")

app = Crashing(lambda: ScriptedEngine([], status=Status(**{**NOTHING, "keeps_history": KEEPS})))
app.run()
sys.exit(app.return_code)
"""
ENTERS_THE_SCREEN, LEAVES_THE_SCREEN, SHOWS_THE_CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"


def test_a_crash_restores_the_terminal_and_says_where_the_log_is(carrel_home):
    ran = carrel_in_terminal(
        KEY,
        answers=[("library: empty", "\x1bOP")],
        env={"MY_SERVICE_TOKEN": "correct horse"},
        start=CRASHES,
    )
    assert ran.code == 1
    assert ENTERS_THE_SCREEN in ran.stdout
    before, _, after = ran.stdout.rpartition(LEAVES_THE_SCREEN)
    assert SHOWS_THE_CURSOR in before + after
    assert "Traceback" not in ran.stdout
    log = carrel_home / "state" / "carrel.log"
    assert after.count("\n") == 1
    assert "Carrel stopped because of an error of its own (RuntimeError)" in after
    assert f"the end of {log}." in after
    for secret in (KEY, "correct horse", "The text of a paper."):
        assert secret not in ran.stdout


def test_the_log_of_a_crash_says_where_it_happened_and_no_secret(carrel_home):
    carrel_in_terminal(
        KEY,
        answers=[("library: empty", "\x1bOP")],
        env={"MY_SERVICE_TOKEN": "correct horse"},
        start=CRASHES,
    )
    log = carrel_home / "state" / "carrel.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    said = log.read_text()
    assert "The app crashed." in said
    assert "in action_help" in said
    assert "RuntimeError: refused: sk-…, and so was" in said
    for secret in (KEY, "correct horse", "The text of a paper."):
        assert secret not in said


def test_a_crash_says_how_to_go_on_where_there_is_a_question_and_a_history_of_it(carrel_home):
    for keeps in (True, False):
        ran = carrel_in_terminal(
            KEY,
            answers=[("library: empty", "Why?\r"), ("Why?", "\x1bOP")],
            start=CRASHES.replace("KEEPS = True", f"KEEPS = {keeps}"),
        )
        assert ran.code == 1
        assert ("carrel --continue" in ran.stdout) is keeps
