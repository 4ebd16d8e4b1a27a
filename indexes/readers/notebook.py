"""Reads Jupyter notebooks: prose, code, and what the code printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from indexes.errors import Damaged
from indexes.readers import front, markdown
from indexes.readers.block import Block
from indexes.readers.decoding import decode
from indexes.readers.extract import Extract
from indexes.readers.limits import Limits

__all__ = ["read"]

_LONGEST_OUTPUT = 4000
"""Characters of one cell's output that are read: a log would crowd out the findings."""


def read(data: bytes, *, name: str, limits: Limits) -> Extract:
    """Returns the notebook as one page, a block for each heading, paragraph, code cell and printed output.

    Raises:
        Damaged: It is no notebook.
        TooLarge: Its text is over the limit.
    """
    text, notes = decode(data, name=name)
    try:
        notebook = json.loads(text)
    except ValueError as error:
        raise Damaged(f"{name!r} is not a Jupyter notebook: {error}.") from error
    if not isinstance(notebook, dict) or "nbformat" not in notebook:
        raise Damaged(f"{name!r} is not a Jupyter notebook: it does not say which `nbformat` it has.")
    blocks = [block for cell in _cells(notebook) for block in _blocks(cell)]
    limits.check_text(sum(len(block.text) for block in blocks), name=name)
    about = notebook.get("metadata")
    about = about if isinstance(about, dict) else {}
    return Extract(
        media_type="application/x-ipynb+json",
        pages=(tuple(blocks),),
        titles=(about["title"],) if isinstance(about.get("title"), str) else (),
        authors=tuple(_people(about.get("authors"))),
        year=front.year(str(about.get("date") or "")[:100]),
        notes=notes,
    )


def _cells(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The cells, which notebooks before format 4 keep in worksheets."""
    for sheet in [notebook, *_dicts(notebook.get("worksheets"))]:
        yield from _dicts(sheet.get("cells"))


def _blocks(cell: dict[str, Any]) -> Iterator[Block]:
    source = _joined(cell.get("source", cell.get("input")))
    match cell.get("cell_type"):
        case "markdown":
            yield from markdown.blocks(source)
        case "heading":
            yield Block(source, heading=True)
        case "code":
            yield Block(source)
            for output in _dicts(cell.get("outputs")):
                yield Block(_printed(output)[:_LONGEST_OUTPUT])
        case _:
            yield Block(source)


def _printed(output: dict[str, Any]) -> str:
    data = output.get("data")
    return _joined(output.get("text") or (data.get("text/plain") if isinstance(data, dict) else None))


def _people(authors: object) -> Iterator[str]:
    for person in authors if isinstance(authors, list) else ():
        said = person.get("name") if isinstance(person, dict) else person
        if isinstance(said, str):
            yield from front.split_names(said)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _joined(value: object) -> str:
    """A text that the format allows to be divided into lines."""
    lines = value if isinstance(value, list) else [value]
    return "".join(line for line in lines if isinstance(line, str))
