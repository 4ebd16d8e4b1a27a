from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from indexes.errors import Damaged
from indexes.readers.api import read_file
from indexes.types import ParsedDocument

CELLS: list[dict[str, Any]] = [
    {"cell_type": "markdown", "source": ["# Retries with jitter\n", "\n", "Some *prose*.\n"]},
    {
        "cell_type": "code",
        "source": "print(1)",
        "outputs": [
            {"output_type": "stream", "text": ["1\n"]},
            {"data": {"image/png": "aGVsbG8=", "text/plain": ["<Figure>"]}},
        ],
    },
]


def _read(folder: Path, notebook: object, name: str = "analysis.ipynb") -> ParsedDocument:
    path = folder / name
    path.write_text(notebook if isinstance(notebook, str) else json.dumps(notebook))
    return read_file(path)


def test_prose_code_and_printed_output_are_read_and_pictures_are_not(tmp_path: Path) -> None:
    read = _read(tmp_path, {"cells": CELLS, "metadata": {"authors": [{"name": "Ada Byron"}]}, "nbformat": 4})
    assert read.text == "Retries with jitter\n\nSome prose.\n\nprint(1)\n\n1\n\n<Figure>"
    assert (read.title, read.authors) == ("Retries with jitter", ("Ada Byron",))
    assert [section.title for section in read.sections] == ["Retries with jitter"]


def test_an_old_notebook_keeps_its_cells_in_worksheets(tmp_path: Path) -> None:
    sheet = {
        "cells": [{"cell_type": "heading", "source": "Results"}, {"cell_type": "code", "input": "x = 1"}]
    }
    assert _read(tmp_path, {"worksheets": [sheet], "nbformat": 3}).text == "Results\n\nx = 1"


def test_a_notebook_is_told_by_its_content(tmp_path: Path) -> None:
    assert "prose" in _read(tmp_path, {"nbformat": 4, "cells": CELLS}, name="analysis.json").text


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"cells": []}', "[" * 100_000], ids=["open", "list", "bare", "deep"]
)
def test_what_is_no_notebook_is_damaged(tmp_path: Path, content: str) -> None:
    with pytest.raises(Damaged):
        _read(tmp_path, content)


def test_parts_of_the_wrong_kind_are_passed_over(tmp_path: Path) -> None:
    odd = [*CELLS, 7, {"cell_type": "code", "source": 5, "outputs": [None, {"data": []}]}]
    read = _read(tmp_path, {"cells": odd, "metadata": [], "nbformat": "x"})
    assert read.text.endswith("<Figure>")
