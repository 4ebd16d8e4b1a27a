"""Tables are read whatever a spreadsheet program puts between their cells."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.spreadsheet import NotATable, is_header, table_rows

_CELLS = st.lists(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=2, max_size=2
)


@given(
    st.lists(_CELLS, max_size=5), st.sampled_from(",;\t"), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
)
def test_what_is_written_is_read(rows: list[list[str]], separator: str, quoting: int) -> None:
    table = io.StringIO(newline="")
    writer = csv.writer(table, delimiter=separator, quoting=quoting)
    writer.writerow(["Question", "note"])
    writer.writerows(rows)
    found = [[row.cells["question"], row.cells["note"]] for row in table_rows(table.getvalue(), "question")]
    assert found == [row for row in rows if any(cell.strip() for cell in row)]


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("question", True),
        ("ID;Question", True),
        ('"id"\t"question"', True),
        ("question,answers", True),
        ("Which question is asked, and why?", False),
        ("", False),
        ('"question', True),
    ],
)
def test_a_header_is_told_by_the_names_in_it(line: str, header: bool) -> None:
    assert is_header(line, "question") is header


def test_rows_know_their_line_and_what_is_wrong_with_them() -> None:
    rows = list(table_rows('question,note\n\n"One,\ntwo",x\nthree\nfour,y,z\n', "question"))
    assert [(row.line, dict(row.cells), row.problem) for row in rows] == [
        (3, {"question": "One,\ntwo", "note": "x"}, ""),
        (5, {"question": "three"}, ""),
        (6, {"question": "four", "note": "y"}, "has 3 cells for 2 columns"),
    ]
    assert rows[2].written == "four,y,z"


@given(st.text())
def test_any_text_is_a_table_or_says_why_not(text: str) -> None:
    said = ""
    try:
        list(table_rows(text, "question"))
    except NotATable as error:
        said = f"Line {error.line} {error}"
    assert re.match(r"Line [1-9]\d* (?:names no column question|is not CSV)|$", said)
