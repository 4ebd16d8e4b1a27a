"""The questions that go into a batch: JSON lines, CSV or one on each line, from a file or a pipe."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from indexes.clean import clean_line
from indexes.errors import Damaged, InputError
from indexes.readers.decoding import decode
from indexes.spreadsheet import SUFFIXES, NotATable, is_header, table_rows
from indexes.types import Model

__all__ = ["STDIN", "BadLines", "Form", "Gold", "Item", "items_of", "read_questions"]

STDIN = "-"
"""In place of a file's name: what is piped in."""

Form = Literal["auto", "jsonl", "csv", "lines"]
"""How questions are written down; `auto` goes by the file's suffix, then by its first line."""
BadLines = Literal["row", "refuse"]
"""What becomes of a line that is no question: a row that says so, or nothing is asked at all."""

_LONGEST_ID = 200
_NAMED = 5
"""Bad lines that a refusal names."""


class Gold(Model):
    """What is known to be right; each part that is given is graded."""

    answers: tuple[str, ...] = ()
    """Answers of which any is right; looked for word for word in the answer and in the sentences it cites."""
    documents: tuple[str, ...] = ()
    """Papers that should be cited, by id, title, DOI or file."""
    verdict: Literal["yes", "no", "maybe"] | None = None
    answerable: bool | None = None
    """`False` where the library holds no answer, and to say so is right."""


class Item(Model):
    """One question of a batch, as it was given."""

    id: str = ""
    """Empty only until one is made from the words."""
    question: str
    collections: tuple[str, ...] = ()
    """Where to look, in place of the batch's own."""
    gold: Gold | None = None
    problem: str = ""
    """Why it cannot be asked, as a sentence; it then gets a row that says so."""


def read_questions(
    source: str | Path, *, form: Form = "auto", bad_lines: BadLines = "row", require_ids: bool = False
) -> tuple[Item, ...]:
    """Returns the questions of a file, or of standard input for `-`; blocks.

    A JSON line is an object with `question` and, as wanted, `id`, `collections` and what is known to be
    right: `gold_answers`, `gold_documents`, `gold_verdict`, `gold_answerable`. A CSV file has columns of
    these names, with a semicolon between several values of one cell.

    Args:
        source: The file.
        form: How the questions are written down.
        bad_lines: What becomes of a line that is no question.
        require_ids: Whether a question without an id is a bad line; else its id follows from its words.

    Raises:
        InputError: The questions cannot be read or there is none, two have one id, or a line is bad and
            `bad_lines` refuses it.
    """
    name = "standard input" if str(source) == STDIN else repr(str(source))
    text = _text(source, name)
    suffix = Path(source).suffix.lower()
    numbered = list(_items(text, _form_of(text, suffix) if form == "auto" else form))
    if not numbered:
        raise InputError(f"There is no question in {name}.", hint="Write one on each line.")
    if require_ids:
        numbered = [(number, item if item.id else _without_id(item, number)) for number, item in numbered]
    if bad_lines == "refuse":
        _refuse_problems([item.problem for _, item in numbered if item.problem], name)
    return _distinct(numbered)


def items_of(questions: Iterable[str]) -> tuple[Item, ...]:
    """The questions with ids that follow from their words; a repeated one is counted up."""
    return _distinct(
        [(number, Item(question=question)) for number, question in enumerate(questions, start=1)]
    )


def _text(source: str | Path, name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if str(source) == STDIN else Path(source).read_bytes()
    except OSError as error:
        raise InputError(f"The questions {name} cannot be read: {error.strerror}.") from error
    try:
        return decode(content, name=name).text
    except Damaged as error:
        raise InputError(
            f"There are no questions in {name}: it is not text.",
            hint="Write one on each line of a text file.",
        ) from error


def _form_of(text: str, suffix: str) -> Form:
    # A first line that names the question's column is a table's: nobody asks just that.
    if suffix in SUFFIXES or is_header(text.partition("\n")[0], "question"):
        return "csv"
    return "jsonl" if text.lstrip().startswith("{") else "lines"


def _items(text: str, form: Form) -> Iterator[tuple[int, Item]]:
    """Each question with the number of its line, from 1."""
    if form == "csv":
        yield from _from_csv(text)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if written := line.strip():
            yield number, _from_json(written, number) if form == "jsonl" else Item(question=written)


def _from_json(line: str, number: int) -> Item:
    """One line of a JSONL file; its id is empty where it has none."""
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("question"), str):
        return _problem(line, f'Line {number} is not of the form {{"id": ..., "question": ...}}.')
    return _item(given, number)


