"""The command line over a real library: asking and searching, by pipe and in a terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from assistant import Answer
from tests.assistant.command_line import (
    LIGHT,
    QUESTION,
    begun,
    carrel_in_terminal,
    carrel_signalled,
    command,
    environment,
    light,
    with_model,
)
from tests.faults.script import Hang, Status
from tests.faults.server import FaultServer

HOSTILE = "\x1b]52;c;cm0gLXJm\x07\x1b[2J"


def test_the_answer_is_on_stdout_and_the_narration_on_stderr(filled: Path) -> None:
    ran = light("ask", QUESTION)
    assert ran.code == 0
    assert "random time" in ran.stdout
    assert "## Sources\n\n- [1] Full jitter" in ran.stdout
    assert "verified" in ran.stdout
    for said in ("question:", "route:", "retrieve", "done:"):
        assert said in ran.stderr
        assert said not in ran.stdout


@pytest.mark.parametrize("arguments", [tuple(QUESTION.split()), ()], ids=["words", "stdin"])
def test_a_question_comes_from_the_arguments_or_from_stdin(arguments: tuple[str, ...], filled: Path) -> None:
    ran = light("ask", "-q", *arguments, stdin=QUESTION.encode())
    assert "random time" in ran.stdout
    assert ran.stderr == ""


def test_what_is_piped_in_beside_a_question_is_answered_from_and_not_added(filled: Path) -> None:
    text = f"The owls of Exmoor hear {HOSTILE} mice at forty metres.\n\nJam is sweet.\n"
    for format in ("markdown", "json"):
        ran = light(
            "ask", "--format", format, "--web", "never", "How far do owls hear mice?", stdin=text.encode()
        )
        assert ran.code == 0
        assert "forty metres" in ran.stdout
        assert "\x1b" not in ran.stdout
    (evidence,) = Answer.model_validate(json.loads(ran.stdout)["data"]).evidence
    assert (evidence.document.source, evidence.page) == ("standard input", 1)
    assert "forty metres" not in light("ask", "--web", "never", "How far do owls hear mice?").stdout


def test_a_pipe_that_stays_open_is_said_to_be_waited_for(filled: Path) -> None:
    with begun("ask", "--web", "never", QUESTION) as asking:
        assert "</dev/null" in asking.stderr.readline()
        asking.stdin.close()
        assert "jitter" in asking.stdout.read()
    assert asking.process.returncode == 0


def test_what_is_piped_in_does_not_keep_the_library_from_answering(filled: Path) -> None:
    ran = light("ask", "--web", "never", f"in:papers {QUESTION}", stdin=b"Full jitter is a matter of taste.")
    assert "jitter.md" in ran.stdout


@pytest.mark.parametrize(
    ("piped", "said"), [(b"%PDF-1.7 \x00\x01", "no text"), (b"words " * 700_000, "4,000,000 characters")]
)
def test_what_cannot_be_answered_from_is_refused_with_the_way_out(piped: bytes, said: str) -> None:
    ran = light("ask", QUESTION, stdin=piped)
    assert (ran.code, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert "carrel add FILE" in ran.stderr


def test_an_answer_as_json_reads_back(filled: Path) -> None:
    document = json.loads(light("ask", "--format", "json", QUESTION).stdout)
    assert document["schema_version"] == 1
    assert Answer.model_validate(document["data"]).found


def test_plain_text_has_no_markdown_headings(filled: Path) -> None:
    assert "#" not in light("ask", "--format", "text", QUESTION).stdout


def test_with_strict_nothing_found_exits_4(filled: Path) -> None:
    question = "Which zebra governs quaternion pottery?"
    assert light("ask", "--web", "never", "--strict", question).code == 4
    assert light("search", "--strict", "zzzqqq", env={"CARREL_LIBRARY__ENCODER": "none"}).code == 4


def test_searching_lists_passages_with_their_place(filled: Path) -> None:
    ran = light("search", "--limit", "1", "jitter retries")
    assert ran.stdout.startswith("1. Full jitter")
    assert "p. 1 (jitter.md)" in ran.stdout
    assert json.loads(light("search", "--format", "json", "jitter").stdout)["data"]["hits"]


def test_how_many_passages_of_one_paper_are_shown_can_be_said(filled: Path, tmp_path: Path) -> None:
    pages = "\n\n".join(f"## Part {n}\n\nJitter {n}. {'Other words fill this part. ' * 90}" for n in range(6))
    (tmp_path / "long.md").write_text(f"# Long\n\n{pages}\n")
    light("add", str(tmp_path / "long.md"))
    places = {
        number: light("search", "--limit", "2", "--per-paper", number, "words fill part jitter").stdout.count(
            "(long.md)"
        )
        for number in "10"
    }
    assert places["1"] == 1
    assert places["0"] == 2


def test_only_the_named_collection_is_searched(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Other\n\nJitter is a word here too.\n")
    light("add", "--collection", "others", str(tmp_path / "other.md"))
    stdout = light("search", "--collection", "others", "jitter").stdout
    assert "other.md" in stdout
    assert "jitter.md" not in stdout


@pytest.mark.parametrize("verb", ["ask", "search"])
def test_a_filter_in_the_question_chooses_where_to_look(verb: str, filled: Path, tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text(
        "# Other\n\nWhat full jitter does to retries is a question of taste.\n"
    )
    light("add", "--collection", "others", str(tmp_path / "other.md"))
    stdout = light(verb, "--set", "web=never", f"in:others {QUESTION}").stdout
    assert "other.md" in stdout
    assert "jitter.md" not in stdout


@pytest.mark.parametrize("verb", ["ask", "search"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("year:abc jitter", "'year:abc' names no year."),
        ("in:paper jitter", "There is no collection 'paper'."),
    ],
)
def test_a_filter_that_cannot_be_one_is_refused(verb: str, text: str, said: str, filled: Path) -> None:
    ran = light(verb, "--set", "web=never", text)
    assert (ran.code, ran.stdout) == (2, "")
    assert said in ran.stderr


def test_filters_alone_list_papers_for_a_search_and_are_no_question(filled: Path) -> None:
    assert "jitter.md" in light("search", "type:md").stdout
    asked = light("ask", "type:md")
    assert (asked.code, asked.stdout) == (2, "")
    assert "no words" in asked.stderr


@pytest.mark.parametrize("verb", ["ask", "search"])
def test_a_collection_that_is_not_there_is_named_with_those_that_are(verb: str, filled: Path) -> None:
    ran = light(verb, "--collection", "paper", "jitter?")
    assert (ran.code, ran.stdout) == (2, "")
    assert "There is no collection 'paper'." in ran.stderr
    assert "The library has: papers." in ran.stderr


def test_an_answer_never_comes_from_outside_the_named_collection(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Pottery\n\nClay is fired in a kiln.\n")
    light("add", "--collection", "others", str(tmp_path / "other.md"))
    ran = light("ask", "--web", "never", "--collection", "others", QUESTION)
    assert ran.stdout.startswith("Nothing in others bears on this question.")
    assert "jitter.md" not in ran.stdout


def test_when_nothing_is_found_the_next_step_is_named() -> None:
    empty = light("ask", "What is a kiln?")
    assert empty.code == 0
    assert "next: the library is empty; `carrel add PATH` adds papers" in empty.stderr


def test_when_the_library_does_not_know_it_says_what_would_search_further(filled: Path) -> None:
    ran = light("ask", "Which zebra governs quaternion pottery?")
    assert ran.stderr.rstrip().endswith("or `--web auto` to search the web too")
    assert "Fallback in retrieve" not in ran.stdout


def test_a_pipe_and_a_terminal_get_the_same_text(filled: Path) -> None:
    for arguments in (("ask", "--format", "text", QUESTION), ("models",)):
        piped = light(*arguments).stdout
        shown = carrel_in_terminal(*arguments, "-q" if arguments[0] == "ask" else "--", env=LIGHT).stdout
        assert shown.replace("\r\n", "\n") == piped


def test_in_a_terminal_the_answer_is_formatted_and_a_pipe_stays_plain(filled: Path) -> None:
    shown = carrel_in_terminal("ask", "-q", QUESTION, env=LIGHT).stdout
    assert "## Sources" not in shown
    assert "Sources" in shown
    screen = carrel_in_terminal("ask", QUESTION, stdout_too=False, env=LIGHT)
    assert "## Sources" in screen.stdout
    assert "done:" in screen.stderr
    assert "## Sources" not in screen.stderr


def test_no_escape_sequence_of_a_paper_reaches_the_terminal(filled: Path) -> None:
    """Ours are colours, and the two that keep one progress line."""
    for arguments in (("ask", "-v", QUESTION), ("search", "jitter")):
        shown = carrel_in_terminal(*arguments, env=LIGHT).stdout
        ours = re.sub(r"\x1b\[[0-9;]*m|\r\x1b\[K", "", shown)
        assert not re.search(r"[\x1b\x07\x9b\u202e\u202c]", ours)


def test_the_person_is_asked_in_a_terminal_before_the_web_is_searched(web_server: FaultServer) -> None:
    env = {**LIGHT, "CARREL_SEARXNG_URL": web_server.url}
    ran = carrel_in_terminal("ask", QUESTION, answers=[("Search the web", "yes\n")], env=env)
    assert ran.code == 0
    assert web_server.ledger.count() > 0
    assert "(web: " in ran.stdout
    ran = carrel_in_terminal("ask", QUESTION, answers=[("Search the web", "\n")], env=env)
    assert ran.code == 0
    assert "(web: " not in ran.stdout


def test_a_refused_key_is_told_and_the_papers_still_answer(filled: Path, model_server: FaultServer) -> None:
    model_server.script(Status(401))
    ran = light("ask", QUESTION, env=with_model(model_server))
    assert ran.code == 0
    assert "random time" in ran.stdout
    assert "key" in ran.stderr
    assert "sk-test" not in ran.stdout + ran.stderr


def test_ctrl_c_stops_the_question_and_exits_130(filled: Path, model_server: FaultServer) -> None:
    model_server.script(Hang())
    for number in (signal.SIGINT, signal.SIGTERM):
        ran = carrel_signalled("ask", "-v", QUESTION, number=number, server=model_server)
        assert ran.code == 130
        assert ran.stdout == ""
        assert "Stopped." in ran.stderr
        assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("verb", ["ask", "batch"])
def test_with_no_log_neither_history_nor_log_has_anything_of_the_run(
    verb: str, filled: Path, carrel_home: Path, tmp_path: Path, model_server: FaultServer
) -> None:
    out = tmp_path / "answers.jsonl"
    (tmp_path / "questions.txt").write_text(QUESTION)
    given = [QUESTION] if verb == "ask" else [str(tmp_path / "questions.txt"), "-o", str(out)]
    ran = light(verb, "--no-log", "--web", "never", *given, env=with_model(model_server))
    assert ran.code == 0, ran.stderr
    assert "jitter" in (ran.stdout or out.read_text())
    state = carrel_home / "state"
    for file in state.iterdir():
        assert QUESTION.encode() not in file.read_bytes(), file
    assert QUESTION not in light("history").stdout
    assert not (state / "carrel.log").exists()


def test_with_no_log_what_fails_inside_is_not_logged_and_the_way_to_report_it_is_said(
    carrel_home: Path,
) -> None:
    broken = "import assistant.api as api; api.Assistant.stream = None; "
    start = broken + "import sys; from assistant.cli import main; main()"
    for more in (["--no-log"], []):
        ran = subprocess.run(
            command("ask", *more, QUESTION, start=start),
            capture_output=True,
            text=True,
            env=environment(LIGHT),
            check=False,
        )
        assert ran.returncode == 1
        assert ("Without --no-log the log has where it happened" in ran.stderr) == bool(more)
        assert (carrel_home / "state" / "carrel.log").exists() != bool(more)


def test_a_reader_that_goes_away_early_is_not_an_error_message(filled: Path) -> None:
    process = subprocess.Popen(
        command("ask", "-q", "--format", "json", QUESTION),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(LIGHT),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait() == 1


def test_a_broken_library_is_a_sentence(filled: Path, carrel_home: Path) -> None:
    for database in (carrel_home / "data" / "library").rglob("*.sqlite*"):
        database.write_bytes(b"this is not a database" * 1000)
    ran = light("ask", QUESTION)
    assert (ran.code, ran.stdout) == (1, "")
    assert "Traceback" not in ran.stderr
    assert os.fspath(carrel_home) in ran.stderr
