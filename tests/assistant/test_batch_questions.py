"""Questions in the forms that people have them: lines, JSON lines, CSV, a pipe; and the lines that are none."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from assistant.batch_questions import Gold, items_of, read_questions
from indexes.errors import InputError


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def test_questions_are_lines_or_json_and_keep_their_ids(tmp_path: Path) -> None:
    plain = read_questions(written(tmp_path / "q.txt", "\ufeffWhat is A?", "", "  What is B? ", "What is A?"))
    assert [item.question for item in plain] == ["What is A?", "What is B?", "What is A?"]
    assert plain[2].id == f"{plain[0].id}-2"
    assert plain[0].id == items_of(["What is A?"])[0].id

    given = read_questions(
        written(
            tmp_path / "q.jsonl",
            {"id": 7, "question": "What is A?", "collections": ["trials"]},
            {"question": "What is B?"},
        )
    )
    assert (given[0].id, given[0].collections) == ("7", ("trials",))
    assert given[1].id == plain[1].id


def test_a_csv_file_names_its_columns_and_may_hold_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "q.csv"
    file.write_text(
        "ID,Question,collections,gold_answers,gold_verdict\n"
        'a,"What is A,\nand why?",trials; notes,one; two,Yes\n'
        "\n"
        "b,What is B?\n"
        "c,What is C?,,,,,\n"
    )
    first, second, third = read_questions(file)

    assert (first.id, first.question) == ("a", "What is A,\nand why?")
    assert first.collections == ("trials", "notes")
    assert first.gold == Gold(answers=("one", "two"), verdict="yes")
    assert (second.id, second.gold, second.problem) == ("b", None, "")
    assert third.problem == "Line 6 has 7 cells for 5 columns."


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_table_is_read_as_spreadsheet_programs_save_it(
    separator: str, encoding: str, tmp_path: Path
) -> None:
    rows = [("id", "Question", "gold_answers"), ("a", "Was heißt „naïve“?", '"one; two"')]
    file = tmp_path / "q.csv"
    file.write_text("".join(f"{separator.join(row)}\r\n" for row in rows), encoding=encoding)
    [item] = read_questions(file)
    assert (item.id, item.question, item.gold) == (
        "a",
        "Was heißt „naïve“?",
        Gold(answers=("one", "two")),
    )


def test_what_is_no_text_holds_no_questions(tmp_path: Path) -> None:
    file = tmp_path / "paper.pdf"
    file.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 40)
    with pytest.raises(InputError, match=r"no questions in .*paper\.pdf.*not text"):
        read_questions(file)


def test_a_csv_file_without_questions_says_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column question, only name, age"):
        read_questions(written(tmp_path / "q.csv", "name,age", "Ada,36"))


def test_questions_come_through_a_pipe_in_any_form_that_their_first_line_tells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def piped(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    piped("What is A?\nWhat is B?\n")
    assert [item.question for item in read_questions("-")] == ["What is A?", "What is B?"]
    piped('{"id": "a", "question": "What is A?"}\n')
    assert read_questions("-")[0].id == "a"
    piped("question\nWhat is A?\n")
    assert [item.question for item in read_questions("-")] == ["What is A?"]
    piped('"ID","Question"\r\na,"What is A, and B?"\r\n')
    [item] = read_questions("-")
    assert (item.id, item.question) == ("a", "What is A, and B?")
    piped("What question is asked, and by whom?\nquestion\n")
    assert len(read_questions("-")) == 2
    piped("")
    with pytest.raises(InputError, match="no question in standard input"):
        read_questions("-")


def test_gold_is_read_with_the_question_and_what_cannot_be_gold_is_named(tmp_path: Path) -> None:
    good, wrong, plain = read_questions(
        written(
            tmp_path / "q.jsonl",
            {"question": "A?", "gold_answers": "42", "gold_documents": ["a.pdf"], "gold_answerable": True},
            {"question": "B?", "gold_verdict": "perhaps"},
            {"question": "C?", "gold_verdict": None},
        )
    )
    assert good.gold == Gold(answers=("42",), documents=("a.pdf",), answerable=True)
    assert wrong.problem == "Line 2: gold_verdict cannot be 'perhaps'."
    assert plain.gold is None


def test_bad_lines_have_rows_or_are_all_named_before_anything_is_asked(tmp_path: Path) -> None:
    file = written(tmp_path / "q.jsonl", {"question": "A?"}, "{not JSON", {"id": "c", "question": 5})

    assert [bool(item.problem) for item in read_questions(file)] == [False, True, True]
    with pytest.raises(InputError, match=r"Nothing was asked.*Line 2 .* Line 3 "):
        read_questions(file, bad_lines="refuse")
    with pytest.raises(InputError, match=r"Line 1 has no id"):
        read_questions(file, bad_lines="refuse", require_ids=True)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "no question"),
        ([{"id": "a", "question": "One?"}, {"id": "a", "question": "Two?"}], "Line 2 has the id 'a'"),
    ],
)
def test_questions_that_cannot_be_told_apart_are_refused_before_any_is_asked(
    tmp_path: Path, lines: list[object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        read_questions(written(tmp_path / "q.jsonl", *lines))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.txt"):
        read_questions(tmp_path / "nowhere.txt")
