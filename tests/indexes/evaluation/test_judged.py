"""A judged collection is read as it is, and one that is wrong is told by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexes.errors import JudgementsUnusable, PathMissing
from indexes.evaluation.judged import JudgedDocument, read_judged
from tests.indexes.evaluation.collection import QRELS, TEXTS, write_collection


def test_documents_questions_and_judgements_are_read(tmp_path: Path) -> None:
    judged = read_judged(write_collection(tmp_path / "notes"))
    assert judged.name == "notes"
    assert judged.documents["jitter"] == JudgedDocument(*TEXTS["jitter"])
    assert judged.documents["jitter"].whole.startswith("Full jitter\n\nFull jitter spreads")
    assert judged.documents["fusion"].whole.startswith("Reciprocal")
    assert judged.relevant == {"q1": {"jitter": 2}, "q2": {"breaker": 1}}
    assert list(judged.questions) == ["q1", "q2"]
    assert judged.notes == ()


def test_a_question_without_a_judgement_is_not_asked(tmp_path: Path) -> None:
    judged = read_judged(
        write_collection(tmp_path / "notes", qrels="query-id\tcorpus-id\tscore\nq2\tbreaker\t1\n")
    )
    assert list(judged.questions) == ["q2"]


@pytest.mark.parametrize(
    "qrels", ["q1\tjitter\t1\n", "q1\t0\tjitter\t1\n", "q1 0 jitter 1\n", "\ufeffq1\tjitter\t1\r\n\r\n"]
)
def test_judgements_without_names_of_columns_or_as_trec_writes_them_are_read(
    qrels: str, tmp_path: Path
) -> None:
    assert read_judged(write_collection(tmp_path / "notes", qrels=qrels)).relevant == {"q1": {"jitter": 1}}


def test_another_split_is_another_file(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "notes")
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tfusion\t1\n")
    assert read_judged(folder, split="dev").relevant == {"q1": {"fusion": 1}}


def test_what_a_collection_lacks_is_told_and_a_missing_document_still_counts(tmp_path: Path) -> None:
    texts = {**TEXTS, "empty": ("", " ")}
    qrels = QRELS + "q2\tgone\t1\nq9\tjitter\t1\nq9\tkiln\t1\n"
    judged = read_judged(write_collection(tmp_path / "notes", texts=texts, qrels=qrels))
    assert judged.relevant["q2"] == {"breaker": 1, "gone": 1}
    assert "empty" not in judged.documents
    assert judged.notes == (
        "1 documents hold no text and were left out.",
        "qrels/test.tsv: 2 judgements name a question that is not there, the first in line 6; they were left out.",
        "qrels/test.tsv: 1 judgements name a document that is not there, the first in line 5; "
        "they count as never found.",
    )


def test_a_folder_that_is_not_there_is_named_with_what_one_looks_like(tmp_path: Path) -> None:
    with pytest.raises(PathMissing, match="no such place") as caught:
        read_judged(tmp_path / "no such place")
    assert "qrels/test.tsv" in caught.value.hint


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "notes")
    (folder / name).unlink()
    with pytest.raises(JudgementsUnusable, match=rf"{Path(name).name} cannot be read: No such file"):
        read_judged(folder)


@pytest.mark.parametrize(
    ("name", "line", "problem"),
    [
        ("corpus.jsonl", b"{not json}\n", "line 5, is not JSON"),
        ("corpus.jsonl", b"[" * 100_000 + b"\n", "line 5, is not JSON"),
        ("corpus.jsonl", b"[1]\n", "line 5, is not a JSON object"),
        ("corpus.jsonl", b'{"text": "x"}\n', "line 5, has no _id"),
        ("corpus.jsonl", b'{"_id": "x"}\n', "line 5, has no text"),
        ("corpus.jsonl", b'{"_id": "x", "text": 3}\n', "line 5, has no text, or one that is not a string"),
        ("corpus.jsonl", b'{"_id": "kiln", "text": "x"}\n', "line 5, has the _id 'kiln' of an earlier line"),
        ("corpus.jsonl", b"\xff\xfe\n", "line 5, is not UTF-8"),
        ("queries.jsonl", b'{"_id": "q1", "text": "x"}\n', "line 3, has the _id 'q1' of an earlier line"),
        ("queries.jsonl", b'\n{"_id": "q3"}\n', "line 4, has no text"),
        ("qrels/test.tsv", b"q1\tjitter\n", "line 5, has 2 columns and not 3"),
        ("qrels/test.tsv", b"q1\tjitter\tvery\n", "line 5, has the score 'very'"),
        ("qrels/test.tsv", b"q1\tjitter\tnan\n", "line 5, has the score 'nan'"),
    ],
)
def test_a_wrong_line_is_told_by_file_and_number(
    name: str, line: bytes, problem: str, tmp_path: Path
) -> None:
    folder = write_collection(tmp_path / "notes")
    with (folder / name).open("ab") as file:
        file.write(line)
    with pytest.raises(JudgementsUnusable) as caught:
        read_judged(folder)
    assert f"{Path(name).name}, {problem}" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("qrels", ["", "query-id\tcorpus-id\tscore\n", "q1\tjitter\t0\n", "q9\tjitter\t1\n"])
def test_a_collection_that_judges_nothing_relevant_is_refused(qrels: str, tmp_path: Path) -> None:
    with pytest.raises(JudgementsUnusable, match="judges no document relevant"):
        read_judged(write_collection(tmp_path / "notes", qrels=qrels))


def test_a_collection_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JudgementsUnusable, match="holds no document"):
        read_judged(write_collection(tmp_path / "notes", texts={}))
