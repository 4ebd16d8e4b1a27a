"""An answer as a Jupyter notebook: the text with its sources, and a cell that asks the question again."""

from __future__ import annotations

import hashlib
import json

from assistant.render import to_markdown
from indexes.clean import clean_line
from pipelines.types import Answer

__all__ = ["to_notebook"]


def to_notebook(answer: Answer) -> str:
    """Returns the notebook's JSON, of nbformat 4.5; the same answer gives the same text.

    The cell that asks again is not run: nothing has happened to the reader's machine when it is opened.
    """
    question = answer.query.for_library
    ask = (
        "from assistant import Assistant\n\n"
        f"question = {json.dumps(question)}\n"
        "with Assistant() as assistant:\n"
        "    answer = assistant.ask(question)\n"
        "answer"
    )
    cells = [
        _markdown(f"# {_plain(clean_line(question, 500))}"),
        _markdown(to_markdown(answer)),
        _markdown("The cell below asks the same question of your library as it is now."),
        {**_cell("code", ask), "execution_count": None, "outputs": []},
    ]
    for number, cell in enumerate(cells):
        named = f"{number}\x00{answer.run}\x00{answer.question_id}\x00{question}"
        cell["id"] = hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()[:16]
    book = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _markdown(text: str) -> dict[str, object]:
    return _cell("markdown", text)


def _cell(kind: str, text: str) -> dict[str, object]:
    return {"cell_type": kind, "id": "", "metadata": {}, "source": text.splitlines(keepends=True)}


def _plain(text: str) -> str:
    """A line of text in which nothing is Markdown."""
    return "".join(f"\\{each}" if each in "\\`*_<>#[]!" else each for each in text)
