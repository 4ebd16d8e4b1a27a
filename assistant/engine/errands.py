"""What the app has the engine look up or change beside questions: each errand gets one reply."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from assistant.export import ExportForm
from assistant.past_question import PastAnswer, PastPage, PastQuestion, State
from assistant.setting_rows import SettingRow
from indexes.ledger import Record
from indexes.listed import PaperOrder, PaperPage
from indexes.surveyed import Kind, Place, Survey
from indexes.types import Details, Document, Model, Passage
from pipelines.types import Answer

__all__ = [
    "AnyErrand",
    "AnyFound",
    "ChangeSetting",
    "CheckSetting",
    "Errand",
    "ExportAnswer",
    "ExportForm",
    "Exported",
    "FailedPage",
    "FindFailed",
    "FindNamedQuestion",
    "FindPaper",
    "FindPapers",
    "FindPlaces",
    "FindQuestion",
    "FindQuestions",
    "FindReferences",
    "FindSettings",
    "ForgetMarks",
    "Forgotten",
    "Found",
    "Kind",
    "LookOver",
    "LookedOver",
    "ModelTried",
    "PaperOrder",
    "PaperSheet",
    "PapersFound",
    "PastAnswer",
    "PastQuestion",
    "Place",
    "PlacesFound",
    "QuestionFound",
    "QuestionsFound",
    "R_co",
    "Rate",
    "Rated",
    "Record",
    "References",
    "RemovePapers",
    "Removed",
    "SettingChecked",
    "SettingRow",
    "SettingsFound",
    "State",
    "Survey",
    "TryModel",
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


class LookedOver(Found):
    """What adding would read."""

    type: Literal["looked over"] = "looked over"
    survey: Survey


class LookOver(Errand[LookedOver]):
    """What lies under a path, by names and sizes, before anything of it is read."""

    type: Literal["look over"] = "look over"
    path: str


class PlacesFound(Found):
    """Folders where papers are."""

    type: Literal["places found"] = "places found"
    places: tuple[Place, ...]


class FindPlaces(Errand[PlacesFound]):
    """The folders that people keep papers in, as far as they are there and hold some."""

    type: Literal["find places"] = "find places"


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


class FindNamedQuestion(Errand[QuestionFound]):
    """The past question that a person names, with its answer; see `assistant.past.Past.named`."""

    type: Literal["find named question"] = "find named question"
    name: str


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


class Forgotten(Found):
    """What was learnt is forgotten."""

    type: Literal["forgotten"] = "forgotten"
    marks: int


class ForgetMarks(Errand[Forgotten]):
    """Has the routes begin to learn anew from what is said of answers; the history keeps what was said."""

    type: Literal["forget marks"] = "forget marks"


# References, and files of answers.


class References(Found):
    """Papers as BibTeX."""

    type: Literal["references"] = "references"
    text: str


class FindReferences(Errand[References]):
    """The BibTeX of papers, of the library or of the web."""

    type: Literal["find references"] = "find references"
    documents: tuple[Document, ...]


class Exported(Found):
    """An answer is written."""

    type: Literal["exported"] = "exported"
    path: str


class ExportAnswer(Errand[Exported]):
    """Writes an answer to a file; one that is there already stays, and is an error."""

    type: Literal["export answer"] = "export answer"
    answer: Answer
    form: ExportForm
    path: str
    """Absolute; a folder takes it under a name of its question."""


# Settings.


class SettingsFound(Found):
    """All settings."""

    type: Literal["settings found"] = "settings found"
    rows: tuple[SettingRow, ...]
    file: str
    """The person's own file, which changes are written into."""


class FindSettings(Errand[SettingsFound]):
    """The settings as the files have them now."""

    type: Literal["find settings"] = "find settings"


class SettingChecked(Found):
    """Whether a setting can have a value."""

    type: Literal["setting checked"] = "setting checked"
    problem: str
    """Why not, as a sentence; empty where it can."""


class CheckSetting(Errand[SettingChecked]):
    """Looks at a value before it is set."""

    type: Literal["check setting"] = "check setting"
    key: str
    value: str


class ChangeSetting(Errand[SettingsFound]):
    """Writes a setting into the person's file; it holds for an engine that is started afterwards."""

    type: Literal["change setting"] = "change setting"
    key: str
    value: str
    """Empty takes it out, so that the default holds."""


class ModelTried(Found):
    """What a model answered."""

    type: Literal["model tried"] = "model tried"
    name: str
    said: str
    seconds: float


class TryModel(Errand[ModelTried]):
    """Asks the model of a role for one word, as the settings are now."""

    type: Literal["try model"] = "try model"
    role: Literal["small", "reasoning"]


AnyErrand = Annotated[
    FindPapers
    | FindFailed
    | FindPaper
    | RemovePapers
    | LookOver
    | FindPlaces
    | FindQuestions
    | FindQuestion
    | FindNamedQuestion
    | Rate
    | ForgetMarks
    | FindReferences
    | ExportAnswer
    | FindSettings
    | CheckSetting
    | ChangeSetting
    | TryModel,
    Field(discriminator="type"),
]
AnyFound = Annotated[
    PapersFound
    | FailedPage
    | PaperSheet
    | Removed
    | LookedOver
    | PlacesFound
    | QuestionsFound
    | QuestionFound
    | Rated
    | Forgotten
    | References
    | Exported
    | SettingsFound
    | SettingChecked
    | ModelTried,
    Field(discriminator="type"),
]
