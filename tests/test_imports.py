"""What is imported when: nothing heavy for the command line's help, no reader of papers for a question."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.cli.root import COMMANDS

ROOT = Path(__file__).parents[1]

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
    "trafilatura",
    "ddgs",
)

RUN_COMMAND = """
import sys
from assistant.cli import main
sys.argv = ["carrel", *sys.argv[1:]]
try:
    main()
finally:
    import json
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""

ADD_A_NOTE = """
import sys
from assistant import Assistant
with Assistant(home=sys.argv[1]) as assistant:
    assistant.add(sys.argv[2])
"""

ASK = """
import json, sys
from assistant import Assistant
with Assistant(home=sys.argv[1]) as assistant:
    answer = assistant.ask("What does full jitter do to the waits of many clients?")
assert answer.evidence, answer.text
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter, outside the test session."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)], ids=" ".join
)
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    run = python(RUN_COMMAND, *arguments)
    assert run.returncode == 0, run.stderr
    assert run.stdout
    assert sorted(set(HEAVY) & set(json.loads(run.stderr.splitlines()[-1]))) == []


def test_adding_never_imports_what_only_questions_need(tmp_path: Path) -> None:
    note = ROOT / "assistant" / "demo" / "notes" / "retries-and-backoff.txt"
    run = python(RUN_COMMAND, "--home", str(tmp_path / "home"), "add", "-q", str(note))
    assert run.returncode == 0, run.stderr
    imported = set(json.loads(run.stderr.splitlines()[-1]))
    assert sorted({"langgraph", "langchain", "langchain_core", "textual", "ddgs"} & imported) == []


def test_adding_a_note_of_one_passage_imports_no_llama_index(tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text("# Jitter\n\nFull jitter spreads the retries of many clients.\n")
    run = python(RUN_COMMAND, "--home", str(tmp_path / "home"), "add", "-q", str(tmp_path / "note.md"))
    assert run.returncode == 0, run.stderr
    assert "llama_index" not in json.loads(run.stderr.splitlines()[-1])


def test_asking_never_imports_llama_index_nor_the_app(tmp_path: Path) -> None:
    """Adding runs in another process, so that what it imports does not count."""
    note = ROOT / "assistant" / "demo" / "notes" / "retries-and-backoff.txt"
    home = str(tmp_path / "home")
    added = python(ADD_A_NOTE, home, str(note))
    assert added.returncode == 0, added.stderr
    asked = python(ASK, home)
    assert asked.returncode == 0, asked.stderr
    imported = set(json.loads(asked.stdout.splitlines()[-1]))
    assert sorted({"llama_index", "textual", "trafilatura", "pypdfium2"} & imported) == []


def test_the_package_contracts_hold() -> None:
    checked = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=100,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
