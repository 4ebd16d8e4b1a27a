"""The examples in the help texts run, each command's in the home of somebody who has what they name."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from assistant.cli.root import COMMANDS, root
from tests.assistant.command_line import ROOT
from tests.indexes.evaluation.collection import write_collection

NOTES = ROOT / "assistant" / "demo" / "notes"
EXPECTED = {
    "carrel papers enrich": 2,  # asks a person first, and there is nobody
    "carrel papers enrich --from openalex --again": 2,
    "carrel papers enrich --yes radium.pdf": 3,  # the registry cannot be reached
    "carrel papers remove radium.pdf": 2,
    "carrel ask --continue": 2,  # nothing was stopped
    "carrel": 2,  # no terminal
}
"""Exit codes that are right and not 0."""
NEEDS = {
    "carrel replay": 'carrel ask -q --web never --record question.jsonl "When does a circuit breaker open?"',
}
"""What must have run before an example that begins so."""
ENDED_BY_CTRL_C = {
    "carrel add --watch ~/papers": "following: ",
    "carrel serve": "Open http://127.0.0.1:",
    "carrel serve --port 0": "Open http://127.0.0.1:",
}
"""What goes on until it is ended, with what it says when it has begun."""


def examples_of(command: click.Command) -> list[str]:
    """The lines under "Examples:" up to an empty one, without what is said beside them."""
    _, found, lines = (command.epilog or "").partition("Examples:\n")
    block = lines.partition("\n\n")[0] if found else ""
    return [line.strip().partition("      ")[0] for line in block.splitlines() if line.startswith("  ")]


def commands_under(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for child in command.list_commands(ctx):
            found = command.get_command(ctx, child)
            assert found is not None
            yield from commands_under(found, f"{name} {child}")


EVERY = dict(commands_under(root, "carrel"))
WITH_EXAMPLES = {name: examples for name, command in EVERY.items() if (examples := examples_of(command))}


@pytest.fixture(scope="module")
def home_to_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Papers, questions, judgements and a recording, by the names that the examples give them."""
    home = tmp_path_factory.mktemp("reader")
    papers = shutil.copytree(NOTES, home / "papers")
    (papers / "radium.pdf").write_bytes(next(NOTES.glob("*.pdf")).read_bytes() + b"\n% another copy\n")
    (papers / "radium.md").write_text("# On radium\n\nMarie Curie\n\nRadium glows; jitter does not.\n")
    (papers / "draft.md").write_text("# An old draft\n\nWords that nobody needs.\n")
    (papers / "old").mkdir()
    (papers / "old" / "old.md").write_text("# Before\n\nWhat was thought before.\n")
    (papers / "gold.jsonl").write_text('{"file": "radium.md", "title": "On radium"}\n')
    (home / "notes.md").write_text("# On polonium\n\nPolonium glows less; jitter does not.\n")
    shutil.copy(papers / "radium.pdf", home / "review.pdf")
    (home / "exports").mkdir()
    (home / "exports" / "rows.json").write_text('{"finding": "owls hear well"}')
    (home / "questions.txt").write_text("What is full jitter?\n")
    (home / "questions.jsonl").write_text('{"id": "a", "question": "What is full jitter?"}\n')
    (home / "questions.csv").write_text("question,answers\nWhat glows less?,notes.md\n")
    (home / "my-questions.jsonl").write_text('{"question": "What glows?", "answers": ["radium.md"]}\n')
    write_collection(home / "collections" / "scifact")
    scripts = home / "bin"
    scripts.mkdir()
    script = scripts / "carrel"
    script.write_text(f"#!{sys.executable} -P\nfrom assistant.cli import main\nmain()\n")
    script.chmod(0o755)
    for typed in (
        "carrel add -q papers",
        "carrel add -q notes.md --collection drafts",
        "carrel add -q notes.md --collection reviews",
        'carrel ask -q --web never "What is full jitter?"',
    ):
        assert run(typed, home).returncode == 0
    return home


@pytest.fixture
def home(home_to_copy: Path, tmp_path: Path) -> Path:
    # Under the same name: the library knows where its papers lie.
    place = tmp_path / "reader"
    return shutil.copytree(home_to_copy, place, symlinks=True)


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CARREL_")}
    return kept | {
        "HOME": str(home),
        "CARREL_HOME": str(home / "carrel"),
        "CARREL_LIBRARY__ENCODER": "none",
        "CARREL_LIBRARY__REGISTRY_URL": "http://127.0.0.1:9",
        "CARREL_MODELS": str(home / "models"),
        "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(home),
    }


def run(typed: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", typed],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=home,
        env=environment(home),
        timeout=90,
        check=False,
    )


def run_until_begun(typed: str, said: str, home: Path) -> int:
    """Waits until it has begun, and presses Ctrl+C."""
    process = subprocess.Popen(
        ["bash", "-c", f"exec {typed}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        env=environment(home),
    )
    with process:
        assert process.stderr is not None
        assert any(said in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        return process.wait(60)


@pytest.mark.parametrize("typed", sorted({each for examples in WITH_EXAMPLES.values() for each in examples}))
def test_an_example_of_a_help_text_runs(typed: str, home: Path) -> None:
    if "| man " in typed and shutil.which("man") is None:
        pytest.skip("there is no man")
    if typed in ENDED_BY_CTRL_C:
        assert run_until_begun(typed, ENDED_BY_CTRL_C[typed], home) == 0
        return
    for beginning, before in NEEDS.items():
        if typed.startswith(beginning):
            assert run(before, home).returncode == 0
    ran = run(typed, home)
    assert ran.returncode == EXPECTED.get(typed, 0), f"{typed}\n{ran.stdout}\n{ran.stderr}"
    assert "Traceback" not in ran.stderr


def test_every_command_has_two_to_four_examples() -> None:
    counts = {name: len(WITH_EXAMPLES.get(f"carrel {name}", ())) for name in COMMANDS}
    assert {name: count for name, count in counts.items() if not 2 <= count <= 4} == {}
