"""A person's own questions with what answers them: a paper by title, DOI, file name or id, or a passage."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from indexes.clean import clean_line
from indexes.errors import Damaged, JudgementsUnusable
from indexes.evaluation.judged import rows_of, unusable
from indexes.evaluation.retrieval import AskedQuestion
from indexes.library import Library
from indexes.readers.decoding import decode
from indexes.shelf import letters
from indexes.spreadsheet import SUFFIXES, NotATable, table_rows
from indexes.types import Document, Hit, Passage

__all__ = ["OwnQuestion", "read_questions", "resolve"]

_FORM = (
    'Each line is an object such as {"question": "...", "answers": ["a title, DOI, file name or id"]}; a CSV '
    "file has the columns question and answers, with a semicolon between several answers."
)
_DOI_BEGINNINGS = ("https://doi.org/", "http://doi.org/", "https://dx.doi.org/", "http://dx.doi.org/", "doi:")


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """A question and the names of what answers it, as somebody wrote them."""

    text: str
    answers: tuple[str, ...]
    line: int
    """Where it stands in the file, from 1."""


def read_questions(path: Path) -> tuple[OwnQuestion, ...]:
    """Reads a CSV file (by its suffix `.csv` or `.tsv`) or JSON lines; blocks.

    Raises:
        JudgementsUnusable: The file is missing, holds no question, or one without a text or an answer; the
            message names the line.
    """
    rows = _csv_rows(path) if path.suffix.lower() in SUFFIXES else rows_of(path, hint=_FORM)
    questions = tuple(_question(path, number, row) for number, row in rows)
    if not questions:
        raise JudgementsUnusable(f"{clean_line(str(path), 300)} holds no question.", hint=_FORM)
    return questions


async def resolve(
    library: Library, questions: Sequence[OwnQuestion], *, path: Path, collections: tuple[str, ...] = ()
) -> tuple[AskedQuestion, ...]:
    """Finds what each question names in the library.

    Several papers of one title are one answer, and so are the passages that overlap with one that is named.

    Args:
        library: Which holds the answers.
        questions: As read.
        path: Of their file, for messages.
        collections: Where to look for the answers; empty means everywhere.

    Raises:
        JudgementsUnusable: A name fits no paper, or several different ones, or a question names papers and
            passages; the message names the line.
    """
    documents = [
        each for each in await library.documents() if not collections or each.collection in collections
    ]
    catalogue = _Names(documents)
    asked: list[AskedQuestion] = []
    for question in questions:
        passages = {passage.id: passage for passage in await library.passages(question.answers)}
        papers = [name for name in question.answers if name not in passages]
        if passages and papers:
            problem = f"names a passage and a paper ({papers[0]!r}); name only passages or only papers"
            raise unusable(path, question.line, problem, hint=_FORM)
        if passages:
            asked.append(_about_passages(question, passages.values()))
        else:
            asked.append(_about_papers(question, catalogue, path))
    return tuple(asked)


class _Names:
    """What documents can be called by."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._by_id: dict[str, list[Document]] = defaultdict(list)
        self._by_doi: dict[str, list[Document]] = defaultdict(list)
        self._by_file: dict[str, list[Document]] = defaultdict(list)
        self._by_title: dict[str, list[Document]] = defaultdict(list)
        self.titles: dict[str, str] = {}
        """By their letters."""
        for document in documents:
            self._by_id[document.id].append(document)
            if document.doi:
                self._by_doi[document.doi.casefold()].append(document)
            name = PurePosixPath(document.source)
            for file in {document.source, name.name, name.stem}:
                self._by_file[file.casefold()].append(document)
            self._by_title[letters(document.title)].append(document)
            self.titles[letters(document.title)] = document.title

    def called(self, name: str) -> list[Document]:
        """The documents that the name is most likely meant for: by id, else DOI, else file, else title."""
        doi = name.casefold()
        for beginning in _DOI_BEGINNINGS:
            doi = doi.removeprefix(beginning)
        return (
            self._by_id.get(name)
            or self._by_doi.get(doi.strip())
            or self._by_file.get(name.casefold())
            or self._by_title.get(letters(name) or name)
            or []
        )

    def like(self, name: str) -> list[str]:
        """Titles that are spelt nearly so."""
        return [self.titles[near] for near in difflib.get_close_matches(letters(name), self.titles, n=2)]


def _about_papers(question: OwnQuestion, catalogue: _Names, path: Path) -> AskedQuestion:
    answer_of: dict[str, str] = {}
    for name in question.answers:
        found = catalogue.called(name)
        if not found:
            near = catalogue.like(name)
            hint = f"Did you mean {near[0]!r}?" if near else "`carrel search` shows what the library holds."
            raise unusable(path, question.line, f"names {name!r}, which the library does not hold", hint=hint)
        if len({letters(document.title) for document in found}) > 1:
            titles = " and ".join(repr(document.title) for document in found[:2])
            hint = "Name it by its DOI, or by the id that `carrel search --format json` shows."
            raise unusable(path, question.line, f"names {name!r}, which may be {titles}", hint=hint)
        answer = answer_of.get(found[0].id, found[0].id)
        answer_of |= {document.id: answer for document in found}

    def names(hit: Hit) -> Sequence[str]:
        return (answer_of.get(hit.document.id, hit.document.id),)

    return AskedQuestion(str(question.line), question.text, dict.fromkeys(answer_of.values(), 1), names)


def _about_passages(question: OwnQuestion, passages: Iterable[Passage]) -> AskedQuestion:
    wanted = tuple(passages)

    def names(hit: Hit) -> Sequence[str]:
        met = [passage.id for passage in wanted if _overlap(passage, hit.passage)]
        return met or (hit.passage.id,)

    gains = {passage.id: 1 for passage in wanted}
    return AskedQuestion(str(question.line), question.text, gains, names)


def _overlap(one: Passage, other: Passage) -> bool:
    return one.document_id == other.document_id and one.start < other.end and other.start < one.end


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = decode(path.read_bytes(), name=clean_line(str(path), 300)).text
    except OSError as error:
        problem = f"{clean_line(str(path), 300)} cannot be read: {error.strerror or error}."
        raise JudgementsUnusable(problem, hint=_FORM) from error
    except Damaged as error:
        raise JudgementsUnusable(error.message, hint=_FORM) from error
    try:
        for row in table_rows(text, "question", "answers"):
            if row.problem:
                raise unusable(path, row.line, row.problem, hint=_FORM)
            yield row.line, dict(row.cells)
    except NotATable as error:
        raise unusable(path, error.line, str(error), hint=_FORM) from error


def _question(path: Path, number: int, row: dict[str, Any]) -> OwnQuestion:
    text, answers = row.get("question"), row.get("answers", [])
    if not isinstance(text, str) or not text.strip():
        raise unusable(path, number, "has no question", hint=_FORM)
    if isinstance(answers, str):
        answers = answers.split(";") if path.suffix.lower() in SUFFIXES else [answers]
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        raise unusable(path, number, "has answers that are not a list of strings", hint=_FORM)
    named = tuple(dict.fromkeys(answer.strip() for answer in answers if answer.strip()))
    if not named:
        raise unusable(path, number, "names nothing that answers the question", hint=_FORM)
    return OwnQuestion(text.strip(), named, number)
