"""Collections in BEIR form: documents, questions, and which documents were judged to answer which."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexes.clean import clean_line
from indexes.errors import JudgementsUnusable, PathMissing

__all__ = ["Judged", "JudgedDocument", "read_judged", "rows_of", "unusable"]

_FORM = (
    "A collection is a folder with corpus.jsonl ({_id, title, text} a line), queries.jsonl ({_id, text}) and "
    "qrels/test.tsv (question id, document id, score)."
)


@dataclass(frozen=True, slots=True)
class JudgedDocument:
    """One document of a collection."""

    title: str
    """Empty where the collection gives none."""
    text: str

    @property
    def whole(self) -> str:
        """Title and text."""
        return "\n\n".join(part for part in (self.title, self.text) if part)


@dataclass(frozen=True)
class Judged:
    """Documents, questions and which documents answer which question."""

    name: str
    """The folder's."""
    documents: dict[str, JudgedDocument]
    """By id; every one has text."""
    questions: dict[str, str]
    """By id; only those with a judgement above 0."""
    relevant: dict[str, dict[str, int]]
    """Question id to document id to gain; every gain is above 0."""
    notes: tuple[str, ...] = field(default=())
    """What of the files was left out, and why."""


def read_judged(folder: Path, *, split: str = "test") -> Judged:
    """Reads a collection; blocks.

    A judgement of a document that is not there stays: it counts as not found, so that a score does not rise
    because a corpus is incomplete.

    Args:
        folder: Holds `corpus.jsonl`, `queries.jsonl` and `qrels`.
        split: The judgements are in `qrels/<split>.tsv`.

    Raises:
        PathMissing: The folder is not there.
        JudgementsUnusable: A file is missing or not as it should be; the message names file and line.
    """
    if not folder.is_dir():
        raise PathMissing(f"There is no folder {str(folder)!r}.", hint=_FORM)
    documents, empty = _documents(folder / "corpus.jsonl")
    asked = _questions(folder / "queries.jsonl")
    notes = [f"{empty} documents hold no text and were left out."] if empty else []
    path = folder / "qrels" / f"{split}.tsv"
    relevant: dict[str, dict[str, int]] = {}
    strange: dict[str, list[int]] = {"question": [], "document": []}
    for number, question, document, gain in _judgements(path):
        if question not in asked:
            strange["question"].append(number)
        elif gain > 0:
            relevant.setdefault(question, {})[document] = gain
            if document not in documents:
                strange["document"].append(number)
    if not relevant:
        raise JudgementsUnusable(
            f"{_shown(path)} judges no document relevant for a question of queries.jsonl.", hint=_FORM
        )
    consequence = {"question": "were left out", "document": "count as never found"}
    notes += [
        f"{path.parent.name}/{path.name}: {len(lines)} judgements name a {what} that is not there, the first "
        f"in line {lines[0]}; they {consequence[what]}."
        for what, lines in strange.items()
        if lines
    ]
    questions = {id: text for id, text in asked.items() if id in relevant}
    return Judged(folder.resolve().name, documents, questions, relevant, tuple(notes))


def rows_of(path: Path, *, hint: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the number, from 1, and the object of each line of a file of JSON lines but blank ones.

    Raises:
        JudgementsUnusable: The file cannot be read, or a line is not one JSON object.
    """
    for number, line in _lines(path, hint=hint):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise unusable(path, number, f"is not JSON: {error}", hint=hint) from error
        if not isinstance(row, dict):
            raise unusable(path, number, "is not a JSON object", hint=hint)
        yield number, row


def unusable(path: Path, number: int, problem: str, *, hint: str) -> JudgementsUnusable:
    """Returns the error for one line of a file."""
    return JudgementsUnusable(f"{_shown(path)}, line {number}, {clean_line(problem, 300)}.", hint=hint)


def _documents(path: Path) -> tuple[dict[str, JudgedDocument], int]:
    """The documents that hold text, and how many do not."""
    ids: Counter[str] = Counter()
    documents: dict[str, JudgedDocument] = {}
    for number, row in rows_of(path, hint=_FORM):
        id = _id(row, path, number)
        ids[id] += 1
        if ids[id] > 1:
            raise unusable(path, number, f"has the _id {id!r} of an earlier line", hint=_FORM)
        document = JudgedDocument(
            _text(row, "title", path, number, optional=True), _text(row, "text", path, number)
        )
        if document.whole:
            documents[id] = document
    if not documents:
        raise JudgementsUnusable(f"{_shown(path)} holds no document.", hint=_FORM)
    return documents, len(ids) - len(documents)


def _questions(path: Path) -> dict[str, str]:
    questions: dict[str, str] = {}
    for number, row in rows_of(path, hint=_FORM):
        id = _id(row, path, number)
        if id in questions:
            raise unusable(path, number, f"has the _id {id!r} of an earlier line", hint=_FORM)
        questions[id] = _text(row, "text", path, number)
    return questions


def _judgements(path: Path) -> Iterator[tuple[int, str, str, int]]:
    """Line number, question, document and gain; TREC's form, with an unused second column, is read too."""
    for number, line in _lines(path, hint=_FORM):
        cells = line.split("\t") if "\t" in line else line.split()
        if len(cells) not in (3, 4):
            raise unusable(path, number, f"has {len(cells)} columns and not 3", hint=_FORM)
        question, document, gain = cells[0].strip(), cells[-2].strip(), cells[-1].strip()
        try:
            yield number, question, document, int(float(gain))
        except (ValueError, OverflowError) as error:
            if number == 1:
                continue  # the names of the columns
            raise unusable(
                path, number, f"has the score {gain!r}, which is not a number", hint=_FORM
            ) from error


def _lines(path: Path, *, hint: str) -> Iterator[tuple[int, str]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    raise unusable(path, number, "is not UTF-8", hint=hint) from error
                if text.strip():
                    yield number, text
    except OSError as error:
        raise JudgementsUnusable(
            f"{_shown(path)} cannot be read: {error.strerror or error}.", hint=hint
        ) from error


def _id(row: dict[str, Any], path: Path, number: int) -> str:
    id = row.get("_id", row.get("id"))
    if isinstance(id, bool) or not isinstance(id, str | int) or id == "":
        raise unusable(path, number, "has no _id", hint=_FORM)
    return str(id)


def _text(row: dict[str, Any], name: str, path: Path, number: int, *, optional: bool = False) -> str:
    text = row.get(name)
    if text is None and optional:
        return ""
    if not isinstance(text, str):
        raise unusable(path, number, f"has no {name}, or one that is not a string", hint=_FORM)
    return text.strip()


def _shown(path: Path) -> str:
    return clean_line(str(path), 300)
