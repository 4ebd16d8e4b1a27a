from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from indexes.readers.child import READY, Reply, Request
from indexes.readers.limits import Limits

ROOT = Path(__file__).parents[3]
HEAVY = ("llama_index", "trafilatura", "pylatexenc", "lxml", "numpy", "markdown_it", "yaml", "chromadb")


def _modules_after(folder: Path, name: str, content: str) -> set[str]:
    (folder / name).write_text(content)
    script = (
        "import sys, json; from pathlib import Path; from indexes.readers.child import main\n"
        "from indexes.readers.api import read_file; read_file(Path(sys.argv[1]))\n"
        "print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    )
    command = [sys.executable, "-c", script, str(folder / name)]
    return set(json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout))


@pytest.mark.parametrize(
    ("name", "content", "needed"),
    [
        ("a.txt", "words", set()),
        ("a.md", "words", {"markdown_it"}),
        ("a.xml", "<article><p/><body><p>x</p></body></article>", {"lxml"}),
    ],
)
def test_only_what_the_format_needs_is_imported(
    tmp_path: Path, name: str, content: str, needed: set[str]
) -> None:
    assert _modules_after(tmp_path, name, content).intersection([*HEAVY, "pypdfium2"]) == needed


def test_the_child_answers_line_by_line_and_ends_with_its_input(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")
    requests = [
        Request.for_path(tmp_path / name, limits=Limits(), max_cpu_seconds=10).model_dump_json()
        for name in ("a.txt", "b.txt")
    ]
    done = subprocess.run(
        [sys.executable, "-m", "indexes.readers.child"],
        input="".join(f"{request}\n" for request in requests).encode(),
        capture_output=True,
        cwd=ROOT,
        timeout=60,
        check=True,
    )
    ready, *replies = done.stdout.splitlines(keepends=True)
    first, second = (Reply.model_validate_json(line) for line in replies)
    assert ready == READY
    assert first.document is not None
    assert first.document.text == "words"
    assert second.failure is not None
    assert "'b.txt' cannot be opened" in second.failure.message


def test_what_a_parser_prints_does_not_reach_the_replies(tmp_path: Path) -> None:
    script = (
        "import os, sys; from indexes.readers import child\n"
        "requests, replies = child._private_streams()\n"
        "print('noise'); os.write(1, b'native noise'); replies.write(b'reply'); replies.flush()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == b"reply"
    assert b"native noise" in done.stderr
