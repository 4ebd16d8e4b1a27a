"""An answer as a notebook is one that Jupyter opens, and nothing in it runs by itself."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat

from assistant.export import suggested_name, write_answer
from assistant.notebook_file import to_notebook
from tui.example import example_answer


def test_it_is_a_valid_notebook_and_the_same_each_time(tmp_path: Path) -> None:
    answer = example_answer()
    path = write_answer(answer, "notebook", tmp_path)
    assert path.name == suggested_name(answer.query.for_library, "notebook")
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert (book.nbformat, book.nbformat_minor) == (4, 5)
    assert to_notebook(answer) == path.read_text()
    assert [cell.cell_type for cell in book.cells] == ["markdown", "markdown", "markdown", "code"]
    assert len({cell.id for cell in book.cells}) == 4


def test_the_answer_and_its_sources_are_in_it_and_the_cell_has_not_run() -> None:
    answer = example_answer()
    cells = json.loads(to_notebook(answer))["cells"]
    text = "".join(cells[1]["source"])
    assert "Back off with full jitter" in text
    assert "Circuit breakers" in text
    assert cells[3]["outputs"] == []
    assert cells[3]["execution_count"] is None


def test_a_question_is_data_in_the_code_whatever_stands_in_it() -> None:
    hostile = 'Why?"\nimport os; os.system("true")  # <img src=x> \u2028'
    answer = example_answer()
    asked = answer.model_copy(update={"query": answer.query.model_copy(update={"text": hostile})})
    cells = json.loads(to_notebook(asked))["cells"]
    space: dict[str, object] = {}
    line = next(each for each in "".join(cells[3]["source"]).split("\n") if each.startswith("question ="))
    exec(line, space)
    assert space["question"] == hostile
    assert "\\<img" in cells[0]["source"][0]
