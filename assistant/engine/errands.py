"""What the app has the engine look up or change beside questions: each errand gets one reply."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from assistant.past_question import PastAnswer, PastPage, PastQuestion, State
from indexes.ledger import Record
from indexes.listed import PaperOrder, PaperPage
from indexes.types import Details, Document, Model, Passage

__all__ = [
    "AnyErrand",
    "AnyFound",
    "Errand",
    "FailedPage",
    "FindFailed",
    "FindPaper",
    "FindPapers",
    "FindQuestion",
    "FindQuestions",
    "Found",
    "PaperOrder",
    "PaperSheet",
    "PapersFound",
    "PastAnswer",
    "PastQuestion",
    "QuestionFound",
    "QuestionsFound",
    "R_co",
    "Rate",
    "Rated",
    "Record",
    "RemovePapers",
    "Removed",
    "State",
]

R_co = TypeVar("R_co", bound="Found", covariant=True)


class Found(Model):
    """What an errand brings back."""


class Errand(Model, Generic[R_co]):
    """A request with one reply, of the type it is marked with."""

    id: int = 0
    """Chosen by the engine's client; the reply carries it."""


# The library.


class PapersFound(Found):
    """A stretch of the list of papers."""

    type: Literal["papers found"] = "papers found"
    page: PaperPage


class FindPapers(Errand[PapersFound]):
    """The papers that fit, some at a time; see `indexes.listing.page_of_papers`."""

    type: Literal["find papers"] = "find papers"
    text: str = ""
    order: PaperOrder = "title"
    descending: bool = False
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=1000)


class FailedPage(Found):
    """A stretch of the list of files that could not be read."""

    type: Literal["failed found"] = "failed found"
    total: int
    offset: int
    records: tuple[Record, ...]


class FindFailed(Errand[FailedPage]):
    """The files that could not be read, some at a time, each with its reason."""

    type: Literal["find failed"] = "find failed"
    text: str = ""
    """Words that all stand in path or reason; empty for all."""
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=1000)


class PaperSheet(Found):
    """All that the library knows of one paper."""

    type: Literal["paper"] = "paper"
    document: Document
    details: Details
    files: tuple[Record, ...]
    """The files that stand for it, each with its fate."""
    embedded: int
    """Passages that can be found by meaning."""
    passages: tuple[Passage, ...]
    """In reading order."""


class FindPaper(Errand[PaperSheet]):
    """One paper with its metadata, its sections and its passages."""

    type: Literal["find paper"] = "find paper"
    document_id: str


class Removed(Found):
    """Papers are out of the library."""

    type: Literal["removed"] = "removed"
    papers: int


class RemovePapers(Errand[Removed]):
    """Takes papers out of the library; their files are not touched."""

    type: Literal["remove papers"] = "remove papers"
    document_ids: tuple[str, ...]


# The history.


class QuestionsFound(Found):
    """A stretch of the list of past questions."""

    type: Literal["questions found"] = "questions found"
    page: PastPage


class FindQuestions(Errand[QuestionsFound]):
    """Past questions, newest first, some at a time; see `assistant.past.Past.page`."""

    type: Literal["find questions"] = "find questions"
    text: str = ""
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=1000)


class QuestionFound(Found):
    """A past question with all that came of it."""

    type: Literal["question found"] = "question found"
    past: PastAnswer


class FindQuestion(Errand[QuestionFound]):
    """One past question with its answer."""

    type: Literal["find question"] = "find question"
    run: str
    question_id: str


class Rated(Found):
    """What the person said of an answer is noted."""

    type: Literal["rated"] = "rated"
    kept: bool
    """False where the history does not have the question."""


class Rate(Errand[Rated]):
    """Notes in the history whether an answer helped."""

    type: Literal["rate"] = "rate"
    run: str
    question_id: str
    helped: bool | None
    """`None` takes back what was said."""


AnyErrand = Annotated[
    FindPapers | FindFailed | FindPaper | RemovePapers | FindQuestions | FindQuestion | Rate,
    Field(discriminator="type"),
]
AnyFound = Annotated[
    PapersFound | FailedPage | PaperSheet | Removed | QuestionsFound | QuestionFound | Rated,
    Field(discriminator="type"),
]
