"""`carrel doctor`: what it finds, what mends each, and what it never does by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.assistant.command_line import LIGHT, Ran, carrel, carrel_in_terminal
from tests.faults.script import Reply, Status
from tests.faults.server import FaultServer

SERVER = {"CARREL_SMALL": "openai:tiny", "OPENAI_API_KEY": "sk-test"}


def conditions(ran: Ran) -> dict[str, dict[str, str]]:
    return {each["about"]: each for each in json.loads(ran.stdout)["data"]["conditions"]}


def test_on_a_sound_machine_all_is_well_and_nothing_is_made(carrel_home: Path) -> None:
    ran = carrel("doctor")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.endswith("All is well.\n")
    assert [*carrel_home.iterdir()] == []


def test_a_library_and_its_history_are_counted(filled: Path) -> None:
    carrel("ask", "-q", "--web", "never", "jitter?", env=LIGHT)
    found = conditions(carrel("doctor", "--json", env=LIGHT))
    assert "2 documents" in found["library"]["said"]
    assert "1 questions" in found["history"]["said"]


@pytest.mark.parametrize(
    ("env", "about", "fix"),
    [
        ({"CARREL_WEB": "perhaps"}, "settings", "Correct it"),
        ({"CARREL_SMALL": "cohere:x"}, "small model", "pip install langchain-cohere"),
        ({"CARREL_REASONING": "openai:x"}, "reasoning model", "export OPENAI_API_KEY=..."),
        ({"CARREL_LIBRARY__ENCODER": "all-MiniLM-L6-v2"}, "embedding", "carrel models get"),
        ({"CARREL_APP__PDF_VIEWER": "nonsense {file}", "DISPLAY": ":9"}, "PDF viewer", "app.pdf_viewer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named_with_what_mends_it(env: dict[str, str], about: str, fix: str) -> None:
    found = conditions(carrel("doctor", "--json", env={"HOME": "/nonexistent", **env}))
    assert found[about]["state"] != "good"
    assert fix in found[about]["fix"]


def test_a_damaged_library_or_history_is_bad_and_exits_1(filled: Path, carrel_home: Path) -> None:
    (carrel_home / "state" / "history.db").parent.mkdir(exist_ok=True)
    (carrel_home / "state" / "history.db").write_bytes(b"not a database" * 500)
    (carrel_home / "data" / "library" / "catalogue.sqlite").write_bytes(b"not a database" * 500)
    ran = carrel("doctor", "--json", env=LIGHT)
    found = conditions(ran)
    assert ran.code == 1
    assert {found["library"]["state"], found["history"]["state"]} == {"bad"}
    assert all(each["fix"] for each in found.values() if each["state"] == "bad")


def test_no_model_is_called_unless_that_is_asked_for(model_server: FaultServer) -> None:
    env = {**SERVER, "CARREL_BASE_URL": model_server.base_url}
    model_server.script(Reply("ready"))
    assert "not asked" in conditions(carrel("doctor", "--json", env=env))["small model"]["said"]
    assert len(model_server.ledger) == 0
    asked = conditions(carrel("doctor", "--json", "--ask-models", env=env))
    assert "answered in" in asked["small model"]["said"]


def test_a_model_that_refuses_its_key_is_bad_and_the_key_is_not_printed(model_server: FaultServer) -> None:
    model_server.script(Status(401))
    env = {**SERVER, "CARREL_BASE_URL": model_server.base_url, "CARREL_MODELS__SMALL__API_KEY_ENV": "MY_KEY"}
    ran = carrel("doctor", "--json", "--ask-models", env={**env, "MY_KEY": "sk-very-secret"})
    assert ran.code == 1
    assert conditions(ran)["small model"]["state"] == "bad"
    assert "sk-very-secret" not in ran.stdout + ran.stderr


def test_in_a_terminal_it_says_what_the_terminal_can() -> None:
    shown = carrel_in_terminal("doctor", env={"COLORTERM": "truecolor", "TMUX": "/tmp/tmux"}).stdout
    assert "xterm-256color" in shown
    assert "16.7 million" in shown
    assert "tmux set -g set-clipboard on" in shown