def _from_csv(text: str) -> Iterator[tuple[int, Item]]:
    try:
        for row in table_rows(text, "question"):
            if row.problem:
                yield row.line, _problem(row.written, f"Line {row.line} {row.problem}.")
            else:
                yield row.line, _item(_split(row.cells), row.line)
    except NotATable as error:
        raise InputError(
            f"Line {error.line} {error}.",
            hint="The first line of a CSV file names its columns: id,question.",
        ) from error


_OF_SEVERAL = ("collections", "gold_answers", "gold_documents")


def _split(row: Mapping[str, str]) -> dict[str, Any]:
    """A row of cells as a JSON line would have it; an empty cell says nothing."""
    given: dict[str, Any] = {name: cell.strip() for name, cell in row.items() if cell.strip()}
    for name in _OF_SEVERAL:
        if name in given:
            given[name] = [part.strip() for part in given[name].split(";") if part.strip()]
    return {"question": "", **given}


def _item(given: dict[str, Any], number: int) -> Item:
    id, collections = given.get("id"), given.get("collections", ())
    try:
        gold = _gold(given)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        field = f"gold_{wrong['loc'][0]}"
        problem = f"Line {number}: {field} cannot be {clean_line(repr(given.get(field)), 80)}."
        return _problem(given["question"], problem)
    return Item(
        id=clean_line(str(id), _LONGEST_ID) if id is not None else "",
        question=given["question"],
        collections=tuple(map(str, collections)) if isinstance(collections, list) else (),
        gold=gold,
    )


def _gold(given: dict[str, Any]) -> Gold | None:
    """What the line says is right; one answer or paper may stand without a list."""
    parts = {
        name: given[f"gold_{name}"] for name in Gold.model_fields if given.get(f"gold_{name}") is not None
    }
    for name in ("answers", "documents"):
        if isinstance(parts.get(name), str):
            parts[name] = [parts[name]]
    if isinstance(parts.get("verdict"), str):
        parts["verdict"] = parts["verdict"].strip().casefold()
    return Gold.model_validate(parts) if parts else None


def _problem(written: str, why: str) -> Item:
    return Item(question=written, problem=why)


def _without_id(item: Item, number: int) -> Item:
    return item.model_copy(update={"problem": item.problem or f"Line {number} has no id."})


def _refuse_problems(problems: Sequence[str], name: str) -> None:
    if not problems:
        return
    more = f" and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
    raise InputError(
        f"Nothing was asked, because {name} has bad lines. {' '.join(problems[:_NAMED])}{more}",
        hint="Correct them, or let each have a row that says so: --bad-lines row.",
    )


def _distinct(numbered: Sequence[tuple[int, Item]]) -> tuple[Item, ...]:
    """The items; ids that were given must differ, those that follow from the words are counted up.

    Raises:
        InputError: Two questions have one id, so that their answers could not be told apart.
    """
    places: dict[str, int] = {}
    items: list[Item] = []
    for number, item in numbered:
        if not item.id:
            count = 1
            id = _derived_id(item.question)
            while (distinct := id if count == 1 else f"{id}-{count}") in places:
                count += 1
            item = item.model_copy(update={"id": distinct})
        elif item.id in places:
            raise InputError(
                f"Line {number} has the id {item.id!r}, which line {places[item.id]} has too.",
                hint="Give each question an id of its own, or leave the ids out.",
            )
        places[item.id] = number
        items.append(item)
    return tuple(items)


def _derived_id(question: str) -> str:
    return hashlib.sha256(question.encode("utf-8", "replace")).hexdigest()[:16]
