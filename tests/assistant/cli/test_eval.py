"""`carrel eval` as a person runs it: the table, the JSON, what is kept, and Ctrl+C."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.assistant.command_line import LIGHT, Ran, carrel, command, environment
from tests.indexes.evaluation.collection import write_collection


def run(*arguments: str, temporary: Path) -> Ran:
    return carrel(*arguments, env={**LIGHT, "TMPDIR": str(temporary)})


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def test_a_collection_is_measured_in_a_library_that_is_gone_afterwards(
    tmp_path: Path, temporary: Path
) -> None:
    ran = run("eval", "retrieval", "-v", str(write_collection(tmp_path / "notes")), temporary=temporary)
    assert ran.code == 0, ran.stderr
    assert ran.stdout.startswith("notes: 4 documents (4 passages), 2 questions, embedded by hashing\n")
    for word in (
        "nDCG@10",
        "recall@100",
        "MRR",
        "p95",
        "1.000 (1.000 to 1.000)",
        "fused less keyword",
        "2 alike",
    ):
        assert word in ran.stdout
    begun = [line for line in ran.stderr.splitlines() if line.endswith(" ...")]
    assert begun == ["adding ...", "embedding ...", "asking ..."]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("as_json", [("--json",), ("--format", "json")], ids=" ".join)
def test_json_has_each_question(as_json: tuple[str, ...], tmp_path: Path, temporary: Path) -> None:
    folder = str(write_collection(tmp_path / "notes"))
    document = json.loads(run("eval", "retrieval", *as_json, folder, temporary=temporary).stdout)
    assert document["command"] == "eval retrieval"
    assert document["data"]["ways"][0]["ndcg_at_10"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert document["data"]["questions"][0]["first_rank"] == 1


def test_the_library_is_kept_where_it_is_told(tmp_path: Path, temporary: Path) -> None:
    kept = tmp_path / "kept"
    folder = str(write_collection(tmp_path / "notes"))
    for _ in range(2):
        assert run("eval", "retrieval", "--keep", str(kept), folder, temporary=temporary).code == 0
    assert (kept / "catalogue.sqlite").exists()


def test_a_bad_collection_is_a_sentence_with_file_and_line(tmp_path: Path, temporary: Path) -> None:
    folder = write_collection(tmp_path / "notes")
    (folder / "queries.jsonl").write_text('{"_id": "q1"}\n')
    ran = run("eval", "retrieval", str(folder), temporary=temporary)
    assert (ran.code, ran.stdout) == (2, "")
    assert "queries.jsonl, line 1, has no text" in ran.stderr
    assert "Traceback" not in ran.stderr
    failed = json.loads(run("eval", "retrieval", "--json", str(folder), temporary=temporary).stdout)
    assert failed["error"]["kind"] == "JudgementsUnusable"


def test_own_questions_are_asked_of_the_own_library(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "jitter.md").write_text("# Full jitter\n\nFull jitter spreads the retries of many clients.\n")
    (tmp_path / "kiln.md").write_text("# Kilns\n\nClay is fired in a kiln.\n")
    questions = tmp_path / "questions.csv"
    questions.write_text("question,answers\nWhat spreads retries?,jitter.md\nWhere is clay fired?,Kilns\n")
    refused = run("eval", "questions", str(questions), temporary=temporary)
    assert (refused.code, "carrel add" in refused.stderr) == (2, True)
    assert run("add", str(tmp_path / "jitter.md"), str(tmp_path / "kiln.md"), temporary=temporary).code == 0
    ran = run("eval", "questions", str(questions), temporary=temporary)
    assert ran.code == 0, ran.stderr
    assert ran.stdout.startswith("questions.csv: 2 documents (2 passages), 2 questions")
    missing = run("eval", "questions", "--collection", "none", str(questions), temporary=temporary)
    assert (missing.code, "The library has: papers." in missing.stderr) == (2, True)


def test_a_question_that_goes_unanswered_is_named(tmp_path: Path, temporary: Path) -> None:
    folder = write_collection(tmp_path / "notes", qrels="q1\tjitter\t1\nq2\tgone\t1\n")
    ran = run("eval", "retrieval", str(folder), temporary=temporary)
    assert "- q2: When does a circuit breaker stop a service? (not found)\n" in ran.stdout


def test_ctrl_c_ends_it_and_takes_the_temporary_library_away(tmp_path: Path, temporary: Path) -> None:
    texts = {str(number): ("", f"Kiln number {number} is hot.") for number in range(2_000)}
    folder = write_collection(tmp_path / "notes", texts=texts, qrels="q1\t1\t1\n")
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen(
            command("eval", "retrieval", "-v", str(folder)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment({**LIGHT, "TMPDIR": str(temporary)}),
        )
        with process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stderr.readline() == "adding ...\n"
            process.send_signal(number)
            said = process.stderr.read()
            assert process.stdout.read() == ""
        assert process.returncode == 130
        assert said.endswith("Stopped. The temporary library is removed.\n")
        assert list(temporary.iterdir()) == []


def test_metadata_is_measured_against_a_gold_file(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "rain.md").write_text("# Rain\n\nIt rains.")
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"file": "rain.md", "title": "Rain"}\n{"file": "gone.md", "title": "Snow"}\n')
    ran = run("eval", "metadata", str(gold), temporary=temporary)
    assert ran.code == 0, ran.stderr
    assert "title  1      2   0.500" in ran.stdout
    assert "gone.md: could not be read" in ran.stdout
    document = json.loads(run("eval", "metadata", "--json", str(gold), temporary=temporary).stdout)
    assert document["data"]["fields"][0]["right"] == 1
